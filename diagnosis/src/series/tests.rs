use super::*;

fn place(order: &mut Order, times: impl IntoIterator<Item = Millis>) -> Vec<Place> {
    times.into_iter().map(|at| order.place(at)).collect()
}

#[test]
fn each_time_counts_once_however_often_a_batch_is_sent_again() {
    let mut order = Order::before(0);
    let frames: Vec<Millis> = (0..240).map(|frame| frame * 50 / 3).collect();
    assert!(place(&mut order, frames.clone()).iter().all(|place| *place == Place::Next));
    assert!(place(&mut order, frames).iter().all(|place| *place == Place::Double));
}

#[test]
fn a_batch_that_comes_late_fills_its_hole_and_not_twice() {
    let mut order = Order::before(0);
    place(&mut order, (0..100).map(|frame| frame * 16));
    place(&mut order, (120..1000).map(|frame| frame * 16));
    let late: Vec<Millis> = (100..120).map(|frame| frame * 16).collect();
    assert!(place(&mut order, late.clone()).iter().all(|place| *place == Place::Late));
    assert!(place(&mut order, late).iter().all(|place| *place == Place::Double));
}

#[test]
fn late_batches_in_any_order_count() {
    let mut order = Order::before(0);
    place(&mut order, [0, 1000, 60_000]);
    assert_eq!(
        place(&mut order, [30_000, 15_000, 45_000, 15_000]),
        [Place::Late, Place::Late, Place::Late, Place::Double]
    );
}

#[test]
fn what_is_later_than_a_minute_does_not_count() {
    let mut order = Order::before(0);
    assert_eq!(
        place(&mut order, [0, 100_000, 39_999, 40_001]),
        [Place::Next, Place::Next, Place::TooLate, Place::Late]
    );
}

#[test]
fn a_clock_that_was_set_back_is_followed_after_thirty_samples() {
    let mut order = Order::before(1_000_000);
    place(&mut order, (0..10).map(|second| 1_000_000 + second * 1000));
    let places = place(&mut order, (0..40).map(|second| second * 1000));
    assert_eq!(places.iter().filter(|place| **place == Place::TooLate).count(), 30 - 1);
    assert!(places.ends_with(&[Place::Next; 10]));
    assert_eq!(order.newest(), 39_000);
}

#[test]
fn what_is_no_number_is_left_out() {
    let mut series = Series::new(0);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(series.take(5, value), Taken::LeftOut);
    }
    assert!(matches!(series.take(5, 1.0), Taken::Judged(_)), "it has taken no place");
}

#[test]
fn a_series_has_at_most_two_kib() {
    let mut series = Series::new(0);
    for second in 0..100_000_i64 {
        if let Taken::Judged(verdict) =
            series.take(second * 1000, (second as f64 * 0.37).sin() + f64::from(second % 97 == 0) * 9.0)
        {
            series.watch((second as f64 * 0.37).sin(), &verdict);
        }
    }
    let parked = postcard::to_allocvec(&series).unwrap();
    assert!(size_of::<Series>() <= 2048, "{}", size_of::<Series>());
    assert!(parked.len() <= 2048, "{}", parked.len());
}
