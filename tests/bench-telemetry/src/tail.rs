//! When each incident is told on the live tail.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::sync::mpsc;
use watchgate_tests::client::Caller;

/// Longer than any run.
const OPEN_FOR: Duration = Duration::from_secs(3600);

/// Reads the tail of opened incidents from now on: the name of each, and when it came. A tail that breaks off ends it.
pub(crate) async fn opened(reader: &Caller) -> Result<mpsc::UnboundedReceiver<(String, Instant)>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let request = reader.get("/v1/events?type=dev.watchgate.incident.opened").header("accept", "text/event-stream");
    let mut tail = request.timeout(OPEN_FOR).send().await?;
    ensure!(tail.status() == 200, "the tail was answered {}", tail.status());
    tokio::spawn(async move {
        let mut text = Vec::new();
        while let Ok(Some(piece)) = tail.chunk().await {
            let now = Instant::now();
            text.extend_from_slice(&piece);
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                if let Some(incident) = line.strip_prefix(b"data:").and_then(subject)
                    && sender.send((incident, now)).is_err()
                {
                    return;
                }
            }
        }
    });
    Ok(receiver)
}

fn subject(data: &[u8]) -> Option<String> {
    let event: Value = serde_json::from_slice(data).ok()?;
    Some(event["subject"].as_str()?.to_owned())
}
