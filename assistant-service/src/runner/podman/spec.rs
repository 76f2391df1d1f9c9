//! How a container is to be made that is like another one: what is copied stands here, and a container that has more is
//! not copied at all, rather than in part.
//!
//! Copied are command, entry point, environment, labels, user, working directory, mounts and named volumes, published
//! ports, networks, pod, restart policy, health check, capabilities, a read-only root, and bounds of memory and processors.

use serde_json::{Map, Value, json};

use super::container::Container;
use crate::runner::step::StepFailure;

/// Set by Podman itself in every container, whatever is asked for.
const PODMANS_OWN: [&str; 2] = ["container=", "HOSTNAME="];
/// Set by Podman itself where nobody has said otherwise.
const UNLESS_ASKED: [&str; 4] =
    ["TERM=xterm", "HOME=/", "HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];

/// The specification of a container like this one, of another image and name; `old_image` is what Podman shows of the
/// image it has, for what comes from there is left to the new one.
pub(super) fn like(container: &Container, old_image: &Value, image: &str, name: &str) -> Result<Value, StepFailure> {
    let shown = &container.shown;
    let at = |pointer: &str| shown.pointer(pointer).cloned().unwrap_or_default();
    refuse_more(shown)?;
    let mut spec = Map::new();
    let mut set = |member: &str, value: Value| {
        if is_set(Some(&value)) {
            spec.insert(member.to_owned(), value);
        }
    };
    set("name", json!(name));
    set("image", json!(image));
    set("command", unless_same(at("/Config/Cmd"), old_image.pointer("/Config/Cmd")));
    set("entrypoint", entry_point(&at("/Config/Entrypoint"), old_image.pointer("/Config/Entrypoint"))?);
    set("user", unless_same(at("/Config/User"), old_image.pointer("/Config/User")));
    let folder = at("/Config/WorkingDir");
    let is_root = folder == "/" && !is_set(old_image.pointer("/Config/WorkingDir"));
    set("work_dir", if is_root { Value::Null } else { unless_same(folder, old_image.pointer("/Config/WorkingDir")) });
    set("env", environment(&at("/Config/Env"), &old_image.pointer("/Config/Env").cloned().unwrap_or_default()));
    set("labels", labels(&at("/Config/Labels"), old_image.pointer("/Config/Labels").or(old_image.get("Labels"))));
    set("terminal", at("/Config/Tty"));
    set(
        "healthconfig",
        unless_same(at("/Config/Healthcheck"), old_image.get("Healthcheck").or(old_image.get("HealthCheck"))),
    );
    set("restart_policy", at("/HostConfig/RestartPolicy/Name"));
    set("restart_tries", at("/HostConfig/RestartPolicy/MaximumRetryCount"));
    set("cap_add", at("/HostConfig/CapAdd"));
    set("cap_drop", at("/HostConfig/CapDrop"));
    set("read_only_filesystem", at("/HostConfig/ReadonlyRootfs"));
    set("resource_limits", limits(shown));
    let (mounts, volumes) = mounts(&at("/Mounts"))?;
    set("mounts", mounts);
    set("volumes", volumes);
    match shown.get("Pod").and_then(Value::as_str).filter(|pod| !pod.is_empty()) {
        Some(pod) => set("pod", json!(pod)),
        None => {
            let (mode, networks) = network(shown)?;
            set("netns", mode);
            set("networks", networks);
            set("portmappings", ports(&at("/HostConfig/PortBindings"))?);
        }
    }
    Ok(Value::Object(spec))
}

/// Whether it holds something that no second one could hold beside it: a place on the host's ports or in its pod's.
pub(super) fn is_exclusive(container: &Container) -> bool {
    let shown = &container.shown;
    let in_pod = shown.get("Pod").and_then(Value::as_str).is_some_and(|pod| !pod.is_empty());
    let ports = shown.pointer("/HostConfig/PortBindings").and_then(Value::as_object);
    let on_host = shown.pointer("/HostConfig/NetworkMode").and_then(Value::as_str) == Some("host");
    in_pod || on_host || ports.is_some_and(|ports| !ports.is_empty())
}

fn refuse_more(shown: &Value) -> Result<(), StepFailure> {
    let in_pod = is_set(shown.get("Pod"));
    for (pointer, what) in [
        ("/HostConfig/Privileged", "is privileged"),
        ("/HostConfig/Devices", "has devices"),
        ("/HostConfig/SecurityOpt", "has security options"),
        ("/HostConfig/UsernsMode", "has a user namespace of its own kind"),
        ("/HostConfig/Tmpfs", "has temporary file systems"),
        ("/HostConfig/ExtraHosts", "has host names of its own"),
        ("/HostConfig/Dns", "has name servers of its own"),
        ("/HostConfig/GroupAdd", "has further groups"),
        ("/HostConfig/VolumesFrom", "has the volumes of another container"),
        ("/HostConfig/AutoRemove", "goes away when it ends"),
        ("/HostConfig/PublishAllPorts", "publishes ports that nobody named"),
        ("/HostConfig/CgroupParent", "has a control group of its own"),
        ("/HostConfig/CpusetCpus", "has processors of its own"),
        ("/HostConfig/CpuShares", "has a share of the processors"),
        ("/HostConfig/OomScoreAdj", "has a place of its own in the order in which memory is taken back"),
        ("/Config/Secrets", "has secrets"),
        ("/Dependencies", "needs other containers"),
    ] {
        // A container in a pod needs its pod's first one.
        if is_set(shown.pointer(pointer)) && !(in_pod && pointer == "/Dependencies") {
            return Err(StepFailure::Refused(format!("the container {what}, and the runner does not copy that")));
        }
    }
    for mode in ["/HostConfig/PidMode", "/HostConfig/IpcMode", "/HostConfig/UTSMode", "/HostConfig/CgroupMode"] {
        let mode = shown.pointer(mode).and_then(Value::as_str).unwrap_or_default();
        if !in_pod && !matches!(mode, "" | "private" | "shareable" | "default") {
            let detail = format!("the container shares a namespace ({mode}), and the runner does not copy that");
            return Err(StepFailure::Refused(detail));
        }
    }
    Ok(())
}

/// Whether it says anything: Podman shows what is not there as an empty one of its kind.
fn is_set(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(value)) => *value,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
    }
}

fn unless_same(value: Value, image: Option<&Value>) -> Value {
    if Some(&value) == image { Value::Null } else { value }
}

/// Podman 4 shows the words of an entry point as one text, in which a space may be one or not.
fn entry_point(shown: &Value, image: Option<&Value>) -> Result<Value, StepFailure> {
    let words = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let of_image = image.map(words).unwrap_or_default();
    match shown {
        Value::String(text) if *text == of_image.join(" ") => Ok(Value::Null),
        Value::String(text) if text.contains(char::is_whitespace) => Err(StepFailure::Refused(
            "the container has an entry point of several words that its image has not, and the runner does not copy that".to_owned(),
        )),
        Value::String(text) if text.is_empty() => Ok(Value::Null),
        Value::String(text) => Ok(json!([text])),
        other if words(other) == of_image => Ok(Value::Null),
        other => Ok(other.clone()),
    }
}

fn environment(shown: &Value, image: &Value) -> Value {
    let of_image: Vec<_> = image.as_array().into_iter().flatten().collect();
    let own = shown.as_array().into_iter().flatten().filter(|variable| !of_image.contains(variable));
    let own = own.filter_map(Value::as_str);
    let own = own.filter(|variable| !PODMANS_OWN.iter().any(|start| variable.starts_with(start)));
    let pairs = own.filter(|variable| !UNLESS_ASKED.contains(variable)).filter_map(|variable| variable.split_once('='));
    Value::Object(pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect())
}

fn labels(shown: &Value, image: Option<&Value>) -> Value {
    let own = shown.as_object().into_iter().flatten();
    let own = own.filter(|(name, value)| image.and_then(|image| image.get(name.as_str())) != Some(*value));
    Value::Object(own.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn limits(shown: &Value) -> Value {
    let number = |pointer: &str| shown.pointer(pointer).and_then(Value::as_i64).filter(|number| *number > 0);
    let mut limits = Map::new();
    if let Some(memory) = number("/HostConfig/Memory") {
        limits.insert("memory".to_owned(), json!({"limit": memory}));
    }
    if let (Some(quota), Some(period)) = (number("/HostConfig/CpuQuota"), number("/HostConfig/CpuPeriod")) {
        limits.insert("cpu".to_owned(), json!({"quota": quota, "period": period}));
    }
    Value::Object(limits)
}

fn mounts(shown: &Value) -> Result<(Value, Value), StepFailure> {
    let (mut mounts, mut volumes) = (Vec::new(), Vec::new());
    for mount in shown.as_array().into_iter().flatten() {
        let text = |member: &str| mount.get(member).and_then(Value::as_str).unwrap_or_default();
        let mut options = mount.get("Options").and_then(Value::as_array).cloned().unwrap_or_default();
        if mount.get("RW") == Some(&Value::Bool(false)) {
            options.push(json!("ro"));
        }
        match text("Type") {
            "bind" => mounts.push(json!({
                "type": "bind", "source": text("Source"), "destination": text("Destination"), "options": options,
            })),
            "volume" => volumes.push(json!({"Name": text("Name"), "Dest": text("Destination"), "Options": options})),
            other => {
                let detail =
                    format!("the container has a mount of the kind {other:?}, and the runner does not copy that");
                return Err(StepFailure::Refused(detail));
            }
        }
    }
    Ok((Value::Array(mounts), Value::Array(volumes)))
}

fn network(shown: &Value) -> Result<(Value, Value), StepFailure> {
    let mode = shown.pointer("/HostConfig/NetworkMode").and_then(Value::as_str).unwrap_or_default();
    match mode {
        "" => Ok((Value::Null, Value::Null)),
        "none" | "host" | "slirp4netns" | "pasta" | "private" => Ok((json!({"nsmode": mode}), Value::Null)),
        "bridge" => {
            let networks = shown.pointer("/NetworkSettings/Networks").and_then(Value::as_object);
            let names = networks.into_iter().flatten().map(|(name, _)| (name.clone(), json!({})));
            Ok((json!({"nsmode": "bridge"}), Value::Object(names.collect())))
        }
        other => Err(StepFailure::Refused(format!(
            "the container's network is {other:?}, and the runner does not copy that"
        ))),
    }
}

/// `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}`.
fn ports(shown: &Value) -> Result<Value, StepFailure> {
    let unclear =
        || StepFailure::Refused("the container publishes ports in a way that the runner does not know".to_owned());
    let mut ports = Vec::new();
    for (port, places) in shown.as_object().into_iter().flatten() {
        let (number, protocol) = port.split_once('/').ok_or_else(unclear)?;
        let number: u16 = number.parse().map_err(|_| unclear())?;
        for place in places.as_array().into_iter().flatten() {
            let host_port: u16 =
                place.get("HostPort").and_then(Value::as_str).and_then(|port| port.parse().ok()).ok_or_else(unclear)?;
            let host_ip = place.get("HostIp").and_then(Value::as_str).unwrap_or_default();
            ports.push(
                json!({"container_port": number, "host_port": host_port, "host_ip": host_ip, "protocol": protocol}),
            );
        }
    }
    Ok(Value::Array(ports))
}
