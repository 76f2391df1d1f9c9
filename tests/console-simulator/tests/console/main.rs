//! A console's portal and its game, as a collector meets them.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "whatever is not as a test takes it to be fails the test, and it counts small numbers"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use console_simulator::game::Output;
use console_simulator::portal::Credentials;
use console_simulator::{Begin, Oddities, Setup, Simulator};
use diagnosis::batch::Batch;
use futures_util::StreamExt as _;
use reqwest::{Certificate, Client, StatusCode};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use telemetry_traces::{Rate, scenario};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

mod beginning;
mod oddities;

const PATIENCE: Duration = Duration::from_secs(30);

/// Far faster than it was: forty minutes in some two seconds.
const FAST: f64 = 1_000.0;

fn setup(speed: f64, game: Output) -> Setup {
    Setup {
        scenario: "bad-firmware".to_owned(),
        seed: 5,
        rate: None,
        device: None,
        speed,
        begin: Begin::After(Duration::ZERO),
        history: Duration::ZERO,
        listen: ([127, 0, 0, 1], 0).into(),
        credentials: Credentials { user: "tester".to_owned(), password: "a secret".to_owned() },
        game,
        oddities: Oddities::default(),
    }
}

fn client(simulator: &Simulator) -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    let certificate = Certificate::from_pem(simulator.certificate.as_bytes()).unwrap();
    Client::builder().tls_certs_only([certificate]).timeout(PATIENCE).build().unwrap()
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Opens the socket as a page of this origin would, with the right password.
async fn open(simulator: &Simulator, origin: Option<String>) -> Result<Socket, Error> {
    let address = format!("wss://{}/api/resourcemanager/systemperf", simulator.address);
    let mut request = address.into_client_request().unwrap();
    let basic = "Basic dGVzdGVyOmEgc2VjcmV0"; // tester:a secret
    request.headers_mut().insert("authorization", basic.parse().unwrap());
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    let mut roots = rustls::RootCertStore::empty();
    roots.add(PemObject::from_pem_slice(simulator.certificate.as_bytes()).unwrap()).unwrap();
    let tls = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into());
    let tls = tls.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    let tcp = TcpStream::connect(simulator.address).await.unwrap();
    let stream = TlsConnector::from(Arc::new(tls)).connect("localhost".try_into().unwrap(), tcp).await.unwrap();
    client_async(request, stream).await.map(|(socket, _)| socket)
}

/// What the game has told.
fn lines(file: &Path) -> Vec<Value> {
    std::fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the device of the trace tells of one kind.
fn told(device: &str, first: &str) -> Vec<Batch> {
    let batches = scenario("bad-firmware", 5).unwrap().of_device(device);
    batches.filter(|batch| batch.metrics.first().is_some_and(|it| it == first)).collect()
}

#[tokio::test]
async fn the_portal_answers_in_the_documented_forms_and_nobody_without_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(setup(60.0, Output::File(folder.path().join("game")))).await.unwrap();
    let client = client(&simulator);
    let address = |path: &str| format!("{}{path}", simulator.url());
    for wrong in [None, Some("guessed")] {
        let request = client.get(address("/api/os/info"));
        let request = if let Some(wrong) = wrong { request.basic_auth("tester", Some(wrong)) } else { request };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    }
    let ask = async |path: &str| -> Value {
        loop {
            let answer = client.get(address(path)).basic_auth("auto-tester", Some("a secret")).send().await.unwrap();
            // Before its first row the console has nothing to tell.
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                return serde_json::from_slice(&answer.error_for_status().unwrap().bytes().await.unwrap()).unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(ask("/api/os/machinename").await["ComputerName"], *simulator.device);
    assert_eq!(ask("/api/os/devicefamily").await["DeviceType"], "Windows.Xbox");
    let info = ask("/api/os/info").await;
    assert!(info["OsVersion"].as_str().unwrap().starts_with("10.0.") && info["OsEditionId"].is_u64(), "{info}");
    let now = tokio::time::timeout(PATIENCE * 3, ask("/api/resourcemanager/systemperf")).await.unwrap();
    assert!(now["CommittedPages"].as_u64().unwrap() > 500_000 && now["PageSize"] == 4096, "{now}");
    assert!(now["GPUData"]["AvailableAdapters"][0]["EnginesUtilization"][0].is_f64(), "{now}");
    assert!(now["NetworkingData"]["NetworkInBytes"].is_u64(), "{now}");
    assert_eq!(ask("/api/resourcemanager/processes").await["Processes"][2]["ImageName"], "Game.exe");
    assert_eq!(ask("/ext/settings").await["Settings"][3]["Name"], "TVResolution");
    assert_eq!(ask("/ext/settings/TVResolution").await["RequiresReboot"], "No");
}

#[tokio::test]
async fn another_consoles_certificate_is_not_this_ones() {
    let folder = tempfile::tempdir().unwrap();
    let one = Simulator::start(setup(1.0, Output::File(folder.path().join("one")))).await.unwrap();
    let other = Simulator::start(setup(1.0, Output::File(folder.path().join("other")))).await.unwrap();
    assert_ne!(one.pin, other.pin);
    let refused = client(&other).get(format!("{}/api/os/info", one.url())).send().await;
    assert!(refused.unwrap_err().is_connect());
}

#[tokio::test]
async fn the_socket_pushes_what_the_device_tells_and_opens_for_no_other_origin() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(setup(20.0, Output::File(folder.path().join("game")))).await.unwrap();
    for origin in [None, Some("https://elsewhere.example".to_owned())] {
        let Err(Error::Http(refusal)) = open(&simulator, origin).await else { panic!("it opens") };
        assert_eq!(refusal.status().as_u16(), 403);
    }
    let mut socket = open(&simulator, Some(simulator.url())).await.unwrap();
    let rows: Vec<f64> =
        told(&simulator.device, "CpuLoad").iter().flat_map(|it| it.rows.clone()).filter_map(|row| row.1[2]).collect();
    let mut place = 0;
    for _ in 0..20 {
        let Message::Text(text) = tokio::time::timeout(PATIENCE * 3, socket.next()).await.unwrap().unwrap().unwrap()
        else {
            continue;
        };
        let pages = serde_json::from_str::<Value>(&text).unwrap()["CommittedPages"].as_f64().unwrap();
        let found = rows.iter().skip(place).position(|it| *it == pages || pages == 0.0);
        place += found.expect("it is one of the trace's, and later than those before") + 1;
    }
}

#[tokio::test]
async fn the_game_tells_every_frame_once_in_order_and_build_and_scene_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("game");
    let mut simulator = Simulator::start(setup(FAST, Output::File(file.clone()))).await.unwrap();
    let played = tokio::time::timeout(PATIENCE * 3, simulator.played()).await.unwrap().unwrap();
    let lines = lines(&file);
    assert_eq!(lines.len() as u64, played.lines);
    let times: Vec<&Value> = lines.iter().filter_map(|line| line["metrics"].get("FrameTime")).collect();
    let frames = told(&simulator.device, "FrameTime");
    let wanted: Vec<f64> = frames.iter().flat_map(|it| it.rows.clone()).filter_map(|row| row.1[0]).collect();
    assert_eq!(times.iter().filter_map(|it| it.as_f64()).collect::<Vec<_>>(), wanted);
    let scenes: Vec<&str> = lines.iter().filter_map(|line| line.get("scene")?.as_str()).collect();
    assert!(scenes.len() > 10 && scenes.windows(2).all(|two| two[0] != two[1]), "{scenes:?}");
    let moments: Vec<i64> = lines.iter().map(|line| line["time"].as_i64().unwrap()).collect();
    assert!(moments.is_sorted());
    assert!(lines.iter().any(|line| line["metrics"].get("GPUTemperature").is_some()));
}
