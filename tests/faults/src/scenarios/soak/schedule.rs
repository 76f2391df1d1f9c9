//! What is done to whom, and when.

use std::fmt::{self, Display};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use watchgate_tests::Stage;
use watchgate_tests::wait::until;

/// One thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// SIGKILL, and started again.
    KillReplica(usize),
    /// SIGTERM, and started again.
    StopNats,
    /// SIGKILL, and started again.
    KillNats,
    /// SIGSTOP, and SIGCONT.
    PauseNats,
    /// One of Traefik's dynamic files becomes another, so that every middleware is built anew.
    Rewrite(u32),
    /// SIGKILL to a process of services while one of them carries a command out.
    KillAgents,
    /// Both replicas, one after the other: SIGTERM, drained, a new process, ready.
    Update,
}

impl Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillReplica(replica) => write!(out, "SIGKILL to replica {replica}, and started again 3 s later"),
            Self::StopNats => write!(out, "NATS stopped, and started again 3 s later"),
            Self::KillNats => write!(out, "SIGKILL to NATS, and started again"),
            Self::PauseNats => write!(out, "SIGSTOP to NATS for 3 s"),
            Self::Rewrite(_) => write!(out, "a dynamic file of Traefik rewritten"),
            Self::KillAgents => write!(out, "SIGKILL to a process of services that carries a command out"),
            Self::Update => write!(out, "rolling update of both replicas"),
        }
    }
}

/// The share of all at its beginning that is not judged.
pub(super) const WARM_UP: f64 = 0.05;

/// At which share of the whole. What ends a process for good stands in the first half, and Traefik
/// keeps what a rewritten file makes needless for some time: so that memory can be seen after them.
const STEPS: [(f64, Step); 9] = [
    (0.20, Step::KillReplica(1)),
    (0.27, Step::StopNats),
    (0.34, Step::KillAgents),
    (0.39, Step::Rewrite(1)),
    (0.43, Step::KillNats),
    (0.50, Step::Update),
    (0.58, Step::Rewrite(2)),
    (0.80, Step::PauseNats),
    (0.86, Step::KillAgents),
];

pub(super) fn schedule(lasts: Duration) -> Vec<(Duration, Step)> {
    STEPS.map(|(share, step)| (lasts.mul_f64(share), step)).into()
}

/// Writes another file in its place, and waits until Traefik goes by it.
pub(super) async fn rewrite(stage: &Stage, number: u32) -> Result<()> {
    let said = json!({"headers": {"customResponseHeaders": {"X-Rewritten": number.to_string()}}});
    let router = json!({
        "entryPoints": ["websecure"], "rule": "Path(`/healthz`) && HeaderRegexp(`X-Rewritten`, `.+`)", "priority": 20,
        "middlewares": ["blank", "gate", "rewritten"], "service": "assistant-service-replicas",
    });
    let file = json!({"http": {"routers": {"rewritten": router}, "middlewares": {"rewritten": said}}});
    stage.write_dynamic("rewritten.yml", &format!("{file:#}"))?;
    let stranger = stage.stranger()?;
    until("Traefik goes by the file", Duration::from_secs(30), async || {
        let answer = stranger.get("/healthz").header("X-Rewritten", "?").send().await;
        let is_by_it = |answer: &reqwest::Response| {
            answer.headers().get("x-rewritten").is_some_and(|by| by.as_bytes() == number.to_string().as_bytes())
        };
        Ok(answer.ok().filter(is_by_it).map(drop))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_process_after_the_update() {
        let after = STEPS.iter().skip_while(|(_, step)| *step != Step::Update).skip(1);
        let ends = |step: &Step| matches!(step, Step::KillReplica(_) | Step::StopNats | Step::KillNats | Step::Update);
        assert!(after.clone().count() > 0 && !after.clone().any(|(_, step)| ends(step)));
        assert!(STEPS.is_sorted_by_key(|(share, _)| *share));
    }
}
