//! A Podman that keeps its containers in a list, behind a real socket.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, StatusCode, Uri};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::net::UnixListener;

#[derive(Clone)]
pub(super) struct Fake {
    pub(super) containers: Arc<Mutex<Vec<Value>>>,
    pub(super) asked: Arc<Mutex<Vec<String>>>,
    /// What a health check says.
    pub(super) health: Arc<Mutex<&'static str>>,
}

impl Fake {
    pub(super) fn listen(socket: &std::path::Path) -> Self {
        let this = Self { containers: Arc::default(), asked: Arc::default(), health: Arc::new(Mutex::new("healthy")) };
        let listener = UnixListener::bind(socket).unwrap();
        let fake = this.clone();
        let answer = move |method: Method, uri: Uri, body: Bytes| {
            let fake = fake.clone();
            async move {
                let (status, answer) = fake.answer(&method, &uri, &body);
                let status = StatusCode::from_u16(status).unwrap();
                (status, if answer.is_null() { Vec::new() } else { answer.to_string().into_bytes() }).into_response()
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        this
    }

    /// A container as Podman shows it, with these members instead of its own.
    pub(super) fn add(&self, name: &str, image: &str, members: Value) {
        let mut shown = json!({
            "Id": format!("{name}0123456789abcdef"), "Name": name, "Image": "sha-old", "ImageName": image, "Pod": "",
            "Created": format!("2026-01-01T00:00:{:02}Z", self.containers.lock().unwrap().len()),
            "State": {"Running": true, "Status": "running", "StartedAt": "2026-01-01T00:00:00Z"},
            "Config": {"Cmd": ["serve"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=x", "MODE=fast", "OF_IMAGE=1"], "Labels": {"team": "a"}},
            "HostConfig": {"NetworkMode": "bridge", "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}},
            "NetworkSettings": {"Networks": {"podman": {}}},
            "Mounts": [{"Type": "volume", "Name": "data", "Destination": "/data", "RW": true, "Options": ["nosuid"]}],
        });
        for (member, value) in members.as_object().unwrap() {
            shown[member] = value.clone();
        }
        self.containers.lock().unwrap().push(shown);
    }

    /// Names, whether they run, and of which image, by name.
    pub(super) fn list(&self) -> Vec<(String, bool, String)> {
        let containers = self.containers.lock().unwrap();
        let text = |shown: &Value, member: &str| shown[member].as_str().unwrap().to_owned();
        let mut list: Vec<_> = containers
            .iter()
            .map(|shown| (text(shown, "Name"), shown["State"]["Running"] == true, text(shown, "ImageName")))
            .collect();
        list.sort();
        list
    }

    pub(super) fn changes(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().filter(|asked| !asked.starts_with("GET")).cloned().collect()
    }

    fn answer(&self, method: &Method, uri: &Uri, body: &[u8]) -> (u16, Value) {
        self.asked.lock().unwrap().push(format!("{method} {uri}"));
        let path = uri.path().strip_prefix("/v4.0.0/libpod/").unwrap().to_owned();
        let parts: Vec<_> = path.split('/').collect();
        let mut containers = self.containers.lock().unwrap();
        let missing = (404, json!({"message": "no such thing"}));
        match (method.as_str(), &parts[..]) {
            ("GET", ["images", image, "json"]) if image.contains("gone") => missing,
            ("GET", ["images", ..]) => (200, json!({"Config": {"Cmd": ["serve"], "Env": ["OF_IMAGE=1"]}})),
            ("GET", ["pods", pod, "json"]) => {
                let of_pod = containers.iter().filter(|shown| shown["Pod"] == *pod);
                (200, json!({"Containers": of_pod.map(|shown| json!({"Id": shown["Id"]})).collect::<Vec<_>>()}))
            }
            ("POST", ["containers", "create"]) => {
                drop(containers);
                let spec: Value = serde_json::from_slice(body).unwrap();
                let health = spec.get("healthconfig").cloned().unwrap_or_default();
                let pod = spec.get("pod").cloned().unwrap_or(json!(""));
                let name = spec["name"].as_str().unwrap();
                let stopped = json!({"Running": false, "Status": "created", "StartedAt": ""});
                let config = json!({"Cmd": ["serve"], "Healthcheck": health});
                self.add(
                    name,
                    spec["image"].as_str().unwrap(),
                    json!({"State": stopped, "Pod": pod, "Config": config, "Spec": spec}),
                );
                (201, json!({"Id": format!("{name}0123456789abcdef")}))
            }
            (_, ["containers", name, rest @ ..]) => {
                let found = containers.iter().position(|shown| shown["Name"] == *name || shown["Id"] == *name);
                let Some(index) = found else { return missing };
                let shown = &mut containers[index];
                let running = json!({"Running": true, "Status": "running", "StartedAt": "2026-02-02T00:00:00Z"});
                match (method.as_str(), rest) {
                    ("GET", ["json"]) => return (200, shown.clone()),
                    ("GET", ["healthcheck"]) => return (200, json!({"Status": *self.health.lock().unwrap()})),
                    ("POST", ["restart" | "start"]) => shown["State"] = running,
                    ("POST", ["stop"]) => shown["State"]["Running"] = json!(false),
                    ("POST", ["rename"]) => shown["Name"] = json!(uri.query().unwrap().strip_prefix("name=").unwrap()),
                    ("DELETE", []) => drop(containers.remove(index)),
                    other => panic!("{other:?}"),
                }
                (204, Value::Null)
            }
            other => panic!("{other:?}"),
        }
    }
}
