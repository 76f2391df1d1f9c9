use std::path::PathBuf;

use super::super::finding::{Report, Verdict};
use super::*;

const SHIPPED: &str = include_str!("../../../../traefik-config/traefik.yml");

/// What is not good, as the words after the file's name.
fn found(text: &str) -> Vec<(String, Verdict)> {
    let file =
        SettingsFile { path: PathBuf::from("t"), text: text.to_owned(), value: serde_saphyr::from_str(text).unwrap() };
    let mut report = Report::default();
    let (trust, gate) = (Path::new("/var/lib/watchgate/trust"), Path::new("/var/lib/watchgate/gate"));
    look(&mut report.of("traefik"), &file, trust, gate);
    let findings = report.findings.into_iter().filter(|finding| finding.verdict != Verdict::Good);
    findings.map(|finding| (finding.looked_at.trim_start_matches("t ").to_owned(), finding.verdict)).collect()
}

#[test]
fn the_shipped_file_is_good_and_each_line_that_is_changed_is_found() {
    assert_eq!(found(SHIPPED), []);
    for (from, to, place, verdict) in [
        ("abortOnPluginFailure: true", "abortOnPluginFailure: false", "abortOnPluginFailure", Verdict::Bad),
        ("global:", "api: {insecure: true}\nglobal:", "api.insecure", Verdict::Bad),
        ("global:", "api: {insecure: \"True\"}\nglobal:", "api.insecure", Verdict::Bad),
        ("global:", "api: {insecure: 1}\nglobal:", "api.insecure", Verdict::Bad),
        ("/trust:ro", "/trust", "mounts /trust", Verdict::Bad),
        ("/gate:/gate", "/gate:/gate:ro", "mounts /gate", Verdict::Bad),
        ("/var/lib/watchgate/gate:", "/srv/gate:", "mounts /gate", Verdict::Bad),
        ("          - /var/lib/watchgate/gate:/gate", "", "mounts /gate", Verdict::Bad),
        ("moduleName: github.com/", "moduleName: example.com/", "experimental.localPlugins", Verdict::Bad),
        ("readTimeout: 60s", "readTimeout: 0s", "entryPoints.websecure.respondingTimeouts", Verdict::Bad),
        ("writeTimeout: 0s", "writeTimeout: 10s", "entryPoints.websecure.respondingTimeouts", Verdict::Warn),
        ("Slash: false", "Slash: true", "entryPoints.websecure.encodedCharacters", Verdict::Warn),
        ("sanitizePath: true", "sanitizePath: false", "entryPoints.websecure.encodedCharacters", Verdict::Warn),
        (
            "Strategy: delete\n      # `",
            "Strategy: keep\n      # `",
            "entryPoints.websecure.aliasHeadersStrategy",
            Verdict::Bad,
        ),
    ] {
        assert!(SHIPPED.contains(from), "{from}");
        assert_eq!(found(&SHIPPED.replacen(from, to, 1)), [(place.to_owned(), verdict)], "{to}");
    }
}

#[test]
fn versions_are_compared_as_numbers() {
    assert_eq!(version("Version:      3.7.15\nCodename:     x\n"), Some([3, 7, 15]));
    assert!(version("Version: 3.7.9").unwrap() < OLDEST && version("Version: v3.10.0-rc.1").unwrap() > OLDEST);
    assert_eq!(version("Version: dev"), None);
}

#[tokio::test]
async fn only_what_a_program_says_that_does_its_work_counts() {
    assert_eq!(said_by(Command::new("echo").arg("Version: 3.7.15")).await.unwrap(), "Version: 3.7.15\n");
    assert!(said_by(Command::new("sh").args(["-c", "echo Version: 3.7.15; exit 3"])).await.is_err(), "it has failed");
    assert!(said_by(Command::new("yes").arg("Version: 3.7.15")).await.is_err(), "it has no end");
    assert!(said_by(&mut Command::new("/nowhere/traefik")).await.is_err(), "it is not there");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_says_nothing_is_not_waited_for() {
    let why = said_by(Command::new("sleep").arg("600")).await.unwrap_err();
    assert!(why.contains("did not end"), "{why}");
}
