//! The collector through the real Traefik: whatever is away meanwhile, each sample arrives once and in its order.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a JSON value answers null for a member that it has not; lines are few"
)]

use std::env;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use watchgate_tests::wait::until;
use watchgate_tests::{Companion, Stage, StageOptions, artifacts};

use console_simulator::game::Output;
use console_simulator::portal::Credentials;
use console_simulator::{Begin, Oddities, Setup, Simulator};
use telemetry_traces::{Rate, SCENARIOS, Trace};

use sent::Stored;

#[path = "collector/sent.rs"]
mod sent;

const SCENARIO: &str = "thermal-throttling";
const SEED: u64 = 7;
const RATE: Rate = Rate::EACH_FRAME;
const SUBJECT: &str = "collector-7";
const SOURCE: &str = "https://issuer.watchgate.test#collector-7";
const PATIENCE: Duration = Duration::from_secs(60);

/// What the service is away; longer where somebody asks for it.
fn outage() -> Result<Duration> {
    let seconds = env::var("WATCHGATE_OUTAGE_SECONDS").unwrap_or_else(|_| "3".to_owned());
    Ok(Duration::from_secs(seconds.parse().context("WATCHGATE_OUTAGE_SECONDS is no number")?))
}

/// What the console plays.
fn trace() -> Result<Trace> {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == SCENARIO).context("no such scenario")?;
    Ok(scenario.trace(SEED, Some(RATE)))
}

/// A console whose portal breaks off sockets, says what is no JSON, and shows a certificate that names another; each frame is told.
async fn console(game: PathBuf) -> Result<Simulator> {
    let oddities = Oddities {
        is_certificate_foreign: true,
        cut_socket: NonZeroU32::new(16),
        garble: NonZeroU32::new(7),
        ..Oddities::default()
    };
    let setup = Setup {
        scenario: SCENARIO.to_owned(),
        seed: SEED,
        rate: Some(RATE),
        device: None,
        speed: 2.0,
        begin: Begin::After(Duration::ZERO),
        history: Duration::ZERO,
        listen: ([127, 0, 0, 1], 0).into(),
        credentials: Credentials { user: "tester".to_owned(), password: "correct horse".to_owned() },
        game: Output::File(game),
        oddities,
    };
    Simulator::start(setup).await
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
    fn new(stage: &'a Stage, console: &Simulator, game: PathBuf) -> Result<Self> {
        let folder = stage.folder().join("collector");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("portal.txt"), "tester:correct horse\n")?;
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        std::fs::write(folder.join("key.pem"), key.serialize_pem())?;
        Ok(Self { stage, folder, portal: console.url(), pin: String::new(), game })
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
            let game = stage.folder().join("game.jsonl");
            let mut console = console(game.clone()).await?;
            let mut collector = Collector::new(stage, &console, game.clone())?;
            collector.learn_pin()?;
            ensure!(collector.pin == console.pin, "{} is not the console's pin", collector.pin);
            let reader = stage.caller("reader", "events:read")?;
            let mut stored = Stored::default();

            // The token of somebody else's key: nothing is taken, nothing is lost.
            collector.bind("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")?;
            let mut first = collector.start("collector-1", &[])?;
            let thumbprint =
                until("the collector names its key", PATIENCE, async || Ok(thumbprint(&first.log()))).await?;
            until("the gate has refused the token", PATIENCE, async || {
                Ok(first.log().contains("takes nothing").then_some(()))
            })
            .await?;
            stored.look(&reader, SOURCE).await?;
            ensure!(stored.events.is_empty(), "a token that is bound to another key is good for nothing");
            collector.bind(&thumbprint)?;
            until("samples arrive", PATIENCE, async || {
                stored.look(&reader, SOURCE).await?;
                Ok((stored.frames()?.len() > 100 && stored.gauges()?.len() > 10).then_some(()))
            })
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
            console.end().await?;
            let expected = sent::written(&game)?;
            until("everything has arrived", PATIENCE, async || {
                stored.look(&reader, SOURCE).await?;
                Ok((stored.frames()?.len() >= expected.len()).then_some(()))
            })
            .await?;
            terminate(&second).await?;
            let log = second.log();
            ensure!(log.contains("nothing stays in the spool"), "the end of the second collector: {log}");

            stored.look(&reader, SOURCE).await?;
            let (frames, gauges) = (stored.frames()?, stored.gauges()?);
            let first_wrong = frames.iter().zip(&expected).find(|(found, wanted)| found != wanted);
            ensure!(frames == expected, "{} of {} frames: {first_wrong:?}", frames.len(), expected.len());
            ensure!(
                gauges.windows(2).all(|two| two[0].0 < two[1].0),
                "figures of the console came twice or out of order"
            );
            // Whoever opens a socket is told first what the last one was.
            let told = sent::told(trace()?, &console.device);
            let mut not_before = told.iter().peekable();
            for (at, pages) in &gauges {
                while not_before.next_if(|told| *told != pages).is_some() {}
                ensure!(not_before.peek().is_some(), "the console has not said {pages} at {at}, or sooner");
            }
            of_whom(&stored.events, &console.device)?;
            println!(
                "{} frames in {} events, {} figures of the console",
                frames.len(),
                stored.events.len(),
                gauges.len()
            );
            Ok(())
        })
        .await
}

/// Each event is this device's, with what the portal and the command line say of it, once the portal has been heard.
fn of_whom(events: &[Value], name: &str) -> Result<()> {
    let trace = trace()?;
    let device = trace.devices().iter().find(|device| device.name == name).context("no such device")?;
    let (firmware, model) = (&device.traits["firmware"], &device.traits["model"]);
    let heard =
        json!({"edition": "SystemOS", "family": "Windows.Xbox", "firmware": firmware, "model": model, "site": "lab-2"});
    for event in events {
        let data = &event["data"];
        ensure!(event["subject"] == name && data["device"] == name, "whose samples are these? {event}");
        ensure!(data["traits"] == heard || data["traits"] == json!({"site": "lab-2"}), "{}", data["traits"]);
    }
    ensure!(events.last().is_some_and(|event| event["data"]["traits"] == heard), "the portal was not heard");
    Ok(())
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
