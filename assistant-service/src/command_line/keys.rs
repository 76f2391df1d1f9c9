//! `watchgate keys`: the keys and certificates that a gate and its service need, made on the machine that uses them.
//!
//! Every private file is readable by its owner alone from the moment it exists, and none is ever half written.

mod exchange;
mod gate;
mod issuer;
mod key_file;
mod tls;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub use issuer::{IssuerFile, IssuerKey, read_issuer};
pub(crate) use issuer::{generate, public_jwk, read_signing_key, signing_key};
use key_file::{KeyFolder, Overwrite, Written};

/// Who calls services of ours, and shows a certificate where they ask for one.
const DEV_CLIENT: &str = "traefik";

/// What `watchgate keys` can make.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Everything a developer needs: an issuer, the gate's and the service's secrets, and a TLS certificate.
    Dev(DevArguments),
    /// Make or rotate `gate.key`; the current secret stays good as the previous one until the next rotation.
    Gate(GateArguments),
    /// Write the keys with which one audience checks transaction tokens, drawn from `gate.key`.
    Transaction(TransactionArguments),
    /// Make or rotate the key with which `watchgate exchange` signs; gates go on taking what the key before it has signed.
    Exchange(ExchangeArguments),
    /// Make or rotate the key with which the service signs tokens of sessions, and make the secret of their handles once.
    Sessions(SessionsArguments),
    /// A development authority, and certificates of a server and of clients signed by it.
    Tls(TlsArguments),
}

/// The arguments of `watchgate keys dev`.
#[derive(Debug, Args)]
pub struct DevArguments {
    /// The folder that receives everything.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// The issuer's name, as it will stand in `iss`.
    #[arg(long, value_name = "URL", default_value = "https://issuer.watchgate.test")]
    pub issuer: String,
    /// The audience whose transaction keys are written.
    #[arg(long, value_name = "NAME", default_value = "assistant-service")]
    pub audience: String,
    /// A further host name or address for the certificate; localhost, 127.0.0.1 and ::1 are always in it.
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// Replace files that are there already.
    #[arg(long)]
    pub force: bool,
}

/// The arguments of `watchgate keys gate`.
#[derive(Debug, Args)]
pub struct GateArguments {
    /// The trust directory.
    #[arg(long, value_name = "DIR")]
    pub trust: PathBuf,
    /// An audience and the file of its transaction keys; each is written, and read by its service, before the gate
    /// signs with the new secret.
    #[arg(long = "transaction", value_name = "AUDIENCE=FILE", value_parser = parse_transaction)]
    pub transactions: Vec<(String, PathBuf)>,
}

fn parse_transaction(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((audience, file)) if !audience.is_empty() && !file.is_empty() => Ok((audience.to_owned(), file.into())),
        _ => Err("give an audience and a file, such as assistant-service=/etc/watchgate/transaction.keys".to_owned()),
    }
}

/// The arguments of `watchgate keys transaction`.
#[derive(Debug, Args)]
pub struct TransactionArguments {
    /// The trust directory that holds `gate.key`.
    #[arg(long, value_name = "DIR")]
    pub trust: PathBuf,
    /// The audience that will check the tokens.
    #[arg(long, value_name = "NAME")]
    pub audience: String,
    /// The file to write; it follows every rotation of `gate.key`, so it is always replaced.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// The arguments of `watchgate keys exchange`.
#[derive(Debug, Args)]
pub struct ExchangeArguments {
    /// The folder of the private key, which only the exchange may read.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// The trust directory; `jwks/exchange.json` in it receives the public keys, the current one and the one before it.
    #[arg(long, value_name = "DIR")]
    pub trust: PathBuf,
}

/// The arguments of `watchgate keys sessions`.
#[derive(Debug, Args)]
pub struct SessionsArguments {
    /// The folder of the private key and of the handles' secret, which only the service may read; all replicas need both.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// The trust directory; `jwks/sessions.json` in it receives the public keys, the current one and the one before it.
    #[arg(long, value_name = "DIR")]
    pub trust: PathBuf,
}

/// The arguments of `watchgate keys tls`.
#[derive(Debug, Args)]
pub struct TlsArguments {
    /// The folder that receives `ca.pem`, `server.pem` and `server.key`, and each client's `NAME.pem` and `NAME.key`.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// A further host name or address; localhost, 127.0.0.1 and ::1 are always in it.
    #[arg(long = "host", value_name = "NAME", required = true)]
    pub hosts: Vec<String>,
    /// A client that gets a certificate to show, such as `traefik`.
    #[arg(long = "client", value_name = "NAME", value_parser = tls::parse_client)]
    pub clients: Vec<String>,
    /// Replace files that are there already.
    #[arg(long)]
    pub force: bool,
}

/// Carries out one `watchgate keys` command and says for each file what happened to it.
pub fn run(command: KeysCommand) -> anyhow::Result<()> {
    let advice = advice(&command);
    for (path, written) in make(command)? {
        println!("{written} {}", path.display());
    }
    if let Some(advice) = advice {
        println!("{advice}");
    }
    Ok(())
}

/// What else to run, where a rotation leaves services behind that do not know the new secret.
fn advice(command: &KeysCommand) -> Option<String> {
    let KeysCommand::Gate(GateArguments { trust, transactions }) = command else { return None };
    let leaves_behind = transactions.is_empty() && gate::is_there(trust);
    leaves_behind.then(|| {
        format!(
            "services that take transaction tokens refuse requests until you run, for each: watchgate keys transaction --trust {} --audience NAME \
             --out FILE (next time without a gap: watchgate keys gate --transaction NAME=FILE)",
            trust.display()
        )
    })
}

fn make(command: KeysCommand) -> anyhow::Result<Vec<(PathBuf, Written)>> {
    match command {
        KeysCommand::Dev(arguments) => make_dev(arguments),
        KeysCommand::Gate(arguments) => gate::rotate(&KeyFolder::public(&arguments.trust)?, &arguments.transactions),
        KeysCommand::Transaction(arguments) => {
            Ok(vec![gate::write_transaction_keys(&arguments.trust, &arguments.audience, &arguments.out)?])
        }
        KeysCommand::Exchange(arguments) => {
            let jwks = KeyFolder::public(&arguments.trust.join("jwks"))?;
            exchange::rotate(&exchange::EXCHANGE, &KeyFolder::private(&arguments.dir)?, &jwks)
        }
        KeysCommand::Sessions(arguments) => {
            let jwks = KeyFolder::public(&arguments.trust.join("jwks"))?;
            exchange::rotate_sessions(&KeyFolder::private(&arguments.dir)?, &jwks)
        }
        KeysCommand::Tls(arguments) => {
            let overwrite = Overwrite::when(arguments.force);
            tls::make(&KeyFolder::public(&arguments.dir)?, &arguments.hosts, &arguments.clients, overwrite)
        }
    }
}

fn make_dev(arguments: DevArguments) -> anyhow::Result<Vec<(PathBuf, Written)>> {
    let overwrite = Overwrite::when(arguments.force);
    let dir = arguments.dir;
    let issuer = KeyFolder::private(&dir.join("issuer"))?;
    let jwks = KeyFolder::public(&dir.join("trust/jwks"))?;
    let mut written = issuer::make(&issuer, &jwks, &arguments.issuer, overwrite)?;

    let trust = dir.join("trust");
    let service = KeyFolder::private(&dir.join("service"))?;
    written.extend(gate::make_once(&KeyFolder::public(&trust)?, &service, &arguments.audience, overwrite)?);
    let tls = KeyFolder::public(&dir.join("tls"))?;
    written.extend(tls::make(&tls, &arguments.hosts, &[DEV_CLIENT.to_owned()], overwrite)?);
    KeyFolder::private(&dir.join("gate"))?;
    Ok(written)
}
