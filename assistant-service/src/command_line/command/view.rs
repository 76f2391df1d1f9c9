//! A command as a person reads it. What services and other people say of it commands no terminal.

use serde_json::Value;

use super::text;
use crate::command_line::plain::{line, visible};

/// In a few words: where it stands, and how far it is.
pub(super) fn standing(command: &Value) -> String {
    let state = text(command, "/state");
    let mut said = line(state);
    if command.get("dry_run") == Some(&Value::Bool(true)) {
        said.push_str(" (dry run)");
    }
    if let Some(percent) = command.pointer("/progress/percent").and_then(Value::as_u64) {
        said.push_str(&format!(" {percent} %"));
    }
    match (state, command.pointer("/progress/line").and_then(Value::as_str)) {
        ("pending", _) => said.push_str(&format!(
            ": waits for approval, {} of {}; watchgate command approve {}",
            agreed(command),
            command.pointer("/approval/quorum").and_then(Value::as_u64).unwrap_or(1),
            line(text(command, "/id"))
        )),
        ("running" | "verifying" | "rolling_back", Some(progress)) => said.push_str(&format!(": {}", line(progress))),
        _ => {}
    }
    if let (Some(_), "running" | "verifying") = (command.get("stop_asked_by"), state) {
        said.push_str(" (asked to stop)");
    }
    said
}

/// How it ended, with what came of it.
pub(super) fn ending(command: &Value) -> String {
    let mut said = format!("{}\n", standing(command));
    for (pointer, what) in
        [("/expired_because", "because"), ("/result/message", "message"), ("/cancel_reason", "because")]
    {
        if let Some(text) = command.pointer(pointer).and_then(Value::as_str) {
            said.push_str(&format!("{what}: {}\n", visible(text)));
        }
    }
    match command.pointer("/result/result") {
        None | Some(Value::Null) => {}
        Some(result) => said.push_str(&format!("result: {}\n", visible(&format!("{result:#}")))),
    }
    said
}

/// All that somebody should know who decides about it, with what the catalogue says of its runbook by now, where it says it.
pub(super) fn whole(command: &Value, runbook: Option<&Value>) -> String {
    let parameters = command.get("parameters").map(|parameters| format!("{parameters:#}")).unwrap_or_default();
    let mut rows =
        vec![("command", text(command, "/id").to_owned()), ("runbook", text(command, "/runbook").to_owned())];
    match runbook {
        None => rows.push(("warning", "what the runbook does could not be read".to_owned())),
        Some(runbook) => rows.extend(procedure(command, runbook)),
    }
    rows.extend([
        ("service", text(command, "/target/service").to_owned()),
        ("requested by", of(command, "/requested_by")),
        ("at", text(command, "/requested_at").to_owned()),
        ("reason", text(command, "/reason").to_owned()),
    ]);
    if let Some(first) = command.get("replays").and_then(Value::as_str) {
        rows.push(("replays", first.to_owned()));
    }
    rows.extend([("parameters", parameters), ("digest", text(command, "/digest").to_owned())]);
    rows.extend(decided(command).iter().map(|one| {
        let comment = one.get("comment").and_then(Value::as_str).map(|comment| format!(": {comment}"));
        let said = format!("{} by {}{}", text(one, "/decision"), of(one, "/by"), comment.unwrap_or_default());
        ("decided", said)
    }));
    rows.push(("state", standing(command)));
    rows.iter().map(|(name, value)| format!("{name}: {}\n", visible(value))).collect()
}

/// What a runbook does, and whether it is the one that the command was made from.
fn procedure(command: &Value, runbook: &Value) -> Vec<(&'static str, String)> {
    let steps = |member: &str| {
        let steps = runbook.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        steps.iter().map(|step| text(step, "/name").to_owned()).collect::<Vec<_>>()
    };
    let mut rows = vec![("title", text(runbook, "/title").to_owned()), ("risk", text(runbook, "/risk").to_owned())];
    for (member, what) in [("steps", "step"), ("verify", "verifies"), ("rollback", "rolls back")] {
        rows.extend(steps(member).into_iter().map(|name| (what, name)));
    }
    let made_from = command.get("runbook_digest").and_then(Value::as_str);
    if made_from.is_some_and(|made_from| made_from != text(runbook, "/digest")) {
        rows.push((
            "warning",
            "the runbook has changed since: what the catalogue says is not what was asked for".to_owned(),
        ));
    }
    rows
}

fn of(value: &Value, pointer: &str) -> String {
    let member = |name: &str| text(value, &format!("{pointer}/{name}")).to_owned();
    format!("{} of {}", member("sub"), member("iss"))
}

fn decided(command: &Value) -> &[Value] {
    command.pointer("/approval/decided").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn agreed(command: &Value) -> usize {
    decided(command).iter().filter(|decided| text(decided, "/decision") == "approve").count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_says_where_it_stands_and_how_far_it_is() {
        let decided = json!([{"decision": "approve"}]);
        let pending = json!({"id": "7", "state": "pending", "approval": {"quorum": 2, "decided": decided}});
        assert_eq!(standing(&pending), "pending: waits for approval, 1 of 2; watchgate command approve 7");
        let progress = json!({"percent": 40, "line": "stopping\u{1b}[2J"});
        let running = json!({"state": "running", "progress": progress, "stop_asked_by": {"sub": "a"}, "dry_run": true});
        assert_eq!(standing(&running), "running (dry run) 40 %: stopping\u{FFFD}[2J (asked to stop)");
        let failed = json!({"state": "failed", "result": {"message": "no such worker", "result": {"code": 3}}});
        assert_eq!(ending(&failed), "failed\nmessage: no such worker\nresult: {\n  \"code\": 3\n}\n");
    }

    #[test]
    fn whoever_called_it_off_is_heard() {
        let canceled = json!({"state": "canceled", "cancel_reason": "wrong worker"});
        assert_eq!(ending(&canceled), "canceled\nbecause: wrong worker\n");
    }

    #[test]
    fn whoever_decides_sees_what_the_runbook_does_and_who_decided_before() {
        let by = json!({"iss": "https://idp.example.com", "sub": "ben"});
        let decided = json!([{"by": by, "decision": "approve", "comment": "seen\u{1b}[2J"}]);
        let command = json!({"id": "7", "runbook": "scale", "replays": "5", "runbook_digest": "aa", "requested_by": by,
            "state": "scheduled", "approval": {"quorum": 2, "decided": decided}});
        let mut runbook = json!({"title": "Scale it", "risk": "change", "digest": "aa", "steps": [{"name": "Add one"}],
            "rollback": [{"name": "Take it away"}]});
        let shown = whole(&command, Some(&runbook));
        for said in [
            "title: Scale it\nrisk: change\nstep: Add one\nrolls back: Take it away\n",
            "requested by: ben of https://idp.example.com\n",
            "replays: 5\n",
            "decided: approve by ben of https://idp.example.com: seen\u{FFFD}[2J\n",
        ] {
            assert!(shown.contains(said), "{shown}");
        }
        assert!(!shown.contains("warning"), "{shown}");
        runbook["digest"] = json!("bb");
        assert!(whole(&command, Some(&runbook)).contains("warning: the runbook has changed since"));
        assert!(whole(&command, None).contains("warning: what the runbook does could not be read"));
    }
}
