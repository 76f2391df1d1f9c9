use std::fs;
use std::os::unix::fs::symlink;

use super::*;

struct Planted {
    gate: tempfile::TempDir,
    outside: tempfile::TempDir,
    folder: GateFolder,
}

impl Planted {
    fn new() -> Self {
        let gate = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("precious"), vec![b'x'; 5 * 1024 * 1024]).unwrap();
        let folder = GateFolder::new(gate.path());
        Self { gate, outside, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.gate.path().join(name)
    }

    fn precious(&self) -> PathBuf {
        self.outside.path().join("precious")
    }

    fn is_precious_whole(&self) -> bool {
        fs::metadata(self.precious()).is_ok_and(|found| found.len() == 5 * 1024 * 1024)
    }
}

#[test]
fn a_wish_is_taken_once_whatever_it_is() {
    let planted = Planted::new();
    assert_eq!(planted.folder.take_wish("wanted-1"), Ok(false));
    fs::write(planted.path("wanted-1"), "").unwrap();
    symlink(planted.precious(), planted.path("wanted-2")).unwrap();
    for name in ["wanted-1", "wanted-2"] {
        assert_eq!(planted.folder.take_wish(name), Ok(true), "{name}");
        assert_eq!(planted.folder.take_wish(name), Ok(false), "{name}");
    }
    assert!(planted.is_precious_whole());
    fs::create_dir_all(planted.path("wanted-3/full")).unwrap();
    assert_eq!(planted.folder.take_wish("wanted-3"), Ok(true));
}

#[test]
fn a_folder_that_is_gone_and_made_again_is_looked_at_again() {
    let planted = Planted::new();
    fs::remove_dir(planted.gate.path()).unwrap();
    assert_eq!(planted.folder.take_wish("wanted-1"), Err(Errno::NOENT));
    fs::create_dir(planted.gate.path()).unwrap();
    fs::write(planted.path("wanted-1"), "").unwrap();
    assert_eq!(planted.folder.take_wish("wanted-1"), Ok(true));
}

#[test]
fn only_proofs_of_minutes_long_past_are_removed() {
    let planted = Planted::new();
    assert_eq!(planted.folder.sweep_proofs(1000), Ok(()));
    for minute in ["0", "988", "989", "990", "1000", "2000", "0989", "note"] {
        fs::create_dir_all(planted.path("dpop").join(minute)).unwrap();
        fs::write(planted.path("dpop").join(minute).join("digest"), "").unwrap();
    }
    assert_eq!(planted.folder.sweep_proofs(1000), Ok(()));
    let mut left: Vec<_> = fs::read_dir(planted.path("dpop"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["0989", "1000", "2000", "990", "note"]);
}

#[test]
fn links_among_the_proofs_lead_nowhere() {
    let planted = Planted::new();
    fs::create_dir_all(planted.path("dpop/5")).unwrap();
    fs::create_dir_all(planted.path("dpop/5/folder")).unwrap();
    symlink(planted.precious(), planted.path("dpop/5/link")).unwrap();
    symlink(planted.outside.path(), planted.path("dpop/6")).unwrap();
    symlink(planted.precious(), planted.path("dpop/7")).unwrap();
    assert_eq!(planted.folder.sweep_proofs(1000), Ok(()));
    assert!(planted.is_precious_whole());
    assert_eq!(fs::read_dir(planted.path("dpop")).unwrap().count(), 0);

    fs::remove_dir(planted.path("dpop")).unwrap();
    fs::create_dir(planted.outside.path().join("5")).unwrap();
    symlink(planted.outside.path(), planted.path("dpop")).unwrap();
    assert_eq!(planted.folder.sweep_proofs(1000), Ok(()));
    assert!(planted.outside.path().join("5").exists());
}

#[test]
fn a_sweep_ends_however_much_there_is_and_the_next_goes_on() {
    let planted = Planted::new();
    fs::create_dir_all(planted.path("dpop/5")).unwrap();
    let many = ENTRIES_A_SWEEP + 100;
    for number in 0..many {
        fs::write(planted.path("dpop/5").join(number.to_string()), "").unwrap();
    }
    assert_eq!(planted.folder.sweep_proofs(1000), Ok(()));
    let left = fs::read_dir(planted.path("dpop/5")).unwrap().count();
    assert!((100..=200).contains(&left), "{left}");
    assert_eq!(planted.folder.sweep_proofs(1000), Ok(()));
    assert!(!planted.path("dpop/5").exists());
}

#[test]
fn denials_are_set_aside_when_they_are_many_and_nothing_else_is() {
    let planted = Planted::new();
    assert_eq!(planted.folder.rotate_denials(), Ok(()));
    fs::write(planted.path("denials"), vec![b'x'; 4 * 1024 * 1024]).unwrap();
    assert_eq!(planted.folder.rotate_denials(), Ok(()));
    assert!(planted.path("denials").exists());
    fs::write(planted.path("denials"), vec![b'x'; 4 * 1024 * 1024 + 1]).unwrap();
    symlink(planted.precious(), planted.path("denials.1")).unwrap();
    assert_eq!(planted.folder.rotate_denials(), Ok(()));
    assert!(!planted.path("denials").exists() && planted.is_precious_whole());
    assert!(fs::symlink_metadata(planted.path("denials.1")).unwrap().is_file());

    symlink(planted.precious(), planted.path("denials")).unwrap();
    assert_eq!(planted.folder.rotate_denials(), Ok(()));
    assert!(fs::symlink_metadata(planted.path("denials")).unwrap().is_symlink() && planted.is_precious_whole());
}
