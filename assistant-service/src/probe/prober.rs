//! Makes the checks of a round: first what everything stands on, then all others side by side, each in its own time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::{Instant, timeout};

use super::attacks::{Attack, Forger, Verdict, attack};
use super::check::{Check, Finding, Outcome};
use super::checks::{ask, base, command, event, revocation, session};
use super::gateway::Gateway;
use super::live::LiveSession;
use super::settings::{Pace, Settings};
use super::walk::{Identity, Tokens, Walk};
use crate::clock::Clock;

/// What a round came to.
#[derive(Clone, Debug)]
pub(super) struct Round {
    pub(super) at: OffsetDateTime,
    pub(super) took: Duration,
    /// Of the checks that were made.
    pub(super) findings: Vec<Finding>,
    pub(super) attacks: Vec<(Attack, Verdict)>,
    /// Where somebody looked at them.
    pub(super) sessions: Option<Vec<LiveSession>>,
}

/// Makes rounds.
pub(super) struct Prober {
    pub(super) settings: Arc<Settings>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tokens: Arc<Tokens>,
    forger: Forger,
    /// When each check was last made, by the clock that only grows, and what came of it.
    made: Mutex<BTreeMap<Check, (Duration, Last)>>,
    /// Attacks that got through and were not denied since.
    let_through: Mutex<BTreeSet<Attack>>,
    /// The report of the last round.
    last: Mutex<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// It is made again at its own pace.
    Usual,
    /// Nothing is known: it is made in the next round.
    Blocked,
    /// So is what has failed once: the second look decides.
    FailedOnce,
    /// Once more at its own pace, however long it fails: it may use up what others need.
    Failing,
}

#[derive(Serialize)]
struct Reported {
    check: &'static str,
    outcome: &'static str,
    milliseconds: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Prober {
    pub(super) fn new(settings: Arc<Settings>, clock: Arc<dyn Clock>) -> Self {
        let (tokens, forger, last) = (Arc::default(), Forger::default(), Mutex::new(json!({"checks": []})));
        Self { settings, clock, tokens, forger, made: Mutex::default(), let_through: Mutex::default(), last }
    }

    /// Goes on with what an earlier probe has seen get through.
    pub(super) fn go_on_with(&self, let_through: BTreeSet<Attack>) {
        *self.let_through.lock().unwrap_or_else(PoisonError::into_inner) = let_through;
    }

    pub(super) fn let_through(&self) -> BTreeSet<Attack> {
        self.let_through.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every check that this file has made.
    pub(super) fn checks(&self) -> Vec<Check> {
        Check::ALL.into_iter().filter(|check| self.pace(*check).is_some()).collect()
    }

    fn pace(&self, check: Check) -> Option<Pace> {
        let settings = &self.settings;
        match check {
            Check::Gateway | Check::Service | Check::Token => Some(settings.base),
            Check::Gate => Some(settings.gate.pace),
            Check::Event => Some(settings.event.pace),
            Check::Ask => settings.ask.as_ref().map(|ask| ask.pace),
            Check::Command => settings.command.as_ref().map(|command| command.pace),
            Check::Session => settings.session.as_ref().map(|session| session.pace),
            Check::Revocation => settings.revocation.as_ref().map(|revocation| revocation.pace),
        }
    }

    /// Makes the checks whose time it is.
    pub(super) async fn round(&self) -> Round {
        let (at, begun) = (self.clock.now(), Instant::now());
        let sessions = Mutex::new(None);
        let (mut findings, mut attacks) = (Vec::new(), Vec::new());
        match Gateway::open(&self.settings) {
            Ok(gateway) => {
                let (clock, tokens) = (self.clock.as_ref(), self.tokens.as_ref());
                let walk = Walk {
                    settings: &self.settings,
                    clock,
                    gateway: &gateway,
                    tokens,
                    forger: &self.forger,
                    sessions: &sessions,
                };
                self.walk(&walk, &mut findings, &mut attacks).await;
            }
            Err(error) => findings.push(finding(Check::Gateway, Outcome::Failed(format!("{error:#}")), begun)),
        }
        self.remember(&findings);
        let sessions = sessions.into_inner().unwrap_or_else(PoisonError::into_inner);
        let round = Round { at, took: begun.elapsed(), findings, attacks, sessions };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = round.report();
        round
    }

    async fn walk(&self, walk: &Walk<'_>, findings: &mut Vec<Finding>, attacks: &mut Vec<(Attack, Verdict)>) {
        let base = self.settings.base.timeout;
        let begun = Instant::now();
        let answered = timeout(base, base::gateway(walk)).await.unwrap_or_else(|_| Err(anyhow!("no answer in time")));
        let (gateway, service) = match &answered {
            Ok(answer) => (Outcome::Passed("answers".to_owned()), base::service(answer)),
            Err(error) => (Outcome::Failed(format!("{error:#}")), Outcome::blocked_by(Check::Gateway)),
        };
        let blocked = match (&gateway, &service) {
            (Outcome::Failed(_), _) => Some(Check::Gateway),
            (_, Outcome::Failed(_)) => Some(Check::Service),
            _ => None,
        };
        findings.extend([finding(Check::Gateway, gateway, begun), finding(Check::Service, service, begun)]);
        let begun = Instant::now();
        let (token, identity) = timeout(base, base::token(walk, blocked))
            .await
            .unwrap_or_else(|_| (Outcome::Failed("no token in time".to_owned()), None));
        findings.push(finding(Check::Token, token, begun));

        let identity = identity.as_ref();
        let blocked = blocked.or_else(|| identity.is_none().then_some(Check::Token));
        let without_provider = has_failed(findings, Check::Token).then_some(Check::Token);
        let blocked_of = |check| blocked.or_else(|| without_provider.filter(|_| self.settings.asks_provider(check)));
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let settings = &self.settings;
        let (attacked, event, ask, command, session, revocation) = tokio::join!(
            self.gate(walk, identity, blocked),
            self.made(Check::Event, blocked_of(Check::Event), identity, async |identity| event::check(
                walk, identity, &last
            )
            .await),
            self.made(Check::Ask, blocked_of(Check::Ask), identity, async |identity| match &settings.ask {
                Some(ask) => ask::check(walk, identity, ask).await,
                None => Err(anyhow!("not configured")),
            }),
            self.made(Check::Command, blocked_of(Check::Command), identity, async |identity| match &settings.command {
                Some(command) => command::check(walk, identity, command).await,
                None => Err(anyhow!("not configured")),
            }),
            self.made(Check::Session, blocked_of(Check::Session), identity, async |identity| match &settings.session {
                Some(session) => session::check(walk, identity, session).await,
                None => Err(anyhow!("not configured")),
            }),
            self.made(Check::Revocation, blocked_of(Check::Revocation), identity, async |identity| {
                match &settings.revocation {
                    Some(revocation) => revocation::check(walk, identity, revocation).await,
                    None => Err(anyhow!("not configured")),
                }
            }),
        );
        if let Some((gate, made)) = attacked {
            findings.push(gate);
            *attacks = made;
        }
        findings.extend([event, ask, command, session, revocation].into_iter().flatten());
    }

    /// One of the checks that need a token, where it is its time.
    async fn made(
        &self,
        check: Check,
        blocked: Option<Check>,
        identity: Option<&Identity>,
        make: impl AsyncFnOnce(&Identity) -> anyhow::Result<String>,
    ) -> Option<Finding> {
        let pace = self.pace(check).filter(|pace| self.is_due(check, *pace))?;
        let begun = Instant::now();
        let outcome = match (blocked, identity) {
            (None, Some(identity)) => match timeout(pace.timeout, make(identity)).await {
                Ok(Ok(said)) => Outcome::Passed(said),
                Ok(Err(error)) => Outcome::Failed(format!("{error:#}")),
                Err(_) => Outcome::Failed(format!("not done within {} s", pace.timeout.as_secs())),
            },
            (by, _) => Outcome::blocked_by(by.unwrap_or(Check::Token)),
        };
        Some(finding(check, outcome, begun))
    }

    async fn gate(
        &self,
        walk: &Walk<'_>,
        identity: Option<&Identity>,
        blocked: Option<Check>,
    ) -> Option<(Finding, Vec<(Attack, Verdict)>)> {
        let pace = self.pace(Check::Gate).filter(|pace| self.is_due(Check::Gate, *pace))?;
        let begun = Instant::now();
        if let Some(Check::Gateway) = blocked {
            return Some((finding(Check::Gate, Outcome::blocked_by(Check::Gateway), begun), Vec::new()));
        }
        let made = timeout(pace.timeout, attack(walk, identity, blocked.is_none())).await;
        let (outcome, attacks) = match made {
            Ok(attacks) => (self.judge(&attacks, blocked), attacks),
            Err(_) => (Outcome::Failed(format!("not done within {} s", pace.timeout.as_secs())), Vec::new()),
        };
        Some((finding(Check::Gate, outcome, begun), attacks))
    }

    /// What the attacks come to, with what got through in earlier rounds.
    fn judge(&self, attacks: &[(Attack, Verdict)], blocked: Option<Check>) -> Outcome {
        let mut let_through = self.let_through.lock().unwrap_or_else(PoisonError::into_inner);
        for (attack, verdict) in attacks {
            match verdict {
                Verdict::Denied => {
                    let_through.remove(attack);
                }
                Verdict::NotDenied(_) => {
                    let_through.insert(*attack);
                }
                Verdict::NotJudged(_) => {}
            }
        }
        judged(attacks, &let_through, blocked)
    }

    /// Rounds come a little early or late; a check that comes with each of them is not to miss one by that.
    fn is_due(&self, check: Check, pace: Pace) -> bool {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let slack = self.settings.interval.mul_f64(0.5);
        made.get(&check).is_none_or(|(at, last)| {
            matches!(last, Last::Blocked | Last::FailedOnce)
                || self.clock.elapsed().saturating_add(slack) >= at.saturating_add(pace.every)
        })
    }

    fn remember(&self, findings: &[Finding]) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.elapsed();
        for Finding { check, outcome, .. } in findings {
            let before = made.get(check).map(|(_, last)| *last);
            let last = match outcome {
                Outcome::Passed(_) => Last::Usual,
                // Attacks that nobody judged may be why a throttle has had enough.
                Outcome::Blocked(_) if *check == Check::Gate => Last::Usual,
                Outcome::Blocked(_) => Last::Blocked,
                Outcome::Failed(_) if matches!(before, Some(Last::FailedOnce | Last::Failing)) => Last::Failing,
                Outcome::Failed(_) => Last::FailedOnce,
            };
            made.insert(*check, (now, last));
        }
    }
}

/// The gate denies what it must if some attacks were denied, none got through, and none that got through before is still to be judged:
/// a service that is away, or a throttle, closes no gate.
fn judged(attacks: &[(Attack, Verdict)], let_through: &BTreeSet<Attack>, blocked: Option<Check>) -> Outcome {
    let through = attacks.iter().filter_map(|(attack, verdict)| match verdict {
        Verdict::NotDenied(how) => Some(format!("{}: {how}", attack.name())),
        Verdict::Denied | Verdict::NotJudged(_) => None,
    });
    let through: Vec<_> = through.collect();
    if !through.is_empty() {
        return Outcome::Failed(through.join("; "));
    }
    let not_judged = attacks.iter().filter(|(_, verdict)| *verdict != Verdict::Denied).map(|(attack, _)| *attack);
    let not_judged: Vec<_> = not_judged.collect();
    let denied = attacks.len().saturating_sub(not_judged.len());
    match (denied, blocked) {
        (0, Some(by)) => Outcome::blocked_by(by),
        (0, None) => Outcome::Blocked("no attack was judged".to_owned()),
        _ if !let_through.is_empty() => {
            Outcome::Blocked(format!("let through before, and not judged since: {}", names(let_through)))
        }
        _ => {
            let mut said = format!("{denied} of {} attacks denied, none let through", attacks.len());
            if !not_judged.is_empty() {
                said += &format!("; not judged: {}", names(&not_judged));
            }
            Outcome::Passed(said)
        }
    }
}

fn names<'a>(attacks: impl IntoIterator<Item = &'a Attack>) -> String {
    attacks.into_iter().map(|attack| attack.name()).collect::<Vec<_>>().join(", ")
}

fn has_failed(findings: &[Finding], check: Check) -> bool {
    findings.iter().any(|finding| finding.check == check && matches!(finding.outcome, Outcome::Failed(_)))
}

fn finding(check: Check, outcome: Outcome, begun: Instant) -> Finding {
    Finding { check, outcome, took: begun.elapsed() }
}

impl Round {
    /// Whether every check that was made passed.
    pub(super) fn has_passed(&self) -> bool {
        self.findings.iter().all(|finding| matches!(finding.outcome, Outcome::Passed(_)))
    }

    /// What the event of the next round says of this one.
    pub(super) fn report(&self) -> Value {
        let reported = |finding: &Finding| Reported {
            check: finding.check.name(),
            outcome: finding.outcome.name(),
            milliseconds: finding.took.as_millis(),
            reason: match &finding.outcome {
                Outcome::Failed(reason) => Some(reason.clone()),
                Outcome::Passed(_) | Outcome::Blocked(_) => None,
            },
        };
        let checks: Vec<_> = self.findings.iter().map(reported).collect();
        let attacks: serde_json::Map<_, _> =
            self.attacks.iter().map(|(attack, verdict)| (attack.name().to_owned(), json!(verdict.name()))).collect();
        let at = super::notice::written(crate::clock::millis(self.at));
        json!({"at": at, "milliseconds": self.took.as_millis(), "checks": checks, "attacks": attacks})
    }
}

#[cfg(test)]
mod tests;
