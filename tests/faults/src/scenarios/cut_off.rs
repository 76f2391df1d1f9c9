//! A server that does not answer: paused, slow, behind a network that drops everything, or one whose link is down.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::Result;
use programs::nats::NatsOptions;
use tokio::time::sleep;

use super::relay::{Manner, Relay};
use super::{server, settle, system};
use crate::crew::{Crew, Way};
use crate::dice::Dice;
use crate::options::Outages;
use crate::report::Report;
use crate::stand::Log;

const DELAY: Duration = Duration::from_millis(40);

impl Outages {
    fn duration(self, round: u32, dice: &mut Dice) -> Duration {
        if round == 0 { self.longest } else { Duration::from_millis(dice.below(3000)) }
    }
}

pub(super) async fn paused(outages: Outages, dice: &mut Dice) -> Result<Report> {
    let server = server(&NatsOptions::default())?;
    let mut crew = Crew::new(2, Some(Log::of(&server)))?;
    crew.start(0).await?;
    crew.start(1).await?;
    let mut longest = Duration::ZERO;
    for round in 0..outages.rounds {
        crew.acknowledge(50).await?;
        server.pause();
        sleep(outages.duration(round, dice)).await;
        server.resume();
        longest = longest.max(recovered(&mut crew).await?);
    }
    let Outages { rounds, longest: away } = outages;
    close(crew, format!("{rounds} pauses (SIGSTOP) of the NATS server, the longest of {away:?}"), longest).await
}

pub(super) async fn slow() -> Result<Report> {
    let server = server(&NatsOptions::default())?;
    let slow = Manner::Slow(DELAY);
    let relay = Relay::before((Ipv4Addr::LOCALHOST, 0), server.port(), slow).await?;
    let mut crew = Crew::new(2, Some(Log { url: relay.url(), ..Log::of(&server) }))?;
    let begun = Instant::now();
    crew.start(0).await?;
    crew.start(1).await?;
    crew.acknowledge(200).await?;
    let took = begun.elapsed();
    close(crew, format!("{DELAY:?} for each piece each way between NATS and both replicas"), took).await
}

pub(super) async fn silent(outages: Outages, dice: &mut Dice) -> Result<Report> {
    let server = server(&NatsOptions::default())?;
    let relay = Relay::before((Ipv4Addr::LOCALHOST, 0), server.port(), Manner::Slow(Duration::ZERO)).await?;
    let mut crew = Crew::new(2, Some(Log { url: relay.url(), ..Log::of(&server) }))?;
    crew.start(0).await?;
    // The other one is never cut off, and writes on.
    crew.log = Some(Log::of(&server));
    crew.start(1).await?;
    let mut longest = Duration::ZERO;
    for round in 0..outages.rounds {
        crew.acknowledge(50).await?;
        relay.be(Manner::Silent);
        sleep(outages.duration(round, dice)).await;
        relay.be(Manner::Slow(Duration::ZERO));
        longest = longest.max(recovered(&mut crew).await?);
    }
    let Outages { rounds, longest: away } = outages;
    let injected = format!("{rounds} times no packet between NATS and one of two replicas, the longest for {away:?}");
    close(crew, injected, longest).await
}

/// A network of the worker's own, joined by a pair of interfaces, of which one is taken down.
pub(super) async fn link_down(outages: Outages, dice: &mut Dice) -> Result<Report> {
    let server = server(&NatsOptions::default())?;
    let number = std::process::id() % 200 + 20;
    let (name, outer, inner) = (format!("faults{number}"), format!("fo{number}"), format!("fi{number}"));
    let host = Ipv4Addr::new(10, 222, u8::try_from(number)?, 1);
    let _network = Network::make(&name, &outer, &inner, host)?;
    let relay = Relay::before((host, 0), server.port(), Manner::Slow(Duration::ZERO)).await?;
    let mut crew = Crew::new(2, Some(Log::of(&server)))?;
    crew.start(1).await?;
    crew.log = Some(Log { url: relay.url(), ..Log::of(&server) });
    crew.way = Way { before: ["ip", "netns", "exec", &name].map(ToOwned::to_owned).into(), more: Vec::new() };
    crew.start(0).await?;
    let mut longest = Duration::ZERO;
    for round in 0..outages.rounds {
        crew.acknowledge(50).await?;
        system(&["ip", "link", "set", &outer, "down"])?;
        sleep(outages.duration(round, dice)).await;
        system(&["ip", "link", "set", &outer, "up"])?;
        longest = longest.max(recovered(&mut crew).await?);
    }
    let Outages { rounds, longest: away } = outages;
    let injected =
        format!("{rounds} times the link between NATS and one of two replicas down, the longest for {away:?}");
    close(crew, injected, longest).await
}

/// How long it takes until both replicas acknowledge again.
async fn recovered(crew: &mut Crew) -> Result<Duration> {
    let begun = Instant::now();
    for number in [0, 1] {
        crew.acknowledge_by(number, 10).await?;
    }
    Ok(begun.elapsed())
}

async fn close(mut crew: Crew, injected: String, took: Duration) -> Result<Report> {
    let verdict = settle(&mut crew).await?;
    let notes = vec![format!(
        "{} answers promised nothing; both replicas acknowledged again after {:.1} s at most; workers ended: {:?}",
        crew.witness.unknown,
        took.as_secs_f64(),
        crew.witness.ended
    )];
    Ok(Report { injected, verdict, notes })
}

/// A network namespace in which `localhost` is this machine's end of the pair.
struct Network {
    name: String,
    outer: String,
}

impl Network {
    fn make(name: &str, outer: &str, inner: &str, host: Ipv4Addr) -> Result<Self> {
        system(&["ip", "netns", "add", name])?;
        let this = Self { name: name.to_owned(), outer: outer.to_owned() };
        let folder = format!("/etc/netns/{name}");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(format!("{folder}/hosts"), format!("{host} localhost\n"))?;
        let [first, second, third, _] = host.octets();
        let (host, guest) = (format!("{host}/30"), format!("{first}.{second}.{third}.2/30"));
        system(&["ip", "link", "add", outer, "type", "veth", "peer", "name", inner])?;
        system(&["ip", "link", "set", inner, "netns", name])?;
        system(&["ip", "addr", "add", &host, "dev", outer])?;
        system(&["ip", "link", "set", outer, "up"])?;
        system(&["ip", "-n", name, "addr", "add", &guest, "dev", inner])?;
        system(&["ip", "-n", name, "link", "set", inner, "up"])?;
        Ok(this)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What is left of it is of no use to anybody, and in nobody's way.
        let _ = system(&["ip", "link", "del", &self.outer]);
        let _ = system(&["ip", "netns", "del", &self.name]);
        let _ = std::fs::remove_dir_all(format!("/etc/netns/{}", self.name));
    }
}
