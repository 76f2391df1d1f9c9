use super::lab::START;
use crate::batch::{Batch, Row};
use crate::engine::{Engine, Limits};

fn batch(device: usize, scene: usize, at: i64) -> Batch {
    Batch {
        device: format!("devkit-{device}"),
        scene: format!("scene-{scene}"),
        start: START + at,
        metrics: (0..10).map(|metric| format!("metric-{metric}")).collect(),
        rows: vec![Row(0, vec![Some(1.0); 10])],
        ..Batch::default()
    }
}

#[test]
fn devices_and_series_stay_within_their_limits_and_the_oldest_go_first() {
    let mut engine = Engine::new(Limits { series: 100, series_of_a_device: 30, devices: 20 });
    for at in 0..1000 {
        engine.tick(START + at * 1000);
        engine.take(&batch(at as usize % 50, 0, at * 1000));
        let census = engine.census();
        assert!(census.series <= 100 && census.devices <= 20, "{census:?}");
    }
    assert_eq!(engine.census().forgotten, 1000 * 10 - 100);
    assert!((40..50).all(|device| engine.knows(&format!("devkit-{device}"))));
    for scene in 0..10 {
        engine.take(&batch(49, scene, 1_000_000 + scene as i64));
    }
    assert_eq!(engine.census().series, 100);
    assert!(engine.knows("devkit-49") && !engine.knows("devkit-40"));
}

#[test]
fn a_batch_without_values_makes_no_series() {
    let mut engine = Engine::default();
    engine.take(&Batch { rows: vec![Row(0, vec![None; 10])], ..batch(1, 1, 0) });
    assert_eq!(engine.census().series, 0);
    assert_eq!(engine.census().devices, 1);
}
