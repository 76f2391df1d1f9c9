//! What a question costs over ten thousand documents: the real service over a made corpus, beside a plain index and a plain
//! scan of the same text in the same run. Load comes from this process, the service is a process of its own.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

mod change;
mod corpus;
mod indexing;
mod latency;
mod load;
mod options;
mod plain;
mod vocabulary;

use anyhow::{Result, ensure};
use clap::Parser as _;
use measuring::client::Client;
use measuring::gate_word::Caller;
use measuring::report;
use measuring::service::{Ground, Service};
use programs::artifacts;
use serde_json::json;

use corpus::Corpus;
use options::{Options, Part};

const ASKER: Caller = Caller {
    issuer: "https://issuer.watchgate.test",
    subject: "bench",
    scope: "assistant:ask documents:security",
    rule: "assistant",
    event_types: &[],
};

/// The service over the corpus, on a store of its own.
fn serve(ground: &Ground, corpus: &Corpus) -> Result<Service> {
    let data = tempfile::Builder::new().prefix("data-").tempdir_in(&ground.folder)?.keep();
    let runbooks = artifacts::root().join("examples/company/runbooks");
    Service::real(ground, &corpus.folder, &runbooks, &data, None)
}

/// Asks, and gives the answer's bytes.
async fn ask<'a>(client: &'a mut Client<'_>, question: &str) -> Result<&'a [u8]> {
    let (status, answer) = client.post("/v1/ask", &json!({ "question": question }).to_string()).await?;
    ensure!(status == 200, "a question was answered {status}: {}", String::from_utf8_lossy(answer));
    Ok(answer)
}

fn main() -> Result<()> {
    let options = Options::parse();
    let ground = Ground::new("ask-", ASKER)?;
    let corpus = Corpus::write(&ground.folder.join("documents"), options.documents())?;
    println!(
        "a corpus of {} documents, {} sections, {:.0} MiB",
        corpus.files.len(),
        corpus.sections,
        corpus.bytes as f64 / (1024.0 * 1024.0)
    );
    let mut figures = Vec::new();
    let plain = plain::Plain::of(&corpus)?;
    if options.wants(Part::Start) {
        figures.extend(indexing::measure(&ground, &corpus, &plain, &options)?);
    }
    if options.wants(Part::Latency) || options.wants(Part::Change) {
        let service = serve(&ground, &corpus)?;
        service.wait_until_ready()?;
        if options.wants(Part::Latency) {
            figures.extend(latency::measure(&ground, &service, &corpus, &plain, &options)?);
        }
        if options.wants(Part::Change) {
            figures.extend(change::measure(&ground, &service, &corpus, &options)?);
        }
        service.end();
    }
    report::print(&figures, options.run.rounds());
    let taken = json!({
        "rounds": options.run.rounds(), "quick": options.run.quick, "documents": corpus.files.len(), "bytes": corpus.bytes,
    });
    let out = options.run.out("ask.json");
    report::write(&figures, &out, &taken)
}
