//! What this service does when a command asks for it: one arm for each runbook.

use std::sync::Arc;

use serde_json::json;
use service_agent::{Command, Outcome, Progress};
use tokio::sync::Mutex;

use crate::workers::Workers;

/// Carries out one command.
pub(crate) async fn carry_out(workers: Arc<Mutex<Workers>>, command: Command, progress: Progress) -> Outcome {
    let mut workers = workers.lock().await;
    match command.runbook.as_str() {
        "restart-worker" => {
            let name = command.parameters.get("worker").and_then(|worker| worker.as_str()).unwrap_or_default();
            progress.report(10, format!("stopping {name}"));
            progress.output(&format!("stopping {name}\n"));
            match workers.restart(name).await {
                Ok(restart) => {
                    progress.output(&format!("{name} runs as {}\n", restart.new_pid.unwrap_or_default()));
                    println!("sample-service: workers {}", workers.summary());
                    Outcome::Succeeded(json!({"worker": name, "old_pid": restart.old_pid, "new_pid": restart.new_pid}))
                }
                Err(error) => Outcome::Failed(format!("{error:#}")),
            }
        }
        "show-status" => Outcome::Succeeded(workers.status()),
        other => Outcome::Failed(format!("this service does not know the runbook {other}")),
    }
}
