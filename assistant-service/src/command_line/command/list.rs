//! `watchgate command list`.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{PATH, text};
use crate::command_line::gateway::{GatewayArguments, answer};
use crate::command_line::plain::{escaped, line};
use crate::command_line::table::page_table;

const HEAD: [&str; 6] = ["ID", "STATE", "RUNBOOK", "SERVICE", "REQUESTED BY", "REQUESTED AT"];
const COLUMNS: [&str; 6] = ["/id", "/state", "/runbook", "/target/service", "/requested_by/sub", "/requested_at"];

/// The arguments of `watchgate command list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// In this state.
    #[arg(long)]
    state: Option<String>,
    /// For this service.
    #[arg(long)]
    service: Option<String>,
    /// Of this runbook.
    #[arg(long)]
    runbook: Option<String>,
    /// Those that you have asked for.
    #[arg(long)]
    mine: bool,
    /// Those that ended without being done: what `replay` is for.
    #[arg(long)]
    dead: bool,
    /// Older than the command with this id.
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// JSON, for programs.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &ListArguments) -> anyhow::Result<bool> {
    let parameters = [
        ("state", arguments.state.clone()),
        ("service", arguments.service.clone()),
        ("runbook", arguments.runbook.clone()),
        ("requested_by", arguments.mine.then(|| "me".to_owned())),
        ("outcome", arguments.dead.then(|| "dead".to_owned())),
        ("before", arguments.before.clone()),
        ("limit", Some(arguments.limit.to_string())),
    ];
    let asked: Vec<_> = parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let page: Value = answer(arguments.gateway.connect()?.call(Method::GET, &PATH)?.query(&asked)).await?;
    if arguments.json {
        println!("{}", escaped(&serde_json::to_string_pretty(&page)?));
    } else {
        print!("{}", shown(&page));
    }
    Ok(true)
}

fn shown(page: &Value) -> String {
    let commands = page.get("commands").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(commands.iter().map(|command| COLUMNS.map(|pointer| line(text(command, pointer)))));
    page_table(&rows, page)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_is_a_table_that_commands_no_terminal() {
        let command = json!({"id": "0199", "state": "running", "runbook": "restart-worker", "requested_by": {"sub": "a\u{1b}[2Jb"},
            "target": {"service": "mailer"}, "requested_at": "2026-03-01T12:00:00Z"});
        let said = shown(&json!({"commands": [command], "next_before": "0199"}));
        let expected = "\
            ID    STATE    RUNBOOK         SERVICE  REQUESTED BY  REQUESTED AT\n\
            0199  running  restart-worker  mailer   a\u{FFFD}[2Jb        2026-03-01T12:00:00Z\n\
            more: --before 0199\n";
        assert_eq!(said, expected);
    }
}
