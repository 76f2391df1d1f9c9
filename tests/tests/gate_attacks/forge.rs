//! The attacker's workshop: our own issuer gone wrong, and a second one that the gate trusts as well.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use watchgate_tests::forgery::{Parts, Signer, set};
use watchgate_tests::{Stage, artifacts};

/// A second issuer that the gate trusts with a key of its own, given inline.
pub(crate) const SECOND_ISSUER: &str = "https://second.watchgate.test";

pub(crate) struct SecondIssuer {
    pub(crate) jwks: Value,
    pub(crate) signer: Signer,
}

/// Made once, in a folder that is gone when its keys have been read.
pub(crate) fn second_issuer() -> Result<&'static SecondIssuer> {
    static MADE: OnceLock<std::result::Result<SecondIssuer, String>> = OnceLock::new();
    let made = MADE.get_or_init(|| make_second_issuer().map_err(|error| format!("{error:#}")));
    made.as_ref().map_err(|error| anyhow!("{error}"))
}

fn make_second_issuer() -> Result<SecondIssuer> {
    let folder = tempfile::tempdir()?;
    let made = Command::new(artifacts::watchgate()?)
        .args(["keys", "dev", "--issuer", SECOND_ISSUER, "--dir"])
        .arg(folder.path())
        .output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let jwks = serde_json::from_slice(&fs::read(folder.path().join("trust/jwks/dev.json"))?)?;
    Ok(SecondIssuer { jwks, signer: Signer::read(&folder.path().join("issuer"))? })
}

/// What the rows are made of.
pub(crate) struct Forge {
    pub(crate) good: String,
    pub(crate) parts: Parts,
    pub(crate) signer: Signer,
    pub(crate) second: &'static Signer,
}

impl Forge {
    pub(crate) fn new(stage: &Stage) -> Result<Forge> {
        let good = stage.mint("console-7", "events:write assistant:ask")?;
        let parts = Parts::of(&good)?;
        let second = &second_issuer()?.signer;
        Ok(Forge { good, parts, signer: Signer::read(&stage.issuer_keys())?, second })
    }

    /// A token of the right issuer, rightly signed, with one claim changed; `null` leaves it out.
    pub(crate) fn claim(&self, name: &str, value: Value) -> Result<String> {
        let mut claims = self.parts.claims.clone();
        set(&mut claims, name, value);
        self.signer.sign(&self.parts.header, &claims)
    }

    /// The same for a member of the header.
    pub(crate) fn header(&self, name: &str, value: Value) -> Result<String> {
        let mut header = self.parts.header.clone();
        set(&mut header, name, value);
        self.signer.sign(&header, &self.parts.claims)
    }

    /// A good token of the second issuer.
    pub(crate) fn of_the_second(&self, exp: Value) -> Result<String> {
        let (mut header, mut claims) = (self.parts.header.clone(), self.parts.claims.clone());
        set(&mut header, "kid", json!(self.second.kid()));
        set(&mut claims, "iss", json!(SECOND_ISSUER));
        set(&mut claims, "exp", exp);
        self.second.sign(&header, &claims)
    }
}

pub(crate) fn second_public_key() -> Result<Value> {
    let keys = second_issuer()?.jwks["keys"].as_array().context("no keys")?;
    keys.iter().find(|key| key["kty"] == "OKP").cloned().context("no Ed25519 key")
}
