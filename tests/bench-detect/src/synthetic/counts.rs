//! Counts: posts, requests, writes.

use super::noise::Noise;
use super::{MINUTE, Made, hour, hump, places, regular, weekday};

/// Posts about a company: a day season, heavy-tailed bursts all the time, and few that are news.
pub(super) fn bursty(noise: &mut Noise) -> Made {
    let base = noise.between(8.0, 60.0);
    posts(noise, base, 1.9)
}

/// The same with few posts, so that most of it is small numbers.
pub(super) fn bursty_quiet(noise: &mut Noise) -> Made {
    let base = noise.between(1.0, 6.0);
    posts(noise, base, 1.6)
}

fn posts(noise: &mut Noise, base: f64, shape: f64) -> Made {
    let rows = 9000 + noise.below(6900);
    let times = regular(rows, 5 * MINUTE);
    let count = 2 + noise.below(3);
    let begin = places(noise, rows, count);
    let mut burst = vec![0.0; rows];
    let ordinary = noise.between(0.6, 2.0) / 288.0;
    for row in 0..rows {
        if noise.happens(ordinary) {
            let size = (base * 0.7 * noise.pareto(shape)).min(base * 12.0);
            let decay = noise.between(1.0, 6.0);
            add_burst(&mut burst, row, size, decay);
        }
    }
    for begin in &begin {
        let size = base * noise.between(8.0, 40.0);
        let decay = noise.between(3.0, 60.0);
        add_burst(&mut burst, *begin, size, decay);
    }
    let depth = noise.between(0.3, 0.9);
    let mut wander = 0.0;
    let values = times.iter().zip(&burst).map(|(time, burst)| {
        wander = 0.97 * wander + 0.06 * noise.normal();
        let weekend = if weekday(*time) >= 5 { 0.8 } else { 1.0 };
        let season = weekend * (1.0 + depth * ((hour(*time) - 15.0) / 24.0 * std::f64::consts::TAU).cos());
        let rate = base * season * f64::exp(wander) * noise.lognormal(0.2) + burst * noise.between(0.7, 1.3);
        noise.poisson(rate)
    });
    let values = values.collect();
    Made { times, values, begin }
}

fn add_burst(burst: &mut [f64], begin: usize, size: f64, decay: f64) {
    for (after, burst) in burst.iter_mut().skip(begin).enumerate().take((decay * 6.0) as usize) {
        *burst += size * (-(after as f64) / decay).exp();
    }
}

/// Requests to a balancer: a day season; anomalies are surges, or hours with hardly any.
pub(super) fn requests(noise: &mut Noise) -> Made {
    let rows = 4032;
    let times = regular(rows, 5 * MINUTE);
    let count = 1 + noise.below(2);
    let begin = places(noise, rows, count);
    let base = noise.between(20.0, 200.0);
    let busy = noise.between(0.5, 3.0);
    let centre = noise.between(0.0, 24.0);
    let mut factor = vec![1.0; rows];
    for begin in &begin {
        let by = if noise.happens(0.6) { noise.between(2.5, 6.0) } else { noise.between(0.0, 0.3) };
        let lasts = 3 + noise.below(40);
        factor.iter_mut().skip(*begin).take(lasts).for_each(|factor| *factor = by);
    }
    let values = times.iter().zip(&factor).map(|(time, factor)| {
        let season = 1.0 + busy * hump(hour(*time), centre, 4.0);
        let chance = if noise.happens(0.004) { noise.between(1.3, 2.2) } else { 1.0 };
        let rate = base * season * factor * chance * noise.lognormal(0.25);
        noise.poisson(rate)
    });
    let values = values.collect();
    Made { times, values, begin }
}

/// Bytes written: mostly none, now and then a job; anomalies are jobs that come all the time, or are far bigger.
pub(super) fn bursts_of_writes(noise: &mut Noise) -> Made {
    let rows = 4032;
    let times = regular(rows, 5 * MINUTE);
    let count = 1 + noise.below(2);
    let begin = places(noise, rows, count);
    let often = noise.between(0.01, 0.06);
    let size = noise.between(1e4, 1e6);
    let mut values: Vec<f64> = (0..rows)
        .map(|_| if noise.happens(often) { size * noise.lognormal(0.6) } else { size * 0.002 * noise.below(4) as f64 })
        .collect();
    for begin in &begin {
        let denser = noise.happens(0.5);
        let lasts = if denser { 40 + noise.below(120) } else { 2 + noise.below(6) };
        for value in values.iter_mut().skip(*begin).take(lasts) {
            if denser && noise.happens(0.4) {
                *value = size * noise.lognormal(0.6);
            } else if !denser {
                *value = size * noise.between(7.0, 20.0);
            }
        }
    }
    Made { times, values, begin }
}
