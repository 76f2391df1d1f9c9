//! How long an answer takes at a fixed rate of questions, how many questions are answered at most, and what one costs beside a
//! plain index and a plain scan.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use measuring::client::Client;
use measuring::report::{Figure, Target};
use measuring::service::{Ground, Service};
use measuring::statistics::Sample;
use measuring::{calm, usage};
use serde_json::{Value, json};

use crate::ask;
use crate::corpus::Corpus;
use crate::load::{Load, runtime};
use crate::options::Options;
use crate::plain::{Plain, scan};

#[derive(Default)]
struct Rounds {
    p50: Vec<f64>,
    p99: Vec<f64>,
    p999: Vec<f64>,
    most: Vec<f64>,
    rate: Vec<f64>,
    cpu: Vec<f64>,
    plain: Vec<f64>,
    scan: Vec<f64>,
    longest: Vec<f64>,
    others: f64,
}

const LONG_QUESTIONS: usize = 20;

/// What a question as long as may be takes; half of them in milliseconds.
async fn longest(client: &mut Client<'_>, question: &str) -> Result<f64> {
    let mut times = Vec::with_capacity(LONG_QUESTIONS);
    for _ in 0..LONG_QUESTIONS {
        let begun = Instant::now();
        ask(client, question).await?;
        times.push(milliseconds(begun.elapsed()));
    }
    Ok(Sample::of(times).median())
}

/// How many of the questions are answered, and by how many sections: a service that finds nothing would be fast.
async fn known(client: &mut Client<'_>, questions: &[String]) -> Result<(usize, u64)> {
    let (mut known, mut sections) = (0, 0);
    for question in questions {
        let answer: Value = serde_json::from_slice(ask(client, question).await?)?;
        known += usize::from(answer["known"] == true);
        sections = answer["searched"]["sections"].as_u64().unwrap_or_default();
    }
    Ok((known, sections))
}

pub(crate) fn measure(
    ground: &Ground,
    service: &Service,
    corpus: &Corpus,
    plain: &Plain,
    options: &Options,
) -> Result<Vec<Figure>> {
    let runtime = runtime()?;
    let load = Load { port: service.port, word: &ground.word, questions: &corpus.questions };
    let some = &corpus.questions[..corpus.questions.len().min(200)];
    let (known, sections) = runtime.block_on(async {
        let mut client = Client::connect(&ground.word, service.port).await?;
        known(&mut client, some).await
    })?;
    println!("{known} of {} questions are answered, from {sections} sections", some.len());
    ensure!(known > 0, "no question is answered");
    let mut rounds = Rounds::default();
    for number in 1..=options.run.rounds() {
        let ((times, cpu), others) = calm::undisturbed(options.patience, || {
            calm::measured(&[service.id()], || {
                let before = usage::cpu_time(service.id())?;
                let times = runtime.block_on(load.paced(options.rate, options.seconds()))?;
                Ok((times, usage::cpu_time(service.id())? - before))
            })
        })?;
        let asked = (f64::from(options.rate) * options.seconds()).max(1.0);
        rounds.others = rounds.others.max(others);
        rounds.p50.push(times.median());
        rounds.p99.push(times.quantile(0.99));
        rounds.p999.push(times.quantile(0.999));
        rounds.most.push(times.most());
        rounds.cpu.push(milliseconds(cpu) / asked);
        rounds.rate.push(runtime.block_on(load.at_most(options.seconds() / 3.0))?);
        rounds.longest.push(runtime.block_on(async {
            let mut client = Client::connect(&ground.word, service.port).await?;
            longest(&mut client, &corpus.longest_question).await
        })?);
        rounds.plain.push(plain.search(some)?.median());
        let begun = Instant::now();
        while rounds.scan.len() < number {
            rounds.scan.push(scan(corpus, &corpus.questions[number % corpus.questions.len()])?);
        }
        println!(
            "round {number} at {}/s: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms; {:.2} ms CPU each; at most {:.0}/s; others took {:.0} % (scan {:.0} ms)",
            options.rate,
            times.median(),
            times.quantile(0.99),
            times.quantile(0.999),
            milliseconds(cpu) / asked,
            rounds.rate[number - 1],
            others * 100.0,
            milliseconds(begun.elapsed()),
        );
    }
    Ok(figures(rounds, options, (known, some.len(), sections)))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn figures(rounds: Rounds, options: &Options, (known, asked, sections): (usize, usize, u64)) -> Vec<Figure> {
    let rate = options.rate;
    let to_plain: Vec<f64> = rounds.cpu.iter().zip(&rounds.plain).map(|(ours, plain)| ours / plain).collect();
    let to_scan: Vec<f64> = rounds.p50.iter().zip(&rounds.scan).map(|(ours, scan)| ours / scan).collect();
    let more = json!({
        "p50_ms": Sample::of(rounds.p50).to_json(3), "p999_ms": Sample::of(rounds.p999).to_json(3),
        "most_ms": Sample::of(rounds.most).to_json(3), "seconds_a_round": options.seconds(),
        "questions_answered": known, "of": asked, "sections_searched": sections, "share_of_others": rounds.others,
    });
    let figure = |key, what: String, values: Vec<f64>, unit, target, more| Figure {
        key,
        what,
        values: Sample::of(values),
        unit,
        target,
        more,
    };
    let cpu =
        json!({"plain_search_ms": Sample::of(rounds.plain).to_json(3), "scan_ms": Sample::of(rounds.scan).to_json(1)});
    vec![
        figure(
            "ask_p99",
            format!("`/v1/ask` over {sections} sections, p99 at {rate} questions/s"),
            rounds.p99,
            "ms",
            Target::AtMost(50.0),
            more,
        ),
        figure(
            "ask_rate",
            "questions answered at most".to_owned(),
            rounds.rate,
            "1/s",
            Target::AtLeast(f64::from(rate)),
            json!(null),
        ),
        figure(
            "ask_longest_ms",
            "a question of 2,000 characters, the most frequent words of all".to_owned(),
            rounds.longest,
            "ms",
            Target::None,
            json!(null),
        ),
        figure("ask_cpu_ms", "the service's CPU for a question".to_owned(), rounds.cpu, "ms", Target::None, cpu),
        figure(
            "ask_to_plain",
            "that / a search of one plain tantivy index for the same words".to_owned(),
            to_plain,
            "times",
            Target::None,
            json!(null),
        ),
        figure(
            "ask_to_scan",
            "half of all answers come within / a scan of all files for one word".to_owned(),
            to_scan,
            "times",
            Target::AtMost(1.0),
            json!(null),
        ),
    ]
}
