//! The lab: simulated consoles, each with a collector of its own beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use console_simulator::game::Output;
use console_simulator::portal::Credentials;
use console_simulator::{Begin, Oddities, Setup, Simulator};

use crate::{Companion, Installation, artifacts};

/// A new build that is too slow in one scene. With this seed the first three of these consoles come into that scene within 16 s of each other.
const SCENARIO: &str = "bad-build";
const SEED: u64 = 10;
/// All of them.
pub const CONSOLES: [&str; 6] = ["devkit-11", "devkit-02", "devkit-15", "devkit-01", "devkit-03", "devkit-05"];
/// How many of them get into trouble.
pub const STRUCK: usize = 3;

/// Seconds of play in one: each is measured three times as often as it was.
const SPEED: f64 = 3.0;

/// How much was played before: the collectors find it in the games' files. The first console is in the slow scene for 49 s by then, of
/// which 20 s of the clock, so 60 s of play, make an alarm.
const PLAYED: Duration = Duration::from_secs(1100);

/// As set on each console.
const CREDENTIALS: (&str, &str) = ("tester", "a secret");

/// Consoles that are switched on, and off with this.
#[derive(Debug)]
pub struct Lab {
    folder: PathBuf,
    consoles: Vec<Simulator>,
    collectors: Vec<Companion>,
}

impl Lab {
    /// Switches all consoles on.
    pub async fn start(installation: &Installation) -> Result<Lab> {
        let (folder, mut consoles) = (installation.folder().join("lab"), Vec::new());
        fs::create_dir_all(&folder)?;
        let (user, password) = CREDENTIALS;
        fs::write(folder.join("portal.txt"), format!("{user}:{password}"))?;
        for console in CONSOLES {
            let setup = Setup {
                scenario: SCENARIO.to_owned(),
                seed: SEED,
                rate: None,
                device: Some(console.to_owned()),
                speed: SPEED,
                begin: Begin::After(PLAYED),
                history: PLAYED,
                listen: ([127, 0, 0, 1], 0).into(),
                credentials: Credentials { user: user.to_owned(), password: password.to_owned() },
                game: Output::File(game(&folder, console)),
                oddities: Oddities::default(),
            };
            consoles.push(Simulator::start(setup).await?);
        }
        Ok(Lab { folder, consoles, collectors: Vec::new() })
    }

    /// Asks one console who it is, as whoever does not know it yet.
    pub async fn first_contact(&self) -> Result<()> {
        let console = self.consoles.first().context("there is no console")?;
        let mut command = tokio::process::Command::new(artifacts::watchgate()?);
        let said = command.args(["collect", "xbox", "--portal", &console.url()]).output().await?;
        let pin = String::from_utf8(said.stdout)?;
        ensure!(
            said.status.code() == Some(1) && pin.trim() == console.pin,
            "it says {pin:?}, and ends {}",
            said.status
        );
        println!("      {}", pin.trim());
        Ok(())
    }

    /// Starts a collector beside each.
    pub fn collect(&mut self, installation: &Installation) -> Result<()> {
        for console in &self.consoles {
            let name = &console.device;
            let token = self.folder.join(format!("{name}.token"));
            fs::write(&token, installation.mint(name, "events:write")?)?;
            let mut command = Command::new(artifacts::watchgate()?);
            command.args(["collect", "xbox", "--portal", &console.url(), "--portal-pin", &console.pin]);
            command.arg("--portal-credentials").arg(self.folder.join("portal.txt"));
            command.arg("--game").arg(game(&self.folder, name)).arg("--from-start");
            command.arg("--spool").arg(self.folder.join(format!("{name}.spool")));
            command.args(["--gateway", installation.base_url()]).arg("--ca").arg(installation.ca());
            command.arg("--token-file").arg(token);
            self.collectors.push(installation.companion(&format!("collector-{name}"), &mut command)?);
        }
        Ok(())
    }
}

/// Where a console's game writes its lines.
fn game(folder: &Path, console: &str) -> PathBuf {
    folder.join(format!("{console}.jsonl"))
}
