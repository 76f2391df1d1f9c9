//! What each process takes, and whether its memory grows.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use measuring::usage;
use serde_json::{Value, json};
use watchgate_tests::Stage;

use super::agents::Processes;

/// Between two looks.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// Memory is judged over this share of the load, the last one: nobody ends in it, and whoever was updated before it is warm.
const JUDGED_SHARE: f64 = 0.4;

/// What runs for a shorter time is still getting warm.
pub(super) const JUDGED_FROM: Duration = Duration::from_mins(10);

/// Over that time a process may grow by so much of its memory, or by so many KiB where that is more: a garbage-collected heap and an
/// allocator breathe by as much.
const GROWS_BY_SHARE: f64 = 0.08;
const GROWS_BY_KIB: f64 = 16.0 * 1024.0;

/// Points of a process's course that are kept.
const COURSE: usize = 120;

/// One look at one process.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    rss_kib: f64,
    cpu: Duration,
}

/// All looks, by name and process id.
#[derive(Debug, Default)]
pub(super) struct Watch {
    samples: BTreeMap<(String, u32), Vec<Sample>>,
    machine: Option<(Duration, usage::Machine)>,
    last: Option<Duration>,
    /// When the update was over.
    pub(super) updated: Option<Duration>,
}

/// What came of one process.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) name: String,
    pub(super) process: u32,
    /// In the middle of the judged time.
    pub(super) rss_kib: f64,
    /// By the line that fits best, over the judged time; none where the process did not live through it.
    pub(super) grows_by_kib: Option<f64>,
    /// Processors that it kept busy, over its life.
    pub(super) cores: f64,
    /// Seconds and MiB, for a picture.
    course: Vec<(f64, f64)>,
}

impl Watch {
    pub(super) fn begin() -> Self {
        Self { machine: usage::machine().ok().map(|machine| (Duration::ZERO, machine)), ..Self::default() }
    }

    /// Looks at all that run, if it is time.
    pub(super) fn look(&mut self, stage: &Stage, agents: &Processes, at: Duration) -> Result<()> {
        if self.last.is_some_and(|last| at < last + EVERY) {
            return Ok(());
        }
        self.last = Some(at);
        let replica = |index| stage.replica_pid(index).ok();
        let names = ["replica 1", "replica 2", "Traefik", "NATS", "the load"];
        let own = Some(std::process::id());
        let ids = [replica(0), replica(1), Some(stage.traefik_pid()), stage.nats()?.id(), own];
        let agents = agents.ids().map(|id| ("services", Some(id)));
        for (name, id) in names.into_iter().zip(ids).chain(agents) {
            let Some(id) = id else { continue };
            // It may have ended since.
            let (Ok(memory), Ok(cpu)) = (usage::memory(id), usage::cpu_time(id)) else { continue };
            let sample = Sample { at, rss_kib: memory.rss_kib, cpu };
            self.samples.entry((name.to_owned(), id)).or_default().push(sample);
        }
        Ok(())
    }

    /// What each has taken, and the machine's other programs by their share of it.
    pub(super) fn end(&self, lasted: Duration) -> (Vec<Taken>, f64) {
        let from = lasted.mul_f64(1.0 - JUDGED_SHARE).max(self.updated.unwrap_or_default());
        let taken = self.samples.iter().map(|((name, process), samples)| {
            let lived = (samples.first().copied(), samples.last().copied());
            let cores = match lived {
                (Some(first), Some(last)) if last.at > first.at => {
                    last.cpu.saturating_sub(first.cpu).as_secs_f64() / (last.at - first.at).as_secs_f64()
                }
                _ => 0.0,
            };
            let judged: Vec<_> = samples.iter().filter(|sample| sample.at >= from).copied().collect();
            let lived_through = lived.0.is_some_and(|first| first.at <= from + EVERY)
                && lived.1.is_some_and(|last| last.at + EVERY * 3 >= lasted);
            let (rss_kib, grows_by) = line(&judged);
            let grows_by_kib = (lived_through && judged.len() > 10).then_some(grows_by);
            let every = samples.len().div_ceil(COURSE).max(1);
            let course = samples.iter().step_by(every).map(|sample| (sample.at.as_secs_f64(), sample.rss_kib / 1024.0));
            Taken { name: name.clone(), process: *process, rss_kib, grows_by_kib, cores, course: course.collect() }
        });
        let taken: Vec<_> = taken.collect();
        let ours: Duration =
            self.samples.values().filter_map(|samples| Some(samples.last()?.cpu - samples.first()?.cpu)).sum();
        let foreign = self
            .machine
            .zip(usage::machine().ok())
            .and_then(|((_, before), after)| usage::foreign_share(before, after, ours, lasted).ok());
        (taken, foreign.unwrap_or(f64::NAN))
    }
}

impl Taken {
    /// What breaks the promise, if anything. The load's own memory is nobody's business.
    pub(super) fn grows(&self) -> Option<String> {
        let most = (self.rss_kib * GROWS_BY_SHARE).max(GROWS_BY_KIB);
        let grown = self.grows_by_kib.filter(|grown| *grown > most && self.name != "the load")?;
        Some(format!(
            "{} grew by {:.1} MiB while nothing changed, to {:.1}",
            self.name,
            grown / 1024.0,
            self.rss_kib / 1024.0
        ))
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "process": self.process, "rss_mib": self.rss_kib / 1024.0, "cores": self.cores,
            "grows_by_mib": self.grows_by_kib.map(|kib| kib / 1024.0),
            "seconds_and_rss_mib": self.course,
        })
    }
}

/// The mean, and by how much the line that fits best rises from the first sample to the last.
fn line(samples: &[Sample]) -> (f64, f64) {
    let count = samples.len() as f64;
    let mean = |of: &dyn Fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (at, rss) = (mean(&|sample| sample.at.as_secs_f64()), mean(&|sample| sample.rss_kib));
    let spread = mean(&|sample| (sample.at.as_secs_f64() - at).powi(2));
    let together = mean(&|sample| (sample.at.as_secs_f64() - at) * (sample.rss_kib - rss));
    let lasted = samples.first().zip(samples.last()).map_or(0.0, |(first, last)| (last.at - first.at).as_secs_f64());
    (rss, if spread > 0.0 { together / spread * lasted } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(kib: impl Fn(u32) -> f64) -> Vec<Sample> {
        let sample =
            |second: u32| Sample { at: Duration::from_secs(second.into()), rss_kib: kib(second), cpu: Duration::ZERO };
        (0..=100).map(sample).collect()
    }

    #[test]
    fn a_line_is_found_through_what_breathes() {
        let (mean, growth) =
            line(&samples(|second| 1000.0 + 10.0 * f64::from(second) + if second % 2 == 0 { 50.0 } else { -50.0 }));
        assert!((mean - 1500.0).abs() < 1.0 && (growth - 1000.0).abs() < 5.0, "{mean} {growth}");
    }

    #[test]
    fn what_grows_is_told_and_what_breathes_is_not() {
        let watch = |kib: fn(u32) -> f64| {
            let mut watch = Watch::default();
            watch.samples.insert(("replica 1".to_owned(), 7), samples(kib));
            watch.end(Duration::from_secs(100)).0.remove(0).grows()
        };
        assert_eq!(watch(|second| 100_000.0 + f64::from(second % 5) * 4_000.0), None);
        assert!(watch(|second| 100_000.0 + f64::from(second) * 1_000.0).is_some());
    }
}
