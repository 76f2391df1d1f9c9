//! How well the detector finds what somebody labelled: the Numenta Anomaly Benchmark's rules, over a folder of its files and over
//! synthetic series, beside simple detectors in the same run. Writes what it found, file by file.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a panic ends the bench, which is what a wrong figure shall do"
)]

mod baselines;
mod labelled;
mod nab;
mod options;
mod report;
mod scorer;
mod speed;
mod synthetic;

use anyhow::Result;
use clap::Parser as _;
use diagnosis::detector::Detector;

use labelled::Labelled;
use options::Options;
use report::{Part, Report};

/// Our detector's scores; NaN is judged as it comes.
fn ours(series: &Labelled) -> Vec<f64> {
    let mut detector = Detector::default();
    series.times.iter().zip(&series.values).map(|(at, value)| detector.judge(*at, *value).score).collect()
}

/// Every second file: what was looked at while tuning, or what was only measured.
fn half(all: &[Labelled], which: usize) -> Vec<Labelled> {
    all.iter().skip(which).step_by(2).cloned().collect()
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut report = Report::default();
    if let Some(folder) = &options.data {
        let all = nab::read(folder)?;
        report.add(Part::measure("files", "the benchmark's files that are there", &all));
        if options.halves {
            report.add(Part::measure("files-tuned", "of them the first, third, …: tuned on", &half(&all, 0)));
            report.add(Part::measure("files-held-out", "of them the second, fourth, …: not tuned on", &half(&all, 1)));
        }
    }
    let synthetic = |seeds: &[u64]| seeds.iter().flat_map(|seed| synthetic::series(*seed)).collect::<Vec<_>>();
    report.add(Part::measure(
        "synthetic-tuned",
        "synthetic series of seeds tuned on",
        &synthetic(&options.tuned_seeds),
    ));
    let held_out = synthetic(&options.seeds);
    report.add(Part::measure("synthetic-held-out", "synthetic series of other seeds", &held_out));
    report.speed = Some(speed::measure(&held_out));
    report.print(options.files);
    report.write(&options.out)
}
