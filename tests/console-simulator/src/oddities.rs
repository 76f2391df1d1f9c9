//! What a portal does that it should not: a collector is to get along with each.

use std::num::NonZeroU32;

use clap::Args;

/// None of them, unless something is said.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Oddities {
    /// The portal's certificate names neither its address nor the device.
    #[arg(long = "foreign-certificate")]
    pub is_certificate_foreign: bool,
    /// The portal opens no WebSocket.
    #[arg(long = "without-socket")]
    pub is_without_socket: bool,
    /// The portal breaks each WebSocket off after so many messages.
    #[arg(long, value_name = "MESSAGES")]
    pub cut_socket: Option<NonZeroU32>,
    /// Of so many answers about the system's performance one is no JSON.
    #[arg(long, value_name = "ANSWERS")]
    pub garble: Option<NonZeroU32>,
}
