//! A disk that fills up, or takes nothing any more: real ones, small, which root alone can make (`make test-host`), and as far as
//! SQLite can be told to behave as if.

use std::path::Path;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;
use crate::backbone::retention::{Limits, Retention};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A disk of its own at a folder, taken away at the end even if somebody still has a file open.
struct SmallDisk {
    at: std::path::PathBuf,
}

impl SmallDisk {
    fn mount(at: &Path, arguments: &[&str]) -> Self {
        run("mount", &[arguments, &[at.to_str().unwrap()]].concat());
        Self { at: at.to_owned() }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &["--lazy", self.at.to_str().unwrap()]);
    }
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

async fn publish(stage: &Stage, id: usize, bytes: usize) -> Answer {
    let mut sent = event(&format!("e-{id}"));
    sent["data"] = json!("x".repeat(bytes));
    publish_structured(stage, &sent).await
}

/// Publishes until there is no room even for little; gives what was acknowledged.
async fn fill(stage: &Stage, next: &mut usize) -> Vec<usize> {
    let mut acknowledged = Vec::new();
    for bytes in [200_000, 20_000, 1_000, 1] {
        loop {
            *next += 1;
            let answer = publish(stage, *next, bytes).await;
            if answer.status != StatusCode::ACCEPTED {
                assert_eq!(answer.status, StatusCode::INSUFFICIENT_STORAGE, "{answer:?}");
                assert_eq!(answer.json["type"], "urn:watchgate:problem:store-full");
                break;
            }
            acknowledged.push(*next);
        }
    }
    acknowledged
}

async fn kept(stage: &Stage) -> Vec<usize> {
    let (mut kept, mut after) = (Vec::new(), 0);
    loop {
        let page = stage.get(&format!("/v1/events?limit=1000&after={after}")).send().await.json;
        let events = page["events"].as_array().unwrap();
        kept.extend(events.iter().map(|event| event["event"]["id"].as_str().unwrap()[2..].parse::<usize>().unwrap()));
        let Some(next) = page["next_after"].as_u64() else { return kept };
        after = next;
    }
}

async fn until_ready(stage: &Stage, status: StatusCode) {
    let begun = std::time::Instant::now();
    while stage.get("/readyz").open().await.status() != status {
        assert!(begun.elapsed() < Duration::from_secs(30), "never {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Publishes little until it is acknowledged.
async fn until_taken(stage: &Stage, next: &mut usize) -> usize {
    let begun = std::time::Instant::now();
    loop {
        *next += 1;
        if publish(stage, *next, 1).await.status == StatusCode::ACCEPTED {
            return *next;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "there is no room");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_store_that_may_not_grow_refuses_with_507_and_keeps_what_it_acknowledged() {
    let stage = Stage::with_setting("max_page_count", 200);
    let mut next = 0;
    let mut acknowledged = fill(&stage, &mut next).await;
    assert!(!acknowledged.is_empty());
    assert_eq!(kept(&stage).await, acknowledged);
    let stage = stage.restarted();
    assert_eq!(publish(&stage, 0, 200_000).await.status, StatusCode::ACCEPTED);
    acknowledged.push(0);
    assert_eq!(kept(&stage).await, acknowledged);
}

/// Says to the test below that it is the one whose files are bounded.
const BOUNDED: &str = "WATCHGATE_TEST_FILES_ARE_BOUNDED";

#[tokio::test]
async fn files_that_may_not_grow_are_507_lose_nothing_and_are_no_end_of_the_process() {
    if std::env::var_os(BOUNDED).is_none() {
        let bounded = Command::new("sh")
            .args(["-c", r#"ulimit -S -f 4096; exec "$@""#, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "events::tests::full_disk::files_that_may_not_grow_are_507_lose_nothing_and_are_no_end_of_the_process",
            ])
            .env(BOUNDED, "1")
            .status();
        assert!(bounded.unwrap().success());
        return;
    }
    let bound = getrlimit(Resource::Fsize);
    assert!(bound.current.is_some(), "nothing is bounded");
    crate::serve::outlive_full_files().unwrap();
    let stage = Stage::new();
    let mut next = 0;
    let mut acknowledged = fill(&stage, &mut next).await;
    assert!(!acknowledged.is_empty());
    until_ready(&stage, StatusCode::OK).await;
    assert_eq!(kept(&stage).await, acknowledged);
    let stage = stage.restarted();
    assert_eq!(kept(&stage).await, acknowledged);
    acknowledged.extend(fill(&stage, &mut next).await);
    setrlimit(Resource::Fsize, Rlimit { current: bound.maximum, ..bound }).unwrap();
    acknowledged.push(until_taken(&stage, &mut next).await);
    assert_eq!(kept(&stage).await, acknowledged);
}

#[tokio::test]
#[ignore = "needs root: mounts a small disk"]
async fn a_disk_that_fills_up_loses_nothing_that_was_acknowledged_and_takes_events_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(folder.path(), &["-t", "tmpfs", "-o", "size=24m", "none"]);
    // Of somebody else, who fills the disk too.
    let foreign = folder.path().join("foreign");
    std::fs::write(&foreign, vec![0; 6 * 1024 * 1024]).unwrap();
    let stage = Stage::in_folder(folder, Retention::default());
    let mut next = 0;
    let mut acknowledged = fill(&stage, &mut next).await;
    until_ready(&stage, StatusCode::OK).await;
    assert_eq!(kept(&stage).await, acknowledged);
    std::fs::remove_file(foreign).unwrap();
    acknowledged.push(until_taken(&stage, &mut next).await);
    acknowledged.extend(fill(&stage, &mut next).await);
    assert_eq!(kept(&stage).await, acknowledged);
    let stage = stage.restarted();
    assert_eq!(kept(&stage).await, acknowledged);
    println!("kept {} of {next} events", acknowledged.len());
    drop(stage);
    drop(disk);
}

#[tokio::test]
#[ignore = "needs root: mounts a small disk"]
async fn what_was_kept_long_enough_is_let_go_on_a_full_disk_and_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(folder.path(), &["-t", "tmpfs", "-o", "size=40m", "none"]);
    let rest = Limits { max_age: Some(HOUR), max_bytes: None };
    let stage = Stage::in_folder(folder, Retention { classes: Vec::new(), rest });
    let mut next = 0;
    let acknowledged = fill(&stage, &mut next).await;
    assert_eq!(kept(&stage).await, acknowledged);
    stage.clock.advance(HOUR + HOUR);
    let begun = std::time::Instant::now();
    while !kept(&stage).await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing is let go");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut again = vec![until_taken(&stage, &mut next).await];
    again.extend(fill(&stage, &mut next).await);
    assert_eq!(kept(&stage).await, again);
    println!("{} events before, {} after", acknowledged.len(), again.len());
    assert!(again.len() > acknowledged.len() / 2);
    drop(stage);
    drop(disk);
}

#[tokio::test]
#[ignore = "needs root: mounts a small disk"]
async fn a_disk_that_became_read_only_is_503_and_what_is_kept_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let image = tempfile::NamedTempFile::new().unwrap();
    image.as_file().set_len(64 * 1024 * 1024).unwrap();
    run("mkfs.ext4", &["-q", image.path().to_str().unwrap()]);
    let before = ext4_disks();
    let disk = SmallDisk::mount(folder.path(), &["-o", "loop,errors=remount-ro", image.path().to_str().unwrap()]);
    let device = ext4_disks().into_iter().find(|name| !before.contains(name)).unwrap();
    let stage = Stage::in_folder(folder, Retention::default());
    assert_eq!(publish(&stage, 1, 10).await.status, StatusCode::ACCEPTED);
    // What the kernel does when such a disk has a fault.
    std::fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "1").unwrap();
    let refused = publish(&stage, 2, 10).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");
    assert_eq!(refused.json["type"], "urn:watchgate:problem:store-unavailable");
    until_ready(&stage, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(kept(&stage).await, [1]);
    drop(stage);
    drop(disk);
}

fn ext4_disks() -> Vec<String> {
    let disks = std::fs::read_dir("/sys/fs/ext4").unwrap();
    disks.map(|disk| disk.unwrap().file_name().into_string().unwrap()).collect()
}
