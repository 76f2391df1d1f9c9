//! The development authority and the server certificate that it signs.

use std::path::PathBuf;

use anyhow::{Context, bail};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use super::key_file::{KeyFolder, Overwrite, Readers, Written};

const AUTHORITY_LIFETIME: Duration = Duration::days(365);
const SERVER_LIFETIME: Duration = Duration::days(90);
/// Machines whose clocks are a little behind must still take a fresh certificate.
const CLOCK_DIFFERENCE: Duration = Duration::hours(1);
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Makes `ca.pem`, `server.pem` and `server.key`. The authority's private key is thrown away, so nobody who reads
/// this folder can sign a certificate for another host; all three files therefore live and die together.
pub(super) fn make(
    folder: &KeyFolder,
    hosts: &[String],
    overwrite: Overwrite,
) -> anyhow::Result<Vec<(PathBuf, Written)>> {
    let paths = ["ca.pem", "server.pem", "server.key"].map(|name| folder.path(name));
    if overwrite == Overwrite::Keep {
        match paths.iter().filter(|path| path.exists()).count() {
            0 => {}
            3 => return Ok(paths.map(|path| (path, Written::Kept)).into()),
            _ => bail!("{} holds part of a certificate; add --force to make it whole", folder.path("").display()),
        }
    }

    let now = OffsetDateTime::now_utc();
    let authority = authority(now)?;
    let key = KeyPair::generate()?;
    let server = server_parameters(hosts, now)?.signed_by(&key, &authority)?;
    Ok(vec![
        folder.write("ca.pem", authority.pem().as_bytes(), Readers::Everyone, overwrite)?,
        folder.write("server.pem", server.pem().as_bytes(), Readers::Everyone, overwrite)?,
        folder.write("server.key", key.serialize_pem().as_bytes(), Readers::Owner, overwrite)?,
    ])
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
    (parameters.not_before, parameters.not_after) = validity(now, SERVER_LIFETIME);
    Ok(parameters)
}

fn validity(now: OffsetDateTime, lifetime: Duration) -> (OffsetDateTime, OffsetDateTime) {
    (now.saturating_sub(CLOCK_DIFFERENCE), now.saturating_add(lifetime))
}
