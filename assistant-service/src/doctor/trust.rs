//! The keeper's word, and the file systems that things lie on.

use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use trust_core::trust_head::{TRUST_HEAD_FILE, TrustHead};

use super::finding::Notes;

/// Gates take no word that is older.
const MAX_AGE_MILLISECONDS: u64 = 10_000;

/// Looks whether the keeper is heard, where gates wait for it.
pub(super) fn look_at_head(notes: &mut Notes<'_>, trust: &Path, is_wanted: bool, now: SystemTime) {
    let path = trust.join(TRUST_HEAD_FILE);
    let here = path.display().to_string();
    let start = "start the keeper and see its log: `watchgate keeper --config /etc/watchgate/keeper.yml`";
    let head = match std::fs::read(&path) {
        Ok(bytes) => TrustHead::from_json(&bytes),
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            return notes.unknown(&here, cause, "run the doctor as root, or as a user who may read it");
        }
        Err(_) if !is_wanted => {
            return notes.good(&here, "no gate waits for a keeper: keys are renewed by something of yours");
        }
        Err(cause) => return notes.bad(&here, format!("gates deny every token: {cause}"), start),
    };
    let Ok(head) = head else {
        return notes.bad(&here, "it is no word of a keeper", start);
    };
    let now = u64::try_from(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
    let seconds = now.abs_diff(head.time) / 1000;
    let is_fresh = now.abs_diff(head.time) <= MAX_AGE_MILLISECONDS;
    match (is_fresh, head.time > now) {
        (true, _) => notes.good(&here, format!("the keeper was heard {seconds} s ago")),
        (false, true) => notes.bad(
            &here,
            format!("it is {seconds} s ahead of this machine's clock, and gates deny every token"),
            "set this machine's clock, and restart the keeper",
        ),
        (false, false) if is_wanted => {
            notes.bad(&here, format!("the keeper was last heard {seconds} s ago, and gates deny every token"), start);
        }
        (false, false) => notes.warn(
            &here,
            format!("a keeper was here {seconds} s ago, and no gate waits for one"),
            format!("start the keeper and write `keeper: true` into gate.yml, or remove {here}"),
        ),
    }
}

/// What is said of a file system by its number in the kernel.
const REMOTE: [(u64, &str); 9] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x5346_414f, "AFS"),
];
const MEBIBYTE: u64 = 1024 * 1024;

/// How much room there is.
#[derive(Clone, Copy, Debug)]
struct Room {
    free_bytes: u64,
    all_bytes: u64,
    free_files: u64,
    all_files: u64,
}

/// Looks whether a folder lies on this machine's own disk, and whether there is room on it.
pub(super) fn look_at_disk(notes: &mut Notes<'_>, folder: &Path, must_be_local: bool) {
    let here = folder.display().to_string();
    let known = rustix::fs::statfs(folder).and_then(|kind| Ok((kind, rustix::fs::statvfs(folder)?)));
    let (kind, room) = match known {
        Ok(known) => known,
        Err(cause) => return notes.unknown(&here, cause, "make the folder, or name the right one"),
    };
    let kind = u64::try_from(kind.f_type).unwrap_or_default() & 0xffff_ffff;
    if let Some((_, name)) = REMOTE.iter().find(|(number, _)| must_be_local && *number == kind) {
        return notes.bad(
            &here,
            format!("it lies on {name}: a rename is not seen whole and at once by all who look"),
            "move it to a local file system",
        );
    }
    let room = Room {
        free_bytes: room.f_bavail.saturating_mul(room.f_frsize),
        all_bytes: room.f_blocks.saturating_mul(room.f_frsize),
        free_files: room.f_favail,
        all_files: room.f_files,
    };
    let found = format!("{} MiB are free", room.free_bytes / MEBIBYTE);
    let mend =
        format!("make room: `du -xh --max-depth=1 {here}`, or `watchgate serve --retention` for the service's events");
    match how_full(room) {
        Full::No => notes.good(&here, found),
        Full::Soon => notes.warn(&here, found, mend),
        Full::Yes => notes.bad(&here, format!("{found}, and {} files may still be made", room.free_files), mend),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Full {
    No,
    Soon,
    Yes,
}

fn how_full(room: Room) -> Full {
    let has_files = room.all_files > 0;
    let percent = room.free_bytes.saturating_mul(100).checked_div(room.all_bytes).unwrap_or(100);
    if room.free_bytes < 32 * MEBIBYTE || (has_files && room.free_files < 1000) {
        Full::Yes
    } else if percent < 5 && room.free_bytes < 10 * 1024 * MEBIBYTE {
        Full::Soon
    } else {
        Full::No
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::finding::{Report, Verdict};
    use super::*;

    #[test]
    fn a_word_of_the_keeper_counts_for_ten_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let verdict = |is_wanted, now| {
            let mut report = Report::default();
            look_at_head(&mut report.of("trust"), folder.path(), is_wanted, now);
            report.findings[0].verdict
        };
        assert_eq!((verdict(false, now), verdict(true, now)), (Verdict::Good, Verdict::Bad), "there is none");
        // Not even root reads a folder as a file.
        std::fs::create_dir(folder.path().join(TRUST_HEAD_FILE)).unwrap();
        assert_eq!((verdict(false, now), verdict(true, now)), (Verdict::Unknown, Verdict::Unknown), "nobody can look");
        std::fs::remove_dir(folder.path().join(TRUST_HEAD_FILE)).unwrap();
        let milliseconds = u64::try_from(now.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        let head = TrustHead { sequence: 1, time: milliseconds, ..TrustHead::default() };
        std::fs::write(folder.path().join(TRUST_HEAD_FILE), head.to_json()).unwrap();
        assert_eq!(verdict(true, now + Duration::from_secs(9)), Verdict::Good);
        assert_eq!(verdict(true, now + Duration::from_secs(11)), Verdict::Bad);
        assert_eq!(verdict(false, now + Duration::from_secs(11)), Verdict::Warn);
        assert_eq!(verdict(true, now - Duration::from_secs(11)), Verdict::Bad, "a clock that is behind");
    }

    #[test]
    fn a_disk_is_full_before_nothing_fits() {
        let room = |free_bytes, all_bytes, free_files| Room { free_bytes, all_bytes, free_files, all_files: 100_000 };
        let gibibyte = 1024 * MEBIBYTE;
        assert_eq!(how_full(room(50 * gibibyte, 100 * gibibyte, 50_000)), Full::No);
        assert_eq!(how_full(room(20 * gibibyte, 1000 * gibibyte, 50_000)), Full::No, "few percent of much are much");
        assert_eq!(how_full(room(gibibyte, 100 * gibibyte, 50_000)), Full::Soon);
        assert_eq!(how_full(room(MEBIBYTE, 100 * gibibyte, 50_000)), Full::Yes);
        assert_eq!(how_full(room(50 * gibibyte, 100 * gibibyte, 3)), Full::Yes);
        let without_files = Room { free_files: 0, all_files: 0, ..room(gibibyte * 50, gibibyte * 100, 0) };
        assert_eq!(how_full(without_files), Full::No, "some file systems count no files");
    }
}
