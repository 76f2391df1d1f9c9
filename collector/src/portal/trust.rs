//! Whom to take for the console. Its certificate is signed by itself and names whatever it likes, so its public key is held against
//! a pin that somebody has compared; before that has passed nothing is sent, least of all a password.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use ring::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{PortalError, PortalTrust};

const PREFIX: &str = "sha256/";

/// Of a connection until it is known whose it is.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The SHA-256 of a certificate's public key (its SubjectPublicKeyInfo, as in RFC 7469).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        let mut pin = [0; 32];
        pin.copy_from_slice(digest(&SHA256, &key).as_ref());
        Ok(Self(pin))
    }
}

impl FromStr for Pin {
    type Err = PortalError;

    fn from_str(text: &str) -> Result<Self, PortalError> {
        let digest = text.strip_prefix(PREFIX).and_then(|digest| STANDARD.decode(digest).ok());
        digest.and_then(|digest| digest.try_into().ok()).map(Self).ok_or(PortalError::Pin)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The pin of whoever answers at this address. Nothing is sent to them: the handshake is broken off.
///
/// # Errors
/// [`PortalError`] where nobody answers, or not with TLS.
pub async fn first_contact(address: &Url) -> Result<Pin, PortalError> {
    let address = origin(address)?;
    let verifier = Arc::new(PinVerifier::new(None));
    let connected = connect(&address, Arc::new(dangerous(Arc::clone(&verifier) as Arc<_>)?)).await;
    let pin = *verifier.seen.lock().unwrap_or_else(PoisonError::into_inner);
    match (pin, connected) {
        (Some(pin), _) => Ok(pin),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Err(PortalError::Unreachable("it has shown no certificate".to_owned())),
    }
}

/// The address without anything behind host and port.
pub(super) fn origin(address: &Url) -> Result<Url, PortalError> {
    let is_plain = address.scheme() == "https" && address.has_host() && matches!(address.path(), "" | "/");
    let is_bare = address.query().is_none() && address.fragment().is_none() && address.username().is_empty();
    if is_plain && is_bare && address.password().is_none() { Ok(address.clone()) } else { Err(PortalError::Address) }
}

/// TLS that trusts as is said, and nobody else.
pub(super) fn client_config(trust: &PortalTrust) -> Result<ClientConfig, PortalError> {
    match trust {
        PortalTrust::Pin(pin) => dangerous(Arc::new(PinVerifier::new(Some(*pin)))),
        PortalTrust::Authorities(file) => {
            let pem = std::fs::read(file).map_err(|error| PortalError::File(file.clone(), error))?;
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|_| PortalError::Content(file.clone(), "certificates in PEM"))?;
                roots.add(certificate).map_err(PortalError::Tls)?;
            }
            if roots.is_empty() {
                return Err(PortalError::Content(file.clone(), "a certificate in PEM"));
            }
            Ok(builder()?.with_root_certificates(roots).with_no_client_auth())
        }
    }
}

/// A connection to whoever is trusted.
pub(super) async fn connect(
    address: &Url,
    tls: Arc<ClientConfig>,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, PortalError> {
    let host = address.host_str().ok_or(PortalError::Address)?.trim_matches(['[', ']']);
    let port = address.port_or_known_default().ok_or(PortalError::Address)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| PortalError::Address)?;
    let connected = timeout(CONNECT_TIMEOUT, async {
        let stream = TcpStream::connect((host, port)).await?;
        TlsConnector::from(tls).connect(name, stream).await
    });
    let unreachable = |error: &dyn fmt::Display| PortalError::Unreachable(error.to_string());
    connected.await.map_err(|error| unreachable(&error))?.map_err(|error| unreachable(&error))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, PortalError> {
    ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(PortalError::Tls)
}

fn dangerous(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, PortalError> {
    let mut config = builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    // Each connection shows its certificate again.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// Takes whoever has the private key of the pinned public one, and nobody where none is pinned; remembers who it was.
#[derive(Debug)]
struct PinVerifier {
    pinned: Option<Pin>,
    seen: Mutex<Option<Pin>>,
    provider: Arc<CryptoProvider>,
}

impl PinVerifier {
    fn new(pinned: Option<Pin>) -> Self {
        Self { pinned, seen: Mutex::default(), provider: provider() }
    }
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Pin::of(certificate)?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        match self.pinned {
            Some(pinned) if pinned == shown => Ok(ServerCertVerified::assertion()),
            Some(_) => Err(Error::General(format!("the certificate's public key is {shown}, and not the pinned one"))),
            None => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
