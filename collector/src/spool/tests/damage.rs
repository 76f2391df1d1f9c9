//! What crashes and disks do to files.

use super::*;

#[test]
fn a_write_that_was_cut_off_at_any_byte_leaves_all_before_it_and_takes_what_comes_after() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..2));
    let whole = fs::metadata(&folder.segments()[0]).unwrap().len();
    put(&mut spool, &numbers(2..3));
    let torn = fs::read(&folder.segments()[0]).unwrap();
    drop(spool);
    let path = folder.segments()[0].clone();
    for length in usize::try_from(whole).unwrap()..=torn.len() {
        // As a crash leaves it: cut off, or of full length with something else in the place of what was not written yet.
        for filled in [false, true] {
            let mut bytes = torn[..length].to_vec();
            if filled {
                bytes.resize(torn.len() + 5, 0);
            }
            for old in folder.segments() {
                fs::remove_file(old).unwrap();
            }
            fs::write(&path, &bytes).unwrap();
            let mut spool = folder.open();
            let kept = if length == torn.len() { 3 } else { 2 };
            assert_eq!(data(&oldest(&mut spool)), numbers(0..kept), "cut after {length} bytes");
            assert!(spool.lost() == 0 || filled, "a write that did not end was never kept: cut after {length} bytes");
            put(&mut spool, &numbers(kept..kept + 2));
            drop(spool);
            let mut spool = folder.open();
            assert_eq!((data(&oldest(&mut spool)), spool.cut_bytes(), spool.lost()), (numbers(0..kept + 2), 0, 0));
        }
    }
}

#[test]
fn a_number_that_was_lost_with_its_record_is_never_taken_for_the_one_that_gets_it_next() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..2));
    let lost = oldest(&mut spool)[1].clone();
    drop(spool);
    // A disk that did not keep what it had said to have synced.
    let file = File::options().write(true).open(&folder.segments()[0]).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    let mut spool = folder.open();
    put(&mut spool, &numbers(7..8));
    let next = oldest(&mut spool)[1].clone();
    assert_eq!(next.sequence, lost.sequence);
    assert_ne!(next.id, lost.id);
}

#[test]
fn a_record_that_a_disk_has_spoilt_takes_its_segment_with_it_and_no_more() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..3));
    let first = folder.segments()[0].clone();
    let bytes = fs::metadata(&first).unwrap().len();
    put(&mut spool, &numbers(3..6));
    let file = File::options().write(true).open(&first).unwrap();
    file.write_all_at(b"#", bytes + 20).unwrap();
    let before = oldest(&mut spool);
    assert_eq!(data(&before), numbers(0..3));
    done(&mut spool, &before);
    assert_eq!((spool.oldest(MANY, usize::MAX).unwrap(), spool.lost()), ((Vec::new(), 3), 3));
    put(&mut spool, &numbers(6..8));
    assert_eq!(data(&oldest(&mut spool)), numbers(6..8));
}

/// Spoils the file at this byte.
fn spoil(path: &Path, byte: u64) {
    File::options().write(true).open(path).unwrap().write_all_at(b"#", byte).unwrap();
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[test]
fn what_a_disk_has_spoilt_before_a_start_is_lost_and_counted_once() {
    // In the segment that is read last, or in one that another follows.
    for is_followed in [false, true] {
        let folder = Folder::new();
        let mut spool = folder.open();
        put(&mut spool, &numbers(0..2));
        let path = folder.segments()[0].clone();
        let whole = length(&path);
        put(&mut spool, &numbers(2..6));
        if is_followed {
            spool.rotate().unwrap();
            put(&mut spool, &numbers(6..8));
        }
        drop(spool);
        spoil(&path, whole + 20);

        let spool = folder.open();
        let left = if is_followed { 4 } else { 2 };
        assert_eq!((spool.lost(), spool.waiting()), (4, left), "is followed: {is_followed}");
        drop(spool);
        let mut spool = folder.open();
        assert_eq!((spool.lost(), spool.cut_bytes()), (0, 0), "it is told once");
        let expected = if is_followed { [numbers(0..2), numbers(6..8)].concat() } else { numbers(0..2) };
        assert_eq!(data(&drain(&mut spool, MANY)), expected);
        assert_eq!(spool.waiting(), 0);
        put(&mut spool, &numbers(8..9));
        assert_eq!(data(&oldest(&mut spool)), numbers(8..9));
    }
}

#[test]
fn what_was_taken_before_its_record_was_spoilt_is_not_lost() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..1));
    let path = folder.segments()[0].clone();
    let whole = length(&path);
    put(&mut spool, &numbers(1..6));
    let taken = oldest(&mut spool);
    done(&mut spool, &taken[..4]);
    drop(spool);
    spoil(&path, whole + 20);
    assert_eq!(folder.open().lost(), 2, "two of the five that are spoilt were not taken");
}

#[test]
fn a_last_record_that_is_all_there_and_spoilt_was_written_once() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..3));
    drop(spool);
    let path = folder.segments()[0].clone();
    spoil(&path, length(&path) - 3);
    let mut spool = folder.open();
    assert_eq!((data(&oldest(&mut spool)), spool.lost()), (numbers(0..2), 1));
}

#[test]
fn a_segment_whose_beginning_is_spoilt_is_lost_as_a_whole() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..3));
    drop(spool);
    spoil(&folder.segments()[0], 17);
    let mut spool = folder.open();
    assert_eq!((oldest(&mut spool), spool.lost(), spool.waiting()), (Vec::new(), 3, 0));
}

#[test]
fn what_had_to_go_for_a_write_that_failed_is_counted_and_no_count_falls_below_nothing() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..1));
    let on_its_way = oldest(&mut spool);
    let filler = |bytes: usize| [format!("\"{}\"", "x".repeat(bytes))];
    while spool.bytes() + 30_000 <= LEAST_BYTES {
        put(&mut spool, &filler(20_000));
    }
    // The next write needs room, and then the disk says no.
    spool.rotate().unwrap();
    let waiting = spool.waiting();
    spool.fill_disk();
    try_put(&mut spool, &filler(40_000)).unwrap_err();
    let gone = waiting - spool.waiting();
    assert!(gone > 0, "room had to be made");
    assert_eq!(spool.lost(), gone);
    done(&mut spool, &on_its_way);
    assert_eq!(spool.lost(), gone - 1, "one has arrived after all");
}
