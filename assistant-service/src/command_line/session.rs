//! `watchgate session`: lets a further device in, from a terminal that draws the code, and looks after the own sessions.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::Context;
use clap::{Args, Subcommand};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::gateway::{Gateway, GatewayArguments, answer, block_on, send, taken};
use super::plain::{escaped, line, visible};
use super::table::table;

const PATH: [&str; 2] = ["v1", "sessions"];

/// How often a number may be typed, slips of the hand among them.
const TRIES: usize = 10;

const HEAD: [&str; 5] = ["ID", "STATE", "LABEL", "DEVICE", "EXPIRES AT"];
const COLUMNS: [&str; 5] = ["/id", "/state", "/label", "/device", "/expires_at"];

pub(super) const AFTER_HELP: &str = "\
Whoever reads the code is let in only with the number that their device shows, typed here.

Examples:
  watchgate session create --label phone
  watchgate session join WDJB-MJHT
  watchgate session list
  watchgate session revoke 01981d3c-7a4b-7000-8000-000000000001";

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// Draw a code for a phone to read, and let the phone in by the number that it shows.
    Create(CreateArguments),
    /// The own ones that are not over, oldest first.
    List(ListArguments),
    /// End one: its tokens are refused at once.
    Revoke(RevokeArguments),
    /// Let a device in that shows a code.
    Join(JoinArguments),
}

/// The arguments of `watchgate session create`.
#[derive(Debug, Args)]
pub struct CreateArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// What you call it.
    #[arg(long)]
    label: Option<String>,
    /// What it may do; may be given several times. Without it all that sessions may, and you.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// For which team, where there are several.
    #[arg(long)]
    team: Option<String>,
}

/// The arguments of `watchgate session list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// The arguments of `watchgate session revoke`.
#[derive(Debug, Args)]
pub struct RevokeArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// The session.
    id: String,
}

/// The arguments of `watchgate session join`.
#[derive(Debug, Args)]
pub struct JoinArguments {
    #[command(flatten)]
    gateway: GatewayArguments,
    /// The code that the device shows.
    code: String,
}

/// Whether what was asked for was done.
pub(super) fn run(command: SessionCommand) -> anyhow::Result<bool> {
    let done = block_on(async {
        match command {
            SessionCommand::Create(arguments) => create(&arguments).await,
            SessionCommand::List(arguments) => list(&arguments).await,
            SessionCommand::Revoke(arguments) => revoke(&arguments).await,
            SessionCommand::Join(arguments) => join(&arguments).await,
        }
    });
    // Whoever refuses may say what a terminal would obey.
    done.map_err(|error| anyhow::anyhow!("{}", visible(&format!("{error:#}"))))
}

async fn create(arguments: &CreateArguments) -> anyhow::Result<bool> {
    let CreateArguments { gateway, label, scopes, team } = arguments;
    let gateway = gateway.connect()?;
    let scopes = (!scopes.is_empty()).then_some(scopes);
    let body = json!({"label": label, "scopes": scopes, "team": team});
    let offer: Value = answer(gateway.call(Method::POST, &PATH)?.json(&body)).await?;
    let link = offer.get("link").and_then(Value::as_str).context("the service gives no link")?;
    println!("{}\n{}\nuntil {}", drawn(link)?, line(link), text(&offer, "/expires_at"));
    let id = offer.get("id").and_then(Value::as_str).context("the service gives no id")?;
    let at_hand = format!("confirm with POST /v1/sessions/{}/confirmation", line(id));
    for _ in 0..TRIES {
        let number = asked("The number that the device shows: ", &at_hand)?;
        if let Some(why_not) = tried(&gateway, id, &number).await? {
            println!("{}", visible(&why_not));
        } else {
            return let_in(id);
        }
    }
    println!(
        "Nothing was let in. The code is good until it runs out; `watchgate session revoke {}` ends it.",
        line(id)
    );
    Ok(false)
}

/// Why the device is not let in with this number, where another one may be typed.
async fn tried(gateway: &Gateway, id: &str, number: &str) -> anyhow::Result<Option<String>> {
    let call = gateway.call(Method::POST, &[PATH.as_slice(), &[id, "confirmation"]].concat())?;
    let response = call.json(&json!({"number": number})).send().await.context("the gateway does not answer")?;
    match response.status() {
        StatusCode::CONFLICT => Ok(Some("No device has opened the code yet.".to_owned())),
        // A slip of the hand, or a wrong one. The third wrong one ends the session, which the answer to the next one says.
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(taken(response).await.err().map(|wrong| wrong.to_string()))
        }
        _ => taken(response).await.map(|_| None),
    }
}

async fn list(arguments: &ListArguments) -> anyhow::Result<bool> {
    let page: Value = answer(arguments.gateway.connect()?.call(Method::GET, &PATH)?).await?;
    if arguments.json {
        println!("{}", escaped(&serde_json::to_string_pretty(&page)?));
    } else {
        print!("{}", shown(&page));
    }
    Ok(true)
}

async fn revoke(arguments: &RevokeArguments) -> anyhow::Result<bool> {
    let path = [PATH.as_slice(), &[&arguments.id]].concat();
    send(arguments.gateway.connect()?.call(Method::DELETE, &path)?).await?;
    println!("{} is over", line(&arguments.id));
    Ok(true)
}

async fn join(arguments: &JoinArguments) -> anyhow::Result<bool> {
    let gateway = arguments.gateway.connect()?;
    let call = gateway.call(Method::POST, &["v1", "sessions:join"])?;
    let session: Value = answer(call.json(&json!({"user_code": arguments.code}))).await?;
    let scopes = session.get("scopes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let scopes: Vec<_> = scopes.iter().filter_map(Value::as_str).collect();
    println!(
        "The device calls itself {:?}, waits since {}, and may then do:",
        text(&session, "/device"),
        text(&session, "/device_since")
    );
    println!("  {}", line(&scopes.join(" ")));
    let id = session.get("id").and_then(Value::as_str).context("the service gives no id")?;
    let at_hand = format!("confirm with POST /v1/sessions/{}/confirmation", line(id));
    let said = asked("Is it yours, and does it show this code now? [y/N] ", &at_hand)?;
    if !matches!(said.as_str(), "y" | "yes") {
        send(gateway.call(Method::DELETE, &[PATH.as_slice(), &[id]].concat())?).await?;
        return Ok(false);
    }
    let path = [PATH.as_slice(), &[id, "confirmation"]].concat();
    send(gateway.call(Method::POST, &path)?.json(&json!({}))).await?;
    let_in(id)
}

fn let_in(id: &str) -> anyhow::Result<bool> {
    println!("The device is let in: {}", line(id));
    Ok(true)
}

/// A line of whoever sits here. Nobody else is to confirm anything; where nobody sits, `at_hand` says how it is done else.
fn asked(question: &str, at_hand: &str) -> anyhow::Result<String> {
    anyhow::ensure!(std::io::stdin().is_terminal(), "nobody can be asked here; {at_hand}");
    print!("{question}");
    std::io::stdout().flush()?;
    let mut said = String::new();
    anyhow::ensure!(std::io::stdin().lock().read_line(&mut said)? > 0, "nobody answers; {at_hand}");
    Ok(said.trim().to_owned())
}

/// A code in half blocks, light on dark as terminals mostly are, with white around it.
fn drawn(link: &str) -> anyhow::Result<String> {
    // A screen is not torn: with less redundancy the code fits 80 columns.
    let code = QrCode::with_error_correction_level(link, EcLevel::L).context("the link is too long for a code")?;
    // What the crate calls dark is what it draws, which shines on a dark screen.
    let (dark, light) = (Dense1x2::Light, Dense1x2::Dark);
    Ok(code.render::<Dense1x2>().dark_color(dark).light_color(light).quiet_zone(true).build())
}

fn shown(page: &Value) -> String {
    let sessions = page.get("sessions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(sessions.iter().map(|session| COLUMNS.map(|pointer| text(session, pointer))));
    if sessions.is_empty() { "(none)\n".to_owned() } else { table(&rows) }
}

fn text(value: &Value, pointer: &str) -> String {
    line(value.pointer(pointer).and_then(Value::as_str).unwrap_or("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_in_a_terminal_is_read_by_others_and_fits_it() {
        let link = format!("https://gw.example.com/watch#{}", "aB3-".repeat(55));
        let drawn = drawn(&link).unwrap();
        assert!(drawn.lines().all(|line| line.chars().count() <= 80));
        // As a camera sees it: two rows of modules for each line, four pixels for each module.
        let rows: Vec<Vec<bool>> = drawn
            .lines()
            .flat_map(|line| {
                let upper = line.chars().map(|block| matches!(block, '█' | '▀')).collect();
                let lower = line.chars().map(|block| matches!(block, '█' | '▄')).collect();
                [upper, lower]
            })
            .collect();
        let light = |x: usize, y: usize| rows.get(y / 4).and_then(|row| row.get(x / 4)).copied().unwrap_or(true);
        let (width, height) = (rows[0].len() * 4, rows.len() * 4);
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| if light(x, y) { 255 } else { 0 });
        let (_, read) = image.detect_grids()[0].decode().unwrap();
        assert_eq!(read, link);
    }

    #[test]
    fn a_list_is_a_table_that_commands_no_terminal() {
        let session =
            json!({"id": "0198", "state": "active", "device": "a\u{1b}[2Jb", "expires_at": "2026-03-01T12:00:00Z"});
        let said = shown(&json!({"sessions": [session]}));
        let expected = "\
            ID    STATE   LABEL  DEVICE  EXPIRES AT\n\
            0198  active  -      a\u{FFFD}[2Jb  2026-03-01T12:00:00Z\n";
        assert_eq!(said, expected);
        assert_eq!(shown(&json!({"sessions": []})), "(none)\n");
    }
}
