//! People who ask for commands, decide about them, and call them off.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use super::crowd::{Ground, is_over};
use super::runbooks::{BY_HAND, BY_LIBRARY, For, Runbook};
use crate::dice::Dice;
use crate::ledger::Line;
use crate::scenarios::door::{Door, heard};
use crate::times::Kind;

/// Of so many commands one is called off, this soon at most.
const ONE_CALLED_OFF_OF: u64 = 10;
const CALLED_OFF_WITHIN_MILLIS: u64 = 200;

/// One who asks.
pub(super) struct Requester {
    pub(super) ground: Ground,
    pub(super) name: String,
    /// What is added to each number of hers, so that nobody else asks for the same.
    pub(super) first: u64,
    pub(super) door: Door,
    pub(super) dice: Dice,
}

impl Requester {
    /// Asks until it is over.
    pub(super) async fn ask(mut self, over: watch::Receiver<bool>) -> Result<()> {
        let mut number = self.first;
        while !*over.borrow() {
            number += 1;
            let Some(body) = self.drawn(number) else { continue };
            let id = self.send(number, &body).await?;
            if self.dice.below(8) == 0 {
                let again = self.send(number, &body).await?;
                ensure!(id == again, "one key made {id} and {again}");
            }
            self.ground.ledger.put(Line::Asked { id: id.clone(), by: self.name.clone(), body });
            if self.dice.below(ONE_CALLED_OFF_OF) == 0 {
                self.call_off(id).await?;
            }
            sleep(Duration::from_millis(self.dice.below(self.ground.cast.pause_millis))).await;
        }
        Ok(())
    }

    fn drawn(&mut self, number: u64) -> Option<Value> {
        let runbook = Runbook::drawn(self.dice.below(100))?;
        let service = match runbook.for_whom {
            For::Nobody if !self.ground.cast.is_long => return None,
            For::Both if self.dice.below(100) < self.ground.cast.by_library_of_hundred => BY_LIBRARY,
            For::Both | For::Nobody | For::Dawdlers => BY_HAND,
        };
        let parameters = json!({"service": service, "number": number});
        Some(json!({"runbook": runbook.terms.runbook, "parameters": parameters, "reason": "it is killed meanwhile"}))
    }

    async fn send(&mut self, number: u64, body: &Value) -> Result<String> {
        let key = format!("{}-{number}", self.name);
        let asking = |door: &Door| door.caller.post("/v1/commands", body).header("Idempotency-Key", &key);
        let (status, command) = self.ground.insist(Kind::Command, &self.door, &mut self.dice, asking).await?;
        ensure!(matches!(status, 200 | 201), "a request was answered {status}: {command}");
        command["id"].as_str().map(str::to_owned).context("a command without an identifier")
    }

    async fn call_off(&mut self, id: String) -> Result<()> {
        sleep(Duration::from_millis(self.dice.below(CALLED_OFF_WITHIN_MILLIS))).await;
        let path = format!("/v1/commands/{id}/cancel");
        let asking = |door: &Door| door.caller.post(&path, &json!({}));
        match self.ground.insist(Kind::Command, &self.door, &mut self.dice, asking).await? {
            (200, _) => self.ground.ledger.put(Line::CalledOff { id }),
            (202, _) => self.ground.ledger.put(Line::AskedToStop { id }),
            // It has ended; or it was called off, and only the answer was lost.
            (409, _) => {}
            (status, said) => bail!("calling off was answered {status}: {said}"),
        }
        Ok(())
    }
}

/// One who decides about whatever waits for it, mostly for it.
pub(super) struct Approver {
    pub(super) ground: Ground,
    pub(super) name: String,
    pub(super) door: Door,
    pub(super) dice: Dice,
}

impl Approver {
    pub(super) async fn decide(mut self, mut over: watch::Receiver<bool>) -> Result<()> {
        loop {
            let turn = self.dice.below(2);
            let asked = self.door.caller.get("/v1/commands?state=pending&limit=50");
            let page = heard(self.door.by(usize::try_from(turn)?, asked)).await?;
            if let Err(none) = &page {
                self.ground.times.unanswered(Kind::Look, &none.0);
            }
            let pending =
                page.as_ref().ok().and_then(|(_, page)| page["commands"].as_array()).map_or(&[][..], Vec::as_slice);
            for command in pending {
                let for_whom = command["runbook"].as_str().and_then(Runbook::named).map(|runbook| runbook.for_whom);
                if for_whom != Some(For::Nobody) {
                    self.decide_about(command).await?;
                }
            }
            if is_over(&mut over, self.ground.cast.look_every).await {
                return Ok(());
            }
        }
    }

    async fn decide_about(&mut self, command: &Value) -> Result<()> {
        let id = command["id"].as_str().context("a command without an identifier")?;
        let decision = if self.dice.below(12) == 0 { "reject" } else { "approve" };
        let word = json!({"decision": decision, "digest": command["digest"]});
        let asked = self.door.caller.post(&format!("/v1/commands/{id}/approval"), &word);
        let begun = Instant::now();
        match heard(self.door.by(usize::try_from(self.dice.below(2))?, asked)).await? {
            Ok((200, _)) => {
                self.ground.times.took(Kind::Decision, begun);
                self.ground.ledger.put(Line::Decided { id: id.to_owned(), by: self.name.clone(), decision });
            }
            // It is decided by now, or was by this one before.
            Ok((409, _)) => {}
            // It waits, and is found again.
            Err(none) => self.ground.note(Kind::Decision, &none),
            Ok((status, said)) => bail!("a decision was answered {status}: {said}"),
        }
        Ok(())
    }
}
