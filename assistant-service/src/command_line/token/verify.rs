//! `watchgate token verify`: a token held against an issuer's keys by the gate's own code.

use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use trust_core::token_verifier::{ExpectedToken, InvalidVerifier, TokenVerifier};

use crate::command_line::at::At;

pub(super) const AFTER_HELP: &str = "\
Prints `valid` and exits with 0, or `invalid: <reason>` and exits with 1; exits with 2 when the keys cannot be read. Keys
that are passed over (another use, too short, off their curve) are named on the standard error. Whether a caller holds the
key that a token is bound to (`cnf`) is not looked at: only a gate sees that.

Examples:
  watchgate token verify --jwks jwks.json --issuer https://idp.example.com --audience watchgate < token
  watchgate token verify --jwks key.jwk --signature-only --algorithms PS256 < rfc7520.jws";

/// The arguments of `watchgate token verify`; the token comes from the standard input.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// The keys: a JWK Set, or a single JWK.
    #[arg(long, value_name = "FILE")]
    pub jwks: PathBuf,
    /// What `iss` must be.
    #[arg(long, value_name = "URL", required_unless_present = "signature_only")]
    #[arg(conflicts_with = "signature_only", value_parser = NonEmptyStringValueParser::new())]
    pub issuer: Option<String>,
    /// What `aud` must name; may be given several times, one of them is enough.
    #[arg(long = "audience", value_name = "NAME", required_unless_present = "signature_only")]
    #[arg(conflicts_with = "signature_only")]
    pub audiences: Vec<String>,
    /// The values of `typ` that are taken.
    #[arg(long = "token-types", value_name = "TYPES", value_delimiter = ',', default_value = "at+jwt,JWT")]
    pub token_types: Vec<String>,
    /// Allowance for clocks that differ, for `exp` and `nbf`.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=300))]
    pub leeway_seconds: u64,
    /// The moment to judge for: RFC 3339, such as 2027-01-15T08:00:00Z, or seconds since 1970; now, if absent.
    #[arg(long, value_name = "TIME")]
    pub at: Option<At>,
    /// Look at form, algorithm, key and signature alone; what is signed need not be claims.
    #[arg(long)]
    pub signature_only: bool,
    /// The algorithms that are taken, with commas between them; if absent, all with a public key. Shared secrets (HS256,
    /// HS384, HS512) are taken only where they are named, and nothing else with them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub algorithms: Vec<String>,
}

/// Prints the verdict; says whether the token is good.
pub(super) fn run(arguments: VerifyArguments) -> anyhow::Result<bool> {
    let path = arguments.jwks.display().to_string();
    let jwks = std::fs::read(&arguments.jwks).with_context(|| format!("{path} cannot be read"))?;
    let mut token = Vec::new();
    std::io::stdin().read_to_end(&mut token).context("the standard input cannot be read")?;
    // Bytes that are no text are in no token, and so is the sign that stands for them here.
    let token = String::from_utf8_lossy(&token);
    let verdict = match TokenVerifier::new(&jwks, &arguments.algorithms) {
        Ok(verifier) => {
            let unfit = verifier.unfit_keys().to_vec();
            judge(verifier, token.trim_ascii(), arguments)?.map_err(|reason| (reason, unfit))
        }
        Err(InvalidVerifier::Refused { why, unfit }) => Err((why.to_string(), unfit)),
        Err(unreadable) => return Err(unreadable).context(path),
    };
    match verdict {
        Ok(()) => println!("valid"),
        Err((reason, unfit)) => {
            println!("invalid: {reason}");
            unfit.iter().for_each(|key| eprintln!("watchgate: passed over {key}"));
            return Ok(false);
        }
    }
    Ok(true)
}

fn judge(verifier: TokenVerifier, token: &str, arguments: VerifyArguments) -> anyhow::Result<Result<(), String>> {
    let Some(issuer) = arguments.issuer else {
        return Ok(verifier.check_signature(token).map_err(|invalid| invalid.to_string()));
    };
    let now = arguments.at.map_or_else(At::now, Ok)?.wall_time().seconds();
    let expected = ExpectedToken {
        issuer,
        audiences: arguments.audiences,
        token_types: arguments.token_types,
        leeway_seconds: arguments.leeway_seconds,
    };
    Ok(verifier.verify(token, expected, now).map_err(|invalid| invalid.to_string()))
}
