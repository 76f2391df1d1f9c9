//! `watchgate incidents show`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{PATH, clock};
use crate::command_line::gateway::{GatewayArguments, answer, send};
use crate::command_line::plain::{escaped, line};

pub(super) const AFTER_HELP: &str = "\
Example:
  watchgate incidents show 5f2c… --png incident.png";

/// Movements that are shown.
const MOST_SHOWN: usize = 12;

/// The arguments of `watchgate incidents show`.
#[derive(Debug, Args)]
pub struct ShowArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// The incident.
    id: String,
    /// Write its picture into this file.
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Write its picture as SVG into this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// JSON, for programs.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &ShowArguments) -> anyhow::Result<bool> {
    let gateway = arguments.gateway.connect()?;
    let [version, incidents] = PATH;
    let incident: Value = answer(gateway.call(Method::GET, &[version, incidents, &arguments.id])?).await?;
    for (file, picture) in [(&arguments.png, "plot.png"), (&arguments.svg, "plot.svg")] {
        let Some(file) = file else { continue };
        let drawn = send(gateway.call(Method::GET, &[version, incidents, &arguments.id, picture])?).await?;
        std::fs::write(file, drawn).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if arguments.json {
        println!("{}", escaped(&serde_json::to_string_pretty(&incident)?));
    } else {
        print!("{}", shown(&incident));
    }
    Ok(true)
}

fn shown(incident: &Value) -> String {
    let text = |value: &Value, name: &str| line(value.get(name).and_then(Value::as_str).unwrap_or_default());
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_f64).unwrap_or_default();
    let list = |name: &str| incident.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let time = |value: &Value, name: &str| clock(value.get(name).and_then(Value::as_i64));
    let mut said =
        format!("{}\n{}, began {}", text(incident, "title"), text(incident, "state"), time(incident, "began_at"));
    if incident.get("resolved_at").is_some_and(Value::is_number) {
        said.push_str(&format!(", over {}", time(incident, "resolved_at")));
    }
    if incident.get("merged_into").is_some_and(Value::is_string) {
        said.push_str(&format!(": a part of {}", text(incident, "merged_into")));
    }
    said.push('\n');
    for movement in list("moved").iter().take(MOST_SHOWN) {
        said.push_str(&format!(
            "  {} {} {} {} on {}: {:.2} -> {:.2}\n",
            time(movement, "began_at"),
            text(movement, "metric"),
            text(movement, "kind"),
            text(movement, "direction"),
            text(movement, "device"),
            number(movement, "before"),
            number(movement, "now"),
        ));
    }
    let in_all = incident.get("moved_in_all").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
    let more = in_all.unwrap_or_default().saturating_sub(list("moved").len().min(MOST_SHOWN));
    if more > 0 {
        said.push_str(&format!("  and {more} more that moved\n"));
    }
    for shared in list("shared") {
        said.push_str(&format!(
            "  {} {}: {} of {} struck, {} of {} others\n",
            text(shared, "what"),
            text(shared, "value"),
            number(shared, "struck"),
            number(shared, "struck_in_all"),
            number(shared, "others"),
            number(shared, "others_in_all"),
        ));
    }
    for runbook in list("suggested").iter().filter_map(Value::as_str) {
        said.push_str(&format!("  may help: watchgate command run {}\n", line(runbook)));
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_incident_is_told_in_lines_that_command_no_terminal() {
        let movement = json!({"device": "console\u{1b}[2J", "metric": "FrameTime", "kind": "level_shift", "direction": "up",
            "began_at": 1_795_788_000_123_i64, "before": 16.7, "now": 34.123});
        let shared =
            json!({"what": "build", "value": "7", "struck": 2, "struck_in_all": 2, "others": 0, "others_in_all": 5});
        let said = shown(&json!({"title": "FrameTime up", "state": "resolved", "began_at": 1_795_788_000_123_i64,
            "resolved_at": 1_795_788_060_000_i64, "moved": [movement], "shared": [shared], "suggested": ["cool-console"]}));
        let expected = "FrameTime up\nresolved, began 2026-11-27T14:00:00Z, over 2026-11-27T14:01:00Z\n  \
            2026-11-27T14:00:00Z FrameTime level_shift up on console\u{FFFD}[2J: 16.70 -> 34.12\n  \
            build 7: 2 of 2 struck, 0 of 5 others\n  may help: watchgate command run cool-console\n";
        assert_eq!(said, expected);
    }

    #[test]
    fn what_moved_beyond_what_is_shown_is_counted() {
        let movement = json!({"device": "console-7", "metric": "FrameTime", "kind": "spike", "direction": "up",
            "began_at": 1_795_788_000_123_i64, "before": 16.7, "now": 34.1});
        let of = |listed: usize, in_all: usize| {
            let moved = vec![movement.clone(); listed];
            shown(&json!({"title": "FrameTime up", "state": "open", "began_at": 1_795_788_000_123_i64, "moved": moved,
                "moved_in_all": in_all}))
        };
        let said = of(64, 70);
        assert_eq!(said.matches(" spike up on console-7: ").count(), MOST_SHOWN, "{said}");
        assert!(said.ends_with("  and 58 more that moved\n"), "{said}");
        assert!(!of(MOST_SHOWN, MOST_SHOWN).contains(" more that moved"));
    }

    #[test]
    fn what_was_merged_says_what_it_is_a_part_of() {
        let said = shown(&json!({"title": "FrameTime up", "state": "resolved", "began_at": 1_795_788_000_123_i64,
            "resolved_at": 1_795_788_060_000_i64, "merged_into": "5f2c"}));
        assert_eq!(
            said,
            "FrameTime up\nresolved, began 2026-11-27T14:00:00Z, over 2026-11-27T14:01:00Z: a part of 5f2c\n"
        );
    }
}
