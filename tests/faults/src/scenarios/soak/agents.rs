//! Services that wait for commands by long poll, with `service-agent`, in processes of their own, of which some are killed at work. What
//! their handlers do they say on their standard output, a line at once, so that a SIGKILL leaves whole lines.

use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use service_agent::{Agent, Gateway, TokenSource};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use watchgate_tests::{Companion, Stage};

use super::super::commands::library;
use super::super::commands::runbooks::BY_LIBRARY;
use super::super::posting::TOKEN_SECONDS;
use crate::dice::Dice;
use crate::judge::Told;
use crate::ledger::{End, Lease, Line};
use crate::options::Agents;
use crate::times::{Kind, Times};

/// How many processes share the services.
pub(super) const PROCESSES: u32 = 4;

/// Until somebody is at work.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than a long poll, which is not broken off.
const END_WITHIN: Duration = Duration::from_secs(40);

/// What the library says when it was given no command for a reason.
const NOT_LEASED: &str = "no command could be leased";

/// The program of such a process.
pub(crate) fn agents(work: &Agents) -> Result<()> {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (ending, ended) = watch::channel(false);
        let authority = fs::read(&work.ca)?;
        let book: library::Book = Arc::new(|line| {
            // Nobody hears a service that has lost its parent.
            let _ = writeln!(std::io::stdout(), "{}", written(&line));
        });
        let mut all = JoinSet::new();
        for _ in 0..work.count {
            // A connection of its own.
            let gateway =
                Gateway::connect(&work.gateway, TokenSource::File(work.token_file.clone()), Some(&authority))?;
            all.spawn(library::serve(Agent::new(gateway, BY_LIBRARY), Arc::clone(&book), ended.clone()));
        }
        signal(SignalKind::terminate())?.recv().await;
        ending.send_replace(true);
        while let Some(agent) = all.join_next().await {
            agent??;
        }
        Ok(())
    })
}

fn written(line: &Line) -> String {
    match line {
        Line::Begun { lease } => format!("begun {} {}", lease.id, lease.fence),
        Line::Ended { lease, end } => format!("ended {} {} {}", lease.id, lease.fence, end.name()),
        other => format!("{other:?}"),
    }
}

fn read(text: &str) -> Option<Line> {
    let mut words = text.split(' ');
    let verb = words.next()?;
    let lease = Lease { id: words.next()?.to_owned(), fence: words.next()?.parse().ok()? };
    match (verb, words.next()) {
        ("begun", None) => Some(Line::Begun { lease }),
        ("ended", Some(end)) => {
            let ends = [End::Succeeded, End::Failed, End::Canceled];
            let end = ends.into_iter().find(|known| known.name() == end)?;
            Some(Line::Ended { lease, end })
        }
        _ => None,
    }
}

fn lines(log: &str) -> impl Iterator<Item = Line> {
    log.lines().filter_map(read)
}

/// All processes, each with as many services as the others.
pub(super) struct Processes {
    running: Vec<Companion>,
    each: u32,
    started: u32,
    /// What those said who were killed.
    killed: Vec<String>,
}

/// What became of them.
#[derive(Debug, Default)]
pub(super) struct Served {
    pub(super) agents: u32,
    pub(super) killed_processes: usize,
    /// Handlers that came to their end, and those that were killed.
    pub(super) ended: u64,
    pub(super) cut_off: u64,
    pub(super) violations: Vec<String>,
}

impl Processes {
    pub(super) fn start(stage: &Stage, agents: u32) -> Result<Self> {
        let token = stage.token(BY_LIBRARY).scope("commands:lease").ttl_seconds(TOKEN_SECONDS).mint()?;
        fs::write(stage.folder().join("agents.token"), token)?;
        let each = agents.div_ceil(PROCESSES);
        let mut all = Self { running: Vec::new(), each, started: 0, killed: Vec::new() };
        for _ in 0..PROCESSES {
            all.hire(stage)?;
        }
        Ok(all)
    }

    fn hire(&mut self, stage: &Stage) -> Result<()> {
        self.started += 1;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("agents").arg("--gateway").arg(stage.base_url()).arg("--ca").arg(stage.ca());
        command.arg("--token-file").arg(stage.folder().join("agents.token"));
        command.arg("--count").arg(self.each.to_string());
        self.running.push(stage.companion(&format!("agents-{}", self.started), &mut command)?);
        Ok(())
    }

    /// Their process ids.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.running.iter().map(Companion::id)
    }

    /// Kills one while a handler of it is at work, and starts another in its place.
    pub(super) async fn kill_at_work(&mut self, stage: &Stage, dice: &mut Dice) -> Result<()> {
        let begun = Instant::now();
        loop {
            let first = usize::try_from(dice.below(self.running.len() as u64))?;
            let mut turns = (0..self.running.len()).map(|turn| (first + turn) % self.running.len());
            let at_work = turns.find(|turn| self.running.get(*turn).is_some_and(|process| is_at_work(&process.log())));
            if let Some(turn) = at_work {
                let mut killed = self.running.remove(turn);
                killed.kill();
                self.killed.push(killed.log());
                return self.hire(stage);
            }
            ensure!(begun.elapsed() < PATIENCE, "nobody has carried anything out for {} s", PATIENCE.as_secs());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// What handlers have begun by now. Which of them were heard the log of events tells.
    pub(super) fn begun_lines(&self) -> Vec<Line> {
        let logs = self.killed.iter().cloned().chain(self.running.iter().map(Companion::log));
        logs.flat_map(|log| lines(&log).filter(|line| matches!(line, Line::Begun { .. })).collect::<Vec<_>>()).collect()
    }

    /// Ends them in order, once each command has ended, and holds what their handlers came to against what is told of it.
    pub(super) fn end(mut self, told: &Told, times: &Times) -> Result<Served> {
        let mut served =
            Served { agents: self.each * PROCESSES, killed_processes: self.killed.len(), ..Served::default() };
        for process in &mut self.running {
            ensure!(process.runs(), "a process of services has ended by itself: {}", process.log());
            tokio::task::block_in_place(|| process.stop(END_WITHIN));
        }
        let logs = self.running.iter().map(|process| (process.log(), false));
        for (log, was_killed) in logs.chain(self.killed.iter().map(|log| (log.clone(), true))) {
            for line in lines(&log) {
                match line {
                    // What a killed one had come to may not have been told.
                    Line::Ended { lease, end } => {
                        served.ended += 1;
                        served.cut_off -= 1;
                        if !was_killed
                            && !is_told(&lease, end, told).with_context(|| format!("nobody knows {lease:?}"))?
                        {
                            served
                                .violations
                                .push(format!("{lease:?} came to {} by its handler, and nobody was told", end.name()));
                        }
                    }
                    _ => served.cut_off += 1,
                }
            }
            for line in log.lines().filter(|line| line.contains(NOT_LEASED)) {
                let why = line.split_once("error=").map_or("no reason", |(_, why)| why);
                let at = OffsetDateTime::parse(line.split(' ').next().unwrap_or_default(), &Rfc3339)?;
                times.unanswered_at(Kind::Lease, why, at);
            }
        }
        Ok(served)
    }
}

/// Whether more handlers have begun than have come to their end.
fn is_at_work(log: &str) -> bool {
    let (begun, ended): (Vec<_>, Vec<_>) = lines(log).partition(|line| matches!(line, Line::Begun { .. }));
    begun.len() > ended.len()
}

/// Whether the result counts, came too late, or is that of an attempt that was followed by another.
fn is_told(lease: &Lease, end: End, told: &Told) -> Option<bool> {
    let command = told.commands.get(&lease.id)?;
    let word = lease.word();
    let said = if end == End::Succeeded { &command["result"]["result"]["word"] } else { &command["result"]["message"] };
    let of_attempts = command["attempts_failed"].as_array().map_or(&[][..], Vec::as_slice);
    let is_late = |event: &Value| {
        event["type"] == "dev.watchgate.command.late_result"
            && event["subject"] == lease.id.as_str()
            && event["data"]["fence"] == lease.fence
    };
    let is_known = *said == word.as_str() || of_attempts.iter().any(|attempt| attempt["message"] == word.as_str());
    Some(is_known || told.events.iter().any(is_late))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_says_is_read_as_it_was_meant() {
        let lease = Lease { id: "019c".to_owned(), fence: 3 };
        let all = [Line::Begun { lease: lease.clone() }, Line::Ended { lease, end: End::Failed }];
        for line in &all {
            assert_eq!(format!("{:?}", read(&written(line)).unwrap()), format!("{line:?}"));
        }
        let log = "begun 019c 3\n2026-01-01 WARN no command could be leased\nended 019c 3 fai";
        assert_eq!(lines(log).count(), 1, "a line that was cut off says nothing");
    }
}
