//! The three files of mutual TLS, and what they say together.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, version};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

/// More than any chain or list of authorities.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Where the certificate, its key and the clients' authorities lie, all of them PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate to show, its chain after it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Who signs the clients' certificates.
    pub client_ca: PathBuf,
}

/// Why the files do not serve.
#[derive(Debug, Error)]
pub enum CannotUseTls {
    /// One cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// One does not hold what it is for.
    #[error("{} does not hold {wanted} as PEM", path.display())]
    Malformed {
        /// Which one.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// Certificate and key do not belong together, or are of no use for TLS 1.3.
    #[error("the certificate and its key do not serve: {0}")]
    Certificate(#[from] rustls::Error),
    /// The authorities cannot be used.
    #[error("the clients' authorities do not serve: {0}")]
    ClientAuthority(#[from] VerifierBuilderError),
    /// The socket is not one.
    #[error(transparent)]
    Socket(#[from] std::io::Error),
}

/// The files as they were at one look.
pub(super) struct Content {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    client_ca: Vec<u8>,
}

impl Content {
    /// What tells this content from any other, without being a second copy of the key.
    pub(super) fn digest(&self) -> [u8; 32] {
        let parts = [&self.certificate, &*self.key, &self.client_ca];
        parts.iter().fold(Sha256::new(), |whole, part| whole.chain_update(Sha256::digest(part))).finalize().into()
    }
}

impl TlsFiles {
    /// Reads all three.
    pub(super) fn read(&self) -> Result<Content, CannotUseTls> {
        let key = Zeroizing::new(read(&self.key)?);
        Ok(Content { certificate: read(&self.certificate)?, key, client_ca: read(&self.client_ca)? })
    }

    /// What new connections are taken with. Fails when the certificate is not the key's, as between the two renames that
    /// replace them.
    pub(super) fn config(&self, content: &Content) -> Result<Arc<ServerConfig>, CannotUseTls> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(&self.certificate, &content.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&content.key)
            .map_err(|_| CannotUseTls::Malformed { path: self.key.clone(), wanted: "a private key" })?;
        let verifier = WebPkiClientVerifier::builder_with_provider(self.roots(content)?.into(), Arc::clone(&provider));
        let mut config =
            builder(provider)?.with_client_cert_verifier(verifier.build()?).with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed session would bring a client in whose certificate has ended, or whose authority is gone.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    fn roots(&self, content: &Content) -> Result<RootCertStore, CannotUseTls> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(&self.client_ca, &content.client_ca)? {
            roots.add(authority)?;
        }
        Ok(roots)
    }
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>, rustls::Error> {
    ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&version::TLS13])
}

/// All certificates of a file; at least one.
fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CannotUseTls> {
    let malformed = || CannotUseTls::Malformed { path: path.to_owned(), wanted: "certificates" };
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|_| malformed())?;
    if found.is_empty() { Err(malformed()) } else { Ok(found) }
}

fn read(path: &Path) -> Result<Vec<u8>, CannotUseTls> {
    let unreadable = |cause| CannotUseTls::Unreadable { path: path.to_owned(), cause };
    let mut content = Vec::new();
    File::open(path).map_err(unreadable)?.take(MAX_FILE_BYTES).read_to_end(&mut content).map_err(unreadable)?;
    Ok(content)
}
