//! What somebody finds whose few requests come while another one floods the service.

use std::time::Duration;

use anyhow::Result;
use measuring::report::{Figure, Target};
use measuring::statistics::{Sample, rounded};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::connection::Kind;
use crate::load::{self, CONNECTIONS, Numbers, Sender};
use crate::options::Options;
use crate::peak::peak;
use crate::stand::{SENDERS, Stand};

/// How much more whoever floods sends than the service carries.
const FLOOD: f64 = 4.0;

/// Requests a second of the other one.
const QUIET_RATE: f64 = 100.0;

pub(crate) fn measure(runtime: &Runtime, stand: &Stand, options: &Options) -> Result<Vec<Figure>> {
    let times = (
        Duration::from_millis(options.run.or_quick(1000, 500)),
        Duration::from_millis(options.run.or_quick(5000, 1000)),
    );
    // Events of their own: those of the other part have lower numbers.
    let numbers = Numbers::new(1 << 40);
    let (carried, _) = peak(runtime, stand, Kind::Read, times, &numbers)?;
    let (mut answered, mut took, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.run.rounds() {
        let [flooding, quiet] =
            [(0, CONNECTIONS, FLOOD * carried), (1, 32, QUIET_RATE)].map(|(who, connections, rate)| Sender {
                subject: SENDERS[who],
                word: &stand.words[who],
                kind: Kind::Read,
                connections,
                rate,
            });
        let outcomes = load::run(runtime, stand.service.port, &[flooding, quiet], times, &numbers)?;
        let (flood, quiet) = (&outcomes[0], &outcomes[1]);
        answered.push(quiet.share(quiet.good));
        took.push(quiet.p99_ms());
        more.push(json!({
            "flood_goodput": rounded(flood.goodput(), 0), "flood_429": rounded(flood.share(flood.shed_429), 3),
            "flood_503": rounded(flood.share(flood.shed_503), 3), "quiet_503": rounded(quiet.share(quiet.shed_503), 3),
        }));
        println!("flooded: {}", more[more.len() - 1]);
    }
    let what = "of 100 requests a second of one caller while another sends four times what is carried";
    Ok(vec![
        Figure {
            key: "fair",
            what: format!("answered in time {what}"),
            values: Sample::of(answered),
            unit: "",
            target: Target::AtLeast(0.99),
            more: json!(more),
        },
        Figure {
            key: "fair_p99",
            what: "their p99".to_owned(),
            values: Sample::of(took),
            unit: "ms",
            target: Target::None,
            more: json!(null),
        },
    ])
}
