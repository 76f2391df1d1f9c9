//! Which sample decides: the pure engine hears the same batches, in the order in which they are due.

use std::time::Duration;

use diagnosis::Millis;
use diagnosis::engine::{Change, Engine};

use crate::lab::{DEVICES, Lab};

/// How often the service lets the engine know what time it is.
const TICK: Duration = Duration::from_secs(1);

/// An incident, and when the batch was due after which the engine tells it, counted from the beginning.
#[derive(Debug, PartialEq)]
pub(crate) struct Predicted {
    pub(crate) incident: String,
    pub(crate) due: Duration,
}

/// What the engine tells of a lab's first batches of each device, in its order.
pub(crate) fn predict(lab: &Lab, batches: usize, begin: Millis) -> Vec<Predicted> {
    let (mut engine, mut predicted, mut ticked) = (Engine::default(), Vec::new(), Duration::ZERO);
    let mut hear = |due: Duration, changes: Vec<Change>| {
        for change in changes {
            if let Change::Opened(incident) = change {
                predicted.push(Predicted { incident: incident.incident, due });
            }
        }
    };
    for number in 0..batches {
        // Devices are spread over less than the time from one batch to the next: this is the order in which they are due.
        for device in 0..DEVICES {
            let due = Lab::due(device, number);
            while ticked <= due {
                hear(ticked, engine.tick(begin + ticked.as_millis() as Millis));
                ticked += TICK;
            }
            hear(due, engine.take(&lab.batch(device, number, begin)).0);
        }
    }
    predicted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::WELL;

    #[test]
    fn each_bad_device_is_an_incident_of_its_own_which_a_sample_decides() {
        let lab = Lab::new(2);
        let predicted = predict(&lab, lab.batches(), 1_795_788_000_000);
        assert_eq!(predicted.len(), 2, "{predicted:?}");
        for (device, predicted) in predicted.iter().enumerate() {
            let is_of_it = (0..lab.batches()).any(|number| Lab::due(device, number) == predicted.due);
            assert!(is_of_it && predicted.due > WELL, "{predicted:?}");
        }
    }
}
