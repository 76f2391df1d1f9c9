//! One metric: what was usual as a band, the struck devices over it, one that is not struck for comparison.

use std::fmt::Write as _;

use crate::columns::{Column, as_f64};
use crate::escape::cut;
use crate::frame::{Frame, LEFT, RIGHT};
use crate::numbers::{short, ticks, unit};
use crate::svg::{line, rect, text};
use crate::{Line, MOST_STRUCK, Panel, Plot};

pub(crate) const TITLE_HEIGHT: f64 = 20.0;
pub(crate) const GAP: f64 = 8.0;

const NAME_CHARACTERS: usize = 15;
const NAME_HEIGHT: f64 = 13.0;

/// Values, from the bottom of a panel to its top.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    top: f64,
    height: f64,
}

impl Scale {
    fn y(self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.top + (1.0 - share.clamp(0.0, 1.0)) * self.height
    }

    fn bottom(self) -> f64 {
        self.top + self.height
    }
}

/// Writes a panel into its place.
pub(crate) fn write(body: &mut String, panel: &Panel, plot: &Plot, frame: Frame, (top, height): (f64, f64)) {
    let struck: Vec<&Line> = panel.struck.iter().take(MOST_STRUCK).collect();
    let (low, high) = bounds(panel, &struck);
    let scale = Scale { low, high, top, height };
    let end = plot.resolved_at.unwrap_or(plot.until).clamp(plot.from, plot.until);
    let began = plot.began_at.clamp(plot.from, plot.until);
    let _ = write!(body, "<g class=\"panel\">");
    rect(body, "incident", (frame.x(began), top), (frame.x(end) - frame.x(began), height));
    if let Some((least, greatest)) = panel.usual {
        let (upper, lower) = (scale.y(greatest), scale.y(least));
        rect(body, "usual", (LEFT, upper), (RIGHT - LEFT, (lower - upper).max(1.5)));
        line(body, "usual-edge", (LEFT, upper), (RIGHT, upper));
        line(body, "usual-edge", (LEFT, lower), (RIGHT, lower));
    }
    frame.write_grid(body, top, scale.bottom());
    for value in ticks(low, high, if height > 200.0 { 6.0 } else { 4.0 }) {
        line(body, "grid", (LEFT, scale.y(value)), (RIGHT, scale.y(value)));
        text(body, "value", (LEFT - 6.0, scale.y(value) + 4.0), "end", &short(value));
    }
    if let Some(other) = &panel.other {
        draw_means(body, "other", other, scale);
    }
    if let Some(first) = struck.first() {
        draw_range(body, first, scale);
    }
    for (number, one) in struck.iter().enumerate().rev() {
        draw_means(body, &format!("struck struck-{number}"), one, scale);
    }
    if let Some(first) = struck.first() {
        mark_beyond(body, first, scale);
    }
    rect(body, "edge", (LEFT, top), (RIGHT - LEFT, height));
    write_title(body, panel, top);
    write_names(body, panel, &struck, scale);
    let _ = write!(body, "</g>");
}

/// What is shown: all but the rarest values, so that one of them does not flatten all others.
fn bounds(panel: &Panel, struck: &[&Line]) -> (f64, f64) {
    let mut values: Vec<f64> = Vec::new();
    for line in struck.iter().copied().chain(&panel.other) {
        values.extend(line.values.filled().flat_map(|(_, column)| [column.least, column.mean, column.greatest]));
    }
    values.sort_by(f64::total_cmp);
    let out = values.len() / 200;
    let least = values.get(out).copied();
    let greatest = values.len().checked_sub(out.saturating_add(1)).and_then(|last| values.get(last)).copied();
    let (usual_least, usual_greatest) = panel.usual.unzip();
    let low = least.into_iter().chain(usual_least).fold(f64::INFINITY, f64::min);
    let high = greatest.into_iter().chain(usual_greatest).fold(f64::NEG_INFINITY, f64::max);
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    let room = ((high - low) * 0.08).max(high.abs().max(low.abs()) * 0.01).max(f64::MIN_POSITIVE);
    // Whatever is never negative is not shown as if it could be, and what is near to nothing is shown from nothing on.
    let floor = if low >= 0.0 && low - room < (high - low) * 0.35 { 0.0 } else { low - room };
    (floor, high + room)
}

fn draw_means(body: &mut String, class: &str, line: &Line, scale: Scale) {
    for run in line.values.runs() {
        let _ = write!(body, "<path class=\"{class}\" d=\"M");
        for (number, column) in &run {
            let _ = write!(body, "{:.1} {:.1} ", x(*number), scale.y(column.mean));
        }
        // One point alone is a short dash.
        if let [(number, column)] = run.as_slice() {
            let _ = write!(body, "{:.1} {:.1} ", x(*number) + 1.0, scale.y(column.mean));
        }
        let _ = write!(body, "\"/>");
    }
}

/// From the least to the greatest of each column, where they differ.
fn draw_range(body: &mut String, line: &Line, scale: Scale) {
    let differs = |run: &[(usize, Column)]| run.iter().any(|(_, column)| column.greatest > column.least);
    for run in line.values.runs().into_iter().filter(|run| run.len() > 1 && differs(run)) {
        let _ = write!(body, "<path class=\"range\" d=\"M");
        for (number, column) in &run {
            let _ = write!(body, "{:.1} {:.1} ", x(*number), scale.y(column.greatest));
        }
        for (number, column) in run.iter().rev() {
            let _ = write!(body, "{:.1} {:.1} ", x(*number), scale.y(column.least));
        }
        let _ = write!(body, "Z\"/>");
    }
}

/// Small arrows where a value lies beyond what is shown.
fn mark_beyond(body: &mut String, line: &Line, scale: Scale) {
    let mut last = f64::NEG_INFINITY;
    for (number, column) in line.values.filled() {
        let x = x(number);
        if x - last < 8.0 {
            continue;
        }
        let (tip, base) = if column.greatest > scale.high {
            (scale.top + 1.0, scale.top + 7.0)
        } else if column.least < scale.low {
            (scale.bottom() - 1.0, scale.bottom() - 7.0)
        } else {
            continue;
        };
        last = x;
        let (left, right) = (x - 3.5, x + 3.5);
        let _ =
            write!(body, "<path class=\"beyond\" d=\"M{x:.1} {tip:.1} {left:.1} {base:.1} {right:.1} {base:.1}Z\"/>");
    }
}

fn write_title(body: &mut String, panel: &Panel, top: f64) {
    let unit = unit(&panel.metric).map(|unit| format!(" ({unit})")).unwrap_or_default();
    text(body, "metric", (LEFT, top - 6.0), "start", &format!("{}{unit}", cut(&panel.metric, 64)));
    if panel.usual.is_some() {
        rect(body, "usual", (RIGHT - 60.0, top - 14.0), (20.0, 9.0));
        text(body, "change", (RIGHT, top - 6.0), "end", "usual");
    }
}

/// Names stand beside where their lines end, and none over another.
fn write_names(body: &mut String, panel: &Panel, struck: &[&Line], scale: Scale) {
    let ends_at = |line: &Line| line.values.filled().next_back().map(|(_, column)| scale.y(column.mean));
    let named = struck.iter().enumerate().map(|(number, line)| (format!("name-{number}"), *line));
    let named = named.chain(panel.other.iter().map(|line| ("name-other".to_owned(), line)));
    let mut names: Vec<(f64, String, &Line)> =
        named.filter_map(|(class, line)| Some((ends_at(line)?, class, line))).collect();
    names.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
    let mut lowest = scale.top - NAME_HEIGHT;
    let most = f64::from(u32::try_from(names.len()).unwrap_or(u32::MAX));
    for (place, (y, class, line)) in names.into_iter().enumerate() {
        let below = most - 1.0 - f64::from(u32::try_from(place).unwrap_or(u32::MAX));
        let highest = scale.bottom() - below * NAME_HEIGHT;
        lowest = (y + 4.0).min(highest).max(lowest + NAME_HEIGHT);
        text(body, &class, (RIGHT + 7.0, lowest), "start", &cut(&line.device, NAME_CHARACTERS));
    }
}

fn x(column: usize) -> f64 {
    LEFT + as_f64(i64::try_from(column).unwrap_or(i64::MAX)) + 0.5
}
