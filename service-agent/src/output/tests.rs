use std::cell::{Cell, RefCell};

use super::*;

/// A service that keeps what is new of each piece, as the real one does.
#[derive(Default)]
struct Kept {
    text: RefCell<String>,
    calls: RefCell<Vec<(u64, usize)>>,
}

impl Kept {
    fn take(&self, offset: usize, piece: &str) -> Result<usize, AgentError> {
        assert!(piece.len() <= 16 * 1024, "a piece of {} bytes", piece.len());
        let mut text = self.text.borrow_mut();
        let heard = text.len().checked_sub(offset).ok_or(AgentError::OutputGap)?;
        text.push_str(piece.get(heard..).unwrap_or_default());
        Ok(text.len())
    }
}

/// Has `work` write, answers as `answer` says of the n-th call, and returns how sending ended and how long it took.
async fn sent(
    kept: &Kept,
    work: impl AsyncFnOnce(&Output),
    answer: impl Fn(usize, Result<usize, AgentError>) -> Result<usize, AgentError>,
) -> (Result<(), AgentError>, Duration) {
    let (at_work, ended) = watch::channel(false);
    let output = Output::default();
    let begun = Instant::now();
    let send = |offset, piece: String| {
        kept.calls.borrow_mut().push((begun.elapsed().as_secs(), offset));
        let number = kept.calls.borrow().len();
        std::future::ready(answer(number, kept.take(offset, &piece)))
    };
    let working = async {
        work(&output).await;
        at_work.send_replace(true);
    };
    let (sent, ()) = tokio::join!(send_on(&output, send, ended), working);
    (sent, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn what_is_written_arrives_whole_in_pieces_between_characters() {
    let written = "ä€🦀 line\n".repeat(5000);
    let kept = Kept::default();
    let (ended, _) = sent(&kept, async |output| output.push(&written), |_, answer| answer).await;
    assert!(ended.is_ok() && *kept.text.borrow() == written);
    assert_eq!(kept.calls.borrow().len(), written.len().div_ceil(16 * 1024));
}

#[tokio::test(start_paused = true)]
async fn text_is_gathered_for_half_a_second_and_the_last_of_it_does_not_wait() {
    let kept = Kept::default();
    let work = async |output: &Output| {
        for _ in 0..40 {
            output.push("a line\n");
            sleep(Duration::from_millis(50)).await;
        }
        output.push("the last\n");
    };
    let (_, took) = sent(&kept, work, |_, answer| answer).await;
    assert!((4..=5).contains(&kept.calls.borrow().len()), "{:?}", kept.calls.borrow());
    assert!(kept.text.borrow().ends_with("the last\n") && took < Duration::from_millis(2100), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn beyond_a_mebibyte_nothing_is_kept_and_the_last_line_says_so() {
    let kept = Kept::default();
    let work = async |output: &Output| {
        for _ in 0..300 {
            output.push(&"€".repeat(4000));
        }
        output.push("never seen");
    };
    sent(&kept, work, |_, answer| answer).await.0.unwrap();
    let text = kept.text.borrow();
    assert!(text.trim_end().ends_with("there was more output than is kept") && !text.contains("never seen"));
    // One byte more than the service keeps, and so it says that it was cut off.
    assert_eq!(text.len(), 1024 * 1024 + 1);
}

#[tokio::test(start_paused = true)]
async fn pieces_that_were_lost_on_either_way_arrive_once() {
    for lost in [true, false] {
        let kept = Kept::default();
        let work = async |output: &Output| {
            for number in 0..60 {
                output.push(&format!("{number}\n"));
                sleep(Duration::from_millis(300)).await;
            }
        };
        let (refused, before) = (Cell::new(0), RefCell::new(String::new()));
        let answer = |number: usize, answer| {
            if number % 3 != 1 {
                before.borrow_mut().clone_from(&kept.text.borrow());
                return answer;
            }
            refused.set(refused.get() + 1);
            if lost {
                kept.text.borrow_mut().clone_from(&before.borrow());
            }
            Err(AgentError::Refused(503))
        };
        sent(&kept, work, answer).await.0.unwrap();
        let expected: String = (0..60).map(|number| format!("{number}\n")).collect();
        assert_eq!(*kept.text.borrow(), expected, "lost {lost}");
        assert!(refused.get() > 3);
    }
}

#[tokio::test(start_paused = true)]
async fn output_that_the_service_has_lost_is_sent_from_the_beginning() {
    let kept = Kept::default();
    let work = async |output: &Output| {
        for number in 0..30 {
            output.push(&format!("{number}\n"));
            sleep(Duration::from_millis(300)).await;
        }
    };
    let answer = |number, answer| {
        if number == 4 {
            kept.text.borrow_mut().truncate(5);
        }
        answer
    };
    sent(&kept, work, answer).await.0.unwrap();
    let expected: String = (0..30).map(|number| format!("{number}\n")).collect();
    assert_eq!(*kept.text.borrow(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_no_output_is_not_asked_again_and_the_work_goes_on() {
    for status in [400, 403, 404] {
        let kept = Kept::default();
        let work = async |output: &Output| {
            for _ in 0..10 {
                output.push("a line\n");
                sleep(Duration::from_secs(1)).await;
            }
        };
        let (ended, took) = sent(&kept, work, |_, _| Err(AgentError::Refused(status))).await;
        assert_eq!((ended.is_ok(), took.as_secs(), kept.calls.borrow().len()), (true, 10, 1), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_of_the_output_is_offered_for_twenty_seconds() {
    let kept = Kept::default();
    let (ended, took) = sent(&kept, async |output| output.push("a line"), |_, _| Err(AgentError::Refused(503))).await;
    assert!(ended.is_ok() && (20..25).contains(&took.as_secs()), "{took:?}");
    assert_eq!(kept.calls.borrow().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_ends_it_at_once() {
    let kept = Kept::default();
    let (ended, took) = sent(&kept, async |output| output.push("a line"), |_, _| Err(AgentError::LeaseLost)).await;
    assert!(matches!(ended, Err(AgentError::LeaseLost)) && took.as_secs() == 0);
}
