//! The table of steps.

use time::macros::datetime;
use trust_core::principal::Principal;

use super::*;
use crate::commands::command::{AttemptEnded, Decided, Decision, Ending, FailedAttempt, Outcome};
use crate::commands::state::{State, Step, next};

/// Everything that can happen to a command, with its name.
pub(super) fn every_step() -> Vec<(&'static str, Step)> {
    let by = Principal::new("https://idp.example.com", "ben");
    let noon = datetime!(2026-03-01 12:00:00 UTC);
    let decided = Decided { by: by.clone(), decision: Decision::Approve, comment: None, at: noon };
    let failed = FailedAttempt { attempt: 1, because: AttemptEnded::Failed, message: None, at: noon };
    let outcome = Outcome { outcome: Ending::Succeeded, result: Value::Null, message: None };
    vec![
        ("ask for approval", Step::AskForApproval),
        ("schedule", Step::Schedule),
        ("agree", Step::Agree(decided.clone())),
        ("approve", Step::Approve(decided.clone())),
        ("reject", Step::Reject(decided)),
        ("expire", Step::Expire),
        ("cancel", Step::Cancel),
        ("lease", Step::Lease { holder: by.clone() }),
        ("lose lease", Step::LoseLease),
        ("start", Step::Start),
        ("verify", Step::Verify),
        ("roll back", Step::RollBack),
        ("succeed", Step::Succeed(outcome.clone())),
        ("fail", Step::Fail(outcome.clone())),
        ("ask to stop", Step::AskToStop { by }),
        ("stop", Step::Stop(outcome)),
        ("time out", Step::TimeOut),
        ("abandon", Step::Abandon),
        ("try again", Step::TryAgain { not_before: noon, failed }),
    ]
}

#[test]
fn the_table_of_steps_is_this_one() {
    let steps = every_step();
    let mut table = Vec::new();
    for state in State::ALL {
        for (name, step) in &steps {
            if let Some(then) = next(state, step) {
                assert!(!state.is_final(), "{name} leads on from {state:?}");
                table.push(format!("{} -{name}-> {}", state.name(), then.name()));
            }
        }
    }
    let expected = [
        "requested -ask for approval-> pending",
        "requested -schedule-> scheduled",
        "pending -agree-> pending",
        "pending -approve-> scheduled",
        "pending -reject-> rejected",
        "pending -expire-> expired",
        "pending -cancel-> canceled",
        "scheduled -expire-> expired",
        "scheduled -cancel-> canceled",
        "scheduled -lease-> leased",
        "leased -cancel-> canceled",
        "leased -lose lease-> scheduled",
        "leased -start-> running",
        "running -verify-> verifying",
        "running -roll back-> rolling_back",
        "running -succeed-> succeeded",
        "running -fail-> failed",
        "running -ask to stop-> running",
        "running -stop-> canceled",
        "running -time out-> timeout",
        "running -abandon-> abandoned",
        "running -try again-> scheduled",
        "verifying -roll back-> rolling_back",
        "verifying -succeed-> succeeded",
        "verifying -fail-> failed",
        "verifying -ask to stop-> verifying",
        "verifying -stop-> canceled",
        "verifying -time out-> timeout",
        "verifying -abandon-> abandoned",
        "verifying -try again-> scheduled",
        "rolling_back -fail-> failed",
        "rolling_back -stop-> canceled",
        "rolling_back -time out-> timeout",
        "rolling_back -abandon-> abandoned",
        "rolling_back -try again-> scheduled",
    ];
    assert_eq!(table, expected);
}
