use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::serve::Listener;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

struct Identity {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

fn identity(authority: &Authority, usage: ExtendedKeyUsagePurpose) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, "somebody");
    parameters.extended_key_usages = vec![usage];
    let certificate = parameters.signed_by(&key, authority).unwrap();
    Identity { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().clone() }
}

fn server(authority: &Authority) -> Identity {
    identity(authority, ExtendedKeyUsagePurpose::ServerAuth)
}

fn client(authority: &Authority) -> Identity {
    identity(authority, ExtendedKeyUsagePurpose::ClientAuth)
}

struct Scene {
    authority: Authority,
    folder: tempfile::TempDir,
    address: SocketAddr,
}

/// By rename, as an operator would.
fn put(folder: &Path, name: &str, content: &str) {
    fs::write(folder.join("new"), content).unwrap();
    fs::rename(folder.join("new"), folder.join(name)).unwrap();
}

impl Scene {
    /// A listener that answers every connection with one word.
    async fn begin() -> Self {
        let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
        let server = server(&authority);
        put(folder.path(), "server.pem", &server.certificate);
        put(folder.path(), "server.key", &server.key);
        put(folder.path(), "clients.pem", &authority.pem());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut listener = TlsListener::over(socket, files(folder.path())).unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await;
                // Some only look at the certificate and go.
                let _ = stream.write_all(b"welcome").await;
                let _ = stream.shutdown().await;
            }
        });
        Self { authority, folder, address }
    }

    async fn connect(
        &self,
        identity: Option<&Identity>,
        version: &'static SupportedProtocolVersion,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let provider = rustls::crypto::ring::default_provider().into();
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let builder = builder.with_root_certificates(roots);
        let mut config = match identity {
            Some(Identity { der, key, .. }) => {
                let key: PrivateKeyDer<'static> =
                    rustls::pki_types::pem::PemObject::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![der.clone()], key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let socket = TcpStream::connect(self.address).await?;
        let connector = TlsConnector::from(std::sync::Arc::new(config));
        connector.connect(ServerName::try_from("localhost").unwrap(), socket).await
    }

    /// What a client hears; with TLS 1.3 it learns only here whether its certificate was taken.
    async fn hear(&self, identity: Option<&Identity>) -> std::io::Result<String> {
        let mut stream = self.connect(identity, &version::TLS13).await?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await?;
        Ok(heard)
    }

    async fn shown(&self, identity: &Identity) -> CertificateDer<'static> {
        let stream = self.connect(Some(identity), &version::TLS13).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }

    async fn until_shown(&self, identity: &Identity, wanted: &CertificateDer<'_>) {
        let begun = Instant::now();
        while self.shown(identity).await != *wanted {
            assert!(begun.elapsed() < Duration::from_secs(10), "the changed certificate is not shown");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles {
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
        client_ca: folder.join("clients.pem"),
    }
}

#[tokio::test]
async fn only_a_certificate_of_the_authority_for_clients_gets_in() {
    let scene = Scene::begin().await;
    assert_eq!(scene.hear(Some(&client(&scene.authority))).await.unwrap(), "welcome");
    assert!(scene.hear(None).await.is_err(), "no certificate");
    assert!(scene.hear(Some(&client(&authority()))).await.is_err(), "a certificate of another authority");
    assert!(scene.hear(Some(&server(&scene.authority))).await.is_err(), "a certificate for servers");
    let plain = TcpStream::connect(scene.address).await.unwrap();
    let (mut from, mut to) = plain.into_split();
    to.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    let _ = from.read_to_end(&mut heard).await;
    assert!(!heard.windows(7).any(|part| part == b"welcome"), "plain HTTP");
}

#[tokio::test]
async fn tls_1_3_and_http_1_1_alone_are_spoken() {
    let scene = Scene::begin().await;
    let client = client(&scene.authority);
    assert!(scene.connect(Some(&client), &version::TLS12).await.is_err());
    let stream = scene.connect(Some(&client), &version::TLS13).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn those_who_connect_and_say_nothing_keep_nobody_waiting() {
    let scene = Scene::begin().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(scene.address).await.unwrap());
    }
    let begun = Instant::now();
    assert_eq!(scene.hear(Some(&client(&scene.authority))).await.unwrap(), "welcome");
    assert!(begun.elapsed() < Duration::from_secs(2));
    // And they are sent away in the end.
    let mut byte = [0];
    let ended = tokio::time::timeout(Duration::from_secs(20), silent[0].read(&mut byte)).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
}

#[tokio::test]
async fn a_replaced_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let scene = Scene::begin().await;
    let client = client(&scene.authority);
    let first = scene.shown(&client).await;
    let second = server(&scene.authority);
    // Between the two renames the key is not the certificate's.
    put(scene.folder.path(), "server.pem", &second.certificate);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(scene.shown(&client).await, first);
    put(scene.folder.path(), "server.key", &second.key);
    scene.until_shown(&client, &second.der).await;

    for (name, broken) in [("server.pem", "-----BEGIN CERT"), ("clients.pem", ""), ("server.key", "x")] {
        put(scene.folder.path(), name, broken);
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(scene.shown(&client).await, second.der);
    assert_eq!(scene.hear(Some(&client)).await.unwrap(), "welcome");
}

#[tokio::test]
async fn a_replaced_authority_lets_the_clients_of_the_old_one_in_no_more() {
    let scene = Scene::begin().await;
    let (old, new_authority) = (client(&scene.authority), authority());
    let new = client(&new_authority);
    put(scene.folder.path(), "clients.pem", &new_authority.pem());
    let begun = Instant::now();
    while scene.hear(Some(&new)).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the new authority does not count");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(scene.hear(Some(&old)).await.is_err());
}

#[test]
fn files_that_do_not_serve_from_the_start_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let authority = authority();
    let (one, other) = (server(&authority), server(&authority));
    put(dir.path(), "server.pem", &one.certificate);
    put(dir.path(), "server.key", &other.key);
    put(dir.path(), "clients.pem", &authority.pem());
    let config = || {
        let files = files(dir.path());
        files.read().and_then(|content| files.config(&content)).map(drop).unwrap_err()
    };
    assert!(matches!(config(), CannotUseTls::Certificate(_)));
    put(dir.path(), "server.key", &one.key);
    put(dir.path(), "clients.pem", "nothing");
    assert!(matches!(config(), CannotUseTls::Malformed { path, .. } if path.ends_with("clients.pem")));
    fs::remove_file(dir.path().join("server.key")).unwrap();
    assert!(matches!(config(), CannotUseTls::Unreadable { path, .. } if path.ends_with("server.key")));
}

#[test]
fn a_command_line_names_all_three_files_or_none() {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        tls: TlsArguments,
    }
    let line = |arguments: &[&str]| <Line as clap::Parser>::try_parse_from([&["serve"], arguments].concat());
    assert!(line(&[]).unwrap().tls.files().is_none());
    let all = ["--tls-cert", "c", "--tls-key", "k", "--client-ca", "a"];
    assert!(line(&all).unwrap().tls.files().is_some());
    for part in [&all[..2], &all[2..4], &all[4..], &all[..4], &all[2..]] {
        assert!(line(part).is_err(), "{part:?}");
    }
}
