use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::super::finding::{Finding, Report, Verdict};
use super::*;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn only(look: impl FnOnce(&mut Notes<'_>)) -> Finding {
    let mut report = Report::default();
    look(&mut report.of("access"));
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    report.findings.remove(0)
}

#[test]
fn a_secret_is_its_owners_and_may_be_its_groups_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.key");
    fs::write(&path, "").unwrap();
    for (mode, verdict) in [
        (0o600, Verdict::Good),
        (0o640, Verdict::Good),
        (0o400, Verdict::Good),
        (0o644, Verdict::Bad),
        (0o601, Verdict::Bad),
        (0o660, Verdict::Bad),
    ] {
        set_mode(&path, mode);
        assert_eq!(only(|notes| look_at_secret(notes, &path)).verdict, verdict, "{mode:o}");
    }
    assert_eq!(only(|notes| look_at_secret(notes, &folder.path().join("none"))).verdict, Verdict::Bad);
}

#[test]
fn whoever_else_may_write_what_is_trusted_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let trust = folder.path();
    fs::create_dir(trust.join("jwks")).unwrap();
    let keys = trust.join("jwks/idp.json");
    fs::write(&keys, "{}").unwrap();
    set_mode(&trust.join("jwks"), 0o755);
    set_mode(&keys, 0o644);
    let verdict = || only(|notes| look_at_trust(notes, trust));
    assert_eq!(verdict().verdict, Verdict::Good);
    set_mode(&keys, 0o664);
    assert_eq!(verdict().verdict, Verdict::Warn);
    set_mode(&keys, 0o666);
    let found = verdict();
    assert_eq!(found.verdict, Verdict::Bad);
    assert!(found.mend.unwrap().contains("idp.json"));
}

#[test]
fn key_sets_that_nobody_can_look_at_are_not_well_kept() {
    let folder = tempfile::tempdir().unwrap();
    let trust = folder.path();
    assert_eq!(only(|notes| look_at_trust(notes, trust)).verdict, Verdict::Good, "there are none");
    // Not even root reads a file as a folder.
    fs::write(trust.join("jwks"), "").unwrap();
    set_mode(&trust.join("jwks"), 0o644);
    let found = only(|notes| look_at_trust(notes, trust));
    assert_eq!((found.verdict, found.looked_at), (Verdict::Unknown, trust.join("jwks").display().to_string()));
}

#[test]
fn the_gates_folder_is_traefiks_to_write_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let owner = fs::metadata(folder.path()).unwrap().uid();
    let by = |user: u32| {
        let found = fs::metadata(folder.path()).unwrap();
        only(|notes| judge_writer(notes, "gate", &found, user)).verdict
    };
    assert_eq!((by(owner), by(owner + 1)), (Verdict::Good, Verdict::Bad));
    // Root may write everywhere, whatever a mode says.
    set_mode(folder.path(), 0o500);
    assert_eq!((by(owner), by(0)), (if owner == 0 { Verdict::Good } else { Verdict::Bad }, Verdict::Good));
    set_mode(folder.path(), 0o777);
    assert_eq!(only(|notes| look_at_gate_folder(notes, folder.path(), folder.path(), true)).verdict, Verdict::Bad);
    set_mode(folder.path(), 0o700);
}

#[test]
fn where_no_traefik_runs_nobody_knows_who_has_to_write() {
    let folder = tempfile::tempdir().unwrap();
    for is_asked in [true, false] {
        let mut report = Report::default();
        look_at_gate_folder(&mut report.of("trust"), folder.path(), folder.path(), is_asked);
        let verdicts: Vec<_> = report.findings.iter().map(|finding| finding.verdict).collect();
        assert_eq!((verdicts, report.left_out), (vec![Verdict::Unknown], is_asked));
    }
}

#[test]
fn data_are_for_one_user() {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o700);
    assert_eq!(only(|notes| look_at_private_folder(notes, folder.path())).verdict, Verdict::Good);
    set_mode(folder.path(), 0o750);
    assert_eq!(only(|notes| look_at_private_folder(notes, folder.path())).verdict, Verdict::Bad);
}
