use proptest::prelude::*;

use super::*;

fn values(pairs: &[(&str, f64)]) -> Vec<(Arc<str>, f64)> {
    pairs.iter().map(|(name, value)| (Arc::from(*name), *value)).collect()
}

fn context(build: &str, scene: &str) -> Context {
    Context { build: build.into(), scene: scene.into() }
}

fn game(time: Millis, scene: &str, pairs: &[(&str, f64)]) -> Input {
    Input::Game { reading: Reading { time, values: values(pairs) }, context: context("1", scene), place: None }
}

fn batching() -> Batching {
    Batching::new("console-7".to_owned(), BTreeMap::new(), Context::default())
}

#[test]
fn lines_of_one_scene_become_columns_and_another_scene_is_another_batch() {
    let mut batching = batching();
    assert!(batching.take(game(1000, "a", &[("FrameTime", 16.0)])).is_empty());
    assert!(batching.take(game(1017, "a", &[("FrameTime", 17.0), ("GPUTime", 9.0)])).is_empty());
    // A little late, as frames are told.
    assert!(batching.take(game(990, "a", &[("GPUTime", 8.0)])).is_empty());
    let [finished] = &batching.take(game(1034, "b", &[("FrameTime", 18.0)]))[..] else { panic!("not one") };
    let Batch { device, build, scene, start, metrics, rows, .. } = &finished.batch;
    assert_eq!((&device[..], &build[..], &scene[..], *start), ("console-7", "1", "a", 990));
    assert_eq!(metrics, &["FrameTime", "GPUTime"]);
    let expected =
        [Row(10, vec![Some(16.0), None]), Row(27, vec![Some(17.0), Some(9.0)]), Row(0, vec![None, Some(8.0)])];
    assert_eq!(rows[..], expected);
    assert_eq!(batching.finish()[0].batch.scene, "b");
    assert!(batching.is_empty() && batching.finish().is_empty());
}

#[test]
fn a_session_that_ends_says_so_with_a_batch_without_rows_at_the_newest_time_of_both_sources() {
    let mut batching = batching();
    assert!(batching.end_session().is_empty(), "nothing was ever heard");
    batching.take(game(1004, "a", &[("FrameTime", 16.0)]));
    batching.take(Input::Portal(Reading { time: 1000, values: values(&[("CpuLoad", 40.0)]) }));
    let ended = batching.end_session();
    assert_eq!(ended.iter().map(|finished| finished.batch.ends).collect::<Vec<_>>(), [false, false, true]);
    let last = &ended[2].batch;
    assert!(last.rows.is_empty() && last.start == 1004 && last.check() == Ok(()));
}

#[test]
fn figures_of_the_console_belong_to_the_scene_that_is_played() {
    let mut batching = batching();
    batching.take(Input::Portal(Reading { time: 1, values: values(&[("CpuLoad", 40.0)]) }));
    let before = batching.take(game(2, "a", &[]));
    assert_eq!((before.len(), &before[0].batch.scene[..]), (1, ""));
    batching.take(Input::Portal(Reading { time: 3, values: values(&[("CpuLoad", 41.0)]) }));
    batching.take(game(4, "a", &[("FrameTime", 16.0)]));
    let scenes: Vec<_> =
        batching.finish().into_iter().map(|finished| (finished.batch.scene, finished.batch.metrics)).collect();
    assert_eq!(scenes, [("a".to_owned(), vec!["FrameTime".to_owned()]), ("a".to_owned(), vec!["CpuLoad".to_owned()])]);
}

#[test]
fn what_the_command_line_says_of_a_device_holds_against_what_the_console_says() {
    let own = BTreeMap::from([("site".to_owned(), "lab 2".to_owned()), ("model".to_owned(), "devkit".to_owned())]);
    let mut batching = Batching::new("console-7".to_owned(), own, Context::default());
    batching.take(game(1, "", &[("FrameTime", 16.0)]));
    let said =
        BTreeMap::from([("firmware".to_owned(), "14385".to_owned()), ("model".to_owned(), "Xbox One".to_owned())]);
    let before = batching.take(Input::Traits(said.clone()));
    assert_eq!(before.len(), 1, "what came before the traits were known is not told with them");
    batching.take(game(2, "", &[("FrameTime", 16.0)]));
    assert!(batching.take(Input::Traits(said)).is_empty(), "the same again ends nothing");
    let traits = batching.finish().remove(0).batch.traits;
    let traits: Vec<_> = traits.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    assert_eq!(traits, [("firmware", "14385"), ("model", "devkit"), ("site", "lab 2")]);
}

#[test]
fn a_place_is_told_with_the_last_line_before_it_and_never_before() {
    let mut batching = batching();
    let place = |offset| Some(Place { offset, ..Place::default() });
    let line = |time, offset| Input::Game {
        reading: Reading { time, values: values(&[("FrameTime", 16.0)]) },
        context: Context::default(),
        place: place(offset),
    };
    batching.take(line(0, 10));
    // So far ahead that it has no room beside the first.
    let first = batching.take(line(i64::from(u32::MAX) + 1, 20));
    assert_eq!((first.len(), first[0].place.clone()), (1, place(10)));
    // Says nothing, and has been read all the same.
    batching.take(Input::Game { reading: Reading::default(), context: Context::default(), place: place(30) });
    assert_eq!(batching.finish()[0].place, place(30));
}

/// One value as it went in or came out: scene, time, metric, bits.
type Value = (String, Millis, String, u64);

proptest! {
    /// Whatever is read comes out, once, in the order of its source, and every batch is one that the service takes.
    #[test]
    fn the_union_of_batches_is_what_was_read_in_its_order(
        inputs in proptest::collection::vec(
            (any::<bool>(), 0_u8..3, -5_i64..5, proptest::collection::vec((0_u16..200, any::<i32>()), 0..90), any::<bool>()),
            0..200,
        ),
    ) {
        let mut batching = batching();
        let (mut finished, mut clock, mut scene) = (Vec::new(), 1_000_000, String::new());
        let mut read: [Vec<Value>; 2] = Default::default();
        for (is_game, next_scene, step, numbers, ends) in inputs {
            clock += step;
            let pairs: BTreeMap<_, _> = numbers.into_iter().collect();
            let prefix = if is_game { "game" } else { "portal" };
            let values: Vec<(Arc<str>, f64)> =
                pairs.into_iter().map(|(name, value)| (format!("{prefix}{name}").into(), f64::from(value))).collect();
            if is_game {
                scene = format!("scene {next_scene}");
            }
            read[usize::from(is_game)].extend(
                values.iter().map(|(name, value)| (scene.clone(), clock, name.to_string(), value.to_bits())),
            );
            let reading = Reading { time: clock, values };
            finished.extend(batching.take(match is_game {
                true => Input::Game { reading, context: context("1", &scene), place: None },
                false => Input::Portal(reading),
            }));
            if ends {
                finished.extend(batching.finish());
            }
        }
        finished.extend(batching.finish());
        let mut told: [Vec<Value>; 2] = Default::default();
        for Finished { batch, .. } in &finished {
            prop_assert_eq!(batch.check(), Ok(()));
            prop_assert!(batch.rows.len() * batch.metrics.len() <= MOST_CELLS.max(MOST_METRICS));
            for Row(after, row) in &batch.rows {
                let at = batch.start + i64::from(*after);
                for (name, value) in batch.metrics.iter().zip(row).filter_map(|(name, value)| Some((name, (*value)?))) {
                    let source = usize::from(name.starts_with("game"));
                    told[source].push((batch.scene.clone(), at, name.clone(), value.to_bits()));
                }
            }
        }
        prop_assert_eq!(told.map(by_name), read.map(by_name));
    }
}

/// Within a moment names have no order.
fn by_name(values: Vec<Value>) -> Vec<Value> {
    let moments = values.chunk_by(|one, other| (&one.0, one.1) == (&other.0, other.1));
    moments
        .flat_map(|moment| {
            let mut moment = moment.to_vec();
            moment.sort();
            moment
        })
        .collect()
}
