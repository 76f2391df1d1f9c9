//! `watchgate detect`, as its caller sees it: the built program, its standard input and output, exit codes.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test ends where it cannot go on")]

mod program;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use program::{Ended, watchgate, watchgate_reading};

fn detect(input: &str) -> Ended {
    watchgate_reading(&["detect"], input)
}

/// A row a minute: a small saw, and one value that is none of it.
fn with_a_spike_at(row: usize, rows: usize) -> String {
    let mut text = "timestamp,value\n".to_owned();
    for index in 0..rows {
        let value = if index == row { 500.0 } else { 20.0 + (index * 7 % 11) as f64 };
        writeln!(text, "{},{value}", 1_800_000_000 + index * 60).unwrap();
    }
    text
}

fn scores(ended: &Ended) -> Vec<f64> {
    ended.stdout.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn every_row_comes_back_with_its_score_and_the_strange_one_with_a_high_one() {
    let input = with_a_spike_at(300, 400);
    let ended = detect(&input);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let rows: Vec<&str> = ended.stdout.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert_eq!(rows, input.lines().collect::<Vec<_>>());
    assert!(ended.stdout.starts_with("timestamp,value,anomaly_score\n"), "{}", ended.stdout);
    let scores = scores(&ended);
    assert!(scores[300] > 0.95, "{}", scores[300]);
    assert!(scores.iter().enumerate().all(|(row, score)| row == 300 || (0.0..0.9).contains(score)));
}

#[test]
fn other_columns_in_any_order_pass_through() {
    let ended = detect("host,value,note,timestamp\na,1,\"x, y\",2027-01-15 08:00:00\nb,2,,2027-01-15T08:05:00Z\n");
    let expected = "host,value,note,timestamp,anomaly_score\n\
                    a,1,\"x, y\",2027-01-15 08:00:00,0.000000\n\
                    b,2,,2027-01-15T08:05:00Z,0.000000\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (0, expected), "{}", ended.stderr);
}

#[test]
fn what_is_no_number_scores_nothing_and_changes_nothing() {
    let plain = with_a_spike_at(300, 400);
    let with_gaps = plain.replace("\n", "\n1800000000,\n").replacen("1800000000,\ntimestamp", "timestamp", 1);
    let with_gaps = with_gaps.trim_end_matches("1800000000,\n").to_owned() + "\n";
    let (plain, with_gaps) = (detect(&plain), detect(&with_gaps));
    assert_eq!(with_gaps.code, 0, "{}", with_gaps.stderr);
    let (empty, rows): (Vec<&str>, Vec<&str>) = with_gaps.stdout.lines().partition(|line| line.contains(",,"));
    assert!(!empty.is_empty() && empty.iter().all(|line| line.ends_with(",,0.000000")), "{empty:?}");
    assert_eq!(rows, plain.stdout.lines().collect::<Vec<_>>());
}

#[test]
fn a_row_that_cannot_be_read_ends_it_after_those_before_it() {
    for (row, said) in [
        ("2027-01-15 08:10:00,high", "line 3: \"high\" is no number"),
        ("noon,1", "line 3: \"noon\" is no timestamp"),
        ("2027-01-15 08:10:00,1,2", "line 3: the row has 3 columns, the header 2"),
    ] {
        let ended = detect(&format!("timestamp,value\n2027-01-15 08:05:00,1\n{row}\n2027-01-15 08:15:00,1\n"));
        let expected = "timestamp,value,anomaly_score\n2027-01-15 08:05:00,1,0.000000\n";
        assert_eq!((ended.code, ended.stdout.as_str()), (2, expected), "{row}");
        assert_eq!(ended.stderr, format!("watchgate: {said}\n"));
    }
}

#[test]
fn a_row_without_an_end_is_refused_by_its_line_after_those_before_it() {
    let endless = "9".repeat(3 * 1024 * 1024);
    for row in [format!("2027-01-15 08:10:00,{endless}"), format!("2027-01-15 08:10:00,\"{}", "1\n".repeat(1 << 20))] {
        let ended = detect(&format!("timestamp,value\n2027-01-15 08:05:00,1\n{row}"));
        let expected = "timestamp,value,anomaly_score\n2027-01-15 08:05:00,1,0.000000\n";
        assert_eq!((ended.code, ended.stdout.as_str()), (2, expected), "{}", ended.stderr);
        assert!(ended.stderr.starts_with("watchgate: line 3: the row has more than 1 MiB"), "{}", ended.stderr);
    }
    let header = detect(&endless);
    assert!(header.code == 2 && header.stderr.starts_with("watchgate: line 1: the row has more"), "{}", header.stderr);
    let wrong = detect(&format!("timestamp,value\n1,{}\n", "x".repeat(100_000)));
    assert!(wrong.code == 2 && wrong.stderr.len() < 200, "a cell is told in part: {} bytes", wrong.stderr.len());
}

#[test]
fn its_help_says_what_it_reads_and_writes() {
    let ended = watchgate(&["detect", "--help"]);
    assert_eq!(ended.code, 0);
    for word in ["timestamp", "value", "anomaly_score", "2027-01-15 08:00:00"] {
        assert!(ended.stdout.contains(word), "{}", ended.stdout);
    }
}

#[test]
fn a_header_without_the_columns_is_refused() {
    for (header, said) in [
        ("", "line 1: there is no column timestamp in the header"),
        ("timestamp,score", "line 1: there is no column value in the header"),
        ("timestamp,value,value", "line 1: there are two columns value in the header"),
        ("timestamp,value,anomaly_score", "line 1: there is a column anomaly_score already"),
    ] {
        let ended = detect(&format!("{header}\n"));
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{header}");
        assert_eq!(ended.stderr, format!("watchgate: {said}\n"));
    }
}

#[test]
fn a_row_is_answered_before_the_next_one_is_there() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_watchgate"))
        .arg("detect")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut lines = BufReader::new(output).lines();
    input.write_all(b"timestamp,value\n1,5\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "timestamp,value,anomaly_score");
    for row in ["1,5", "2,6", "3,7"] {
        // The first one was sent with the header; what follows is sent only after the answer.
        if row != "1,5" {
            writeln!(input, "{row}").unwrap();
        }
        assert_eq!(lines.next().unwrap().unwrap(), format!("{row},0.000000"));
    }
    drop(input);
    assert!(lines.next().is_none() && child.wait().unwrap().success());
}
