//! Mutual TLS for whatever of ours listens: only those get as far as a request whose certificate the configured authority
//! has signed. TLS 1.3 alone, HTTP/1.1 alone, and no resumption, so that every connection shows its certificate again.

mod files;
mod listener;

use std::path::PathBuf;

use clap::Args;

pub use files::{CannotUseTls, TlsFiles};
pub use listener::TlsListener;

/// The files of mutual TLS on a command line: all three or none.
#[derive(Clone, Debug, Default, Args)]
pub struct TlsArguments {
    /// The certificate to show, as PEM, its chain after it. With --tls-key and --client-ca: listen with mutual TLS.
    #[arg(long, env = "WATCHGATE_TLS_CERT", value_name = "FILE", requires_all = ["tls_key", "client_ca"])]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, as PEM.
    #[arg(long, env = "WATCHGATE_TLS_KEY", value_name = "FILE", requires_all = ["tls_cert", "client_ca"])]
    tls_key: Option<PathBuf>,
    /// The authorities whose client certificates are taken, as PEM; whoever has none of theirs is refused.
    #[arg(long, env = "WATCHGATE_CLIENT_CA", value_name = "FILE", requires_all = ["tls_cert", "tls_key"])]
    client_ca: Option<PathBuf>,
}

impl TlsArguments {
    /// The files, if TLS is asked for.
    #[must_use]
    pub fn files(self) -> Option<TlsFiles> {
        Some(TlsFiles { certificate: self.tls_cert?, key: self.tls_key?, client_ca: self.client_ca? })
    }
}

#[cfg(test)]
mod tests;
