//! Rounds: each visits every route in random order, so that whatever else the machine does falls on all of them alike;
//! ratios are taken within a round.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use measuring::random::Random;
use measuring::usage::Machine;
use measuring::{calm, usage};

use crate::gateway::{Gateway, Surroundings};
use crate::load::{self, Target};
use crate::options::Options;
use crate::requests::Requests;
use crate::route::Route;
use crate::{paced, profile, refusals};

/// The fixed rate at which waiting times are measured, in requests a second.
pub(crate) const PACE: f64 = 2_000.0;

/// One route in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) cpu_us_per_request: f64,
    /// The same of the server that `forwardAuth` asks; 0 elsewhere.
    pub(crate) other_cpu_us_per_request: f64,
    pub(crate) requests_per_second: f64,
    /// What others took of the machine meanwhile, at full load or at the fixed rate, whichever is more.
    pub(crate) foreign_share: f64,
    /// At the fixed rate, in milliseconds.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Measured {
    fn between(before: &Look, after: &Look) -> Measured {
        let requests = (after.answered - before.answered) as f64;
        let each = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e6 / requests;
        Measured {
            cpu_us_per_request: each(before.gateway, after.gateway),
            other_cpu_us_per_request: each(before.other, after.other),
            requests_per_second: requests / (after.at - before.at).as_secs_f64(),
            foreign_share: 0.0,
            p50_ms: 0.0,
            p99_ms: 0.0,
        }
    }
}

/// One round.
pub(crate) type Round = BTreeMap<Route, Measured>;

/// What rounds go over.
pub(crate) struct Course<'a> {
    pub(crate) options: &'a Options,
    pub(crate) surroundings: &'a Surroundings<'a>,
    pub(crate) gateways: &'a [Gateway],
    pub(crate) requests: &'a BTreeMap<usize, Requests>,
    /// The process that `forwardAuth` asks.
    pub(crate) decider: Option<u32>,
}

impl Course<'_> {
    /// All rounds.
    pub(crate) fn run(&self, routes: &[Route]) -> Result<Vec<Round>> {
        for route in routes {
            // Whatever a gate keeps of a token is there before the first round, as it is in a gateway that has run a while.
            load::each_once(self.gateway(*route)?.port(*route)?, self.requests_of(*route)?)
                .with_context(|| format!("{} fails", route.name()))?;
        }
        let mut random = Random::seeded(self.options.seed);
        let mut order = routes.to_vec();
        let mut rounds = Vec::new();
        for number in 1..=self.options.rounds() {
            random.shuffle(&mut order);
            let mut round = Round::new();
            for route in &order {
                let seed = random.below(usize::MAX >> 32) as u64;
                let measured = calm::undisturbed(self.options.patience, || self.measure(*route, seed, number == 1));
                let (measured, foreign_share) =
                    measured.with_context(|| format!("round {number}, {}: failed", route.name()))?;
                println!(
                    "round {number:<2} {:<18} {:>7.1} µs CPU {:>6.0} requests/s  p50 {:.2} ms, p99 {:.2} ms, others {:.0} %",
                    route.name(),
                    measured.cpu_us_per_request,
                    measured.requests_per_second,
                    measured.p50_ms,
                    measured.p99_ms,
                    foreign_share * 100.0,
                );
                round.insert(*route, Measured { foreign_share, ..measured });
            }
            rounds.push(round);
        }
        Ok(rounds)
    }

    fn measure(&self, route: Route, seed: u64, is_first: bool) -> Result<(Measured, f64)> {
        let gateway = self.gateway(route)?;
        let port = gateway.port(route)?;
        let target = Target { port, requests: self.requests_of(route)?, seed };
        let seconds = self.options.seconds();
        refusals::check(route, port, self.surroundings.good_token)?;
        let profile = self.options.profile.as_deref().filter(|_| is_first);
        let other = self.decider.filter(|_| route == Route::ForwardAuth);
        let (full, full_share) = load::while_loaded(target, async |answered| {
            load::pass(self.options.warm_up()).await;
            let taken = profile.map(|file| profile::take(gateway.profiles_port(), seconds, file));
            let before = self.look(gateway, other, answered())?;
            load::pass(seconds).await;
            let after = self.look(gateway, other, answered())?;
            if let Some(taken) = taken {
                // Load goes on until the profile is there.
                taken.await?;
            }
            Ok((Measured::between(&before, &after), after.foreign_share_since(&before)?))
        })?;
        let processes: Vec<u32> = [gateway.process.id()].into_iter().chain(other).collect();
        let (paced, paced_share) =
            calm::measured(&processes, || paced::at_rate(target, PACE, self.options.paced_seconds()))?;
        refusals::check(route, port, self.surroundings.good_token)?;
        let measured = Measured { p50_ms: paced.median(), p99_ms: paced.quantile(0.99), ..full };
        Ok((measured, full_share.max(paced_share)))
    }

    fn look(&self, gateway: &Gateway, other: Option<u32>, answered: u64) -> Result<Look> {
        Ok(Look {
            at: Instant::now(),
            answered,
            gateway: usage::cpu_time(gateway.process.id())?,
            other: other.map_or(Ok(Duration::ZERO), usage::cpu_time)?,
            own: usage::cpu_time(std::process::id())?,
            machine: usage::machine()?,
        })
    }

    fn gateway(&self, route: Route) -> Result<&Gateway> {
        let gateway = self.gateways.iter().find(|gateway| gateway.serves(route));
        gateway.with_context(|| format!("no gateway serves {}", route.name()))
    }

    fn requests_of(&self, route: Route) -> Result<&Requests> {
        self.requests.get(&route.tokens()).context("requests were not made for this route")
    }
}

/// All counters at one moment.
struct Look {
    at: Instant,
    answered: u64,
    gateway: Duration,
    other: Duration,
    own: Duration,
    machine: Machine,
}

impl Look {
    fn foreign_share_since(&self, before: &Look) -> Result<f64> {
        let ours = self.gateway + self.other + self.own - before.gateway - before.other - before.own;
        usage::foreign_share(before.machine, self.machine, ours, self.at - before.at)
    }
}
