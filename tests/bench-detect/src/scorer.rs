//! The rules of the Numenta Anomaly Benchmark (numenta/NAB, `nab/sweeper.py`), standard profile: what each row's detection is
//! worth, the one threshold that is best over all files, and where that stands between the null detector and a perfect one.

#[cfg(test)]
mod tests;

use crate::labelled::Labelled;

/// What a false positive costs; a window that is found gives 1, one that is not costs 1.
const FALSE_POSITIVE: f64 = 0.11;

/// One row that counts.
#[derive(Clone, Copy, Debug)]
struct Row {
    score: f64,
    /// What it adds if it is a detection.
    worth: f64,
    file: usize,
    window: Option<usize>,
}

/// What a threshold gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Result {
    /// The lowest score that is a detection.
    pub(crate) threshold: f64,
    /// 0: as the null detector; 100: every window found at its first row, and nothing else.
    pub(crate) normalised: f64,
    pub(crate) files: Vec<FileResult>,
}

/// The same for one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FileResult {
    pub(crate) windows: usize,
    pub(crate) hits: usize,
    pub(crate) false_positives: usize,
    /// Rewards less costs.
    pub(crate) raw: f64,
}

/// The benchmark's sigmoid: 0 at a window's right edge, 1 far to the left, -1 far to the right.
fn scaled_sigmoid(position: f64) -> f64 {
    if position > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 }
}

fn all_rows(all: &[Labelled], scores: &[Vec<f64>]) -> Vec<Row> {
    let files = all.iter().zip(scores).enumerate();
    files.flat_map(|(file, (series, scores))| rows(file, series, scores)).collect()
}

fn rows(file: usize, series: &Labelled, scores: &[f64]) -> Vec<Row> {
    let best = scaled_sigmoid(-1.0);
    let mut rows = Vec::with_capacity(scores.len());
    let mut before: Option<(usize, f64)> = None;
    let mut windows = series.windows.iter().enumerate().peekable();
    for (at, score) in scores.iter().copied().enumerate() {
        let window = windows.peek().filter(|(_, range)| range.contains(&at)).map(|(index, range)| (*index, *range));
        let (worth, window) = match window {
            Some((index, range)) => {
                let width = (range.end() - range.start() + 1) as f64;
                let position = -((range.end() - at + 1) as f64) / width;
                if at == *range.end() {
                    before = Some((at, width));
                    windows.next();
                }
                (scaled_sigmoid(position) / best, Some(index))
            }
            None => {
                let unweighted = before.map_or(-1.0, |(end, width)| scaled_sigmoid((at - end) as f64 / (width - 1.0)));
                (unweighted * FALSE_POSITIVE, None)
            }
        };
        if at >= series.probation() {
            rows.push(Row { score, worth, file, window });
        }
    }
    rows
}

/// Finds the best threshold over all files, and what it gives.
pub(crate) fn score(all: &[Labelled], scores: &[Vec<f64>]) -> Result {
    let mut rows = all_rows(all, scores);
    rows.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut best = (f64::INFINITY, 0.0);
    let (mut raw, mut found) = (0.0, all.iter().map(|series| vec![None; series.windows.len()]).collect::<Vec<_>>());
    for (index, row) in rows.iter().enumerate() {
        raw += gain(row, &mut found);
        let is_last_of_score = rows.get(index + 1).is_none_or(|next| next.score < row.score);
        if is_last_of_score && raw > best.1 {
            best = (row.score, raw);
        }
    }
    let windows = all.iter().map(|series| series.windows.len()).sum::<usize>() as f64;
    let files = results(all, &rows, best.0);
    Result { threshold: best.0, normalised: 100.0 * best.1 / (2.0 * windows), files }
}

/// What a given threshold gives.
pub(crate) fn score_at(all: &[Labelled], scores: &[Vec<f64>], threshold: f64) -> Result {
    let rows = all_rows(all, scores);
    let files = results(all, &rows, threshold);
    let windows = files.iter().map(|file| file.windows).sum::<usize>() as f64;
    let raw: f64 = files.iter().map(|file| file.raw).sum();
    Result { threshold, normalised: 100.0 * (raw + windows) / (2.0 * windows), files }
}

/// What a detection more adds to a sum in which every window that is not found has already been paid for.
fn gain(row: &Row, found: &mut [Vec<Option<f64>>]) -> f64 {
    let Some(window) = row.window else { return row.worth };
    let so_far = found[row.file][window];
    let now = so_far.map_or(row.worth, |worth: f64| worth.max(row.worth));
    found[row.file][window] = Some(now);
    now - so_far.unwrap_or(-1.0)
}

fn results(all: &[Labelled], rows: &[Row], threshold: f64) -> Vec<FileResult> {
    let mut found = all.iter().map(|series| vec![None; series.windows.len()]).collect::<Vec<_>>();
    let of = |series: &Labelled| FileResult {
        windows: series.windows.len(),
        raw: -(series.windows.len() as f64),
        ..FileResult::default()
    };
    let mut files: Vec<FileResult> = all.iter().map(of).collect();
    for row in rows.iter().filter(|row| row.score >= threshold) {
        let file = &mut files[row.file];
        file.raw += gain(row, &mut found);
        file.false_positives += usize::from(row.window.is_none());
    }
    for (file, found) in files.iter_mut().zip(&found) {
        file.hits = found.iter().flatten().count();
    }
    files
}
