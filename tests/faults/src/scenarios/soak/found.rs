//! What came of all, printed and kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use measuring::report::machine;
use serde_json::{Value, json};

use super::WRITERS;
use super::agents::Served;
use super::askers::Asked;
use super::processes::{self, Taken};
use super::schedule::Step;
use super::tails::Followed;
use crate::options::Soak;
use crate::times::{Kind, Phase, Times};
use crate::verdict::Verdict;

/// More of the same say nothing.
const SENTENCES: usize = 30;

const PHASES: [Phase; 4] = [Phase::Before, Phase::Faults, Phase::Update, Phase::After];
const KINDS: [Kind; 7] = [Kind::Event, Kind::Tail, Kind::Ask, Kind::Command, Kind::Decision, Kind::HandOut, Kind::Word];

/// What everybody has to say.
pub(super) struct Parts {
    pub(super) done: Vec<(Step, Duration, Duration)>,
    pub(super) load_lasted: Duration,
    pub(super) events: Verdict,
    pub(super) followed: Followed,
    pub(super) asked: Asked,
    pub(super) commands: Verdict,
    pub(super) agents: Served,
    pub(super) processes: (Vec<Taken>, f64),
}

/// The figures, and everything that breaks a promise.
pub(super) struct Found {
    text: Vec<String>,
    json: Value,
    pub(super) violations: Vec<String>,
}

impl Found {
    pub(super) fn of(plan: &Soak, times: &Times, parts: Parts) -> Result<Self> {
        let Parts { done, load_lasted, events, followed, asked, commands, agents, processes: processes_taken } = parts;
        let (taken, foreign) = processes_taken;
        let mut violations = Vec::new();
        for all in
            [&events.violations, &followed.violations, &asked.violations, &commands.violations, &agents.violations]
        {
            violations.extend_from_slice(all);
        }
        if !plan.short && load_lasted >= processes::JUDGED_FROM {
            violations.extend(taken.iter().filter_map(Taken::grows));
        }
        let mut text = table(times);
        text.push(format!("events: {events}"));
        text.push(format!(
            "tails: {} saw {} events, each in order and once but for what is told as a violation; opened again {} times",
            followed.tails, followed.events, followed.resumed
        ));
        text.push(format!("questions: {} answered, {} wrongly", asked.answered, asked.violations.len()));
        text.push(format!("commands: {commands}"));
        text.push(format!(
            "services: {} in {} processes, {} killed; {} handlers came to their end, {} were cut off",
            agents.agents,
            super::agents::PROCESSES,
            agents.killed_processes,
            agents.ended,
            agents.cut_off
        ));
        text.push("0 calls failed for good, which would have ended the soak; tries without an answer, tried again until there was one:".to_owned());
        text.extend(unanswered_text(times));
        text.push(format!("{:<12} {:>10} {:>18} {:>8}", "process", "MiB", "grows by MiB", "cores"));
        text.extend(taken.iter().map(|one| {
            let grown = one.grows_by_kib.map_or("(ended before)".to_owned(), |kib| format!("{:+.1}", kib / 1024.0));
            format!("{:<12} {:>10.1} {grown:>18} {:>8.3}", one.name, one.rss_kib / 1024.0, one.cores)
        }));
        text.push(format!("other programs took {:.0} % of the machine", foreign * 100.0));
        let found = events.commands.as_ref().or(commands.commands.as_ref());
        let json = json!({
            "circumstances": machine()?,
            "foreign_share": foreign,
            "load": {
                "seconds": load_lasted.as_secs_f64(), "events_per_second": plan.events(), "writers": WRITERS,
                "tails": plan.tails(), "polls": plan.polls(), "seed": plan.seed, "short": plan.short,
            },
            "done": done.iter().map(|(step, from, took)| json!({
                "what": step.to_string(), "at_seconds": from.as_secs_f64(), "took_seconds": took.as_secs_f64(),
            })).collect::<Vec<_>>(),
            "milliseconds": spans(times),
            "unanswered": unanswered(times),
            "events": {"acknowledged": events.acknowledged, "stored": events.stored, "lost": events.lost, "twice": events.twice,
                "out_of_order": events.out_of_order, "offered_again_in_doubt": events.in_doubt},
            "tails": {"tails": followed.tails, "events": followed.events, "resumed": followed.resumed,
                "violations": followed.violations.len()},
            "questions": {"answered": asked.answered, "wrong": asked.violations.len()},
            "commands": found.map(|found| json!({
                "asked": found.asked, "ends": found.ends, "leases": found.leases, "lost": found.lost, "twice": found.twice,
            })),
            "processes": by_name(&taken),
            "violations": violations,
        });
        Ok(Self { text, json, violations })
    }

    #[expect(clippy::print_stdout, reason = "it is what the program is for")]
    pub(super) fn print(&self) {
        for line in &self.text {
            println!("{line}");
        }
        for sentence in self.violations.iter().take(SENTENCES) {
            println!("violation: {sentence}");
        }
        println!("soak: {} violation(s)", self.violations.len());
    }

    pub(super) fn write(&self, out: &Path) -> Result<()> {
        if let Some(folder) = out.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(out, format!("{:#}\n", self.json)).with_context(|| format!("{} cannot be written", out.display()))
    }
}

/// p50 and p99 of each kind by what went on.
fn table(times: &Times) -> Vec<String> {
    let spans = times.spans();
    let mut text =
        vec![format!("{:<10}{}", "p50/p99 ms", PHASES.map(|phase| format!("{:>26}", phase.name())).concat())];
    for kind in KINDS {
        let cells = PHASES.map(|phase| {
            let cell = spans.get(&(kind, phase)).map_or("-".to_owned(), |spans| {
                format!("{:.1} / {:.1} of {}", spans.quantile(0.5), spans.quantile(0.99), spans.count())
            });
            format!("{cell:>26}")
        });
        text.push(format!("{:<10}{}", kind.name(), cells.concat()));
    }
    text
}

fn spans(times: &Times) -> Value {
    let mut all = json!({});
    for ((kind, phase), spans) in times.spans() {
        all[kind.name()][phase.name()] = json!({"p50": spans.quantile(0.5), "p99": spans.quantile(0.99), "most": spans.quantile(1.0), "count": spans.count()});
    }
    all
}

/// Of each kind and time, why how many tries had no answer.
fn unanswered(times: &Times) -> Value {
    let mut all = json!({});
    for ((kind, phase), whys) in times.all_unanswered() {
        all[kind.name()][phase.name()] = json!(whys);
    }
    all
}

/// The same to read.
fn unanswered_text(times: &Times) -> Vec<String> {
    let all = times.all_unanswered();
    let line = |((kind, phase), whys): (&(Kind, Phase), &BTreeMap<String, u64>)| {
        let whys: Vec<_> = whys.iter().map(|(why, count)| format!("{count} × {why}")).collect();
        format!("  {:<10}{:<10}{}", kind.name(), phase.name(), whys.join(", "))
    };
    all.iter().map(line).collect()
}

fn by_name(taken: &[Taken]) -> Value {
    let mut all: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for one in taken {
        all.entry(&one.name).or_default().push(one.to_json());
    }
    json!(all)
}
