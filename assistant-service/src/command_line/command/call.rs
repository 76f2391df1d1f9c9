//! `watchgate command run` and `replay`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::{Map, Value, json};

use super::ask::{PAUSE, ask};
use super::{follow, text};
use crate::command_line::gateway::GatewayArguments;
use crate::command_line::plain::{escaped, line};

pub(super) const AFTER_HELP: &str = "\
Exits with 0 when it was carried out, with 1 when it ended in another way, and with 2 when it could not be asked for or followed;
then `watchgate command follow` goes on. Ctrl-C ends the watching, not the command.

Examples:
  watchgate command run restart-worker -p worker=mailer --reason 'the queue grows'
  watchgate command run scale -p replicas:=3 --dry-run
  watchgate command run rotate-key --parameter-file key=new.key --no-follow";

const MAX_PARAMETER_BYTES: u64 = 64 * 1024;

/// The arguments of `watchgate command run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// The runbook.
    runbook: String,
    /// A parameter: NAME=TEXT, or NAME:=JSON for what is no text. May be given several times.
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// A parameter that nobody here shall see on the command line: its text is read from the file.
    #[arg(long = "parameter-file", value_name = "NAME=FILE")]
    parameter_files: Vec<String>,
    /// Why, for whoever approves it.
    #[arg(long, default_value = "")]
    reason: String,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Under the same key the same command is asked for once, however often this is called [default: a new one each time].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Only ask for it.
    #[arg(long)]
    no_follow: bool,
    /// JSON, for programs: the command as it stands at the end.
    #[arg(long)]
    json: bool,
}

/// The arguments of `watchgate command replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// The command.
    id: String,
    /// Why once more, for whoever approves it.
    #[arg(long)]
    reason: Option<String>,
    /// Under the same key it is asked for once, however often this is called [default: a new one each time].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// JSON, for programs: the command as it stands at the end.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &RunArguments) -> anyhow::Result<bool> {
    let RunArguments { runbook, reason, dry_run, no_follow, json, .. } = arguments;
    let parameters = parameters(arguments)?;
    let body = json!({"runbook": runbook, "parameters": parameters, "reason": reason, "dry_run": dry_run});
    let key = arguments.idempotency_key.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let command = ask(&arguments.gateway.connect()?, &[], &key, &body, PAUSE).await?;
    begun(&arguments.gateway, &command, *no_follow, *json).await
}

pub(super) async fn replay(arguments: &ReplayArguments) -> anyhow::Result<bool> {
    let ReplayArguments { gateway, id, reason, json, .. } = arguments;
    let key = arguments.idempotency_key.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let command = ask(&gateway.connect()?, &[id, "replay"], &key, &json!({"reason": reason}), PAUSE).await?;
    begun(gateway, &command, false, *json).await
}

async fn begun(gateway: &GatewayArguments, command: &Value, no_follow: bool, json: bool) -> anyhow::Result<bool> {
    let id = text(command, "/id");
    if no_follow {
        if json {
            println!("{}", escaped(&serde_json::to_string_pretty(command)?));
        } else {
            println!("{} {}", line(id), line(text(command, "/state")));
        }
        return Ok(true);
    }
    follow::to_the_end(gateway, id, json).await
}

fn parameters(arguments: &RunArguments) -> anyhow::Result<Value> {
    let mut parameters = Map::new();
    let mut put = |name: &str, value: Value| {
        ensure!(!name.is_empty(), "a parameter has no name");
        ensure!(parameters.insert(name.to_owned(), value).is_none(), "the parameter {name} is given twice");
        Ok(())
    };
    for given in &arguments.parameters {
        match given.split_once('=') {
            None => bail!("`{given}` is no parameter: write NAME=TEXT, or NAME:=JSON"),
            Some((name, value)) => match name.strip_suffix(':') {
                Some(name) => {
                    let value = serde_json::from_str(value);
                    put(name, value.with_context(|| format!("the value of {name} is no JSON"))?)?;
                }
                None => put(name, json!(value))?,
            },
        }
    }
    for given in &arguments.parameter_files {
        let (name, file) = given.split_once('=').with_context(|| format!("`{given}` is not NAME=FILE"))?;
        put(name, json!(whole(Path::new(file))?))?;
    }
    Ok(Value::Object(parameters))
}

/// A file's text without the line break at its end, which editors put there.
fn whole(file: &Path) -> anyhow::Result<String> {
    let path: PathBuf = file.to_owned();
    let mut text = String::new();
    let read = std::fs::File::open(&path)
        .and_then(|file| file.take(MAX_PARAMETER_BYTES.saturating_add(1)).read_to_string(&mut text));
    let bytes = read.with_context(|| format!("{} cannot be read", path.display()))?;
    ensure!(u64::try_from(bytes)? <= MAX_PARAMETER_BYTES, "{} is larger than 64 KiB", path.display());
    Ok(text.strip_suffix('\n').map_or_else(|| text.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: RunArguments,
    }

    fn read(given: &[&str]) -> anyhow::Result<Value> {
        let fixed = ["run", "--gateway", "https://gw.example.com", "--token-file", "token", "restart"];
        parameters(&Line::try_parse_from(fixed.iter().chain(given))?.arguments)
    }

    #[test]
    fn parameters_are_texts_or_json() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s=ecret\n").unwrap();
        let from_file = format!("key={}", file.path().display());
        let read = read(&["-p", "worker=mailer", "-p", "note=a=b", "-p", "count:=3", "--parameter-file", &from_file]);
        assert_eq!(read.unwrap(), json!({"worker": "mailer", "note": "a=b", "count": 3, "key": "s=ecret"}));
    }

    #[test]
    fn what_is_no_parameter_is_refused_with_its_name() {
        for (given, said) in [
            (vec!["-p", "worker"], "NAME=TEXT"),
            (vec!["-p", "=x"], "no name"),
            (vec!["-p", "a=1", "-p", "a=2"], "twice"),
            (vec!["-p", "a:=x"], "no JSON"),
            (vec!["--parameter-file", "a=/nowhere/at/all"], "cannot be read"),
        ] {
            let error = format!("{:#}", read(&given).unwrap_err());
            assert!(error.contains(said), "{given:?}: {error}");
        }
    }
}
