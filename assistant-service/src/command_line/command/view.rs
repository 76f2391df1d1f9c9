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
        [("/expired_because", "because"), ("/result/message", "message"), ("/canceled_because", "because")]
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

/// All that somebody should know who decides about it.
pub(super) fn whole(command: &Value) -> String {
    let parameters = command.get("parameters").map(|parameters| format!("{parameters:#}")).unwrap_or_default();
    let rows = [
        ("command", text(command, "/id").to_owned()),
        ("runbook", text(command, "/runbook").to_owned()),
        ("service", text(command, "/target/service").to_owned()),
        ("requested by", format!("{} of {}", text(command, "/requested_by/sub"), text(command, "/requested_by/iss"))),
        ("at", text(command, "/requested_at").to_owned()),
        ("reason", text(command, "/reason").to_owned()),
        ("parameters", parameters),
        ("digest", text(command, "/digest").to_owned()),
        ("state", standing(command)),
    ];
    rows.iter().map(|(name, value)| format!("{name}: {}\n", visible(value))).collect()
}

fn agreed(command: &Value) -> usize {
    let decided = command.pointer("/approval/decided").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    decided.iter().filter(|decided| text(decided, "/decision") == "approve").count()
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
}
