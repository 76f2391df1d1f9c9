//! How long an answer may take that a model may have to write.

use std::time::Duration;

use crate::gate::Caller;
use crate::problem::Problem;
use crate::state::AppState;
use crate::trust::Distrust;

/// Longer than a model takes that answers at all, with its steps over tools.
const LONGEST: Duration = Duration::from_secs(120);

/// What a service that ends still waits for, which is less than it lives.
const AFTER_THE_END: Duration = Duration::from_secs(4);

/// Does `work` unless it takes too long, the caller's token ends or is revoked, or the service ends: then the work is dropped, and with
/// it whatever it waits for.
pub(crate) async fn within_bounds<T, E: From<Problem>>(
    state: &AppState,
    caller: &Caller,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let ended = async {
        state.ended().await;
        tokio::time::sleep(AFTER_THE_END).await;
    };
    let problem = tokio::select! {
        done = work => return done,
        () = tokio::time::sleep(LONGEST) => Problem::TookTooLong,
        () = tokio::time::sleep(caller.time_left(state.clock.now())) => Problem::Unauthenticated,
        () = ended => Problem::Ending,
        distrust = state.trust.until_distrusted(caller) => match distrust {
            Distrust::Revoked => {
                state.metrics.revoked_streams.inc();
                Problem::Unauthenticated
            }
            Distrust::CutOff => Problem::CutOff,
        },
    };
    Err(problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_gateway_waits_for_the_longest_answer() {
        for shipped in [
            include_str!("../../../../traefik-config/dynamic/routes.yml"),
            include_str!("../../../../traefik-config/mutual-tls.yml"),
        ] {
            let waits = shipped.lines().find_map(|line| line.trim().strip_prefix("responseHeaderTimeout: "));
            let seconds: u64 = waits.unwrap().strip_suffix('s').unwrap().parse().unwrap();
            assert!(Duration::from_secs(seconds) > LONGEST + AFTER_THE_END, "an answer that comes at once is cut off");
        }
    }
}
