//! `watchgate token`: tokens from the development issuer, so that a trial needs no identity provider; and a judgement on
//! anybody's tokens.

mod verify;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::judged;
use super::keys::read_issuer;

/// What `watchgate token` can do.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Sign one access token (RFC 9068) and print it.
    Mint(MintArguments),
    /// Check a token as the gate does, or its signature alone.
    #[command(after_help = verify::AFTER_HELP)]
    Verify(verify::VerifyArguments),
}

/// The arguments of `watchgate token mint`.
#[derive(Debug, Args)]
pub struct MintArguments {
    /// The issuer's folder, as `watchgate keys dev` made it.
    #[arg(long, value_name = "DIR")]
    pub keys: PathBuf,
    /// Whom the token speaks for.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub subject: String,
    /// Whom the token is meant for.
    #[arg(long, value_name = "NAME", default_value = "watchgate")]
    pub audience: String,
    /// The scopes, with spaces between them.
    #[arg(long, value_name = "SCOPES")]
    pub scope: Option<String>,
    /// How long the token is good; below zero it has expired that long ago.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, allow_negative_numbers = true)]
    pub ttl_seconds: i64,
    /// The signature algorithm.
    #[arg(long, value_enum, default_value_t = SigningAlgorithm::EdDsa)]
    pub algorithm: SigningAlgorithm,
    /// A further claim with its JSON value, such as `roles=["operator"]`; it also replaces one of the usual claims.
    #[arg(long = "claim", value_name = "NAME=JSON", value_parser = parse_claim)]
    pub claims: Vec<(String, Value)>,
}

/// The algorithms of the development issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SigningAlgorithm {
    /// Ed25519.
    #[value(name = "EdDSA")]
    EdDsa,
    /// RSA, 2048 bits, PKCS#1 v1.5, SHA-256.
    #[value(name = "RS256")]
    Rs256,
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::EdDsa => Self::EdDSA,
            SigningAlgorithm::Rs256 => Self::RS256,
        }
    }
}

/// Carries out one `watchgate token` command.
pub fn run(command: TokenCommand) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Mint(arguments) => {
            println!("{}", mint(arguments, seconds_since_epoch()?)?);
            Ok(ExitCode::SUCCESS)
        }
        TokenCommand::Verify(arguments) => Ok(judged(verify::run(arguments))),
    }
}

fn mint(arguments: MintArguments, now: i64) -> anyhow::Result<String> {
    let issuer = read_issuer(&arguments.keys)?;
    let algorithm = Algorithm::from(arguments.algorithm);
    let key = issuer.keys.iter().find(|key| key.alg == algorithm);
    let key = key.with_context(|| format!("the issuer has no {algorithm:?} key; choose another --algorithm"))?;
    let signing_key = key.read(&arguments.keys)?;

    let mut header = Header::new(algorithm);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(key.kid.clone());
    let claims = claims(issuer.issuer, arguments, now);
    Ok(jsonwebtoken::encode(&header, &claims, &signing_key)?)
}

fn claims(issuer: String, arguments: MintArguments, now: i64) -> Map<String, Value> {
    let expires = now.saturating_add(arguments.ttl_seconds);
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), json!(issuer));
    claims.insert("sub".to_owned(), json!(arguments.subject));
    claims.insert("aud".to_owned(), json!(arguments.audience));
    // A token that has expired was not issued after its end.
    claims.insert("iat".to_owned(), json!(now.min(expires)));
    claims.insert("exp".to_owned(), json!(expires));
    claims.insert("jti".to_owned(), json!(Uuid::now_v7()));
    claims.insert("client_id".to_owned(), json!("watchgate"));
    if let Some(scope) = arguments.scope {
        claims.insert("scope".to_owned(), json!(scope));
    }
    claims.extend(arguments.claims);
    claims
}

fn parse_claim(argument: &str) -> anyhow::Result<(String, Value)> {
    let (name, value) = argument.split_once('=').ok_or_else(|| anyhow!("write it as name=json"))?;
    let value = serde_json::from_str(value).context("the value must be JSON; put a string in double quotes")?;
    Ok((name.to_owned(), value))
}

fn seconds_since_epoch() -> anyhow::Result<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970; set it")?;
    Ok(i64::try_from(now.as_secs())?)
}

#[cfg(test)]
mod tests;
