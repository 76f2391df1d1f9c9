//! Queues of which the answer is known.

use measuring::statistics::Sample;

use super::*;
use crate::draw::Draw;

const CUSTOMERS: u32 = 1_000_000;

/// Times from arrival until done, at so many servers with a mean of one second of service each, with Poisson arrivals that keep each busy
/// for this share.
fn times(servers: usize, load: f64, mut service: impl FnMut(&mut Draw) -> f64) -> Vec<f64> {
    let (mut draw, mut station, mut now) = (Draw::seeded(11), Station::new(servers), 0.0);
    let mut time = |_| {
        now += draw.exponential(1.0 / (load * servers as f64));
        let takes = service(&mut draw);
        station.done_at(now, takes) - now
    };
    (0..CUSTOMERS).map(&mut time).collect()
}

fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

fn assert_near(found: f64, known: f64, share: f64, what: &str) {
    assert!((found / known - 1.0).abs() < share, "{what}: {found}, and {known} is known");
}

#[test]
fn one_server_with_any_service_time_of_an_exponential() {
    // M/M/1: the time in it is exponential with the mean 1 / (1 - load).
    for load in [0.3, 0.6, 0.8] {
        let times = times(1, load, |draw| draw.exponential(1.0));
        assert_near(mean(&times), 1.0 / (1.0 - load), 0.03, "M/M/1, mean");
        let p99 = Sample::of(times).quantile(0.99);
        assert_near(p99, 100_f64.ln() / (1.0 - load), 0.05, "M/M/1, p99");
    }
}

#[test]
fn several_servers_with_exponential_service_times() {
    // M/M/c: Erlang's C is the share of those who wait.
    let (servers, load) = (4_usize, 0.8);
    let offered = servers as f64 * load;
    let term = |count: usize| (1..=count).fold(1.0, |product, one| product * offered / one as f64);
    let all_busy = term(servers) / (1.0 - load);
    let wait_share = all_busy / ((0..servers).map(term).sum::<f64>() + all_busy);
    let known = 1.0 + wait_share / (servers as f64 * (1.0 - load));
    assert_near(mean(&times(servers, load, |draw| draw.exponential(1.0))), known, 0.03, "M/M/4, mean");
}

#[test]
fn any_spread_of_service_times_at_one_server() {
    // M/G/1, by Pollaczek and Khinchine.
    let (load, variation) = (0.7, 1.5);
    let known = 1.0 + load * (1.0 + variation * variation) / (2.0 * (1.0 - load));
    assert_near(mean(&times(1, load, |draw| draw.around(1.0, variation))), known, 0.06, "M/G/1, mean");
}

#[test]
fn service_times_that_are_all_the_same() {
    for (servers, load) in [(1, 0.5), (1, 0.8), (2, 0.8), (4, 0.9), (8, 0.7)] {
        let known = 1.0 + crommelin(servers, load);
        assert_near(mean(&times(servers, load, |_| 1.0)), known, 0.03, &format!("M/D/{servers} at {load}, mean"));
    }
}

/// The mean wait of M/D/c in service times: Crommelin, 1932.
fn crommelin(servers: usize, load: f64) -> f64 {
    let offered = servers as f64 * load;
    let turn = |turn: usize| {
        let (mean, least) = (turn as f64 * offered, turn * servers);
        at_least(least, mean) - servers as f64 / offered * at_least(least + 1, mean)
    };
    (1..400).map(turn).sum()
}

/// The chance that a Poisson count of this mean is at least so much.
fn at_least(count: usize, mean: f64) -> f64 {
    let chance = |number: usize| {
        let factorial: f64 = (1..=number).map(|one| (one as f64).ln()).sum();
        (number as f64 * mean.ln() - mean - factorial).exp()
    };
    let most = count + 40 + (20.0 * mean.sqrt()) as usize;
    let mut term = chance(count);
    let mut sum = 0.0;
    for number in count..most {
        sum += term;
        term *= mean / (number + 1) as f64;
    }
    sum
}

#[test]
fn crommelins_sum_is_that_of_pollaczek_at_one_server() {
    for load in [0.3, 0.5, 0.8] {
        assert_near(crommelin(1, load), load / (2.0 * (1.0 - load)), 0.001, "M/D/1");
    }
}
