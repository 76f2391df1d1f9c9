//! `watchgate keeper` and its folders: killed, crowded out, refused, led astray.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where it cannot go on")]

mod keeper_stage;
mod program;
mod provider;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keeper_stage::{Stage, issuer_lines, key_set, kid_of, when};
use program::watchgate;
use provider::{Provider, http};

const LARGE: usize = 200 * 1024;

fn keeper_of(provider: &Provider) -> Stage {
    let stage = Stage::new("");
    let ca = stage.path("ca.pem");
    fs::write(&ca, &provider.ca_pem).unwrap();
    stage.configure(&format!("issuers:\n{}", issuer_lines(provider, &ca, "a")));
    stage
}

#[test]
fn a_keeper_that_is_killed_at_any_moment_leaves_whole_files_and_a_growing_sequence() {
    let asked = AtomicUsize::new(0);
    let provider = Provider::https(move |_, _| {
        let kid = ["one", "two"][asked.fetch_add(1, Ordering::Relaxed) % 2];
        http("200 OK", &[], &key_set(kid, LARGE))
    });
    let mut stage = keeper_of(&provider);
    let mut sequence = 0;
    for round in 0..25 {
        let seen = provider.seen().len();
        stage.start();
        when("a request", || provider.seen().len() > seen);
        // Into the writing of keys, state and head, each time a little later.
        std::thread::sleep(Duration::from_millis(round));
        stage.kill();
        if let Some(head) = stage.head() {
            assert!(head.sequence >= sequence);
            sequence = head.sequence;
        }
        if let Some(jwks) = stage.file("jwks/a.json") {
            assert!(jwks.len() > LARGE && ["one", "two"].contains(&kid_of(&jwks).as_str()));
        }
    }
    stage.start();
    when("a whole head", || {
        stage.head().is_some_and(|head| head.sequence > sequence && head.key_sets["jwks/a.json"] > 0)
    });
    let left: Vec<_> = fs::read_dir(stage.path("trust/jwks")).unwrap().collect();
    assert_eq!(left.len(), 1, "what was half written is gone: {left:?}");
}

#[test]
fn the_sequence_grows_also_when_the_clock_has_been_set_back() {
    let mut stage = Stage::new("");
    let future = 9_000_000_000_000_u64;
    fs::write(stage.path("trust/head"), format!("{{\"sequence\":{future},\"time\":{future}}}")).unwrap();
    stage.start();
    when("two heads", || stage.head().is_some_and(|head| head.sequence >= future + 2));
    assert!(stage.head().unwrap().time < future);
}

#[test]
fn the_second_keeper_of_a_directory_ends_and_says_why() {
    let mut stage = Stage::new("");
    stage.start();
    when("a head", || stage.head().is_some());
    let second = stage.command().stderr(Stdio::piped()).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8(second.stderr).unwrap().contains("another keeper"));
    let sequence = stage.head().unwrap().sequence;
    when("the first goes on", || stage.head().is_some_and(|head| head.sequence > sequence));
    // The system lets go for whoever was killed.
    stage.kill();
    let sequence = stage.head().unwrap().sequence;
    stage.start();
    when("the next goes on", || stage.head().is_some_and(|head| head.sequence > sequence));
}

#[test]
fn a_head_that_cannot_be_written_is_written_as_soon_as_it_can_be() {
    let mut stage = Stage::new("");
    // Not even root renames a file over a folder.
    fs::create_dir(stage.path("trust/head")).unwrap();
    stage.start();
    when("the keeper is there", || stage.path("trust/.keeper/lock").exists());
    std::thread::sleep(Duration::from_millis(1500));
    assert!(stage.keepers[0].try_wait().unwrap().is_none());
    fs::remove_dir(stage.path("trust/head")).unwrap();
    when("a head", || stage.head().is_some());
}

#[test]
fn a_disk_that_takes_nothing_does_not_end_the_keeper_and_no_file_is_left_torn() {
    let provider = Provider::https(|_, _| http("200 OK", &[], &key_set("one", 0)));
    let mut stage = keeper_of(&provider);
    // Every write of a byte fails from here on, as on a full disk.
    let mut limited = Command::new("sh");
    limited.args([
        "-c",
        "trap '' XFSZ; ulimit -f 0; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_watchgate"),
        "keeper",
        "--config",
    ]);
    limited.arg(stage.path("keeper.yml")).stderr(Stdio::null());
    let keeper = limited.spawn().unwrap();
    stage.keepers.push(keeper);
    when("requests", || !provider.seen().is_empty());
    std::thread::sleep(Duration::from_millis(1500));
    assert!(stage.keepers[0].try_wait().unwrap().is_none());
    assert!(stage.head().is_none() && stage.file("jwks/a.json").is_none());
    stage.kill();
    stage.start();
    when("a head", || stage.head().is_some_and(|head| head.key_sets["jwks/a.json"] > 0));
}

#[test]
fn links_planted_in_the_gates_folder_lead_the_keeper_nowhere() {
    let provider = Provider::https(|_, _| http("200 OK", &[], &key_set("one", 0)));
    let mut stage = keeper_of(&provider);
    let outside = stage.path("outside");
    fs::create_dir_all(outside.join("5")).unwrap();
    fs::write(outside.join("5/precious"), vec![b'x'; 5 * 1024 * 1024]).unwrap();
    let gate = stage.path("gate");
    let wish = gate.join(trust_core::trust_head::wanted_file("urn:a"));
    symlink(outside.join("5/precious"), &wish).unwrap();
    symlink(outside.join("5/precious"), gate.join("denials")).unwrap();
    symlink(&outside, gate.join("dpop")).unwrap();
    stage.start();
    when("the wish is taken", || fs::symlink_metadata(&wish).is_err());
    when("the keys are fetched", || stage.head().is_some_and(|head| head.key_sets["jwks/a.json"] > 0));
    assert_eq!(fs::metadata(outside.join("5/precious")).unwrap().len(), 5 * 1024 * 1024);
    assert!(fs::symlink_metadata(gate.join("denials")).unwrap().is_symlink());
    assert!(!gate.join("denials.1").exists());
}

#[test]
fn old_proofs_and_many_denials_are_cleared_away() {
    let mut stage = Stage::new("");
    fs::create_dir_all(stage.path("gate/dpop/5")).unwrap();
    fs::write(stage.path("gate/dpop/5/digest"), "").unwrap();
    fs::write(stage.path("gate/denials"), vec![b'x'; 5 * 1024 * 1024]).unwrap();
    stage.start();
    when("the proofs are gone", || !stage.path("gate/dpop/5").exists());
    when("the denials are set aside", || stage.path("gate/denials.1").exists() && !stage.path("gate/denials").exists());
}

#[test]
fn a_keeper_that_is_asked_to_end_ends_in_order() {
    let mut stage = Stage::new("");
    stage.start();
    when("a head", || stage.head().is_some());
    let mut keeper = stage.keepers.pop().unwrap();
    let sent = Command::new("kill").arg(keeper.id().to_string()).status().unwrap();
    assert!(sent.success());
    assert!(keeper.wait().unwrap().success());
}

#[test]
fn a_configuration_with_mistakes_is_refused_with_every_place() {
    let stage = Stage::new("host: 7\nissuers:\n  - issuer: idp\n    file: head\n    colour: red");
    let file = stage.path("keeper.yml").display().to_string();
    for arguments in [&["keeper", "--config", file.as_str()][..], &["keeper", "--config", file.as_str(), "--check"]] {
        let ended = watchgate(arguments);
        assert_eq!(ended.code, 1);
        let places = [":3: host: ", ":5: issuers[0].issuer: ", ":6: issuers[0].file: ", ":7: issuers[0].colour: "];
        assert!(places.iter().all(|place| ended.stderr.contains(&format!("{file}{place}"))), "{}", ended.stderr);
    }
    assert!(!stage.path("trust/.keeper").exists());
    assert_eq!(watchgate(&["keeper", "--config", "/nowhere/keeper.yml"]).code, 2);
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let stage = Stage::new("");
    fs::remove_dir(stage.path("trust")).unwrap();
    let ended = watchgate(&["keeper", "--config", stage.path("keeper.yml").to_str().unwrap()]);
    assert_eq!(ended.code, 2);
    assert!(!stage.path("trust").exists());
}

#[test]
fn the_shipped_configuration_has_no_mistakes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let shipped = root.join("traefik-config/keeper.yml").display().to_string();
    let ended = watchgate(&["keeper", "--config", &shipped, "--check"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.ends_with("no mistakes\n"));
}
