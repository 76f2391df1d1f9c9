//! What of a container is shown. Traefik takes routes, middlewares and addresses from labels, and with them whoever may start a container
//! could lead requests past the gate, take those of others, or have Traefik ask any address. What is left here says in which of
//! the services that the operator's routes name a container serves, and at which port of this host.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

/// One container, by the names that Docker gives its parts; nothing when it is not to be found. Its environment and command are not in it.
pub(super) fn container(inspected: &Value) -> Option<Value> {
    let labels = labels(inspected.pointer("/Config/Labels")?.as_object()?)?;
    let ports = ports(inspected.pointer("/NetworkSettings/Ports")?.as_object()?)?;
    let text = |pointer: &str| inspected.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let mut state = json!({"Status": text("/State/Status"), "Running": text("/State/Status") == "running"});
    let health = text("/State/Health/Status");
    if let Some(state) = state.as_object_mut().filter(|_| !health.is_empty()) {
        state.insert("Health".to_owned(), json!({"Status": health}));
    }
    Some(json!({
        "Id": text("/Id"),
        "Name": text("/Name"),
        "State": state,
        "Config": {"Labels": labels},
        "HostConfig": {"NetworkMode": "bridge"},
        // Without addresses of its own: those are its owner's choice, and Traefik would ask whoever has them on this host's networks.
        "NetworkSettings": {"Ports": ports, "Networks": {}},
    }))
}

/// One line of the list: Traefik asks for each container of it by its id.
pub(super) fn listed(container: &Value) -> Option<Value> {
    labels(container.get("Labels")?.as_object()?)?;
    Some(json!({"Id": container.get("Id")?}))
}

/// That something happened to some container: Traefik then asks what there is.
pub(super) fn event(event: &Value) -> Option<Value> {
    let told = |name: &str| event.get(name).cloned().unwrap_or_default();
    let id = event.pointer("/Actor/ID").cloned().unwrap_or_default();
    (event.get("Type")? == "container").then(|| {
        json!({"Type": "container", "Action": told("Action"), "status": told("status"), "id": id,
            "Actor": {"ID": id, "Attributes": {}}, "time": told("time"), "timeNano": told("timeNano")})
    })
}

fn labels(all: &Map<String, Value>) -> Option<Map<String, Value>> {
    if all.get("traefik.enable").and_then(Value::as_str) != Some("true") {
        return None;
    }
    let shown = all.iter().filter(|(name, value)| value.as_str().is_some_and(|value| is_of_a_service(name, value)));
    let mut shown: Map<_, _> = shown.map(|(name, value)| (name.clone(), value.clone())).collect();
    // Without a service of its own a container would be one that Traefik names after it.
    if shown.is_empty() {
        return None;
    }
    shown.insert("traefik.enable".to_owned(), json!("true"));
    Some(shown)
}

/// Whether a label says where a service's server is and how it is asked whether it is well. Names are compared as Traefik does: in any case.
fn is_of_a_service(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let Some((service, option)) = name.strip_prefix("traefik.http.services.").and_then(|rest| rest.split_once('.'))
    else {
        return false;
    };
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if service.is_empty() || !is_plain(service) {
        return false;
    }
    match option {
        "loadbalancer.server.port" => value.parse::<u16>().is_ok(),
        "loadbalancer.server.scheme" => matches!(value, "http" | "https" | "h2c"),
        // One that the operator has written, never one that stands in labels.
        "loadbalancer.serverstransport" => value.strip_suffix("@file").is_some_and(is_plain),
        // Traefik takes it as a reference: `//elsewhere/` and `http://elsewhere/` would be another host.
        "loadbalancer.healthcheck.path" => value.starts_with('/') && !value.starts_with("//") && !value.contains('\\'),
        "loadbalancer.healthcheck.interval"
        | "loadbalancer.healthcheck.unhealthyinterval"
        | "loadbalancer.healthcheck.timeout" => is_plain(value),
        _ => false,
    }
}

/// The ports that are published on this host alone; nothing when there are none.
fn ports(all: &Map<String, Value>) -> Option<Map<String, Value>> {
    let is_here = |binding: &Value| {
        let address = binding.get("HostIp").and_then(Value::as_str).and_then(|address| address.parse::<IpAddr>().ok());
        address.is_some_and(|address| address.is_loopback())
    };
    let mut shown = Map::new();
    for (port, bindings) in all {
        let here: Vec<_> =
            bindings.as_array().into_iter().flatten().filter(|binding| is_here(binding)).cloned().collect();
        if !here.is_empty() {
            shown.insert(port.clone(), here.into());
        }
    }
    (!shown.is_empty()).then_some(shown)
}
