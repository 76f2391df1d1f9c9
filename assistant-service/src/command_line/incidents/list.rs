//! `watchgate incidents list`.

use clap::{Args, ValueEnum};
use reqwest::Method;
use serde_json::Value;

use super::{PATH, clock};
use crate::command_line::gateway::{GatewayArguments, answer};
use crate::command_line::plain::{escaped, line};
use crate::command_line::table::page_table;

const HEAD: [&str; 5] = ["ID", "STATE", "BEGAN", "DEVICES", "TITLE"];

/// The arguments of `watchgate incidents list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// In this state.
    #[arg(long)]
    state: Option<State>,
    /// On this device, among others.
    #[arg(long)]
    device: Option<String>,
    /// What `more:` of the page before says.
    #[arg(long, value_name = "PLACE")]
    before: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
    /// JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// Whether an incident goes on.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// It goes on.
    Open,
    /// It is over.
    Resolved,
}

pub(super) async fn run(arguments: &ListArguments) -> anyhow::Result<bool> {
    let state = arguments.state.map(|state| match state {
        State::Open => "open".to_owned(),
        State::Resolved => "resolved".to_owned(),
    });
    let parameters = [
        ("state", state),
        ("device", arguments.device.clone()),
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
    let incidents = page.get("incidents").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |incident: &Value, name: &str| line(incident.get(name).and_then(Value::as_str).unwrap_or_default());
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(incidents.iter().map(|incident| {
        let count = incident.get("devices_in_all").and_then(Value::as_u64).unwrap_or_default().to_string();
        let began = clock(incident.get("began_at").and_then(Value::as_i64));
        [text(incident, "incident"), text(incident, "state"), began, count, text(incident, "title")]
    }));
    page_table(&rows, page)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_is_a_table_that_commands_no_terminal() {
        let incident = json!({"incident": "ab12", "state": "open", "began_at": 1_795_788_000_123_i64, "devices_in_all": 6,
            "title": "FrameTime up\u{1b}[2J"});
        let said = shown(&json!({"incidents": [incident], "next_before": "7-ab12"}));
        let expected = "\
            ID    STATE  BEGAN                 DEVICES  TITLE\n\
            ab12  open   2026-11-27T14:00:00Z  6        FrameTime up\u{FFFD}[2J\n\
            more: --before 7-ab12\n";
        assert_eq!(said, expected);
        assert!(shown(&json!({"incidents": []})).ends_with("(none here)\n"));
    }
}
