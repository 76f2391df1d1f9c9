//! A console that is switched on shortly before something goes wrong, with a past.

use std::time::{SystemTime, UNIX_EPOCH};

use super::*;

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn what_goes_wrong_does_so_when_it_is_asked_for_and_the_past_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("game");
    let trace = scenario("bad-firmware", 5).unwrap();
    let trouble = trace.expectation().incidents[0].cause_at;
    let setup = Setup {
        begin: Begin::BeforeTrouble(Duration::from_secs(60)),
        history: Duration::from_secs(120),
        ..setup(FAST, Output::File(file.clone()))
    };
    let before = now();
    let mut simulator = Simulator::start(setup).await.unwrap();
    let after = now();
    // A minute of the trace is 60 ms of the clock.
    let trouble_at = simulator.trouble_at.unwrap();
    assert!((before + 60..=after + 60).contains(&trouble_at), "{before} {trouble_at} {after}");
    tokio::time::timeout(PATIENCE * 3, simulator.played()).await.unwrap().unwrap();
    let told = lines(&file);
    let first = told[0]["time"].as_i64().unwrap();
    // Two minutes before it was switched on, and not sooner; a batch that began sooner is told whole.
    assert!((trouble_at - 182..=trouble_at - 175).contains(&first), "{first} {trouble_at}");
    let is_of_the_past = |at: &i64| *at < trouble_at - 60;
    let of_the_past = told.iter().filter_map(|line| line["time"].as_i64()).filter(is_of_the_past).count();
    assert!(of_the_past > 100, "{of_the_past} lines");
    let frames = self::told(&simulator.device, "FrameTime");
    let rows = frames.iter().flat_map(|batch| batch.rows.iter().map(|row| (batch.start + i64::from(row.0), row.1[0])));
    let wanted: Vec<f64> = rows.filter(|(at, _)| *at >= trouble - 180_000).filter_map(|(_, value)| value).collect();
    let found: Vec<f64> = told.iter().filter_map(|line| line["metrics"].get("FrameTime")?.as_f64()).collect();
    assert!(found.ends_with(&wanted) && found.len() <= wanted.len() + 1, "{} for {}", found.len(), wanted.len());
}

#[tokio::test]
async fn a_game_that_is_ended_has_told_whole_lines_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("game");
    let setup = Setup { rate: Some(Rate::EACH_FRAME), ..setup(1.0, Output::File(file.clone())) };
    let mut simulator = Simulator::start(setup).await.unwrap();
    let written = async {
        while std::fs::metadata(&file).map_or(0, |file| file.len()) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.unwrap();
    let played = simulator.end().await.unwrap();
    assert_eq!(lines(&file).len() as u64, played.lines);
    assert!(std::fs::read(&file).unwrap().ends_with(b"\n"));
}

#[tokio::test]
async fn what_never_goes_wrong_or_sooner_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (scenario, seconds, wanted) in [
        ("noisy-day", 10, "nothing goes wrong"),
        ("bad-firmware", 100_000, "does so after"),
        ("no-such-thing", 10, "no scenario"),
    ] {
        let setup = Setup {
            scenario: scenario.to_owned(),
            begin: Begin::BeforeTrouble(Duration::from_secs(seconds)),
            ..setup(1.0, Output::File(folder.path().join("game")))
        };
        let error = format!("{:#}", Simulator::start(setup).await.unwrap_err());
        assert!(error.contains(wanted), "{scenario}: {error}");
    }
}
