//! From the moment a file is written until an answer cites what it says, while questions go on at the fixed rate.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use measuring::client::Client;
use measuring::report::{Figure, Target};
use measuring::service::{Ground, Service};
use measuring::statistics::Sample;
use serde_json::{Value, json};

use crate::ask;
use crate::corpus::Corpus;
use crate::load::{Load, runtime};
use crate::options::Options;

const GIVEN_UP_AFTER: Duration = Duration::from_secs(60);
const CHANGES: usize = 12;
/// So many files change at once where somebody brings in the work of a week.
const MANY: usize = 200;

/// A sentence that stands nowhere else, and a question that it answers.
fn phrase(number: usize) -> (String, String) {
    let name: String = number.to_string().bytes().map(|digit| char::from(b'a' + (digit - b'0'))).collect();
    (
        format!("The zyxwhirl of quagmarine{name} is polished with beeswax.\n"),
        format!("What is the zyxwhirl of quagmarine{name} polished with?"),
    )
}

/// Asks until an answer cites what the file says; gives the seconds since `begun`.
async fn until_cited(client: &mut Client<'_>, question: &str, quote: &str, begun: Instant) -> Result<f64> {
    loop {
        let answer: Value = serde_json::from_slice(ask(client, question).await?)?;
        let cited =
            answer["citations"].as_array().is_some_and(|all| all.iter().any(|one| one["quote"] == quote.trim()));
        if cited {
            return Ok(begun.elapsed().as_secs_f64());
        }
        ensure!(begun.elapsed() < GIVEN_UP_AFTER, "no answer cites {quote:?}: {answer}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn measure(ground: &Ground, service: &Service, corpus: &Corpus, options: &Options) -> Result<Vec<Figure>> {
    let load = Load { port: service.port, word: &ground.word, questions: &corpus.questions };
    let (mut alone, mut under_load, mut many, mut p99) = (vec![], vec![], vec![], vec![]);
    let changes = if options.run.quick { 3 } else { CHANGES };
    for loaded in [false, true] {
        let changing = async {
            let mut client = Client::connect(&ground.word, service.port).await?;
            let mut times = Vec::new();
            for number in 0..changes {
                let (text, question) = phrase(number * 2 + usize::from(loaded));
                let path = &corpus.files[number * 31 % corpus.files.len()];
                let before = fs::read_to_string(path)?;
                fs::write(path, format!("{before}\n\n{text}"))?;
                times.push(until_cited(&mut client, &question, &text, Instant::now()).await?);
            }
            anyhow::Ok(times)
        };
        if loaded {
            // As long as the changes take at the worst that is allowed.
            let seconds = changes as f64 * 2.0;
            let (times, latency) =
                runtime()?.block_on(async { tokio::try_join!(changing, load.paced(options.rate, seconds)) })?;
            under_load = times;
            p99.push(latency.quantile(0.99));
        } else {
            alone = runtime()?.block_on(changing)?;
        }
    }
    for round in 0..options.run.rounds() {
        let (text, question) = phrase(1_000 + round);
        let begun = Instant::now();
        for (at, path) in corpus.files.iter().rev().take(MANY).enumerate() {
            let before = fs::read_to_string(path)?;
            let more = if at == 0 { text.clone() } else { format!("Written again for the {round}th time.\n") };
            fs::write(path, format!("{before}\n\n{more}"))?;
        }
        let cited = async {
            let mut client = Client::connect(&ground.word, service.port).await?;
            until_cited(&mut client, &question, &text, begun).await
        };
        many.push(runtime()?.block_on(cited)?);
    }
    println!(
        "a change is in answers after {:.2} s, under load {:.2} s at most; one of {MANY} at once after {:.2} s",
        Sample::of(alone.iter().copied()).most(),
        Sample::of(under_load.iter().copied()).most(),
        Sample::of(many.iter().copied()).most()
    );
    let more = json!({
        "changes": changes, "alone_s": Sample::of(alone).to_json(3),
        "all_under_load_s": Sample::of(under_load.iter().copied()).to_json(3),
    });
    let slowest = vec![Sample::of(under_load).most()];
    let figure = |key, what: String, values: Vec<f64>, unit, target, more| Figure {
        key,
        what,
        values: Sample::of(values),
        unit,
        target,
        more,
    };
    Ok(vec![
        figure(
            "change_seconds",
            format!("a changed file is in answers, the slowest of {changes} at {} questions/s", options.rate),
            slowest,
            "s",
            Target::AtMost(2.0),
            more,
        ),
        figure(
            "change_many_seconds",
            format!("one of {MANY} that change at once"),
            many,
            "s",
            Target::None,
            json!(null),
        ),
        figure("change_p99", "p99 of the questions meanwhile".to_owned(), p99, "ms", Target::AtMost(50.0), json!(null)),
    ])
}
