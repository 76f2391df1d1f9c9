//! `watchgate collect xbox` as somebody meets it who has not got it right yet.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod program;

use program::watchgate;

/// Everything that it takes to begin, but what is said in addition; what comes of it.
fn begun_with(more: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("token"), "opaque").unwrap();
    begun(&file("token"), &file("spool"), more)
}

fn begun(token: &str, spool: &str, more: &[&str]) -> (i32, String) {
    let arguments = ["collect", "xbox", "--gateway", "https://127.0.0.1:1", "--source", "urn:console:7"];
    let ended = watchgate(&[&arguments[..], &["--token-file", token, "--spool", spool], more].concat());
    (ended.code, ended.stderr)
}

#[test]
fn a_mistake_on_the_command_line_ends_it_with_what_to_say_instead() {
    let game = |more: &[&'static str]| [&["--game", "game.jsonl", "--device", "console-7"], more].concat();
    for (more, said) in [
        (vec![], "there is nothing to collect: name a console's portal with --portal, its game with --game, or both"),
        (vec!["--game", "game.jsonl"], "name it with --device"),
        (vec!["--game", "game.jsonl", "--device", " "], "a name is not empty"),
        (game(&["--trait", "site= "]), "neither of them empty, such as site=lab-2"),
        (game(&["--trait", " =lab-2"]), "neither of them empty, such as site=lab-2"),
        (game(&["--trait", "site=a", "--trait", "site=b"]), "--trait site is said twice"),
        (vec!["--portal", "192.168.1.20:11443"], "give scheme, host and port, such as https://192.168.1.20:11443"),
        (vec!["--portal", "console:11443"], "give scheme, host and port, such as https://192.168.1.20:11443"),
        (vec!["--portal", "http://192.168.1.20:11443"], "must be https://HOST:PORT"),
        (vec!["--portal", "https://192.168.1.20:11443", "--portal-pin", "sha256/abc"], "a pin is `sha256/`"),
    ] {
        let (code, stderr) = begun_with(&more);
        assert!(code == 2 && stderr.contains(said), "{more:?} ends with {code}: {stderr}");
    }
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("token"), "opaque").unwrap();
    let game = ["--game", "game.jsonl", "--device", "console-7"];
    let (code, stderr) = begun(&file("token"), &file("token"), &game);
    assert!(code == 2 && stderr.contains("cannot be opened: not a directory"), "{stderr}");
    let (code, stderr) = begun(&file("nothing"), &file("spool"), &game);
    assert!(code == 2 && stderr.contains(&format!("the file {} cannot be read", file("nothing"))), "{stderr}");
}
