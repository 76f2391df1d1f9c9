//! TLS that goes on whatever a server shows, and keeps what was shown and what is wrong with it: so that all that is wrong is said at
//! once. Nothing that is a secret goes over such a connection, and what comes back is only looked at.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What a server has shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// Its own certificate, and after it those that it has sent along.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Why it is not to be believed, other than by times.
    pub(super) mistrusted: Option<String>,
    /// That it is not to be believed by times, which the certificates themselves say better where they are of the chain.
    pub(super) untimely: Option<String>,
}

/// Judges certificates, and lets every one pass.
#[derive(Debug)]
pub(super) struct Judge {
    authorities: Arc<WebPkiServerVerifier>,
    shown: Mutex<Option<Shown>>,
}

impl Judge {
    /// A configuration of a client that believes these authorities, or else the system's.
    pub(super) fn with(ca: Option<&Path>) -> Result<(ClientConfig, Arc<Self>), String> {
        let provider = Arc::new(ring::default_provider());
        let roots = match ca {
            Some(ca) => roots_of(ca)?,
            None => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                roots
            }
        };
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let authorities =
            authorities.map_err(|_| "there are no authorities to believe; name some with --ca".to_owned())?;
        let judge = Arc::new(Self { authorities, shown: Mutex::new(None) });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|cause| cause.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&judge) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        Ok((config, judge))
    }

    pub(super) fn shown(&self) -> Option<Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn roots_of(ca: &Path) -> Result<RootCertStore, String> {
    let unreadable = |cause: &dyn std::fmt::Display| format!("{}: {cause}", ca.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|cause| unreadable(&cause))? {
        let certificate = certificate.map_err(|cause| unreadable(&cause))?;
        roots.add(certificate).map_err(|cause| unreadable(&cause))?;
    }
    Ok(roots)
}

fn is_about_times(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        )
    )
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let (untimely, mistrusted) = match judged.err() {
            Some(error) if is_about_times(&error) => (Some(error.to_string()), None),
            other => (None, other.map(|error| error.to_string())),
        };
        let chain = std::iter::once(end_entity).chain(intermediates);
        let chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
        let shown = Shown { chain, mistrusted, untimely };
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}
