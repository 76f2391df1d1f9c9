//! What a watch is like for whoever wears it, and for everybody else: the pages in a real Chromium on the whole stage, with a processor that is
//! slowed down, and many listeners beside other load.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

mod beside;
mod lease;
mod options;
mod screen;

use anyhow::Result;
use clap::Parser as _;
use measuring::report;
use serde_json::json;
use watchgate_tests::pages::Pages;

use options::{Options, Part};

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let pages = Pages::start().await?;
    let figures = pages
        .stage
        .play(async |stage| {
            let mut figures = Vec::new();
            if options.wants(Part::Screen) {
                figures.extend(screen::measure(&pages, &options).await?);
            }
            if options.wants(Part::Lease) {
                figures.push(lease::measure(&pages, &options).await?);
            }
            if options.wants(Part::Beside) {
                figures.push(beside::measure(stage, &options).await?);
            }
            Ok(figures)
        })
        .await?;
    report::print(&figures, options.run.rounds());
    let load = "Chromium, and HTTP/1.1 over TLS on loopback, from the same machine";
    let taken = json!({"rounds": options.run.rounds(), "quick": options.run.quick, "load": load});
    report::write(&figures, &options.run.out("browser.json"), &taken)
}
