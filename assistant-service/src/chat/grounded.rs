//! The assistant in OpenAI's wire format. Nothing in that format takes a word back, and a client shows what it is sent: so the answer
//! is sent once it has been checked, and not word by word as a model writes it.

pub(super) mod markdown;

use uuid::Uuid;

use super::ASSISTANT;
use super::completions::Pieces;
use super::refusal::{Invalid, Refusal};
use super::request::Request;
use crate::assistant::ask::{LONGEST_QUESTION, MOST_EARLIER_BYTES, MOST_EARLIER_TURNS, answered};
use crate::assistant::{Asked, Asker, Progress, Turn};
use crate::gate::Caller;
use crate::model::{End, EndReason, Message, Piece, Usage};
use crate::state::AppState;

/// Clients show what they are sent as it comes; one large piece would look like a stop.
const PIECE_CHARACTERS: usize = 200;

/// A token has about so many bytes, in English.
const BYTES_PER_TOKEN: usize = 4;

/// What the assistant is asked.
#[derive(Debug)]
pub(super) struct Question {
    asked: Asked,
    /// Of the whole conversation.
    bytes: usize,
}

impl Question {
    /// The last message of the user, after those before it. What a client tells the assistant to be is not looked at, and what tools
    /// have given neither: it has its own.
    pub(super) fn of(request: Request, asker: Asker) -> Result<Self, Invalid> {
        if !request.tools.is_empty() {
            let message = format!("`{ASSISTANT}` takes no tools of its clients; name one of the other models.");
            return Err(Invalid::unsupported_parameter("tools", message));
        }
        let format = request.options.get("response_format").and_then(|format| format.get("type"));
        if format.is_some_and(|kind| kind != "text") {
            let message = format!("`{ASSISTANT}` answers in Markdown alone.");
            return Err(Invalid::unsupported_parameter("response_format", message));
        }
        let mut turns: Vec<Turn> = request.messages.into_iter().filter_map(turn).collect();
        let bytes = turns.iter().map(|turn| turn.text().len()).sum();
        let last = turns.iter().rposition(|turn| matches!(turn, Turn::Asked(_)));
        let question = last.map(|last| turns.drain(last..).next());
        let Some(Some(Turn::Asked(question))) = question else {
            return Err(Invalid::invalid_value("messages", "There must be a message of the user."));
        };
        if question.trim().is_empty() {
            return Err(Invalid::invalid_value("messages", "The last message of the user must not be empty."));
        }
        if question.chars().nth(LONGEST_QUESTION).is_some() {
            let message = format!("The last message of the user may have {LONGEST_QUESTION} characters.");
            return Err(Invalid { param: "messages".to_owned(), code: "string_above_max_length", message });
        }
        Ok(Self { asked: Asked { question, earlier: newest(turns), asker }, bytes })
    }
}

fn turn(message: Message) -> Option<Turn> {
    match message {
        Message::User(text) => Some(Turn::Asked(text)),
        Message::Assistant { text, .. } if !text.is_empty() => Some(Turn::Answered(text)),
        Message::System(_) | Message::Assistant { .. } | Message::ToolResult { .. } => None,
    }
}

/// What an assistant is told of a long conversation. Its client does not know our bounds, and sends all of it each time.
fn newest(mut turns: Vec<Turn>) -> Vec<Turn> {
    let mut bytes = 0_usize;
    let fitting = turns.iter().rev().take(MOST_EARLIER_TURNS).take_while(|turn| {
        bytes = bytes.saturating_add(turn.text().len());
        bytes <= MOST_EARLIER_BYTES
    });
    let first = turns.len().saturating_sub(fitting.count());
    turns.drain(first..).collect()
}

/// Has it answered, and sends the answer.
pub(super) async fn speak(
    state: &AppState,
    caller: &Caller,
    id: Uuid,
    question: Question,
    pieces: Pieces,
) -> Result<(), Refusal> {
    let told = answered(state, caller, id, question.asked, Progress::default()).await?;
    let text = markdown::of(&told.answer);
    let usage =
        Usage { input_tokens: estimate(question.bytes), output_tokens: estimate(text.len()), is_estimate: true };
    let end = End { reason: EndReason::Stop, usage, model: ASSISTANT.to_owned() };
    for piece in parts(&text).map(Piece::Text).chain([Piece::End(end)]) {
        if pieces.send(Ok(piece)).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn estimate(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX)
}

fn parts(text: &str) -> impl Iterator<Item = String> {
    let mut characters = text.chars();
    std::iter::from_fn(move || {
        let part: String = characters.by_ref().take(PIECE_CHARACTERS).collect();
        (!part.is_empty()).then_some(part)
    })
}
