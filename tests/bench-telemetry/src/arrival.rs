//! From the sample that decides until the incident is seen.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::{Result, ensure};
use measuring::statistics::Sample;

use crate::prediction::Predicted;

/// Milliseconds from when each deciding batch was due until its incident came on the tail.
///
/// # Errors
/// When the service has told other incidents than the pure engine: then nothing would have been measured.
pub(crate) fn delays(predicted: &[Predicted], seen: &[(String, Instant)], begin: Instant) -> Result<Sample> {
    ensure!(!predicted.is_empty(), "the engine tells nothing of what is sent");
    let came: HashMap<&str, Instant> = seen.iter().map(|(incident, at)| (incident.as_str(), *at)).collect();
    ensure!(came.len() == seen.len(), "an incident was told twice: {seen:?}");
    let missing: Vec<&Predicted> =
        predicted.iter().filter(|predicted| !came.contains_key(predicted.incident.as_str())).collect();
    ensure!(missing.is_empty(), "the service did not tell what the engine tells: {missing:?}");
    ensure!(came.len() == predicted.len(), "the service told {} incidents, the engine {}", came.len(), predicted.len());
    let delay = |predicted: &Predicted| {
        let due = begin + predicted.due;
        let came = came[predicted.incident.as_str()];
        came.saturating_duration_since(due).as_secs_f64() * 1e3
            - due.saturating_duration_since(came).as_secs_f64() * 1e3
    };
    Ok(Sample::of(predicted.iter().map(delay)))
}
