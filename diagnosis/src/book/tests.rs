mod room;

use super::title::title;
use crate::detector::{Direction, Kind};
use crate::incident::{Movement, Shared};
use crate::series::SeriesKey;

fn moved(metric: &str, kind: Kind, direction: Direction, before: f64, now: f64) -> Movement {
    let [device, build, scene, metric] = ["devkit-07", "2026.11.3", "harbour", metric].map(str::to_owned);
    let series = SeriesKey { device, build, scene, metric };
    Movement { series, kind, direction, began_at: 0, before, now, score: 1.0, is_over: false }
}

fn shares(what: &str, value: &str) -> Shared {
    Shared { what: what.to_owned(), value: value.to_owned(), struck: 6, struck_in_all: 6, others: 0, others_in_all: 6 }
}

#[test]
fn titles_are_read_at_a_glance() {
    let six: Vec<String> = (1..7).map(|number| format!("devkit-{number:02}")).collect();
    let one = vec!["devkit-07".to_owned()];
    let slow = moved("FrameTime", Kind::LevelShift, Direction::Up, 16.66, 34.13);
    let build = [shares("build", "2026.11.3"), shares("scene", "harbour")];
    assert_eq!(
        title(std::slice::from_ref(&slow), &six, &build),
        "FrameTime up (16.7 → 34.1 ms) on 6 devices since build 2026.11.3, in scene harbour"
    );
    let leak = moved("CommittedPages", Kind::Drift, Direction::Up, 2_513_000.0, 3_100_000.0);
    assert_eq!(
        title(&[leak, slow], &one, &[shares("device", "devkit-07")]),
        "CommittedPages climbing (2.51 M → 3.1 M pages) on devkit-07, and one more metric"
    );
    let network = moved("NetworkingData.NetworkInBytes", Kind::LevelShift, Direction::Down, 52_000.0, 5_210.0);
    assert_eq!(
        title(&[network], &six, &[shares("site", "warsaw")]),
        "NetworkingData.NetworkInBytes down (52 k → 5.21 k B) on 6 devices with site warsaw"
    );
    let silent = moved("samples", Kind::Silence, Direction::Down, 1.0, 0.0);
    assert_eq!(title(&[silent], &one, &[]), "No more samples from devkit-07");
}
