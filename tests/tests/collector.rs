//! The collector through the real Traefik: whatever is away meanwhile, each sample arrives once and in its order.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a JSON value answers null for a member that it has not; lines are few"
)]

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::wait::until;
use watchgate_tests::{Companion, Stage, StageOptions, artifacts};

use console::{CREDENTIALS, Game, Portal};

#[path = "collector/console.rs"]
mod console;

const SUBJECT: &str = "collector-7";
const SOURCE: &str = "https://issuer.watchgate.test#collector-7";
const PATIENCE: Duration = Duration::from_secs(60);

/// What the service is away; longer where somebody asks for it.
fn outage() -> Result<Duration> {
    let seconds = env::var("WATCHGATE_OUTAGE_SECONDS").unwrap_or_else(|_| "3".to_owned());
    Ok(Duration::from_secs(seconds.parse().context("WATCHGATE_OUTAGE_SECONDS is no number")?))
}

/// A collector's files, and its command line.
struct Collector<'a> {
    stage: &'a Stage,
    folder: PathBuf,
    portal: String,
    pin: String,
    game: PathBuf,
}

impl<'a> Collector<'a> {
    fn new(stage: &'a Stage, portal: &Portal, game: &Game) -> Result<Self> {
        let folder = stage.folder().join("collector");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("portal.txt"), CREDENTIALS)?;
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        std::fs::write(folder.join("key.pem"), key.serialize_pem())?;
        let game = game.path().to_owned();
        Ok(Self { stage, folder, portal: portal.url(), pin: String::new(), game })
    }

    /// A first contact: what the portal shows, for a person to compare.
    fn learn_pin(&mut self) -> Result<()> {
        let output =
            Command::new(artifacts::watchgate()?).args(["collect", "xbox", "--portal", &self.portal]).output()?;
        ensure!(output.status.code() == Some(1), "a first contact trusts nobody: {output:?}");
        self.pin = String::from_utf8(output.stdout)?.trim().to_owned();
        ensure!(self.pin.starts_with("sha256/"), "{:?} is no pin", self.pin);
        Ok(())
    }

    fn start(&self, name: &str, arguments: &[&str]) -> Result<Companion> {
        let mut command = Command::new(artifacts::watchgate()?);
        command.args(["collect", "xbox", "--portal", &self.portal, "--portal-pin", &self.pin, "--trait", "site=lab-2"]);
        command.arg("--portal-credentials").arg(self.folder.join("portal.txt")).arg("--game").arg(&self.game);
        command.args(["--gateway", &self.stage.base_url()]).arg("--ca").arg(self.stage.ca()).arg("--from-start");
        command.arg("--token-file").arg(self.token_file()).arg("--dpop-key").arg(self.folder.join("key.pem"));
        command.arg("--spool").arg(self.folder.join("spool")).args(arguments);
        self.stage.companion(name, &mut command)
    }

    fn token_file(&self) -> PathBuf {
        self.folder.join("token")
    }

    /// A token that is bound to this key.
    fn bind(&self, thumbprint: &str) -> Result<()> {
        let bound = json!({"jkt": thumbprint}).to_string();
        let token = self.stage.token(SUBJECT).scope("events:write").claim("cnf", &bound).mint()?;
        Ok(std::fs::write(self.token_file(), token)?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sample_arrives_once_and_in_order_over_an_outage_and_a_kill() -> Result<()> {
    let stage = Stage::start(StageOptions::default()).await?;
    stage
        .play(async |stage| {
            let (portal, game) = (Portal::start().await?, Game::start(stage.folder()));
            let mut collector = Collector::new(stage, &portal, &game)?;
            collector.learn_pin()?;
            let reader = stage.caller("reader", "events:read")?;

            // The token of somebody else's key: nothing is taken, nothing is lost.
            collector.bind("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")?;
            let mut first = collector.start("collector-1", &[])?;
            let thumbprint =
                until("the collector names its key", PATIENCE, async || Ok(thumbprint(&first.log()))).await?;
            until("the gate has refused the token", PATIENCE, async || {
                Ok(first.log().contains("takes nothing").then_some(()))
            })
            .await?;
            ensure!(stored(&reader).await?.is_empty(), "a token that is bound to another key is good for nothing");
            collector.bind(&thumbprint)?;
            until(
                "samples arrive",
                PATIENCE,
                async || Ok((frames(&stored(&reader).await?)?.len() > 100).then_some(())),
            )
            .await?;

            stage.stop_service();
            tokio::time::sleep(outage()?).await;
            // Killed with samples in the spool that nobody has taken, and in the file that nobody has read.
            first.kill();
            let second = collector.start("collector-2", &["--quiet"])?;
            until("the second collector finds the gateway away", PATIENCE, async || {
                Ok(second.log().contains("takes nothing").then_some(()))
            })
            .await?;
            stage.restart_service().await?;
            let written = game.end().await?;
            until("everything has arrived", PATIENCE, async || {
                Ok((frames(&stored(&reader).await?)?.last().copied() == written.checked_sub(1)).then_some(()))
            })
            .await?;
            terminate(&second).await?;
            let log = second.log();
            ensure!(log.contains("nothing stays in the spool"), "the end of the second collector: {log}");

            let events = stored(&reader).await?;
            let frames = frames(&events)?;
            let expected: Vec<_> = (0..written).collect();
            ensure!(frames == expected, "{} of {written} lines are stored, once each and in order", frames.len());
            let loads = loads(&events);
            ensure!(loads.windows(2).all(|two| two[0] < two[1]), "figures of the console came twice or out of order");
            ensure!(loads.len() > 10, "only {} figures of the console", loads.len());
            for event in &events {
                let data = &event["data"];
                ensure!(event["subject"] == "XBOX-7" && data["device"] == "XBOX-7", "whose samples are these? {event}");
                let traits =
                    json!({"edition": "SystemOS", "firmware": "26100.1", "model": "Xbox Series X", "site": "lab-2"});
                ensure!(data["traits"] == traits || data["traits"] == json!({"site": "lab-2"}), "{}", data["traits"]);
                let is_game = data["metrics"][0] == "FrameTime";
                if is_game {
                    let level = whole(&data["rows"][0][1][0])? / 125;
                    ensure!(data["scene"] == format!("level {level}"), "another scene's samples: {event}");
                }
            }
            println!("{written} lines in {} events, {} figures of the console", events.len(), loads.len());
            Ok(())
        })
        .await
}

fn thumbprint(log: &str) -> Option<String> {
    let said = log.lines().find_map(|line| line.split_once("bound to the key "))?;
    Some(said.1.trim().to_owned())
}

async fn terminate(collector: &Companion) -> Result<()> {
    let ended = Command::new("kill").arg("-TERM").arg(collector.id().to_string()).status()?;
    ensure!(ended.success(), "the collector has ended by itself");
    until("the collector ends", PATIENCE, async || Ok(collector.log().contains("events sent").then_some(()))).await
}

/// All samples that the service has, in its order.
async fn stored(reader: &Caller) -> Result<Vec<Value>> {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let query = [("source", SOURCE.to_owned()), ("limit", "1000".to_owned()), ("after", after.to_string())];
        let page = expect_json(200, reader.get("/v1/events").query(&query)).await?;
        events.extend(page["events"].as_array().context("no events")?.iter().map(|event| event["event"].clone()));
        match page["next_after"].as_u64() {
            Some(position) => after = position,
            None => return Ok(events),
        }
    }
}

/// The numbers of the game's lines.
fn frames(events: &[Value]) -> Result<Vec<u64>> {
    column(events, "FrameTime").map(whole).collect()
}

/// Numbers of samples are fractions, this one with nothing behind the point.
fn whole(value: &Value) -> Result<u64> {
    Ok(value.to_string().trim_end_matches(".0").parse()?)
}

fn loads(events: &[Value]) -> Vec<f64> {
    column(events, "CpuLoad").filter_map(Value::as_f64).collect()
}

fn column<'a>(events: &'a [Value], metric: &'a str) -> impl Iterator<Item = &'a Value> {
    let of = move |event: &'a Value| {
        let data = &event["data"];
        let column = data["metrics"].as_array().and_then(|names| names.iter().position(|name| name == metric));
        let rows = data["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        column.into_iter().flat_map(move |column| rows.iter().map(move |row| &row[1][column]))
    };
    events.iter().flat_map(of)
}
