//! Those who carry commands out over plain HTTP, well or badly.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use assistant_service::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::crowd::{Ground, is_over};
use super::runbooks::{BY_HAND, For, Holders, Runbook};
use crate::dice::Dice;
use crate::ledger::{End, Lease, Line};
use crate::scenarios::door::{Door, heard};
use crate::scenarios::posting::AGAIN_AFTER;
use crate::times::Kind;

/// Between two words of a holder at most.
const WORK_MILLIS: u64 = 60;

/// Of so many words of a holder one is its last, where it may die; and of so many leases one is never begun.
const ONE_LAST_OF: u64 = 60;
const ONE_NEVER_BEGUN_OF: u64 = 20;

/// Between two signs of life of one who takes longer than is allowed.
const DAWDLES_EVERY: Duration = Duration::from_millis(200);

#[derive(Clone)]
pub(super) struct Holder {
    pub(super) ground: Ground,
    pub(super) door: Door,
    pub(super) dice: Dice,
}

/// That the lease does not count any more, and all is said.
struct Refused;

impl Holder {
    /// Takes commands until it is over.
    pub(super) async fn hold(mut self, over: watch::Receiver<bool>) -> Result<()> {
        let path = format!("/v1/services/{BY_HAND}/commands:lease");
        let mut beside = JoinSet::new();
        while !*over.borrow() {
            let asked = self.door.caller.post(&path, &json!({"wait_seconds": 1}));
            match heard(self.door.by(usize::try_from(self.dice.below(2))?, asked)).await? {
                Ok((200, leased)) => {
                    let id = leased["command"]["id"].as_str().context("a lease without a command")?.to_owned();
                    let lease = Lease { id, fence: leased["fence"].as_u64().context("a lease without a fence")? };
                    let runbook = leased["command"]["runbook"].as_str().and_then(Runbook::named);
                    let runbook = runbook.context("a runbook of nobody")?;
                    self.ground.ledger.put(Line::Leased(lease.clone()));
                    let is_long = self.ground.cast.is_long;
                    let may_die = match runbook.holders {
                        Holders::Die => is_long || lease.fence == 1,
                        Holders::DieInTheLongForm => is_long,
                        Holders::Live => false,
                    };
                    if runbook.for_whom == For::Dawdlers {
                        beside.spawn(self.clone().dawdle(lease));
                    } else if self.dies(&lease, may_die, ONE_NEVER_BEGUN_OF) {
                        beside.spawn(self.clone().speak_late(lease, over.clone()));
                    } else {
                        self.carry_out(&lease, may_die).await?;
                    }
                }
                Ok((204, _)) => {}
                Ok((status, said)) => bail!("a lease was answered {status}: {said}"),
                Err(none) => {
                    self.ground.note(Kind::Look, &none);
                    sleep(self.ground.cast.again_after).await;
                }
            }
        }
        while let Some(ended) = beside.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn carry_out(&mut self, lease: &Lease, may_die: bool) -> Result<()> {
        if self.beat(lease, json!({})).await?.is_err() {
            return Ok(());
        }
        let mut written = 0;
        for _ in 0..self.dice.below(5) {
            sleep(Duration::from_millis(self.dice.below(WORK_MILLIS))).await;
            if self.dies(lease, may_die, ONE_LAST_OF) {
                return Ok(());
            }
            if self.dice.below(2) == 0 {
                let Ok(()) = self.write(lease, &mut written).await? else { return Ok(()) };
                continue;
            }
            match self.beat(lease, json!({"progress": {"percent": 50, "line": "half way"}})).await? {
                Err(Refused) => return Ok(()),
                Ok(true) => return self.report(lease, End::Canceled).await,
                Ok(false) => {}
            }
        }
        if self.dice.below(4) == 0 && self.beat(lease, json!({"phase": "verifying"})).await?.is_err() {
            return Ok(());
        }
        let end = if self.dice.below(5) == 0 { End::Failed } else { End::Succeeded };
        let undoes = end == End::Failed && self.dice.below(2) == 0;
        if undoes && self.beat(lease, json!({"phase": "rolling_back"})).await?.is_err() {
            return Ok(());
        }
        if self.dies(lease, may_die, ONE_LAST_OF) {
            return Ok(());
        }
        self.report(lease, end).await?;
        if self.dice.below(4) == 0 {
            self.report(lease, end).await?;
        }
        Ok(())
    }

    /// Gives signs of life for longer than is allowed, and then reports that it is done.
    async fn dawdle(mut self, lease: Lease) -> Result<()> {
        while self.beat(&lease, json!({})).await?.is_ok() {
            sleep(DAWDLES_EVERY).await;
        }
        self.report(&lease, End::Succeeded).await
    }

    /// Says that it is done as soon as another one has the command.
    async fn speak_late(mut self, lease: Lease, mut over: watch::Receiver<bool>) -> Result<()> {
        while !self.ground.ledger.is_overtaken(&lease) {
            if is_over(&mut over, AGAIN_AFTER).await {
                return Ok(());
            }
        }
        self.report(&lease, End::Succeeded).await
    }

    /// Whether chance ends it here, once of so many times. What it held is spoken for when all is over.
    fn dies(&mut self, lease: &Lease, may_die: bool, one_of: u64) -> bool {
        let dies = may_die && self.dice.below(one_of) == 0;
        if dies {
            self.ground.ledger.put(Line::Died { lease: lease.clone() });
        }
        dies
    }

    /// A sign of life; says whether it is to stop.
    async fn beat(&mut self, lease: &Lease, mut word: Value) -> Result<Result<bool, Refused>> {
        let sent = SystemClock.now();
        word["fence"] = json!(lease.fence);
        let Ok(said) = self.say(lease, "heartbeat", &word).await? else { return Ok(Err(Refused)) };
        self.ground.ledger.put(Line::Alive { lease: lease.clone(), sent });
        Ok(Ok(said["stop"] == true))
    }

    async fn write(&mut self, lease: &Lease, written: &mut u64) -> Result<Result<(), Refused>> {
        let sent = SystemClock.now();
        let text = format!("line at {written}\n");
        let word = json!({"fence": lease.fence, "offset": written, "text": text});
        let Ok(said) = self.say(lease, "output", &word).await? else { return Ok(Err(Refused)) };
        *written += text.len() as u64;
        if said["output_bytes"] != *written {
            bail!("{written} bytes of {lease:?} were answered {said}");
        }
        self.ground.ledger.put(Line::Alive { lease: lease.clone(), sent });
        self.ground.ledger.put(Line::Written { lease: lease.clone(), bytes: *written });
        Ok(Ok(()))
    }

    pub(super) async fn report(&mut self, lease: &Lease, end: End) -> Result<()> {
        let word = lease.word();
        let mut report = json!({"fence": lease.fence, "outcome": end.name()});
        match end {
            End::Succeeded => report["result"] = json!({"word": word}),
            End::Failed | End::Canceled => report["message"] = json!(word),
        }
        let line = match self.say(lease, "result", &report).await? {
            Ok(_) => Line::Taken { lease: lease.clone(), end },
            Err(Refused) => Line::Refused { lease: lease.clone() },
        };
        self.ground.ledger.put(line);
        Ok(())
    }

    /// Says it until it is answered.
    async fn say(&mut self, lease: &Lease, what: &str, word: &Value) -> Result<Result<Value, Refused>> {
        let path = format!("/v1/commands/{}/{what}", lease.id);
        let saying = |door: &Door| door.caller.post(&path, word);
        let (status, said) = self.ground.insist(Kind::Word, &self.door, &mut self.dice, saying).await?;
        let kind = said["type"].as_str().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default();
        match (status, kind) {
            (200, _) => Ok(Ok(said)),
            (409, "stale-fence" | "wrong-state") => Ok(Err(Refused)),
            _ => bail!("{what} of {lease:?} was answered {status}: {said}"),
        }
    }
}
