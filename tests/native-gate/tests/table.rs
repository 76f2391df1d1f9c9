//! The attack table against the gate without Traefik.

use native_gate::play_all;

#[test]
fn every_attack_is_denied_for_its_own_reason_and_what_passes_carries_nothing_forged() {
    let played = play_all().unwrap();
    let wrong: Vec<_> = played.failures.iter().map(|failure| format!("{}: {}", failure.row, failure.outcome)).collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), played.rows, wrong.join("\n"));
    assert!(played.rows > 300, "the table has shrunk to {} rows", played.rows);
}
