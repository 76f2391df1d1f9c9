//! From the service's first instruction until it says that the documents are read, how much memory it has then, and how soon
//! it ends when it is told to in the middle of that.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use measuring::report::{Figure, Target};
use measuring::service::Ground;
use measuring::statistics::Sample;
use measuring::{calm, usage};
use serde_json::{Value, json};

use crate::corpus::Corpus;
use crate::options::Options;
use crate::plain::Plain;
use crate::serve;

pub(crate) fn measure(ground: &Ground, corpus: &Corpus, plain: &Plain, options: &Options) -> Result<Vec<Figure>> {
    let (mut seconds, mut memory, mut peak, mut ratios, mut ends) = (vec![], vec![], vec![], vec![], vec![]);
    let (mut others, mut said) = (0.0_f64, 0);
    // Each costs as much as a hundred rounds of questions.
    for number in 1..=options.run.rounds().min(3) {
        let ((service, took), share) = calm::measured(&[], || {
            let service = serve(ground, corpus)?;
            let took = service.wait_until_ready()?.as_secs_f64();
            Ok((service, took))
        })?;
        // The service is no stranger: it began within the measurement, so that all it has used counts.
        let own = usage::cpu_time(service.id())?.as_secs_f64();
        let cores = thread::available_parallelism()?.get() as f64;
        let share = (share - own / took / cores).max(0.0);
        others = others.max(share);
        seconds.push(took);
        memory.push(usage::memory(service.id())?.rss_kib / 1024.0);
        peak.push(usage::peak_kib(service.id())? / 1024.0);
        ratios.push(took / plain.indexed_in.as_secs_f64());
        said = service.log().lines().filter(|line| line.contains("reading documents")).count();
        println!("round {number} start: ready in {took:.1} s, others took {:.0} %", share * 100.0);
        service.end();
        let early = serve(ground, corpus)?;
        thread::sleep(Duration::from_secs_f64((took / 2.0).min(5.0)));
        ends.push(early.end().as_secs_f64());
    }
    let documents = corpus.files.len();
    let more = json!({
        "documents": documents, "sections": corpus.sections, "bytes": corpus.bytes, "share_of_others": others,
        "lines_of_progress": said, "plain_seconds": plain.indexed_in.as_secs_f64(),
    });
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
            "start_seconds",
            format!("`watchgate serve` has read {documents} documents"),
            seconds,
            "s",
            Target::AtMost(60.0),
            more,
        ),
        figure(
            "start_ratio",
            "that time / one plain tantivy index of the same text".to_owned(),
            ratios,
            "times",
            Target::None,
            Value::Null,
        ),
        figure("start_mebibytes", "resident memory then".to_owned(), memory, "MiB", Target::None, Value::Null),
        figure("peak_mebibytes", "the most until then".to_owned(), peak, "MiB", Target::None, Value::Null),
        figure(
            "end_seconds",
            "it ends, when it is told to while it reads".to_owned(),
            ends,
            "s",
            Target::AtMost(2.0),
            Value::Null,
        ),
    ])
}
