//! What is said while it runs, and what the log tells of how long commands waited.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::WRITERS;
use super::schedule::{Step, WARM_UP};
use crate::judge::Told;
use crate::options::Soak;
use crate::times::{Kind, Times};

/// The load, and what is done to whom.
pub(super) fn say_what_comes(plan: &Soak, steps: &[(Duration, Step)]) -> Result<()> {
    let mut out = std::io::stdout();
    let lasts = plan.lasts();
    writeln!(
        out,
        "soak: {} s of {} events/s by {WRITERS} writers, {} tails, {} services in long poll, questions, commands; --seed {}",
        lasts.as_secs(),
        plan.events(),
        plan.tails(),
        plan.polls(),
        plan.seed
    )?;
    writeln!(out, "  {:>6.0} s  figures count from here", lasts.mul_f64(WARM_UP).as_secs_f64())?;
    for (due, step) in steps {
        writeln!(out, "  {:>6.0} s  {step}", due.as_secs_f64())?;
    }
    Ok(out.flush()?)
}

pub(super) fn say_what_was_done(step: Step, from: Duration, took: Duration) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{:>6.1} s: {step}, which took {:.1} s", from.as_secs_f64(), took.as_secs_f64())?;
    Ok(out.flush()?)
}

/// How long each command waited for a service, the first time that it might begin.
pub(super) fn note_hand_outs(told: &Told, times: &Times) -> Result<()> {
    let mut ready: BTreeMap<&str, Option<OffsetDateTime>> = BTreeMap::new();
    for event in &told.events {
        let (Some(id), Some(kind)) = (event["subject"].as_str(), event["data"]["state"].as_str()) else { continue };
        let at = event["time"].as_str().context("an event without a time")?;
        let at = OffsetDateTime::parse(at, &Rfc3339)?;
        match kind {
            "scheduled" => {
                ready.entry(id).or_insert(Some(at));
            }
            "leased" => {
                let Some(since) = ready.get_mut(id).and_then(Option::take) else { continue };
                times.took_until(Kind::HandOut, (at - since).try_into().unwrap_or_default(), at);
            }
            _ => {}
        }
    }
    Ok(())
}
