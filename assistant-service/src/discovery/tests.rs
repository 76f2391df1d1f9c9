use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tower::ServiceExt;

use super::answers::{Podman, routes};
use super::shown;

/// A container as Podman shows it, with these labels besides those that it needs to be found, and its port bound so.
fn inspected(labels: &[(&str, &str)], host_address: &str) -> Value {
    let mut all: BTreeMap<&str, &str> = BTreeMap::from([
        ("traefik.enable", "true"),
        ("traefik.http.services.reports.loadbalancer.server.port", "8085"),
    ]);
    all.extend(labels.iter().copied());
    json!({
        "Id": "4f", "Name": "/reports-1", "Args": ["--password", "hunter2"], "Path": "/reports",
        "State": {"Status": "running", "Health": {"Status": "healthy", "Log": [{"Output": "secret"}]}},
        "Config": {"Labels": all, "Env": ["PASSWORD=hunter2"]},
        "HostConfig": {"NetworkMode": "slirp4netns", "Binds": ["/etc/secret:/secret"]},
        "NetworkSettings": {
            "Ports": {"8085/tcp": [{"HostIp": host_address, "HostPort": "41234"}], "9000/tcp": null},
            "Networks": {"mine": {"IPAddress": "169.254.169.254"}},
        },
    })
}

#[test]
fn of_a_container_nothing_is_shown_but_where_it_serves_and_how_it_is() {
    let shown = shown::container(&inspected(&[("com.example.owner", "red")], "127.0.0.1")).unwrap();
    assert_eq!(
        shown,
        json!({
            "Id": "4f", "Name": "/reports-1",
            "State": {"Status": "running", "Running": true, "Health": {"Status": "healthy"}},
            "Config": {"Labels": {
                "traefik.enable": "true", "traefik.http.services.reports.loadbalancer.server.port": "8085",
            }},
            "HostConfig": {"NetworkMode": "bridge"},
            "NetworkSettings": {"Ports": {"8085/tcp": [{"HostIp": "127.0.0.1", "HostPort": "41234"}]}, "Networks": {}},
        })
    );
}

#[test]
fn labels_that_could_lead_past_the_gate_are_not_shown() {
    for (name, value) in [
        ("traefik.http.routers.mine.rule", "PathPrefix(`/`)"),
        ("traefik.HTTP.Routers.mine.rule", "PathPrefix(`/`)"),
        ("traefik.http.routers.mine.priority", "1000000"),
        ("traefik.http.routers.mine.service", "assistant-service@file"),
        ("traefik.http.middlewares.gate.plugin.watchgate.rules[0].public", "true"),
        ("traefik.http.serversTransports.mine.insecureSkipVerify", "true"),
        ("traefik.tcp.routers.mine.rule", "HostSNI(`*`)"),
        ("traefik.tcp.services.mine.loadbalancer.server.port", "8085"),
        ("traefik.udp.routers.mine.entrypoints", "websecure"),
        ("traefik.tls.stores.default.defaultgeneratedcert.resolver", "mine"),
        ("traefik.docker.network", "host"),
        ("traefik.http.services.mine.loadbalancer.server.url", "http://169.254.169.254/"),
        ("traefik.http.services.mine.loadbalancer.servers[0].url", "http://169.254.169.254/"),
        ("traefik.http.services.mine.weighted.services[0].name", "assistant-service@file"),
        ("traefik.http.services.mine.mirroring.service", "assistant-service@file"),
        ("traefik.http.services.mine.loadbalancer.healthcheck.path", "http://169.254.169.254/latest"),
        ("traefik.http.services.mine.loadbalancer.healthcheck.path", "//169.254.169.254/latest"),
        ("traefik.http.services.mine.loadbalancer.healthcheck.path", "/\\169.254.169.254/latest"),
        ("traefik.http.services.mine.loadbalancer.healthcheck.port", "22"),
        ("traefik.http.services.mine.loadbalancer.healthcheck.hostname", "other"),
        ("traefik.http.services.mine.loadbalancer.healthcheck.headers.Txn-Token", "x"),
        ("traefik.http.services.mine.loadbalancer.serverstransport", "mine@docker"),
        ("traefik.http.services.mine.loadbalancer.serverstransport", "mine"),
        ("traefik.http.services.mine.loadbalancer.sticky.cookie.name", "x"),
        ("traefik.http.services.mine.loadbalancer.server.port", "8085/../"),
        ("traefik.http.services.mine@file.loadbalancer.server.port", "8085"),
    ] {
        let shown = shown::container(&inspected(&[(name, value)], "127.0.0.1")).unwrap();
        let labels = shown["Config"]["Labels"].as_object().unwrap();
        assert!(!labels.contains_key(name), "{name}={value}");
        assert_eq!(labels.len(), 2, "{labels:?}");
    }
}

#[test]
fn labels_of_a_service_are_shown() {
    for (option, value) in [
        ("server.scheme", "https"),
        ("serversTransport", "assistant-service@file"),
        ("healthCheck.path", "/readyz"),
        ("healthCheck.interval", "1s"),
        ("healthCheck.timeout", "900ms"),
    ] {
        let name = format!("traefik.http.services.reports.loadBalancer.{option}");
        let shown = shown::container(&inspected(&[(&name, value)], "127.0.0.1")).unwrap();
        assert_eq!(shown["Config"]["Labels"][&name], value);
    }
}

#[test]
fn whoever_does_not_ask_for_it_or_listens_to_other_hosts_is_not_shown() {
    assert!(shown::container(&inspected(&[], "127.0.0.1")).is_some());
    assert!(shown::container(&inspected(&[], "::1")).is_some());
    for enabled in ["false", "TRUE", "1", ""] {
        assert!(shown::container(&inspected(&[("traefik.enable", enabled)], "127.0.0.1")).is_none(), "{enabled}");
    }
    for address in ["", "0.0.0.0", "::", "169.254.169.254", "10.0.0.1", "localhost"] {
        assert!(shown::container(&inspected(&[], address)).is_none(), "{address}");
    }
    let mut without_service = inspected(&[("traefik.http.routers.mine.rule", "PathPrefix(`/`)")], "127.0.0.1");
    let labels = without_service["Config"]["Labels"].as_object_mut().unwrap();
    labels.remove("traefik.http.services.reports.loadbalancer.server.port");
    assert!(shown::container(&without_service).is_none());
}

#[test]
fn of_events_nothing_is_told_but_that_there_was_one() {
    let told = json!({"Type": "container", "Action": "die", "status": "die", "id": "4f", "from": "localhost/secret", "time": 3,
        "timeNano": 3_000_000_000_u64, "Actor": {"ID": "4f", "Attributes": {"name": "x", "password": "hunter2"}}});
    let shown = shown::event(&told).unwrap();
    assert_eq!((&shown["Action"], &shown["Actor"]["ID"], &shown["time"]), (&json!("die"), &json!("4f"), &json!(3)));
    assert!(!shown.to_string().contains("secret") && !shown.to_string().contains("hunter2"), "{shown}");
    assert!(shown::event(&json!({"Type": "image", "Action": "pull", "Actor": {"ID": "4f"}})).is_none());
}

/// A Podman that says where it was asked, and has one container that is shown and one that is not.
async fn asked(method: Method, path: &str) -> (StatusCode, String) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("podman.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let podman = Router::new().fallback(async |request: Request| {
        let hidden = inspected(&[("traefik.enable", "false")], "127.0.0.1");
        let labels = |container: &Value| container["Config"]["Labels"].clone();
        let event = json!({"Type": "container", "Action": "start", "Actor": {"ID": "4f"}, "status": "start"});
        match request.uri().path() {
            "/_ping" => (StatusCode::OK, "OK".to_owned()),
            "/v1.40/containers/json" => {
                let shown = inspected(&[], "127.0.0.1");
                let all = json!([{"Id": "4f", "Labels": labels(&shown), "Command": "x"}, {"Id": "5a", "Labels": labels(&hidden)}]);
                (StatusCode::OK, all.to_string())
            }
            "/v1.40/containers/4f/json" => (StatusCode::OK, inspected(&[], "127.0.0.1").to_string()),
            "/v1.40/containers/5a/json" => (StatusCode::OK, hidden.to_string()),
            "/v1.40/events" => (StatusCode::OK, format!("{event}\n{event}\nnonsense\n{event}")),
            "/v1.40/version" => (StatusCode::OK, json!({"ApiVersion": "1.41", "Components": []}).to_string()),
            _ => (StatusCode::NOT_FOUND, "{}".to_owned()),
        }
    });
    tokio::spawn(async move { axum::serve(listener, podman).await });
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let answer = routes(Podman::at(&socket).unwrap()).oneshot(request).await.unwrap();
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn traefiks_questions_are_answered_with_and_without_a_version() {
    for prefix in ["", "/v1.24", "/v1.54"] {
        let get = async |path: &str| asked(Method::GET, &format!("{prefix}{path}")).await;
        assert_eq!(get("/_ping").await, (StatusCode::OK, "OK".to_owned()));
        assert!(get("/version").await.1.contains(r#""ApiVersion":"1.41""#));
        assert_eq!(get("/containers/json?all=1").await, (StatusCode::OK, r#"[{"Id":"4f"}]"#.to_owned()));
        assert!(get("/containers/4f/json").await.1.contains(r#""HostPort":"41234""#));
        assert_eq!(get("/containers/5a/json").await.0, StatusCode::NOT_FOUND);
        let (status, events) = get("/events").await;
        // The last line has no end yet.
        assert_eq!((status, events.lines().count()), (StatusCode::OK, 2), "{events}");
    }
    assert_eq!(asked(Method::HEAD, "/_ping").await.0, StatusCode::OK);
}

#[tokio::test]
async fn nothing_else_can_be_asked_for_or_done() {
    for (method, path) in [
        (Method::POST, "/v1.41/containers/create"),
        (Method::POST, "/containers/4f/start"),
        (Method::POST, "/containers/4f/exec"),
        (Method::DELETE, "/containers/4f"),
        (Method::POST, "/containers/json"),
        (Method::GET, "/containers/4f/archive?path=/"),
        (Method::GET, "/containers/4f/logs"),
        (Method::GET, "/containers/..%2f..%2fv4.0.0%2flibpod%2fsecrets/json"),
        (Method::GET, "/containers/web/json"),
        (Method::GET, "/v4.0.0/libpod/containers/json"),
        (Method::GET, "/images/json"),
        (Method::GET, "/info"),
        (Method::POST, "/build"),
    ] {
        let (status, body) = asked(method.clone(), path).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}: {body}");
    }
}

#[tokio::test]
async fn a_socket_that_is_left_is_taken_over_and_one_that_is_answered_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("containers.sock");
    let first = super::listen(&at).unwrap();
    assert!(super::listen(&at).unwrap_err().to_string().contains("somebody answers"));
    drop(first);
    assert!(super::listen(&at).is_ok());
    let file = folder.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    assert!(super::listen(&file).is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
}
