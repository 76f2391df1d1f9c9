//! What the data of an event with samples must be. It is held to this at the door, so that whoever reads the log need not ask again.

use diagnosis::batch::{Batch, EVENT_TYPE};
use time::OffsetDateTime;

use crate::clock::millis;
use crate::events::CloudEvent;
use crate::problem::FieldError;

/// Holds an event that arrived at a time against the form of samples, if its type says that it has some.
pub(crate) fn check(event: &CloudEvent, arrived_at: OffsetDateTime) -> Result<(), Vec<FieldError>> {
    if event.event_type() != EVENT_TYPE {
        return Ok(());
    }
    let wrong = |field: String, detail: String| Err(vec![FieldError::new(field, detail)]);
    let Some(data) = event.json_data() else {
        return wrong("/data".to_owned(), "must be there and be JSON: events of this type carry samples".to_owned());
    };
    let reader = &mut serde_json::Deserializer::from_slice(&data);
    let batch: Batch = match serde_path_to_error::deserialize(&mut *reader) {
        Ok(batch) => batch,
        Err(error) => return wrong(pointer(error.path()), error.inner().to_string()),
    };
    if let Err(invalid) = batch.check() {
        return wrong("/data".to_owned(), invalid.to_string());
    }
    if let Err(ahead) = batch.check_times(millis(arrived_at)) {
        return wrong("/data/start".to_owned(), ahead.to_string());
    }
    if event.subject() != Some(batch.device.as_str()) {
        return wrong("subject".to_owned(), "must be the device, as in the data".to_owned());
    }
    Ok(())
}

/// The JSON pointer (RFC 6901) of a part of the data.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = "/data".to_owned();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => break,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    pointer
}
