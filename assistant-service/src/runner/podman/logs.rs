//! The last lines of a container.

use serde_json::Value;

use super::api::Api;
use super::container::Container;
use crate::runner::step::{StepContext, StepFailure, StepResult};

const MAX_BYTES: usize = 512 * 1024;

pub(super) async fn read(api: &Api, name: &str, tail: u64, context: &StepContext<'_>) -> StepResult {
    let container = Container::read(api, name).await?;
    if context.dry_run {
        return Ok(format!("would read the last {tail} lines of the container {name}, {container}"));
    }
    let tail = tail.to_string();
    let query = [("stdout", "true"), ("stderr", "true"), ("follow", "false"), ("tail", tail.as_str())];
    let bytes = api.read(&["containers", &container.id, "logs"], &query, MAX_BYTES).await?;
    let is_terminal = container.shown.pointer("/Config/Tty").and_then(Value::as_bool).unwrap_or(false);
    let text = if is_terminal { bytes } else { unframed(&bytes)? };
    let text = String::from_utf8_lossy(&text);
    context.telling.output(&text);
    Ok(format!("{} lines of the container {name} were read", text.lines().count()))
}

/// Both streams come in pieces behind heads of eight bytes: which one, three zeros, and the length.
fn unframed(mut bytes: &[u8]) -> Result<Vec<u8>, StepFailure> {
    let broken = || StepFailure::Failed("the lines broke off in the middle".to_owned());
    let mut text = Vec::with_capacity(bytes.len());
    while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        let [_, _, _, _, length @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| broken())?;
        let (piece, after) = rest.split_at_checked(length).ok_or_else(broken)?;
        text.extend_from_slice(piece);
        bytes = after;
    }
    if bytes.is_empty() { Ok(text) } else { Err(broken()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_both_streams_are_put_together_and_a_broken_one_is_said() {
        let framed = [&[1, 0, 0, 0, 0, 0, 0, 3], &b"one"[..], &[2, 0, 0, 0, 0, 0, 0, 2], b"22"].concat();
        assert_eq!(unframed(&framed).unwrap(), b"one22");
        assert!(unframed(&framed[..framed.len() - 1]).is_err() && unframed(&framed[..4]).is_err());
        assert!(unframed(&[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1]).is_err());
    }
}
