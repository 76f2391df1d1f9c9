use std::fs;
use std::os::unix::fs::FileExt as _;

use proptest::prelude::*;

use super::*;

const MANY: usize = 1000;

impl Spool {
    /// From now on the disk has no room.
    pub(crate) fn fill_disk(&mut self) {
        self.writer = File::options().write(true).open("/dev/full").unwrap();
    }

    /// It has room again.
    pub(crate) fn empty_disk(&mut self) {
        self.writer = File::options().write(true).open(&self.last().unwrap().path).unwrap();
        self.writer.seek(SeekFrom::End(0)).unwrap();
    }
}

mod damage;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Spool {
        Spool::open(self.0.path(), LEAST_BYTES).unwrap()
    }

    fn segments(&self) -> Vec<PathBuf> {
        Segment::all(self.0.path()).unwrap().into_iter().map(|segment| segment.path).collect()
    }
}

/// Says how many had to go.
fn put(spool: &mut Spool, data: &[String]) -> u64 {
    let before = spool.lost();
    try_put(spool, data).unwrap();
    spool.lost() - before
}

fn try_put(spool: &mut Spool, data: &[String]) -> Result<(), SpoolError> {
    let batches: Vec<_> =
        data.iter().map(|data| NewBatch { device: "console-7", time: 7, place: None, data }).collect();
    spool.append(&batches)
}

fn numbers(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| format!("{{\"number\": {number}}}")).collect()
}

fn oldest(spool: &mut Spool) -> Vec<Spooled> {
    spool.oldest(MANY, usize::MAX).unwrap().0
}

fn data(spooled: &[Spooled]) -> Vec<String> {
    spooled.iter().map(|spooled| spooled.data.clone()).collect()
}

fn done(spool: &mut Spool, spooled: &[Spooled]) {
    let sequences: Vec<_> = spooled.iter().map(|spooled| spooled.sequence).collect();
    spool.acknowledge(&sequences).unwrap();
}

/// Everything that waits, taken in requests of this many.
fn drain(spool: &mut Spool, most: usize) -> Vec<Spooled> {
    let mut all = Vec::new();
    loop {
        let (spooled, lost) = spool.oldest(most, usize::MAX).unwrap();
        assert_eq!(lost, 0);
        if spooled.is_empty() {
            return all;
        }
        done(spool, &spooled);
        all.extend(spooled);
    }
}

#[test]
fn what_waits_is_there_after_a_start_under_the_same_ids_until_it_is_acknowledged() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..5));
    let before = oldest(&mut spool);
    assert_eq!(data(&before), numbers(0..5));
    assert_eq!(oldest(&mut spool), before, "to look takes nothing away");
    drop(spool);

    let mut spool = folder.open();
    assert_eq!((oldest(&mut spool), spool.waiting()), (before.clone(), 5));
    done(&mut spool, &before[..3]);
    put(&mut spool, &numbers(5..6));
    drop(spool);

    let mut spool = folder.open();
    let after = oldest(&mut spool);
    assert_eq!(data(&after), numbers(3..6));
    assert_eq!(after[..2], before[3..]);
    assert!(after[2].id.starts_with(&spool.name));
    done(&mut spool, &after);
    assert_eq!((spool.waiting(), oldest(&mut spool)), (0, Vec::new()));
    drop(spool);
    assert_eq!(folder.open().waiting(), 0);
    assert_eq!(folder.segments().len(), 1, "what is done with leaves no files");
}

#[test]
fn a_request_holds_no_more_than_is_asked_for_and_one_however_large() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..9));
    let bytes = numbers(0..1)[0].len();
    assert_eq!(data(&spool.oldest(4, usize::MAX).unwrap().0), numbers(0..4));
    assert_eq!(data(&spool.oldest(MANY, bytes * 2).unwrap().0), numbers(0..2));
    assert_eq!(data(&spool.oldest(MANY, 1).unwrap().0), numbers(0..1));
}

#[test]
fn a_place_outlives_all_batches_before_it() {
    let folder = Folder::new();
    let place = Place { file: (1, 2), offset: 345, ..Place::default() };
    let mut spool = folder.open();
    let batch = NewBatch { device: "console-7", time: 7, place: Some(&place), data: "{}" };
    spool.append(&[batch, NewBatch { place: None, ..batch }]).unwrap();
    let all = oldest(&mut spool);
    done(&mut spool, &all);
    drop(spool);
    for _ in 0..3 {
        let mut spool = folder.open();
        assert_eq!(spool.place(), Some(&place));
        spool.rotate().unwrap();
        assert_eq!(folder.segments().len(), 1);
    }
}

#[test]
fn when_there_is_no_room_the_oldest_go_and_are_counted() {
    let folder = Folder::new();
    let mut spool = folder.open();
    let large = |number: u64| vec![format!("{{\"number\": {number}, \"filler\": \"{}\"}}", "x".repeat(20_000))];
    let mut lost = 0;
    for number in 0..200 {
        lost += put(&mut spool, &large(number));
        let bytes: u64 = folder.segments().iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert!(bytes <= LEAST_BYTES, "{bytes} bytes");
    }
    assert!(lost > 0);
    assert_eq!(spool.waiting(), 200 - lost);
    let left = drain(&mut spool, 7);
    assert_eq!(data(&left), (lost..200).flat_map(large).collect::<Vec<_>>(), "what is left has no gap");
}

#[test]
fn what_was_on_its_way_when_it_was_dropped_is_not_lost_when_it_arrives() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..1));
    let on_its_way = oldest(&mut spool);
    let mut lost = 0;
    while lost == 0 {
        lost = put(&mut spool, &[format!("\"{}\"", "x".repeat(20_000))]);
    }
    done(&mut spool, &on_its_way);
    assert_eq!(spool.lost(), lost - 1);
    let next = oldest(&mut spool)[0].sequence;
    assert_eq!(next, lost, "what follows waits");
}

#[test]
fn a_disk_that_says_no_is_told_and_the_same_batches_are_taken_once_it_says_yes() {
    let folder = Folder::new();
    let mut spool = folder.open();
    put(&mut spool, &numbers(0..1));
    spool.fill_disk();
    let batches = numbers(1..3);
    let error = try_put(&mut spool, &batches).unwrap_err();
    assert!(matches!(&error, SpoolError::Disk(_, _, error) if error.kind() == io::ErrorKind::StorageFull), "{error}");
    assert!(try_put(&mut spool, &batches).is_err(), "it goes on saying so");
    spool.empty_disk();
    // What a write that failed half-way leaves.
    spool.writer.write_all(b"half a record").unwrap();
    assert_eq!((spool.waiting(), spool.lost()), (1, 0));
    put(&mut spool, &batches);
    drop(spool);
    let mut spool = folder.open();
    assert_eq!((data(&oldest(&mut spool)), spool.cut_bytes()), (numbers(0..3), 0));
}

#[test]
fn one_collector_has_a_spool() {
    let folder = Folder::new();
    let spool = folder.open();
    assert!(matches!(Spool::open(folder.0.path(), LEAST_BYTES), Err(SpoolError::InUse(_))));
    drop(spool);
    folder.open();
    assert!(matches!(Spool::open(folder.0.path(), LEAST_BYTES - 1), Err(SpoolError::TooSmall)));
}

#[test]
fn two_spools_never_make_the_same_id() {
    let ids = [Folder::new(), Folder::new()].map(|folder| {
        let mut spool = folder.open();
        put(&mut spool, &numbers(0..1));
        oldest(&mut spool)[0].id.clone()
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn what_is_refused_lies_in_a_file_of_lines() {
    let folder = Folder::new();
    let spool = folder.open();
    for number in 0..2 {
        spool.set_aside("no such type (422)", &format!("{{\"id\": \"{number}\"}}")).unwrap();
    }
    let lines = fs::read_to_string(folder.0.path().join("refused")).unwrap();
    let expected = "{\"reason\":\"no such type (422)\",\"event\":{\"id\": \"0\"}}\n\
                    {\"reason\":\"no such type (422)\",\"event\":{\"id\": \"1\"}}\n";
    assert_eq!(lines, expected);
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8),
    Done(u8),
    Start,
    /// Bytes of a write that was not acknowledged, at the end of the newest segment.
    Torn(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u8..30).prop_map(Step::Put),
        3 => (1_u8..40).prop_map(Step::Done),
        1 => Just(Step::Start),
        1 => proptest::collection::vec(any::<u8>(), 1..40).prop_map(Step::Torn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever happens between, all comes out once and in order, as long as there is room.
    #[test]
    fn everything_comes_out_once_and_in_order(steps in proptest::collection::vec(step(), 0..40)) {
        let folder = Folder::new();
        let mut spool = folder.open();
        let (mut put_in, mut taken) = (0_u64, Vec::new());
        for step in steps {
            match step {
                Step::Put(count) => {
                    // Large enough for several segments.
                    let next = put_in + u64::from(count);
                    let filled: Vec<_> = (put_in..next).map(|number| format!("\"{number:0500}\"")).collect();
                    prop_assert_eq!(put(&mut spool, &filled), 0);
                    put_in = next;
                }
                Step::Done(most) => {
                    let spooled = spool.oldest(usize::from(most), usize::MAX).unwrap().0;
                    if !spooled.is_empty() {
                        done(&mut spool, &spooled);
                        taken.extend(spooled);
                    }
                }
                Step::Start => {
                    drop(spool);
                    spool = folder.open();
                    prop_assert_eq!(spool.cut_bytes(), 0);
                }
                Step::Torn(bytes) => {
                    drop(spool);
                    let newest = folder.segments().pop().unwrap();
                    let mut file = File::options().append(true).open(newest).unwrap();
                    file.write_all(&bytes).unwrap();
                    drop(file);
                    spool = folder.open();
                    prop_assert_eq!(spool.cut_bytes(), bytes.len() as u64);
                }
            }
            prop_assert_eq!(spool.waiting(), put_in - taken.len() as u64);
        }
        taken.extend(drain(&mut spool, 13));
        let expected: Vec<_> = (0..put_in).map(|number| format!("\"{number:0500}\"")).collect();
        prop_assert_eq!(data(&taken), expected);
        let ids: std::collections::HashSet<_> = taken.iter().map(|spooled| &spooled.id).collect();
        prop_assert_eq!(ids.len(), taken.len());
    }
}
