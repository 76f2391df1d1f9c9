use super::*;

/// 0.5 at zero, so that what follows can be worked out by hand.
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn series(rows: usize, windows: &[(usize, usize)]) -> Labelled {
    Labelled {
        name: "a/b".to_owned(),
        times: (0..rows as i64).collect(),
        values: vec![0.0; rows],
        windows: windows.iter().map(|(first, last)| *first..=*last).collect(),
    }
}

/// Scores of 1 at these rows, and of 0 elsewhere.
fn at(rows: usize, detections: &[usize]) -> Vec<f64> {
    (0..rows).map(|row| if detections.contains(&row) { 1.0 } else { 0.0 }).collect()
}

/// The raw sum of one file where only scores of 1 are detections.
fn raw(series: &Labelled, detections: &[usize]) -> f64 {
    let rows = rows(0, series, &at(series.values.len(), detections));
    results(std::slice::from_ref(series), &rows, 1.0)[0].raw
}

#[track_caller]
fn assert_close(one: f64, other: f64) {
    assert!((one - other).abs() < 1e-12, "{one} is not {other}");
}

#[test]
fn nothing_detected_is_the_null_detector() {
    let series = series(1000, &[(500, 599)]);
    assert_close(raw(&series, &[]), -1.0);
    let result = score(std::slice::from_ref(&series), &[vec![0.5; 1000]]);
    assert_close(result.normalised, 0.0);
    assert_eq!((result.files[0].hits, result.files[0].false_positives), (0, 0));
}

#[test]
fn the_first_row_of_a_window_is_perfect() {
    let series = series(1000, &[(500, 599)]);
    assert_close(raw(&series, &[500]), 1.0);
    let result = score(std::slice::from_ref(&series), &[at(1000, &[500])]);
    assert_close(result.normalised, 100.0);
    assert_eq!((result.threshold, result.files[0].hits), (1.0, 1));
}

#[test]
fn a_later_row_of_a_window_is_worth_the_sigmoid_of_its_place() {
    let series = series(1000, &[(500, 599)]);
    let best = 2.0 * sigmoid(5.0) - 1.0;
    // The middle: 50 of 100 rows are left, itself among them.
    assert_close(raw(&series, &[550]), (2.0 * sigmoid(2.5) - 1.0) / best);
    // The last row is not worth nothing: one row of it is left.
    assert_close(raw(&series, &[599]), (2.0 * sigmoid(0.05) - 1.0) / best);
}

#[test]
fn the_best_detection_of_a_window_counts_and_others_cost_nothing() {
    let series = series(1000, &[(500, 599)]);
    assert_close(raw(&series, &[550, 570, 599]), raw(&series, &[550]));
}

#[test]
fn before_the_first_window_a_false_positive_costs_all() {
    let series = series(1000, &[(500, 599)]);
    assert_close(raw(&series, &[499]), -1.0 - 0.11);
    assert_close(raw(&series, &[300, 400]), -1.0 - 0.22);
}

#[test]
fn after_a_window_a_false_positive_costs_by_its_distance() {
    let series = series(1000, &[(500, 599)]);
    // One row after the right edge, of a width of 100 less one.
    assert_close(raw(&series, &[600]), -1.0 + 0.11 * (2.0 * sigmoid(-5.0 / 99.0) - 1.0));
    assert_close(raw(&series, &[650]), -1.0 + 0.11 * (2.0 * sigmoid(-5.0 * 51.0 / 99.0) - 1.0));
    // More than three widths away it costs all.
    assert_close(raw(&series, &[599 + 298]), -1.0 - 0.11);
}

#[test]
fn probation_counts_neither_way() {
    let series = series(1000, &[(140, 239)]);
    assert_eq!(series.probation(), 150);
    assert_close(raw(&series, &[0, 100, 149]), -1.0);
    // The window itself goes on after it, and its places stay what they are.
    let best = 2.0 * sigmoid(5.0) - 1.0;
    assert_close(raw(&series, &[150]), (2.0 * sigmoid(5.0 * 0.9) - 1.0) / best);
}

#[test]
fn probation_of_a_long_file_is_that_of_five_thousand_rows() {
    assert_eq!(series(22_000, &[]).probation(), 750);
    assert_eq!(series(4032, &[]).probation(), 604);
}

#[test]
fn one_threshold_serves_all_files() {
    let all = [series(1000, &[(500, 599)]), series(1000, &[])];
    // A threshold of 0.8 finds the window and cries once; what the other file has at 0.7 would cost more.
    let mut first = at(1000, &[]);
    let mut second = at(1000, &[]);
    first[500] = 0.8;
    second[300] = 0.9;
    second[400] = 0.7;
    let result = score(&all, &[first, second]);
    assert_close(result.threshold, 0.8);
    assert_close(result.normalised, 100.0 * (2.0 - 0.11) / 2.0);
    assert_eq!((result.files[0].hits, result.files[1].false_positives), (1, 1));
    assert_close(result.files.iter().map(|file| file.raw).sum::<f64>(), 1.0 - 0.11);
}

#[test]
fn rows_of_equal_scores_are_detected_together() {
    let all = [series(1000, &[(500, 599)])];
    let mut scores = at(1000, &[]);
    scores[500] = 0.8;
    scores.iter_mut().skip(200).take(30).for_each(|score| *score = 0.8);
    // Thirty false positives cost more than the window gives.
    assert_close(score(&all, &[scores]).normalised, 0.0);
}
