//! What a command costs: the real service on either form of its backbone. Load comes from this process, services are processes of their
//! own.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

mod idle;
mod lease;
mod life;
mod options;
mod stand;

use anyhow::Result;
use clap::Parser as _;
use measuring::report;
use measuring::service::Ground;
use serde_json::json;

use options::{Options, Part};
use stand::{REQUESTING, Stand, Store};

fn main() -> Result<()> {
    let options = Options::parse();
    let ground = Ground::new("commands-", REQUESTING)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut figures = Vec::new();
    for store in [Store::Sqlite, Store::Nats] {
        let stand = Stand::start(&ground, store)?;
        if options.wants(Part::Lease) {
            figures.push(runtime.block_on(lease::measure(&stand, &options))?);
        }
        if options.wants(Part::Life) {
            figures.extend(runtime.block_on(life::measure(&stand, &options))?);
        }
        if options.wants(Part::Idle) && store == Store::Sqlite {
            figures.extend(runtime.block_on(idle::measure(&stand, &options))?);
        }
        stand.end();
    }
    report::print(&figures, options.run.rounds());
    let taken = json!({"rounds": options.run.rounds(), "quick": options.run.quick});
    let out = options.run.out("commands.json");
    report::write(&figures, &out, &taken)
}
