//! Incidents as they could be.

#![allow(
    dead_code,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests count small numbers, and each takes what it needs"
)]

use incident_plot::{Columns, Line, Millis, Panel, Plot};

/// 2026-11-27T14:00:00Z.
pub(crate) const NOON: Millis = 1_795_788_000_000;
pub(crate) const MINUTE: Millis = 60_000;

/// Numbers that look like chance and are the same each time.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    /// About normal, around 0 with a deviation of 1.
    pub(crate) fn next(&mut self) -> f64 {
        let mut uniform = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }
}

pub(crate) fn line(
    device: &str,
    (from, until): (Millis, Millis),
    every: Millis,
    mut value: impl FnMut(Millis) -> f64,
) -> Line {
    let mut values = Columns::new(from, until);
    let mut at = from;
    while at < until {
        values.add(at, value(at));
        at += every;
    }
    Line { device: device.to_owned(), values }
}

/// A console that throttles: its temperature climbs, its clock falls, its frames take longer.
pub(crate) fn throttling() -> Plot {
    let (from, until, began_at) = (NOON, NOON + 20 * MINUTE, NOON + 8 * MINUTE);
    let span = (from, until);
    let heat = move |at: Millis| ((at - began_at) as f64 / (6.0 * MINUTE as f64)).clamp(0.0, 1.0);
    let mut noise = Noise(7);
    let mut panel = |metric: &str, every, usual: f64, spread: f64, rise: f64, delay: Millis, spikes: bool| {
        let mut count = 0_u32;
        let struck = line("qa-console-07", span, every, |at| {
            count += 1;
            let spike = if spikes && count.is_multiple_of(997) { usual * 3.0 } else { 0.0 };
            usual + spread * noise.next() + rise * heat(at - delay) + spike
        });
        let other = line("qa-console-12", span, every, |_| usual * 0.98 + spread * noise.next());
        let began_at = began_at + delay;
        let usual = struck.values.usual_before(began_at);
        Panel { metric: metric.to_owned(), began_at, usual, struck: vec![struck], other: Some(other) }
    };
    let panels = vec![
        panel("Temperature", 1000, 61.0, 0.6, 27.0, 0, false),
        panel("GPUTime", 50, 13.1, 0.8, 14.0, MINUTE, false),
        panel("FrameTime", 50, 16.7, 0.7, 17.0, MINUTE, true),
        panel("CpuLoad", 1000, 52.0, 3.0, -16.0, 2 * MINUTE, false),
    ];
    Plot {
        title: "Temperature up (61 → 88 °C) on qa-console-07, then GPUTime and FrameTime up, in scene harbour"
            .to_owned(),
        subtitle: "build 2026.11.3 · scene harbour · 1 device of 14 · firmware 10.0.26100".to_owned(),
        from,
        until,
        began_at,
        noticed_at: began_at + 9_400,
        resolved_at: None,
        panels,
    }
}

/// A build in which frames take longer, on all devices that got it; one metric.
pub(crate) fn bad_build() -> Plot {
    let (from, until, began_at) = (NOON, NOON + 16 * MINUTE, NOON + 5 * MINUTE);
    let resolved_at = NOON + 13 * MINUTE;
    let mut noise = Noise(11);
    let mut one = |device: &str, delay: Millis, is_struck: bool| {
        line(device, (from, until), 100, |at| {
            let is_bad = is_struck && at >= began_at + delay && at < resolved_at - delay;
            16.7 + 0.6 * noise.next() + if is_bad { 17.4 + noise.next() } else { 0.0 }
        })
    };
    let struck = vec![one("console-a", 0, true), one("console-b", 40_000, true), one("console-c", 65_000, true)];
    let other = Some(one("console-with-a-long-name-1", 0, false));
    let usual = struck[0].values.usual_before(began_at);
    Plot {
        title: "FrameTime up (16.7 → 34.1 ms) on 6 devices since build 2026.11.3".to_owned(),
        subtitle: "build 2026.11.3 · all 6 struck devices have it, 0 of 8 others".to_owned(),
        from,
        until,
        began_at,
        noticed_at: began_at + 2_300,
        resolved_at: Some(resolved_at),
        panels: vec![Panel { metric: "FrameTime".to_owned(), began_at, usual, struck, other }],
    }
}

/// A device from which nothing comes any more, with a name that would be markup.
pub(crate) fn silent() -> Plot {
    let (from, until, began_at) = (NOON, NOON + 10 * MINUTE, NOON + 6 * MINUTE);
    let mut noise = Noise(3);
    let mut panel = |metric: &str, usual: f64, every| {
        let mut value = |_| usual + usual * 0.02 * noise.next();
        let struck = line("<b>\"x\"</b>&", (from, began_at), every, &mut value);
        let mut values = Columns::new(from, until);
        let mut at = from;
        while at < began_at {
            values.add(at, value(at));
            at += every;
        }
        let struck = vec![Line { values, ..struck }];
        let other = Some(line("console-9", (from, until), every, &mut value));
        Panel { metric: metric.to_owned(), began_at, usual: struck[0].values.usual_before(began_at), struck, other }
    };
    Plot {
        title: "Nothing comes from <b>\"x\"</b>& any more".to_owned(),
        subtitle: String::new(),
        from,
        until,
        began_at,
        noticed_at: began_at + 30_000,
        resolved_at: None,
        panels: vec![panel("FrameTime", 16.7, 200), panel("CommittedPages", 1_200_000.0, 1000)],
    }
}
