//! Everybody who has to do with commands, and what is found when all of them have had their last answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use service_agent::{Agent, Gateway, TokenSource};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use watchgate_tests::Stage;
use watchgate_tests::client::expect_json;

use super::holders::Holder;
use super::library;
use super::people::{Approver, Requester};
use super::runbooks::{BY_HAND, BY_LIBRARY, RUNBOOKS};
use super::{Cast, Library};
use crate::dice::Dice;
use crate::judge::{Told, judge_commands};
use crate::ledger::{End, Ledger, Line};
use crate::scenarios::door::{Door, NoAnswer, heard};
use crate::scenarios::posting::{AGAIN_AFTER, TOKEN_SECONDS, caller};
use crate::times::{Kind, Times};
use crate::verdict::Verdict;

const APPROVERS: usize = 3;
const HOLDERS: usize = 4;
const AT_ONCE: usize = 6;

/// Until a call is answered.
const PATIENCE: Duration = Duration::from_secs(60);

/// From the last request on: three attempts, each ended over its holder's silence and followed by a pause of the same length, the last
/// place given back, and what waited for it.
const ALL_END_WITHIN: Duration = Duration::from_secs(300);

/// What all of them know.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) ledger: Arc<Ledger>,
    pub(super) cast: Cast,
    pub(super) times: Arc<Times>,
}

impl Ground {
    /// Asks one replica after the other until one says something.
    pub(super) async fn insist(
        &self,
        kind: Kind,
        door: &Door,
        dice: &mut Dice,
        request: impl Fn(&Door) -> RequestBuilder,
    ) -> Result<(u16, Value)> {
        let mut turn = usize::try_from(dice.below(2))?;
        let begun = Instant::now();
        loop {
            match heard(door.by(turn, request(door))).await? {
                Ok(answer) => {
                    self.times.took(kind, begun);
                    return Ok(answer);
                }
                Err(none) => self.note(kind, &none),
            }
            ensure!(begun.elapsed() < PATIENCE, "a call was not answered for {} s", PATIENCE.as_secs());
            turn += 1;
            sleep(self.cast.again_after).await;
        }
    }
}

impl Ground {
    /// Puts down that there was no answer.
    pub(super) fn note(&self, kind: Kind, none: &NoAnswer) {
        self.ledger.put(Line::Unanswered);
        self.times.unanswered(kind, &none.0);
    }
}

/// Whether it is over, by the end of the pause at the latest.
pub(super) async fn is_over(over: &mut watch::Receiver<bool>, pause: Duration) -> bool {
    timeout(pause, over.wait_for(|is_over| *is_over)).await.is_ok()
}

/// Tasks under way, and whoever looks at what they do.
pub(in crate::scenarios) struct Crowd {
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
    pub(in crate::scenarios) fn begin(stage: &Stage, cast: Cast, times: Arc<Times>, dice: &mut Dice) -> Result<Self> {
        let ground = Ground { ledger: Arc::default(), cast, times };
        let door = |subject: &str, scopes: &str| {
            Ok::<_, anyhow::Error>(Door { caller: caller(stage, subject, scopes)?, replicas: cast.in_turn })
        };
        let mut own_dice = || Dice::seeded(dice.below(1 << 32));
        let (asking, asked) = watch::channel(false);
        let (serving, served) = watch::channel(false);
        let (mut requesters, mut others) = (JoinSet::new(), JoinSet::new());
        for number in 0..cast.requesters {
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
        if cast.library == Library::Here {
            let token = stage.token(BY_LIBRARY).scope("commands:lease").ttl_seconds(TOKEN_SECONDS).mint()?;
            let gateway =
                Gateway::connect(&stage.base_url(), TokenSource::Fixed(token), Some(&std::fs::read(stage.ca())?))?;
            let (agent, ledger) = (Agent::new(gateway, BY_LIBRARY).at_once(AT_ONCE), Arc::clone(&ground.ledger));
            others.spawn(library::serve(agent, Arc::new(move |line| ledger.put(line)), served));
        }
        let reader = Door { replicas: cast.replicas, ..door("reader", "commands:request events:read")? };
        Ok(Self { ground, reader, late, asking, serving, requesters, others })
    }

    /// Ends the play where one of them met what must not be.
    pub(in crate::scenarios) async fn look(&mut self) -> Result<()> {
        let ended = self.requesters.try_join_next().or_else(|| self.others.try_join_next());
        match ended {
            Some(ended) => ended?.and_then(|()| bail!("somebody ended before it was over")),
            None => Ok(()),
        }
    }

    /// Lets everybody and every command come to its end, and judges what is told of them then; `elsewhere` is what services of other
    /// processes have put down.
    pub(in crate::scenarios) async fn judged(mut self, elsewhere: &[Line]) -> Result<(Verdict, Told)> {
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
        let mut lines = self.ground.ledger.lines();
        lines.extend_from_slice(elsewhere);
        let told = self.told(0, &lines).await?;
        let mut verdict = judge_commands(&lines, &told, &RUNBOOKS.map(|runbook| runbook.terms))?;
        verdict.replicas = self.reader.replicas as u64;
        for replica in 1..self.reader.replicas {
            if self.told(replica, &lines).await? != told {
                verdict.violate(format!("replica {replica} tells something else of commands than the first"));
            }
        }
        Ok((verdict, told))
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
