use super::*;

#[test]
fn the_same_seed_makes_the_same_series_and_another_one_others() {
    let (one, same, other) = (series(7), series(7), series(8));
    assert_eq!(one.len(), KINDS.len() * EACH as usize);
    for ((one, same), other) in one.iter().zip(&same).zip(&other) {
        assert_eq!((&one.values, &one.times, &one.windows), (&same.values, &same.times, &same.windows), "{}", one.name);
        assert_ne!(one.values, other.values, "{}", one.name);
    }
}

#[test]
fn windows_cover_about_a_tenth_and_times_go_on() {
    for made in series(7) {
        let covered: usize = made.windows.iter().map(|window| window.end() - window.start() + 1).sum();
        let share = covered as f64 / made.values.len() as f64;
        assert!((0.05..0.13).contains(&share), "{}: {share}", made.name);
        assert!(made.windows.iter().all(|window| *window.end() > made.probation()), "{}", made.name);
        assert!(made.windows.is_sorted_by(|one, next| one.end() < next.start()), "{}", made.name);
        assert!(made.times.is_sorted() && made.times.len() == made.values.len(), "{}", made.name);
        assert!(made.values.iter().all(|value| value.is_finite()), "{}", made.name);
    }
}
