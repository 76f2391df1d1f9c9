use super::*;

fn values(read: &Read) -> Vec<(&str, f64)> {
    read.reading.values.iter().map(|(name, value)| (&**name, *value)).collect()
}

#[test]
fn build_and_scene_stay_until_another_is_said() {
    let mut reader = LineReader::default();
    let first = br#"{"time": "2026-11-27T10:00:00.250Z", "build": "1.4.2", "scene": "harbour", "metrics": {"FrameTime": 16.6}}"#;
    let read = reader.read(first).unwrap();
    assert_eq!((read.reading.time, values(&read), read.ignored), (1_795_773_600_250, vec![("FrameTime", 16.6)], 0));

    let read = reader.read(br#"{"time": 1795773600266, "metrics": {"FrameTime": 17}}"#).unwrap();
    assert_eq!((read.reading.time, values(&read)), (1_795_773_600_266, vec![("FrameTime", 17.0)]));
    assert_eq!((&*reader.context.build, &*reader.context.scene), ("1.4.2", "harbour"));

    reader.read(br#"{"scene": "menu"}"#).unwrap();
    assert_eq!((&*reader.context.build, &*reader.context.scene), ("1.4.2", "menu"));
}

#[test]
fn a_controller_that_is_connected_is_one_and_what_is_missing_is_no_sample() {
    let line = br#"{"time": 1, "metrics": {"gamepad.connected": true, "gamepad.axes[0]": -0.5, "GPUTime": null}}"#;
    let read = LineReader::default().read(line).unwrap();
    assert_eq!(values(&read), [("gamepad.axes[0]", -0.5), ("gamepad.connected", 1.0)]);
    assert_eq!(read.ignored, 0, "a gap is said, and is nothing that nobody understands");
}

#[test]
fn what_nobody_knows_is_counted_and_the_rest_of_the_line_holds() {
    let line = br#"{"time": 1, "player": "ada", "metrics": {"FrameTime": 16, "Mode": "fast", "": 1}}"#;
    let read = LineReader::default().read(line).unwrap();
    assert_eq!((values(&read), read.ignored), (vec![("FrameTime", 16.0)], 3));
}

#[test]
fn a_line_that_cannot_be_read_changes_nothing() {
    let mut reader = LineReader::default();
    reader.read(br#"{"build": "1", "scene": "a"}"#).unwrap();
    for bad in [
        &br#"{"time": 1, "build": "2""#[..],
        br#"{"build": "2", "metrics": {"FrameTime": 16}}"#,
        br#"{"time": "yesterday", "build": "2", "metrics": {}}"#,
        br#"{"time": -1, "build": "2", "metrics": {}}"#,
        br#"{"time": 1e300, "build": "2", "metrics": {}}"#,
        br#"{"time": true, "build": "2", "metrics": {}}"#,
        br#"{"time": 1, "build": 2}"#,
        br#"{"time": 1, "build": "2", "metrics": {"FrameTime": 1e999}}"#,
        b"[]",
        b"",
        b"\xff",
    ] {
        assert!(reader.read(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        assert_eq!((&*reader.context.build, &*reader.context.scene), ("1", "a"));
    }
}
