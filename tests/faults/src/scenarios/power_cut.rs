//! A power cut, modelled. The worker is stopped (SIGSTOP) at a random moment, its files are copied, and from the copy is taken what
//! a power cut at that moment could have taken:
//!
//! - Of the log, everything beyond the last commit that it must have synced. A commit is answered after its sync, so all frames up
//!   to the end of the last answered commit are on the disk, for a sync is of the whole file. What stands behind may be there, be
//!   missing, or be torn in any sector, in any order.
//! - Of the file, any sector of any page of which a synced frame stands in the log. SQLite brings pages from the log back into the
//!   file, syncs the file, and only then may begin the log anew; until then it takes these pages from the log. The first sector
//!   of the file stays: a sector is written whole or not, and both of its states say that there is a log.
//! - The index beside the log, which is never synced and belongs to the processes that have it open.
//!
//! That the sync itself happens is not shown by this: `a_commit_of_the_truth_is_synced_in_full` holds SQLite's setting.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use assistant_service::backbone::Backbone;
use tokio::time::sleep;

use super::settle;
use super::wal::Wal;
use crate::crew::Crew;
use crate::dice::Dice;
use crate::judge::{Stored, judge};
use crate::operation::Operation;
use crate::report::Report;
use crate::stand::open;
use crate::verdict::Verdict;
use crate::witness::Witness;

const FILE: &str = "watchgate.sqlite";
const LOG: &str = "watchgate.sqlite-wal";
const INDEX: &str = "watchgate.sqlite-shm";
const SECTOR: usize = 512;

/// Commits that may be written and not yet answered: the one that is being answered, and the one after it.
const UNANSWERED: usize = 3;

/// After so many the store begins anew, so that looking at all of it stays cheap.
const CUTS_OF_ONE_STORE: u32 = 10;

#[derive(Debug, Default)]
struct Counts {
    torn_bytes: usize,
    torn_pages: usize,
    missing_commits: usize,
}

/// The files at the moment of the cut.
struct Files {
    file: Vec<u8>,
    log: Vec<u8>,
}

pub(super) async fn cut(cuts: u32, dice: &mut Dice) -> Result<Report> {
    let (mut total, mut counts, mut done) = (Verdict { replicas: 1, ..Verdict::default() }, Counts::default(), 0);
    while done < cuts {
        let mut crew = Crew::new(1, None)?;
        crew.start(0).await?;
        for _ in 0..CUTS_OF_ONE_STORE.min(cuts - done) {
            sleep(Duration::from_millis(20 + dice.below(300))).await;
            done += 1;
            let files = stop_and_copy(&mut crew).await?;
            let verdict = judge_cut(&files, &crew.witness, dice, &mut counts).await?;
            crew.process(0)?.signal("CONT");
            total.violations.extend(verdict.violations.into_iter().map(|sentence| format!("cut {done}: {sentence}")));
            total.lost += verdict.lost;
            total.half += verdict.half;
        }
        let verdict = settle(&mut crew).await?;
        total.acknowledged += verdict.acknowledged;
        total.stored += verdict.stored;
        total.offered_twice += verdict.offered_twice;
        total.counter = verdict.counter;
        total.violations.extend(verdict.violations);
    }
    let Counts { torn_bytes, torn_pages, missing_commits } = counts;
    let injected = format!(
        "{cuts} cuts of the power: {torn_bytes} bytes at the log's end missing or torn, {missing_commits} commits in them, \
         {torn_pages} pages of the file torn while they stood in the log"
    );
    Ok(Report { injected, verdict: total, notes: Vec::new() })
}

/// Stops the worker, so that its files and its journal are of one moment.
async fn stop_and_copy(crew: &mut Crew) -> Result<Files> {
    let process = crew.process(0)?;
    process.signal("STOP");
    let id = process.id();
    while !is_stopped(id)? {
        sleep(Duration::from_millis(1)).await;
    }
    crew.witness.read()?;
    let data = &crew.worker(0)?.data;
    Ok(Files { file: fs::read(data.join(FILE))?, log: fs::read(data.join(LOG))? })
}

/// Whether no thread of it does anything; one that waits for the disk goes on until it has it.
fn is_stopped(id: u32) -> Result<bool> {
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        let stat = fs::read_to_string(thread?.path().join("stat"))?;
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        if state != Some('T') {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn judge_cut(files: &Files, witness: &Witness, dice: &mut Dice, counts: &mut Counts) -> Result<Verdict> {
    let wal = Wal::read(&files.log)?;
    let Some(synced) = synced(files, &wal, witness).await? else {
        // Nothing is cut, and yet something is missing: the judge says what.
        return after(&files.file, &files.log, witness).await;
    };
    let (mut file, mut log) = (files.file.clone(), files.log.clone());
    counts.missing_commits += wal.commits.iter().filter(|end| **end > synced).count();
    tear_log(&mut log, synced, dice, counts);
    for page in wal.pages_within(synced) {
        if dice.below(2) == 0 {
            tear_page(&mut file, page, wal.page_bytes, dice);
            counts.torn_pages += 1;
        }
    }
    after(&file, &log, witness).await
}

/// The end of the last answered commit: the shortest log with which nothing acknowledged is missing. It is looked for among the
/// last few commits; what lies before them was answered for certain.
async fn synced(files: &Files, wal: &Wal, witness: &Witness) -> Result<Option<usize>> {
    let mut synced = None;
    let ends = wal.commits.iter().rev().copied().chain([0]);
    for end in ends.take(UNANSWERED + 1) {
        let log = files.log.get(..end).context("a commit beyond the log")?;
        if after(&files.file, log, witness).await?.lost > 0 {
            break;
        }
        synced = Some(end);
    }
    Ok(synced)
}

fn tear_log(log: &mut Vec<u8>, synced: usize, dice: &mut Dice, counts: &mut Counts) {
    let unsynced = log.len() - synced;
    let from = synced + usize::try_from(dice.below(unsynced as u64 + 1)).unwrap_or_default();
    match dice.below(3) {
        // The file's new length was not written.
        0 => {
            counts.torn_bytes += log.len() - from;
            log.truncate(from);
        }
        // It was, and its last sector was not, or not whole.
        1 => {
            counts.torn_bytes += log.len() - from;
            log.truncate(from);
            let garbage = SECTOR - from % SECTOR + usize::try_from(dice.below(4)).unwrap_or_default() * SECTOR;
            log.extend((0..garbage).map(|_| byte(dice)));
        }
        // Sectors were written in another order than they were asked for.
        _ => {
            for sector in log.get_mut(from..).unwrap_or_default().chunks_mut(SECTOR) {
                if dice.below(2) == 0 {
                    counts.torn_bytes += sector.len();
                    sector.fill(byte(dice));
                }
            }
        }
    }
}

fn tear_page(file: &mut [u8], page: u32, page_bytes: usize, dice: &mut Dice) {
    let start = (page as usize - 1) * page_bytes;
    for (number, sector) in file.get_mut(start..).unwrap_or_default().chunks_mut(SECTOR).enumerate() {
        if number * SECTOR >= page_bytes {
            return;
        }
        if dice.below(2) == 0 && (page, number) != (1, 0) {
            sector.fill(byte(dice));
        }
    }
}

fn byte(dice: &mut Dice) -> u8 {
    u8::try_from(dice.below(256)).unwrap_or_default()
}

/// What is there after the power is back, and whether the store can be gone on with.
async fn after(file: &[u8], log: &[u8], witness: &Witness) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), file, log)?;
    let store = open(folder.path(), None).await?;
    let stored = Stored::read(&*store).await?;
    go_on(&*store, &stored).await?;
    judge(&stored, witness)
}

fn write(folder: &Path, file: &[u8], log: &[u8]) -> Result<()> {
    fs::write(folder.join(FILE), file)?;
    fs::write(folder.join(LOG), log)?;
    // Whatever stood there, nobody may believe it.
    fs::write(folder.join(INDEX), vec![0xa5; 32 * 1024])?;
    Ok(())
}

async fn go_on(store: &dyn Backbone, stored: &Stored) -> Result<()> {
    let last = stored.events.last().map_or(0, |event| event.position);
    let committed = store.commit(Operation { writer: 1_000_000, number: 0 }.batch(0)).await?;
    let next = committed.events.first().map_or(0, |event| event.position);
    ensure!(next > last, "after the cut a new event stands at {next}, and {last} was taken");
    Ok(())
}
