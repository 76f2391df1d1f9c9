//! Dead letters in steps. One request may leave a thousand of them, each several times as large as what was sent, and the log
//! takes only so much at once. The events of a request stay one step; letters that have no room in it follow, before anybody is
//! answered. When one of these steps fails, that is the answer: whoever sends again loses nothing, because the events are known
//! by then, and a letter that is there twice is less than one that is nowhere.

use super::letter::Letter;
use super::{puts_of, told_by_sender};
use crate::backbone::{Batch, NewEvent};
use crate::problem::Problem;

/// What the letters of one step have in entries. A record of the log has 4 MiB, there they grow by a third, and the events of
/// the request stand beside them.
const STEP_BYTES: usize = 1024 * 1024;

/// Each is two entries and an event, of which a record takes 4,000.
const STEP_LETTERS: usize = 500;

/// The steps that keep `events` and `letters`: the events in the first one, then letters in their order.
pub(super) fn steps(events: Vec<NewEvent>, letters: &[Letter]) -> Result<Vec<Batch>, Problem> {
    let mut steps = Vec::new();
    let mut step = Batch { events, puts: Vec::new() };
    let (mut count, mut bytes) = (0_usize, 0_usize);
    for letter in letters {
        let puts = puts_of(letter)?;
        let size = puts.iter().filter_map(|put| put.value.as_ref()).map(Vec::len).fold(0, usize::saturating_add);
        if count >= STEP_LETTERS || (count > 0 && bytes.saturating_add(size) > STEP_BYTES) {
            steps.push(std::mem::take(&mut step));
            (count, bytes) = (0, 0);
        }
        step.events.push(told_by_sender(letter)?);
        step.puts.extend(puts);
        count = count.saturating_add(1);
        bytes = bytes.saturating_add(size);
    }
    steps.push(step);
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use trust_core::principal::Principal;

    use super::*;
    use crate::events::attributes::Malformed;
    use crate::events::binding::Mode;
    use crate::events::intake::Reason;
    use crate::events::submission::Submission;
    use crate::testing::Stage;

    fn letter(stage: &Stage, bytes: usize) -> Letter {
        let submission = Submission::for_tests(Principal::new("urn:test", "tester"), &["com.example.*"], &*stage.clock);
        let malformed = Malformed { errors: Vec::new(), is_readable: true, id: None, source: None, event_type: None };
        Letter::new(Reason::Malformed, malformed, &submission, Mode::Batch, &HeaderMap::new(), &vec![b'"'; bytes])
    }

    #[tokio::test]
    async fn no_step_has_more_than_the_log_takes_and_no_letter_is_left_out() {
        let stage = Stage::new();
        for (count, bytes, expected) in [(0, 0, 1), (1, 1, 1), (500, 10, 1), (501, 10, 2), (9, 256 * 1024, 9)] {
            let letters: Vec<_> = (0..count).map(|_| letter(&stage, bytes)).collect();
            let steps = steps(Vec::new(), &letters).unwrap();
            assert_eq!(steps.len(), expected, "{count} letters of {bytes} bytes");
            assert_eq!(steps.iter().map(|step| step.puts.len()).sum::<usize>(), 2 * count);
            for step in &steps {
                let size: usize = step.puts.iter().map(|put| put.value.as_ref().unwrap().len()).sum();
                assert!(size <= STEP_BYTES, "{size} bytes in one step");
            }
        }
    }
}
