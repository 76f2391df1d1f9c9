//! A gateway for commands that can do without one.

use std::path::PathBuf;

use clap::Args;
use reqwest::Url;

use super::GatewayArguments;

/// Where the gateway is, if it is asked at all.
#[derive(Debug, Args)]
pub(in crate::command_line) struct OptionalGatewayArguments {
    /// The gateway's address, such as https://gw.example.com.
    #[arg(long, env = "WATCHGATE_GATEWAY", value_name = "URL")]
    gateway: Option<Url>,
    /// The file that holds a token; read for each call.
    #[arg(long, env = "WATCHGATE_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Trust this authority, in PEM, and no other; without it those of the system.
    #[arg(long, env = "WATCHGATE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl OptionalGatewayArguments {
    /// The gateway, where both its address and a token are named.
    pub(in crate::command_line) fn given(&self) -> Option<GatewayArguments> {
        let (gateway, token_file) = (self.gateway.clone()?, self.token_file.clone()?);
        Some(GatewayArguments { gateway, token_file, ca: self.ca.clone() })
    }
}
