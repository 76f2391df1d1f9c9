//! A certificate that the console has made for itself, as consoles do.

use std::sync::Arc;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use sha2::{Digest as _, Sha256};

use crate::Oddities;

/// A certificate, and what a server does with it.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) pin: String,
    pub(crate) server: Arc<ServerConfig>,
}

pub(crate) fn make(device: &str, oddities: &Oddities) -> Result<Certificate> {
    let names = match oddities.is_certificate_foreign {
        true => vec!["elsewhere.invalid".to_owned()],
        false => [device, "localhost", "127.0.0.1"].map(str::to_owned).to_vec(),
    };
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names)?;
    let digest = Sha256::digest(rcgen::PublicKeyData::subject_public_key_info(&signing_key));
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
    let mut server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Certificate { pem: cert.pem(), pin: format!("sha256/{}", STANDARD.encode(digest)), server: Arc::new(server) })
}
