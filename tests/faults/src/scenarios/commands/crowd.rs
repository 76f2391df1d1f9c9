//! Everybody who has to do with commands, and what is found when all of them have had their last answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use service_agent::{Gateway, TokenSource};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use watchgate_tests::Stage;
use watchgate_tests::client::expect_json;

use super::Plan;
use super::holders::Holder;
use super::library;
use super::people::{Approver, Requester};
use super::runbooks::{BY_HAND, RUNBOOKS};
use crate::dice::Dice;
use crate::judge::{Told, judge_commands};
use crate::ledger::{End, Ledger, Line};
use crate::scenarios::door::{Door, heard};
use crate::scenarios::posting::{AGAIN_AFTER, TOKEN_SECONDS, caller};
use crate::verdict::Verdict;

const REQUESTERS: u64 = 4;
const APPROVERS: usize = 3;
const HOLDERS: usize = 4;

/// Until a call is answered.
const PATIENCE: Duration = Duration::from_secs(60);

/// From the last request on: three attempts, each ended over its holder's silence and followed by a pause of the same length, the last
/// place given back, and what waited for it.
const ALL_END_WITHIN: Duration = Duration::from_secs(300);

/// What all of them know.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) ledger: Arc<Ledger>,
    pub(super) plan: Plan,
}

impl Ground {
    /// Asks one replica after the other until one says something.
    pub(super) async fn insist(
        &self,
        door: &Door,
        dice: &mut Dice,
        request: impl Fn(&Door) -> RequestBuilder,
    ) -> Result<(u16, Value)> {
        let mut turn = usize::try_from(dice.below(2))?;
        let begun = Instant::now();
        loop {
            if let Some(answer) = heard(door.by(turn, request(door))).await? {
                return Ok(answer);
            }
            ensure!(begun.elapsed() < PATIENCE, "a call was not answered for {} s", PATIENCE.as_secs());
            self.ledger.put(Line::Unanswered);
            turn += 1;
            sleep(AGAIN_AFTER).await;
        }
    }
}

/// Whether it is over, by the end of the pause at the latest.
pub(super) async fn is_over(over: &mut watch::Receiver<bool>, pause: Duration) -> bool {
    timeout(pause, over.wait_for(|is_over| *is_over)).await.is_ok()
}

/// Tasks under way, and whoever looks at what they do.
pub(super) struct Crowd {
    ground: Ground,
    reader: Door,
    /// Speaks for those who died.
    late: Holder,
    asking: watch::Sender<bool>,
    serving: watch::Sender<bool>,
    requesters: JoinSet<Result<()>>,
    others: JoinSet<Result<()>>,
}

impl Crowd {
    pub(super) fn begin(stage: &Stage, replicas: usize, plan: Plan, dice: &mut Dice) -> Result<Self> {
        let ground = Ground { ledger: Arc::default(), plan };
        let door = |subject: &str, scopes: &str| {
            Ok::<_, anyhow::Error>(Door { caller: caller(stage, subject, scopes)?, replicas })
        };
        let mut own_dice = || Dice::seeded(dice.below(1 << 32));
        let (asking, asked) = watch::channel(false);
        let (serving, served) = watch::channel(false);
        let (mut requesters, mut others) = (JoinSet::new(), JoinSet::new());
        for number in 0..REQUESTERS {
            let name = format!("requester-{number}");
            let (door, first) = (door(&name, "commands:request")?, number * 1_000_000);
            let requester = Requester { ground: ground.clone(), name, first, door, dice: own_dice() };
            requesters.spawn(requester.ask(asked.clone()));
        }
        for number in 0..APPROVERS {
            let name = format!("approver-{number}");
            let door = door(&name, "commands:approve")?;
            let approver = Approver { ground: ground.clone(), name, door, dice: own_dice() };
            others.spawn(approver.decide(served.clone()));
        }
        let service = door(BY_HAND, "commands:lease")?;
        let mut holder = || Holder { ground: ground.clone(), door: service.clone(), dice: own_dice() };
        for _ in 0..HOLDERS {
            others.spawn(holder().hold(served.clone()));
        }
        let late = holder();
        let token =
            stage.token(super::runbooks::BY_LIBRARY).scope("commands:lease").ttl_seconds(TOKEN_SECONDS).mint()?;
        let gateway =
            Gateway::connect(&stage.base_url(), TokenSource::Fixed(token), Some(&std::fs::read(stage.ca())?))?;
        others.spawn(library::serve(gateway, Arc::clone(&ground.ledger), served));
        let reader = door("reader", "commands:request events:read")?;
        Ok(Self { ground, reader, late, asking, serving, requesters, others })
    }

    /// Ends the play where one of them met what must not be.
    pub(super) async fn look(&mut self) -> Result<()> {
        let ended = self.requesters.try_join_next().or_else(|| self.others.try_join_next());
        match ended {
            Some(ended) => ended?.and_then(|()| bail!("somebody ended before it was over")),
            None => Ok(()),
        }
    }

    /// Lets everybody and every command come to its end, and judges.
    pub(super) async fn judged(mut self) -> Result<Verdict> {
        self.asking.send_replace(true);
        while let Some(ended) = self.requesters.join_next().await {
            ended??;
        }
        self.all_end().await?;
        for line in self.ground.ledger.lines() {
            if let Line::Died { lease } = line {
                self.late.report(&lease, End::Succeeded).await?;
            }
        }
        self.serving.send_replace(true);
        while let Some(ended) = self.others.join_next().await {
            ended??;
        }
        let lines = self.ground.ledger.lines();
        let told = self.told(0, &lines).await?;
        let mut verdict = judge_commands(&lines, &told, &RUNBOOKS.map(|runbook| runbook.terms))?;
        verdict.replicas = self.reader.replicas as u64;
        for replica in 1..self.reader.replicas {
            if self.told(replica, &lines).await? != told {
                verdict.violate(format!("replica {replica} tells something else of commands than the first"));
            }
        }
        Ok(verdict)
    }

    /// Waits until every command has ended. One that has not is told by the judge.
    async fn all_end(&mut self) -> Result<()> {
        let begun = Instant::now();
        let lines = self.ground.ledger.lines();
        let mut open: BTreeSet<&str> = asked(&lines).collect();
        while !open.is_empty() && begun.elapsed() < ALL_END_WITHIN {
            self.look().await?;
            for id in open.clone() {
                let state = self.command(0, id).await?["state"].as_str().unwrap_or_default().to_owned();
                if FINAL.contains(&state.as_str()) {
                    open.remove(id);
                }
            }
            sleep(AGAIN_AFTER).await;
        }
        Ok(())
    }

    async fn command(&self, replica: usize, id: &str) -> Result<Value> {
        let path = format!("/v1/commands/{id}");
        let answer = self.reader.by(replica, self.reader.caller.get(&path)).send().await?;
        ensure!(matches!(answer.status().as_u16(), 200 | 404), "{path} was answered {}", answer.status());
        Ok(answer.json().await?)
    }

    /// What a replica says when it is asked.
    async fn told(&self, replica: usize, lines: &[Line]) -> Result<Told> {
        let mut told = Told { events: Vec::new(), commands: BTreeMap::new() };
        for id in asked(lines) {
            told.commands.insert(id.to_owned(), self.command(replica, id).await?);
        }
        let mut after = json!(0);
        while let Some(position) = after.as_u64() {
            let query = [("type", "dev.watchgate.command.*"), ("limit", "1000"), ("after", &position.to_string())];
            let asked = self.reader.caller.get("/v1/events").query(&query);
            let page = expect_json(200, self.reader.by(replica, asked)).await?;
            let events = page["events"].as_array().context("no events")?;
            told.events.extend(events.iter().map(|event| event["event"].clone()));
            after = page["next_after"].clone();
        }
        Ok(told)
    }
}

/// States that nothing leads on from.
const FINAL: [&str; 7] = ["succeeded", "failed", "timeout", "canceled", "rejected", "expired", "abandoned"];

fn asked(lines: &[Line]) -> impl Iterator<Item = &str> {
    lines.iter().filter_map(|line| if let Line::Asked { id, .. } = line { Some(id.as_str()) } else { None })
}
