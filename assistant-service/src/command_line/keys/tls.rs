//! The development authority, and the certificates of a server and of clients that it signs.

use std::path::PathBuf;

use anyhow::{Context, bail};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::key_file::{KeyFolder, Overwrite, Readers, Written};

const AUTHORITY_LIFETIME: Duration = Duration::days(365);
const CERTIFICATE_LIFETIME: Duration = Duration::days(90);
/// Machines whose clocks are a little behind must still take a fresh certificate.
const CLOCK_DIFFERENCE: Duration = Duration::hours(1);
/// As much as a common name may have (RFC 5280, appendix A.1).
const MAX_NAME_BYTES: usize = 64;
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Makes `ca.pem`, `server.pem` and `server.key`, and for each of `clients` a certificate to show and its key. The
/// authority's private key is thrown away, so nobody who reads this folder can sign a certificate for another host or
/// client; all of the files therefore live and die together.
pub(super) fn make(
    folder: &KeyFolder,
    hosts: &[String],
    clients: &[String],
    overwrite: Overwrite,
) -> anyhow::Result<Vec<(PathBuf, Written)>> {
    let pairs: Vec<_> = std::iter::once("server").chain(clients.iter().map(String::as_str)).collect();
    let names = pairs.iter().flat_map(|name| [format!("{name}.pem"), format!("{name}.key")]);
    let paths: Vec<_> = std::iter::once("ca.pem".to_owned()).chain(names).map(|name| folder.path(&name)).collect();
    if overwrite == Overwrite::Keep {
        match paths.iter().filter(|path| path.exists()).count() {
            0 => {}
            all if all == paths.len() => return Ok(paths.into_iter().map(|path| (path, Written::Kept)).collect()),
            _ => bail!(
                "{} holds some of these certificates, and nothing can be signed by their authority any more: make all of \
                 them anew with --force, or empty the folder",
                folder.path("").display()
            ),
        }
    }

    let now = OffsetDateTime::now_utc();
    let authority = authority(now)?;
    let mut written = vec![folder.write("ca.pem", authority.pem().as_bytes(), Readers::Everyone, overwrite)?];
    for (index, name) in pairs.iter().enumerate() {
        let parameters = if index == 0 { server_parameters(hosts, now)? } else { client_parameters(name, now) };
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &authority)?.pem();
        written.push(folder.write(&format!("{name}.pem"), certificate.as_bytes(), Readers::Everyone, overwrite)?);
        let key = Zeroizing::new(key.serialize_pem());
        written.push(folder.write(&format!("{name}.key"), key.as_bytes(), Readers::Owner, overwrite)?);
    }
    Ok(written)
}

/// A client's name: that of its files, and the one that stands in its certificate.
pub(super) fn parse_client(name: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match name {
        "" | "ca" | "server" => Err("ca and server are names of other files here; give the client another".to_owned()),
        _ if name.len() > MAX_NAME_BYTES || name.starts_with('.') || !name.bytes().all(is_plain) => {
            Err(format!("a client's name has at most {MAX_NAME_BYTES} letters, digits, -, _ and ."))
        }
        _ => Ok(name.to_owned()),
    }
}

fn authority(now: OffsetDateTime) -> anyhow::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, "Watchgate development authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (parameters.not_before, parameters.not_after) = validity(now, AUTHORITY_LIFETIME);
    Ok(CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?)
}

fn server_parameters(hosts: &[String], now: OffsetDateTime) -> anyhow::Result<CertificateParams> {
    let mut names: Vec<String> = ALWAYS.map(str::to_owned).into();
    for host in hosts {
        if !names.contains(host) {
            names.push(host.clone());
        }
    }
    let mut parameters = CertificateParams::new(names)
        .with_context(|| format!("--host takes DNS names and addresses, not {}", hosts.join(", ")))?;
    parameters.distinguished_name.push(DnType::CommonName, "Watchgate development server");
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    (parameters.not_before, parameters.not_after) = validity(now, CERTIFICATE_LIFETIME);
    Ok(parameters)
}

fn client_parameters(name: &str, now: OffsetDateTime) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    parameters.use_authority_key_identifier_extension = true;
    (parameters.not_before, parameters.not_after) = validity(now, CERTIFICATE_LIFETIME);
    parameters
}

fn validity(now: OffsetDateTime, lifetime: Duration) -> (OffsetDateTime, OffsetDateTime) {
    (now.saturating_sub(CLOCK_DIFFERENCE), now.saturating_add(lifetime))
}
