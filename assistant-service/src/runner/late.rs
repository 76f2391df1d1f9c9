//! What is told late: how commands ended whose end this process, or an earlier one that was killed, may not have told.
//!
//! The service has ended such a command by itself, as abandoned, and keeps what is told late beside it. Told is what is
//! known: a step of which nobody heard the end is asked about, and what cannot be asked is unknown.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::agent::Gateway;
use super::ansible;
use super::carry_out::Runner;
use super::journal::{Fact, Handle, Journal, Kept, Phase, Replacement};
use super::podman::Podman;
use super::processes;
use super::step::StepFailure;
use super::work::Ending;

/// The agent itself tells a result for two minutes; what it told is only told again after that, which changes nothing.
const AFTER_THE_AGENT: Duration = Duration::from_secs(130);
/// While the service is away.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// What is known of one command.
#[derive(Debug, PartialEq)]
pub(super) struct Truth {
    pub(super) command: String,
    pub(super) fence: u64,
    pub(super) ending: Ending,
}

/// Ends what an earlier runner left running of steps that had not ended, before anything else is begun. Its truth is told by [`tell`].
pub(super) fn end_what_was_left(journal: &Journal) -> std::io::Result<()> {
    for kept in journal.left()? {
        for mark in marks(&kept.facts).filter(|mark| said(&kept.facts, mark).is_none()) {
            let (ended, none_left) = processes::end_marked(mark);
            // Values may be secret: they do not wait until the service can be told.
            ansible::clear_values(journal.folder(), mark);
            if ended > 0 || !none_left {
                tracing::warn!(ended, none_left, "an earlier runner left processes of a step; they were ended");
            }
        }
    }
    Ok(())
}

/// Puts in order what was left of containers, before anything else is begun. What cannot be put in order now is tried
/// again before its truth is told.
pub(super) async fn put_in_order(journal: &Journal, podman: &Podman) -> std::io::Result<()> {
    for mut kept in journal.left()? {
        if let Err(failure) = settle(&mut kept, podman).await {
            tracing::error!(%failure, "an earlier runner left containers that could not be put in order");
        }
    }
    Ok(())
}

/// What came of it is in the journal afterwards: what somebody does to the containers from then on is not undone by a second time.
async fn settle(kept: &mut Kept, podman: &Podman) -> Result<(), StepFailure> {
    for fact in &kept.facts {
        if let Fact::Handle { mark, handle: Handle::NewContainer { name } } = fact
            && said(&kept.facts, mark).is_none()
        {
            podman.settle_made(name).await?;
        }
    }
    let broken_off: Vec<_> = kept.facts.iter().filter_map(|fact| broken_off_roll(&kept.facts, fact)).collect();
    for (mark, roll, made) in broken_off {
        let said = podman.settle(&roll, made.as_deref()).await?;
        tracing::warn!(what = said.what, "a roll that broke off was put in order");
        let unwritten = |error| StepFailure::Failed(format!("the runner's journal cannot be written: {error}"));
        kept.add(Fact::Done { mark, said }).map_err(unwritten)?;
    }
    Ok(())
}

/// The step's mark, the roll, and the new container's id where it was made.
fn broken_off_roll(facts: &[Fact], fact: &Fact) -> Option<(String, Replacement, Option<String>)> {
    let Fact::Handle { mark, handle: Handle::Replaced(roll) } = fact else { return None };
    let made = facts.iter().find_map(|fact| match fact {
        Fact::Handle { mark: of, handle: Handle::Made { id } } if of == mark => Some(id.clone()),
        _ => None,
    });
    said(facts, mark).is_none().then(|| (mark.clone(), roll.clone(), made))
}

/// Tells what was left, and from then on whatever is let go, for as long as the runner lives.
pub(super) async fn tell(runner: &Runner, gateway: &Gateway) {
    let mut not_before = Instant::now();
    loop {
        tokio::time::sleep_until(not_before).await;
        if tell_all(runner, gateway).await {
            runner.journal.let_go_of_one().await;
            not_before = deadline(AFTER_THE_AGENT);
        } else {
            sleep(AGAIN_AFTER).await;
        }
    }
}

fn deadline(after: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(after).unwrap_or(now)
}

/// Whether nothing is left to be told.
async fn tell_all(runner: &Runner, gateway: &Gateway) -> bool {
    let Runner { journal, kinds, metrics, .. } = runner;
    let left = match journal.left() {
        Ok(left) => left,
        Err(error) => {
            tracing::error!(%error, "the journal cannot be read");
            return false;
        }
    };
    let podman = kinds.podman.as_ref();
    let mut is_all = true;
    let mut untold = 0_usize;
    for mut kept in left {
        if let Some(podman) = podman
            && let Err(failure) = settle(&mut kept, podman).await
        {
            tracing::error!(%failure, "what was left of containers could not be put in order yet");
            is_all = false;
            untold = untold.saturating_add(1);
            continue;
        }
        let is_told = match truth(journal, &kept, podman).await {
            None => true,
            Some(truth) => gateway.tell_late(&truth).await,
        };
        if is_told {
            marks(&kept.facts).for_each(|mark| ansible::clear(journal.folder(), mark));
            if let Err(error) = kept.settle() {
                tracing::error!(file = %kept.path.display(), %error, "a settled file of the journal cannot be removed");
                is_all = false;
            }
        }
        is_all &= is_told;
        untold = untold.saturating_add(usize::from(!is_told));
    }
    metrics.wait_to_be_told(untold);
    is_all
}

fn marks(facts: &[Fact]) -> impl Iterator<Item = &str> {
    facts.iter().filter_map(|fact| match fact {
        Fact::Begun { mark, .. } => Some(mark.as_str()),
        _ => None,
    })
}

/// What the facts of a command come to. A file without its first line was begun by nobody.
pub(super) async fn truth(journal: &Journal, kept: &Kept, podman: Option<&Podman>) -> Option<Truth> {
    let Some(Fact::Taken { command, fence, .. }) = kept.facts.first() else { return None };
    let (command, fence) = (command.clone(), *fence);
    let told = kept.facts.iter().find_map(|fact| match fact {
        Fact::Ended { ending } => Some(ending.clone()),
        _ => None,
    });
    if let Some(ending) = told {
        return Some(Truth { command, fence, ending });
    }
    let mut sentences = vec!["the runner stopped in the middle of the command".to_owned()];
    for fact in &kept.facts {
        let Fact::Begun { phase, number, name, mark, .. } = fact else { continue };
        let what = match said(&kept.facts, mark) {
            Some(said) => said,
            None => asked(journal, &kept.facts, mark, podman).await,
        };
        let phase = match phase {
            Phase::Steps => "step",
            Phase::Verify => "check",
            Phase::Rollback => "undoing",
        };
        sentences.push(format!("{phase} {number} ({name}): {what}"));
    }
    Some(Truth { command, fence, ending: Ending::Failed(sentences.join("; ")) })
}

fn said(facts: &[Fact], wanted: &str) -> Option<String> {
    facts.iter().find_map(|fact| match fact {
        Fact::Done { mark, said } if mark == wanted => Some(format!("{}: {}", said.outcome, said.what)),
        _ => None,
    })
}

/// What became of a step that nobody heard the end of.
async fn asked(journal: &Journal, facts: &[Fact], wanted: &str, podman: Option<&Podman>) -> String {
    let (ended, none_left) = processes::end_marked(wanted);
    let mut sentences = Vec::new();
    if ended > 0 {
        sentences.push(format!("{ended} processes of it still ran and were ended"));
    }
    if !none_left {
        sentences.push("something of it still runs".to_owned());
    }
    let handles = facts.iter().filter_map(|fact| match fact {
        Fact::Handle { mark, handle } if mark == wanted => Some(handle),
        _ => None,
    });
    for handle in handles {
        sentences.push(match (handle, podman) {
            (Handle::Playbook { .. }, _) => ansible::found(journal.folder(), wanted),
            (Handle::Request { url }, _) => format!("nobody knows whether the request to {url} was sent"),
            // Its roll says it.
            (Handle::Made { .. }, _) => continue,
            (_, Some(podman)) => podman.found(handle).await,
            (
                Handle::Container { name, .. }
                | Handle::NewContainer { name }
                | Handle::Replaced(Replacement { name, .. }),
                None,
            ) => {
                format!(
                    "nobody knows what became of the container {name}: this runner was started without --podman-socket"
                )
            }
        });
    }
    if sentences.is_empty() {
        sentences.push("it was not begun".to_owned());
    }
    sentences.join(", ")
}
