//! Against the real `ansible-playbook`, on this host.

mod killed;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::runner::late::{Truth, truth};
use crate::runner::processes;
use crate::runner::tests::{Stage, Told, failed, files_below, hostile, runbook};
use crate::runner::work::{Ending, Work};

use super::*;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/ansible/bin/ansible-playbook");

/// A stage with a working copy that holds these playbooks, and a folder for what they write.
struct Copy {
    stage: Stage,
    folder: PathBuf,
    out: PathBuf,
}

impl Copy {
    fn new(playbooks: &[(&str, &str)], steps: &str) -> Self {
        let mut stage = Stage::new(&[runbook("play", steps)]);
        let folder = stage.folder.path().join("copy");
        let out = stage.folder.path().join("out");
        fs::create_dir(&folder).unwrap();
        fs::create_dir(&out).unwrap();
        let host = "localhost ansible_connection=local ansible_python_interpreter=\"{{ ansible_playbook_python }}\"\n";
        fs::write(folder.join("hosts"), host).unwrap();
        for (name, tasks) in playbooks {
            let text = format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}");
            fs::write(folder.join(name), text.replace("OUT", out.to_str().unwrap())).unwrap();
        }
        let program = Path::new(PROGRAM);
        assert!(program.exists(), "run `make setup-tests`: it puts ansible-core into .tools/");
        let ansible = Playbooks::open(&folder, program, &stage.state()).unwrap();
        stage.runner.kinds.ansible = Some(ansible);
        Self { stage, folder, out }
    }
}

fn step(playbook: &str) -> String {
    format!(
        "steps: [{{name: play, ansible: {{playbook: {playbook}, inventory: hosts, vars: {{value: {{parameter: value}}}}}}}}]"
    )
}

const WRITE: &str = "    - name: write it\n      copy: {content: '{{ value }}', dest: OUT/one}\n";
const SLEEP: &str = "    - name: sleep\n      shell: 'touch OUT/began; setsid sleep 300 & sleep 300'\n";

#[tokio::test]
async fn hostile_values_reach_a_playbook_byte_for_byte_and_nothing_in_them_is_evaluated() {
    let tasks = "    - name: write all\n      copy: {content: '{{ value | to_json }}', dest: OUT/all}\n    - name: write some\n      copy: {content: '{{ value[item] }}', dest: 'OUT/{{ item }}'}\n      loop: [0, 9, 28, 31, 37]\n";
    let copy = Copy::new(&[("write.yml", tasks)], &step("write.yml"));
    let values = hostile::values();
    assert!(values.len() >= 40);
    let (ending, told) = copy.stage.run("play", json!({"value": values})).await;
    assert!(matches!(ending, Ending::Succeeded(_)), "{ending:?}\n{told}");
    let all: Vec<String> = serde_json::from_slice(&fs::read(copy.out.join("all")).unwrap()).unwrap();
    for (value, written) in values.iter().zip(&all) {
        assert!(value == written, "{value:.99} became {written:.99}");
    }
    assert_eq!(all.len(), values.len());
    for index in [0, 9, 28, 31, 37] {
        let written = fs::read(copy.out.join(index.to_string())).unwrap();
        assert_eq!(written, values[index].as_bytes(), "{}", values[index]);
    }
    let left: Vec<_> = files_below(&copy.stage.state())
        .into_iter()
        .filter(|path| path.to_str().unwrap().ends_with(".vars.yml"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn what_a_playbook_does_is_told_while_it_does_it() {
    let copy = Copy::new(&[("write.yml", WRITE)], &step("write.yml"));
    let (ending, told) = copy.stage.run("play", json!({"value": "{{ nothing }}"})).await;
    let Ending::Succeeded(result) = ending else { panic!("{ending:?}\n{told}") };
    assert_eq!(result["steps"][0]["what"], "hosts: 1, tasks ok: 1, changed: 1, failed or out of reach: 0");
    assert!(told.contains("task: write it\n  localhost: changed\n"), "{told}");
    assert_eq!(fs::read_to_string(copy.out.join("one")).unwrap(), "{{ nothing }}");
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let copy = Copy::new(&[("write.yml", WRITE)], &step("write.yml"));
    let work = Work { dry_run: true, ..copy.stage.work("play", json!({"value": "new words"})) };
    let (ending, told) = copy.stage.carry_out(&work).await;
    assert!(matches!(ending, Ending::Succeeded(_)), "{ending:?}");
    assert!(told.contains("+new words") && !copy.out.join("one").exists(), "{told}");
}

#[tokio::test]
async fn a_playbook_that_fails_or_finds_no_host_has_failed() {
    let fails = "    - name: fails\n      command: /bin/false\n";
    let copy = Copy::new(&[("fails.yml", fails)], &step("fails.yml"));
    let (ending, _) = copy.stage.run("play", json!({"value": 1})).await;
    assert!(failed(&ending).contains("fails on localhost: non-zero return code"), "{ending:?}");

    fs::write(copy.folder.join("fails.yml"), "- hosts: nobody\n  tasks: []\n").unwrap();
    let (ending, _) = copy.stage.run("play", json!({"value": 1})).await;
    assert!(failed(&ending).contains("no host"), "{ending:?}");

    fs::write(copy.folder.join("fails.yml"), "no playbook").unwrap();
    let (ending, _) = copy.stage.run("play", json!({"value": 1})).await;
    assert!(failed(&ending).contains("ansible-playbook ended with"), "{ending:?}");
}

#[tokio::test]
async fn a_playbook_that_is_to_end_ends_with_everything_that_it_has_started() {
    let copy = Copy::new(&[("sleep.yml", SLEEP)], &step("sleep.yml"));
    let told = Told::default();
    let work = copy.stage.work("play", json!({"value": 1}));
    let stop = async {
        began(&copy).await;
        told.ask_to_stop();
    };
    let begun = Instant::now();
    let (ending, ()) = tokio::join!(copy.stage.runner.carry_out(&work, &told), stop);
    assert!(matches!(&ending, Ending::Canceled(why) if why.contains("somebody asked")), "{ending:?}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_nothing_runs(&copy);
}

/// The lease is lost, or the runner is killed: in both cases nobody waits for the end.
#[tokio::test]
async fn a_playbook_does_not_outlive_who_follows_it_and_its_own_events_say_how_far_it_came() {
    let copy = Copy::new(&[("sleep.yml", SLEEP)], &step("sleep.yml"));
    let told = Told::default();
    let work = copy.stage.work("play", json!({"value": 1}));
    tokio::select! {
        ending = copy.stage.runner.carry_out(&work, &told) => panic!("{ending:?}"),
        () = began(&copy) => {}
    }
    assert_nothing_runs(&copy);
    let [kept] = &copy.stage.runner.journal.left().unwrap()[..] else { panic!() };
    let Some(Truth { command, ending, .. }) = truth(&copy.stage.runner.journal, kept, None).await else { panic!() };
    assert_eq!(command, work.id);
    assert!(failed(&ending).contains("broke off in the task \"sleep\""), "{ending:?}");
}

async fn began(copy: &Copy) {
    while !copy.out.join("began").exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn assert_nothing_runs(copy: &Copy) {
    let files = files_below(&copy.stage.state());
    let events = files.iter().find(|path| path.extension().is_some_and(|extension| extension == "events")).unwrap();
    let mark = events.file_stem().unwrap().to_str().unwrap();
    assert_eq!(processes::end_marked(mark), (0, true), "something was still running");
}

#[tokio::test]
async fn paths_that_lead_out_of_the_working_copy_are_refused() {
    let copy = Copy::new(&[("write.yml", WRITE)], &step("write.yml"));
    let outside = copy.stage.folder.path().join("outside.yml");
    fs::write(&outside, "- hosts: all\n").unwrap();
    symlink(&outside, copy.folder.join("link.yml")).unwrap();
    symlink(copy.stage.folder.path(), copy.folder.join("up")).unwrap();
    for path in
        ["../outside.yml", "link.yml", "up/outside.yml", "/etc/passwd", "", ".", "a/../write.yml", "--flag", "gone.yml"]
    {
        let refused = below(&copy.folder.canonicalize().unwrap(), path);
        assert!(matches!(refused, Err(StepFailure::Refused(_))), "{path}");
    }
    assert!(below(&copy.folder.canonicalize().unwrap(), "write.yml").is_ok());
}

#[test]
fn values_lie_in_a_file_of_their_own_that_nobody_else_reads_and_that_goes_with_the_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.vars.yml");
    let values = BTreeMap::from([("a".to_owned(), json!("x"))]);
    let file = VarsFile::write(path.clone(), &values).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(VarsFile::write(path.clone(), &values).is_err(), "a file that is there already is somebody else's");
    assert!(path.exists());
    drop(file);
    assert!(!path.exists());
    let large = BTreeMap::from([("a".to_owned(), json!("x".repeat(5 * 1024 * 1024)))]);
    assert!(VarsFile::write(path.clone(), &large).is_err() && !path.exists());
}
