//! The whole picture: what it is about, its panels, and the time below them.

use std::fmt::Write as _;

use crate::escape::{escaped, in_two_lines};
use crate::frame::{self, Frame};
use crate::{MOST_PANELS, Plot, WIDTH, panel};

const TITLE_CHARACTERS: usize = 88;
const MARGIN: f64 = 20.0;
const TITLE_LINE: f64 = 20.0;

/// Lines and letters look the same by name, so that the picture is small and can be restyled.
const STYLE: &str = "\
text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:11px;fill:#3c4043}\
.title{font-size:15px;font-weight:bold;fill:#111}.subtitle{font-size:12px;fill:#5f6368}\
.metric{font-size:12px;font-weight:bold;fill:#111}.change{font-size:12px;fill:#3c4043}\
.grid{stroke:#e3e6ea;stroke-width:1}.edge{fill:none;stroke:#b6bcc4;stroke-width:1}\
.usual{fill:#cfe3f5}.usual-edge{stroke:#7ea9cf;stroke-width:1;stroke-dasharray:2 3}.incident{fill:#fdf0ea}\
.struck{fill:none;stroke:#b3171d;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}\
.struck-1{stroke:#d2601a;stroke-width:1.8;stroke-dasharray:7 3}.struck-2{stroke:#7a3b9e;stroke-width:1.8;stroke-dasharray:2 3}\
.range{fill:#b3171d;fill-opacity:.2}.other{fill:none;stroke:#7d858e;stroke-width:1.1;stroke-linejoin:round}\
.beyond{fill:#b3171d}\
.began{stroke:#111;stroke-width:1.6}.noticed{stroke:#111;stroke-width:1.2;stroke-dasharray:5 3}\
.resolved{stroke:#1e7d3c;stroke-width:1.4;stroke-dasharray:1 3}\
.name-0{fill:#b3171d;font-weight:bold}.name-1{fill:#b8500f;font-weight:bold}.name-2{fill:#7a3b9e;font-weight:bold}\
.name-other{fill:#5f6368}.mark{fill:#111}.mark-resolved{fill:#1e7d3c}";

/// The picture as SVG, all of it in one file.
#[must_use]
pub fn svg(plot: &Plot) -> String {
    let panels: Vec<_> = plot.panels.iter().take(MOST_PANELS).collect();
    let titles = in_two_lines(&plot.title, TITLE_CHARACTERS);
    let mut y = MARGIN;
    let mut body = String::new();
    for title in &titles {
        y += TITLE_LINE;
        text(&mut body, "title", (MARGIN, y - 6.0), "start", title);
    }
    if !plot.subtitle.is_empty() {
        y += TITLE_LINE;
        text(&mut body, "subtitle", (MARGIN, y - 6.0), "start", &plot.subtitle);
    }
    y += frame::MARKS_HEIGHT;
    let height = match panels.len() {
        0 | 1 => 260.0,
        2 => 170.0,
        3 => 130.0,
        _ => 112.0,
    };
    let frame = Frame { from: plot.from, until: plot.until };
    let top = y;
    for one in &panels {
        y += panel::TITLE_HEIGHT;
        panel::write(&mut body, one, plot, frame, (y, height));
        y += height + panel::GAP;
    }
    y -= panel::GAP;
    frame.write_marks(&mut body, plot, (top, y));
    frame.write_axis(&mut body, y);
    let whole = y + frame::AXIS_HEIGHT;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{whole:.0}\" viewBox=\"0 0 {WIDTH} {whole:.0}\" \
         role=\"img\"><title>{}</title><style>{STYLE}</style><rect width=\"{WIDTH}\" height=\"{whole:.0}\" fill=\"#fff\"/>{body}</svg>\n",
        escaped(&plot.title)
    )
}

/// Words at a place.
pub(crate) fn text(body: &mut String, class: &str, (x, y): (f64, f64), anchor: &str, words: &str) {
    // Writing to a string has no way to fail.
    let _ = write!(
        body,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
        escaped(words)
    );
}

/// A straight line.
pub(crate) fn line(body: &mut String, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = write!(body, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
}

/// A filled rectangle.
pub(crate) fn rect(body: &mut String, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
    let _ = write!(
        body,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        width.max(0.0),
        height.max(0.0)
    );
}
