//! Looks at the gate's folder: at wishes four times a second, at what grows in it every ten seconds.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::complaint::Complaint;
use super::gate_folder::GateFolder;
use super::metrics::Metrics;
use super::wall::now;
use crate::clock::Clock;

const WISHES_EVERY: Duration = Duration::from_millis(250);
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Takes wishes for ever. Only the names that the issuers' wishes have are looked for, whatever else is in the folder.
pub(super) async fn watch_wishes(gate: GateFolder, wishes: Vec<(String, Arc<Notify>)>) {
    let mut complaint = Complaint::new("the gate's folder cannot be looked at; unknown keys are not asked for");
    let mut look = interval(WISHES_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let (gate, names) = (gate.clone(), wishes.clone());
        let looked = tokio::task::spawn_blocking(move || {
            for (name, wish) in names {
                if gate.take_wish(&name)? {
                    wish.notify_one();
                }
            }
            Ok::<_, rustix::io::Errno>(())
        });
        let Ok(looked) = looked.await else { return };
        complaint.about(looked);
    }
}

/// Sweeps for ever, beside everything else: a folder full of whatever may take its time.
pub(super) async fn sweep(gate: GateFolder, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) {
    let mut complaints = [
        Complaint::new("spent proofs cannot be removed"),
        Complaint::new("the denials cannot be counted"),
        Complaint::new("the denials cannot be rotated"),
    ];
    // What was denied before this keeper was started is not counted again.
    let mut counted = gate.denials_bytes().unwrap_or_default();
    let mut beat = interval(SWEEP_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let (gate, minute, metrics) = (gate.clone(), now(&*clock) / 60_000, Arc::clone(&metrics));
        let swept = tokio::task::spawn_blocking(move || {
            let looked = gate.new_denials(&mut counted).map(|lines| metrics.denied(&lines));
            (counted, [gate.sweep_proofs(minute), looked, gate.rotate_denials()])
        });
        let Ok((reached, swept)) = swept.await else { return };
        counted = reached;
        for (complaint, outcome) in complaints.iter_mut().zip(swept) {
            complaint.about(outcome);
        }
    }
}
