//! All faults, and which of them are injected.

mod clocks;
mod commands;
mod cut_off;
mod door;
mod duplicates;
mod full;
mod kills;
mod leases;
mod posting;
mod power_cut;
mod read_only;
mod relay;
mod rollback;
mod service;
mod soak;
mod wal;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use programs::nats::{NatsOptions, NatsServer};

use crate::crew::Crew;
use crate::dice::Dice;
use crate::judge::{Stored, judge};
use crate::options::{Length, Plan};
use crate::report::Reports;
use crate::stand::{Log, open};
use crate::verdict::Verdict;
pub(crate) use soak::{agents, soak};

/// What a fault needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Root,
}

macro_rules! faults {
    ($plan:ident, $dice:ident, $reports:ident: $($needs:ident $name:literal => $fault:expr;)*) => {
        $(if wanted($plan, $name, Needs::$needs) {
            let begun = Instant::now();
            let report = $fault.await;
            $reports.add($name, begun, report)?;
        })*
    };
}

/// Injects what was asked for.
pub(crate) fn run(plan: &Plan) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let is_good = runtime.block_on(inject(plan))?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn inject(plan: &Plan) -> Result<bool> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let seed = plan.seed.unwrap_or(now);
    writeln!(std::io::stdout(), "faults: {:?}, --seed {seed}", plan.length)?;
    let (mut dice, mut reports) = (Dice::seeded(seed), Reports::default());
    let (dice, begun) = (&mut dice, Instant::now());
    let (kills, cuts, outages) = (plan.kills(), plan.cuts(), plan.outages());
    let commands = commands::Plan { kills: plan.command_kills(), is_long: plan.length == Length::Long };
    faults! { plan, dice, reports:
        Nothing "kill-sqlite" => kills::worker(kills, dice);
        Nothing "kill-replica" => kills::replica(kills, dice);
        Nothing "kill-nats" => kills::nats(kills, dice);
        Nothing "power-cut" => power_cut::cut(cuts, dice);
        Nothing "full-file-size" => full::file_size();
        Nothing "full-nats" => full::server();
        Nothing "pause-nats" => cut_off::paused(outages, dice);
        Nothing "slow-nats" => cut_off::slow();
        Nothing "silent-nats" => cut_off::silent(outages, dice);
        Nothing "lost-tail" => rollback::noticed();
        Nothing "lost-tail-fast" => rollback::too_fast_to_notice();
        Nothing "lost-tail-overtaken" => rollback::overtaken();
        Nothing "duplicates" => duplicates::at_once();
        Nothing "clock-steps" => clocks::stepped();
        Nothing "kill-service" => service::killed(plan.service_kills(), dice);
        Nothing "leases-sqlite" => leases::embedded(plan.service_kills(), dice);
        Nothing "leases-replica" => leases::replicas(plan.service_kills(), dice);
        Nothing "kill-commands-sqlite" => commands::embedded(commands, dice);
        Nothing "kill-commands-replica" => commands::replicas(commands, dice);
        Root "full-disk" => full::disk();
        Root "read-only-disk" => read_only::remounted();
        Root "cut-off-network" => cut_off::link_down(outages, dice);
    }
    reports.close(begun.elapsed())
}

fn wanted(plan: &Plan, name: &str, needs: Needs) -> bool {
    let is_named = plan.names.is_empty() || plan.names.iter().any(|part| name.contains(part.as_str()));
    let by_length = match plan.length {
        Length::Short => needs == Needs::Nothing,
        Length::Host => needs == Needs::Root,
        Length::Long => true,
    };
    is_named && by_length
}

/// A server of one's own.
fn server(options: &NatsOptions) -> Result<Arc<NatsServer>> {
    Ok(Arc::new(NatsServer::start(options)?))
}

/// Ends all workers and judges each store; of replicas also a fresh one, and whether all know the same.
async fn settle(crew: &mut Crew) -> Result<Verdict> {
    crew.end().await?;
    let mut all = Vec::new();
    for worker in &crew.workers {
        all.push(look(&worker.data, crew.log.as_ref()).await?);
    }
    if let Some(log) = &crew.log {
        let fresh = tempfile::tempdir()?;
        all.push(look(fresh.path(), Some(log)).await?);
    }
    let first = all.first().context("no store")?;
    let mut verdict = judge(first, &crew.witness)?;
    verdict.replicas = all.len() as u64;
    for (number, other) in all.iter().enumerate().skip(1) {
        agree(first, other, number, &mut verdict);
    }
    Ok(verdict)
}

async fn look(folder: &Path, log: Option<&Log>) -> Result<Stored> {
    let store = open(folder, log).await?;
    Stored::read(&*store).await
}

fn agree(first: &Stored, other: &Stored, number: usize, verdict: &mut Verdict) {
    if first == other {
        return;
    }
    let positions = |stored: &Stored| stored.events.iter().map(|event| event.position).collect::<BTreeSet<_>>();
    let (here, there) = (positions(first), positions(other));
    let (only_here, only_there) = (here.difference(&there).count(), there.difference(&here).count());
    verdict.violate(format!(
        "replica {number} knows otherwise than the first: {only_here} events of the first's alone, {only_there} of its own, \
         entries the same: {}",
        first.entries == other.entries
    ));
}

/// Runs a program of the system that must succeed.
fn system(words: &[&str]) -> Result<()> {
    let (program, arguments) = words.split_first().context("no program")?;
    let output = Command::new(program).args(arguments).output().with_context(|| format!("no {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", words.join(" "));
    Ok(())
}
