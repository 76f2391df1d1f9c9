//! What stands in a picture, whatever its pixels are.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests count small numbers"
)]

mod common;

use common::{MINUTE, NOON, bad_build, silent, throttling};
use incident_plot::{Columns, MOST_PANELS, Panel, Plot, png, svg};
use resvg::usvg::{Options, Tree};

fn count(svg: &str, part: &str) -> usize {
    svg.matches(part).count()
}

/// The first number of an attribute of the first element that holds `part`.
fn attribute(svg: &str, part: &str, name: &str) -> f64 {
    let element = svg.split('<').find(|element| element.contains(part)).unwrap();
    let value = element.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap();
    value.parse().unwrap()
}

#[test]
fn each_metric_has_a_panel_with_what_was_usual_the_struck_device_and_another_one() {
    let picture = svg(&throttling());
    assert_eq!(count(&picture, "<g class=\"panel\">"), 4);
    assert_eq!(count(&picture, "class=\"struck struck-0\""), 4);
    assert_eq!(count(&picture, "class=\"other\""), 4);
    assert_eq!(count(&picture, ">qa-console-07<"), 4);
    assert_eq!(count(&picture, ">qa-console-12<"), 4);
    assert_eq!(count(&picture, "<rect class=\"usual\""), 8, "the band and its sample");
    for words in
        [">Temperature (°C)<", ">GPUTime (ms)<", ">FrameTime (ms)<", ">CpuLoad (%)<", "2026-11-27, UTC", ">14:10<"]
    {
        assert!(picture.contains(words), "{words} is not there");
    }
}

#[test]
fn lines_say_when_it_began_was_noticed_and_was_over() {
    let picture = svg(&bad_build());
    let width = 720.0;
    let x = |minutes: f64| 64.0 + width * minutes / 16.0;
    for (class, minutes) in [("began", 5.0), ("resolved", 13.0)] {
        let is_at = attribute(&picture, &format!("class=\"{class}\""), "x1");
        assert!((is_at - x(minutes)).abs() < 0.1, "{class} is at {is_at}");
    }
    let (began, noticed) =
        (attribute(&picture, "class=\"began\"", "x1"), attribute(&picture, "class=\"noticed\"", "x1"));
    assert!(noticed > began && noticed < began + 4.0);
    for words in ["began 14:05:00", "noticed after 2.3 s", "over after 8 min"] {
        assert!(picture.contains(words), "{words} is not there");
    }
    let picture = svg(&throttling());
    assert_eq!(count(&picture, "class=\"resolved\""), 0);
    assert!(picture.contains(">goes on<"));
}

#[test]
fn a_line_breaks_off_where_nothing_comes() {
    let picture = svg(&silent());
    let struck = picture.split("<path class=\"struck").nth(1).unwrap().split('"').nth(2).unwrap();
    let last: f64 = struck.trim_end().rsplit(' ').nth(1).unwrap().trim_start_matches('M').parse().unwrap();
    assert!(last < 64.0 + 720.0 * 0.61, "it ends at {last}");
}

#[test]
fn nothing_that_a_device_is_called_becomes_markup() {
    let picture = svg(&silent());
    assert!(!picture.contains("<b>"));
    assert!(picture.contains("&lt;b&gt;&quot;x&quot;&lt;/b&gt;&amp;"));
    let mut plot = bad_build();
    plot.panels[0].struck[0].device = "]]>\u{202e}\u{0}\u{FFFE}".to_owned();
    let picture = svg(&plot);
    assert!(!picture.contains(['\u{202e}', '\u{0}', '\u{FFFE}']));
    Tree::from_str(&picture, &Options::default()).unwrap();
}

#[test]
fn whatever_is_drawn_is_an_svg_and_a_png_of_its_size() {
    let empty = Plot::default();
    let nothing_usual = Plot { panels: vec![Panel::default(); 9], ..bad_build() };
    for plot in [throttling(), bad_build(), silent(), empty, nothing_usual] {
        let picture = svg(&plot);
        assert!(count(&picture, "<g class=\"panel\">") <= MOST_PANELS);
        assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
        let size = Tree::from_str(&picture, &Options::default()).unwrap().size();
        let pixels = png(&picture).unwrap();
        assert_eq!(&pixels[..8], b"\x89PNG\r\n\x1a\n");
        let side = |at: usize| f64::from(u32::from_be_bytes(pixels[at..at + 4].try_into().unwrap()));
        assert_eq!((side(16), side(20)), (2.0 * f64::from(size.width()), 2.0 * f64::from(size.height())));
    }
    assert!(png("no picture").is_err());
}

#[test]
fn the_font_writes_what_is_said() {
    // Without letters the title would leave the picture white where it stands.
    let with = png(&svg(&bad_build())).unwrap();
    let without = png(&svg(&Plot { title: String::new(), ..bad_build() })).unwrap();
    assert_ne!(with.len(), without.len());
}

#[test]
fn values_that_are_none_or_of_another_time_are_not_shown() {
    let mut values = Columns::new(NOON, NOON + MINUTE);
    for (at, value) in [(NOON - 1, 1.0), (NOON + MINUTE, 1.0), (NOON, f64::NAN), (NOON, f64::INFINITY)] {
        values.add(at, value);
    }
    assert!(values.is_empty());
    values.add(NOON, 1.0);
    values.add(NOON + MINUTE - 1, 2.0);
    assert!(!values.is_empty());
}

#[test]
fn what_was_usual_is_what_was_before_and_not_the_rarest_of_it() {
    let mut values = Columns::new(NOON, NOON + 10 * MINUTE);
    for second in 0..600 {
        let value = if second == 30 {
            900.0
        } else if second < 300 {
            10.0 + f64::from(second % 10)
        } else {
            500.0
        };
        values.add(NOON + i64::from(second) * 1000, value);
    }
    let (least, greatest) = values.usual_before(NOON + 5 * MINUTE).unwrap();
    assert!((10.0..=11.0).contains(&least) && (18.0..=19.0).contains(&greatest), "{least} to {greatest}");
    assert_eq!(values.usual_before(NOON + 5_000), None, "too little");
}
