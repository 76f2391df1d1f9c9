//! What the service does with more requests than it can carry. The service has one processor, this process, which makes the load, another
//! one: whoever is overloaded is not whoever measures.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

mod connection;
mod fairness;
mod load;
mod options;
mod peak;
mod stand;

use anyhow::Result;
use clap::Parser as _;
use measuring::report;
use measuring::service::Ground;
use serde_json::json;

use options::{Options, Part};
use stand::{SENDERS, Stand, sender};

fn main() -> Result<()> {
    let options = Options::parse();
    stand::stay_on(stand::OF_THE_LOAD, std::process::id())?;
    let ground = Ground::new("overload-", sender(SENDERS[0]))?;
    let stand = Stand::start(&ground)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut figures = Vec::new();
    figures.extend(peak::measure(&runtime, &stand, &options)?);
    if options.wants(Part::Fairness) {
        figures.extend(fairness::measure(&runtime, &stand, &options)?);
    }
    stand.end();
    report::print(&figures, options.run.rounds());
    let taken = json!({
        "rounds": options.run.rounds(), "quick": options.run.quick, "connections": load::CONNECTIONS,
        "processors": "the service on one, the load on another",
        "good": format!("done, and answered within {} s of when the request was due", load::GOOD_WITHIN.as_secs_f64()),
    });
    report::write(&figures, &options.run.out("overload.json"), &taken)
}
