use crate::detector::parameters::{EVENT, MEMORY};
use crate::detector::tail::Tail;

/// Events of these heights, one after the other; when the last one was.
fn learn(tail: &mut Tail, mut count: u32, heights: impl IntoIterator<Item = f64>) -> u32 {
    for height in heights {
        count = count.saturating_add(EVENT);
        tail.learn(height, count);
    }
    count
}

#[test]
fn the_decades_of_a_power_are_counted() {
    let mut tail = Tail::default();
    // Quantiles of a distribution that exceeds x with probability 1/x: ten times as high is ten times as rare.
    let count = learn(&mut tail, 0, (1..=240).map(|rank| 240.0 / (f64::from(rank) - 0.5)));
    let decades = |height| tail.rarity(height, 0.0, 1e-9, count);
    // The belief before any peak is seen makes the slope somewhat less than 1.
    let step = decades(1000.0) - decades(100.0);
    assert!((1.0..1.6).contains(&step), "{step}");
    assert!(decades(30.0) == 0.0 && decades(40.0) > 0.0);
}

#[test]
fn one_event_is_one_peak_however_many_samples_it_has() {
    let (mut one, mut other) = (Tail::default(), Tail::default());
    let count = learn(&mut one, 0, [3.0, 1.0, 2.0, 5.0]);
    learn(&mut other, 0, [3.0, 1.0, 2.0]);
    for (at, height) in (count..).zip([4.0, 4.5, 5.0, 4.0, 3.5]) {
        other.learn(height, at);
    }
    let rarity = |tail: &Tail| tail.rarity(9.0, 0.0, 1e-9, 1000);
    assert!(rarity(&one) > 0.0 && (rarity(&one) - rarity(&other)).abs() < 1e-9);
}

#[test]
fn what_was_high_long_ago_is_forgotten() {
    let mut tail = Tail::default();
    let count = learn(&mut tail, 0, (0..8).map(|index| 100.0 - f64::from(index)));
    let low = |samples: u32| (0..samples / EVENT).map(|index| 1.0 + f64::from(index % 10) / 10.0);
    let count = learn(&mut tail, count, low(MEMORY / 2));
    assert_eq!(tail.rarity(50.0, 0.0, 1e-9, count), 0.0);
    let count = learn(&mut tail, count, low(MEMORY.saturating_mul(40)));
    assert!(tail.rarity(50.0, 0.0, 1e-9, count) > 1.0);
}

#[test]
fn with_too_few_peaks_nothing_is_rare() {
    let mut tail = Tail::default();
    let count = learn(&mut tail, 0, [1.0, 2.0]);
    assert_eq!(tail.rarity(1e6, 0.0, 1e-9, count), 0.0);
}
