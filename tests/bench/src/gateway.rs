//! Traefik with the routes to compare, each on an entry point of its own; started fresh, killed when dropped.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use programs::guardian::Guardian;
use programs::process::{Process, tail};
use programs::{artifacts, ports};
use serde_json::{Value, json};

use crate::gate;
use crate::issuer::Issuer;
use crate::paced;
use crate::requests::request;
use crate::route::{Route, Wasm};

/// Compiling a wasm module takes a second or two for each route.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What all gateways of a run have in common.
pub(crate) struct Surroundings<'a> {
    pub(crate) issuer: &'a Issuer,
    pub(crate) good_token: &'a str,
    pub(crate) back_end_url: String,
    pub(crate) forward_auth_url: String,
    /// What the gate does to headers, for those who do the same; an empty value takes a header away.
    pub(crate) header_changes: Vec<(String, String)>,
    pub(crate) guardian: Arc<Guardian>,
    /// Every gateway works in a folder of its own in here.
    pub(crate) folder: PathBuf,
    pub(crate) serves_profiles: bool,
}

/// A running Traefik.
pub(crate) struct Gateway {
    pub(crate) process: Process,
    folder: PathBuf,
    ports: BTreeMap<Route, u16>,
    profiles_port: u16,
}

impl Gateway {
    /// Starts Traefik with these routes, and waits until each of them answers.
    pub(crate) fn start(surroundings: &Surroundings<'_>, routes: &[Route]) -> Result<Gateway> {
        let folder = tempfile::Builder::new().prefix("traefik-").tempdir_in(&surroundings.folder)?.keep();
        let mut entry_points = BTreeMap::new();
        for route in routes {
            entry_points.insert(*route, ports::free()?);
        }
        let profiles_port = ports::free()?;
        for route in routes {
            if let Some(wasm) = route.wasm() {
                lay_out_plugin(surroundings, &folder, *route, wasm)?;
            }
        }
        write_json(&folder.join("traefik.yml"), &static_file(&folder, &entry_points, surroundings, profiles_port))?;
        write_json(&folder.join("dynamic.yml"), &dynamic_file(routes, surroundings)?)?;
        let mut command = Command::new(artifacts::traefik()?);
        command.arg("--configFile=traefik.yml").current_dir(&folder);
        let mut process = Process::start(&mut command, &folder.join("traefik.log"), &surroundings.guardian)?;
        for (route, port) in &entry_points {
            wait_until_it_answers(&mut process, *route, *port, surroundings.good_token)?;
        }
        Ok(Gateway { process, folder, ports: entry_points, profiles_port })
    }

    pub(crate) fn port(&self, route: Route) -> Result<u16> {
        self.ports.get(&route).copied().with_context(|| format!("this gateway has no route {}", route.name()))
    }

    pub(crate) fn serves(&self, route: Route) -> bool {
        self.ports.contains_key(&route)
    }

    /// What a route's plugin finds as `/trust`.
    pub(crate) fn trust(&self, route: Route) -> PathBuf {
        self.folder.join(route.name()).join("trust")
    }

    /// Where Go's profiles are served.
    pub(crate) fn profiles_port(&self) -> u16 {
        self.profiles_port
    }

    /// What Traefik wrote: nothing, where nothing went wrong.
    pub(crate) fn log(&self) -> String {
        tail(&self.process.log())
    }
}

fn lay_out_plugin(surroundings: &Surroundings<'_>, folder: &Path, route: Route, wasm: Wasm) -> Result<()> {
    let plugin = folder.join("plugins-local/src").join(module_name(route));
    fs::create_dir_all(&plugin)?;
    let wasm = match wasm {
        Wasm::Gate => artifacts::plugin()?.join("plugin.wasm"),
        Wasm::Guest(name) => guest(name)?,
    };
    fs::copy(&wasm, plugin.join("plugin.wasm")).with_context(|| format!("{} cannot be copied", wasm.display()))?;
    let manifest = json!({
        "displayName": route.name(), "type": "middleware", "runtime": "wasm", "wasmPath": "plugin.wasm",
        "import": module_name(route), "summary": "one of the bench's routes", "testData": {"unused": "unused"},
    });
    write_json(&plugin.join(".traefik.yml"), &manifest)?;
    gate::write_trust(&folder.join(route.name()).join("trust"), surroundings.issuer)?;
    fs::create_dir_all(folder.join(route.name()).join("gate"))?;
    Ok(())
}

/// A guest of the bench's own, where `make bench-gate` leaves it.
fn guest(name: &str) -> Result<PathBuf> {
    let path = artifacts::root().join(format!("target/wasm32-wasip1/wasm/{name}-guest.lowered.wasm"));
    ensure!(path.exists(), "{} is missing: run `make bench-guests`", path.display());
    Ok(path)
}

/// Traefik takes a module only once, so each route has a copy under a name of its own, and with it files of its own.
fn module_name(route: Route) -> String {
    format!("github.com/watchgate/{}", route.name())
}

fn static_file(folder: &Path, ports: &BTreeMap<Route, u16>, surroundings: &Surroundings<'_>, profiles: u16) -> Value {
    let address = |port: u16| json!({"address": format!("127.0.0.1:{port}")});
    let mut entry_points: serde_json::Map<_, _> =
        ports.iter().map(|(route, port)| (route.name().to_owned(), address(*port))).collect();
    let plugins: serde_json::Map<_, _> = ports
        .keys()
        .filter(|route| route.wasm().is_some())
        .map(|route| {
            let mount = |name: &str, access: &str| {
                format!("{}:/{name}{access}", folder.join(route.name()).join(name).display())
            };
            let mounts = json!([mount("trust", ":ro"), mount("gate", "")]);
            (route.name().to_owned(), json!({"moduleName": module_name(*route), "settings": {"mounts": mounts}}))
        })
        .collect();
    let mut file = json!({
        "global": {"checkNewVersion": false, "sendAnonymousUsage": false},
        "log": {"level": "ERROR"},
        "providers": {"file": {"filename": "dynamic.yml", "watch": false}},
    });
    if !plugins.is_empty() {
        file["experimental"] = json!({"abortOnPluginFailure": true, "localPlugins": plugins});
    }
    if surroundings.serves_profiles {
        entry_points.insert("traefik".to_owned(), address(profiles));
        file["api"] = json!({"insecure": true, "debug": true, "dashboard": false});
    }
    file["entryPoints"] = Value::Object(entry_points);
    file
}

fn dynamic_file(routes: &[Route], surroundings: &Surroundings<'_>) -> Result<Value> {
    let (mut routers, mut middlewares) = (json!({}), json!({}));
    for route in routes {
        let name = route.name();
        routers[name] = json!({"entryPoints": [name], "rule": "PathPrefix(`/`)", "service": "back-end"});
        if let Some(middleware) = route.middleware(&surroundings.header_changes, &surroundings.forward_auth_url)? {
            middlewares[name] = middleware;
            routers[name]["middlewares"] = json!([name]);
        }
    }
    let services = json!({"back-end": {"loadBalancer": {"servers": [{"url": surroundings.back_end_url}]}}});
    let mut http = json!({"routers": routers, "services": services});
    if middlewares.as_object().is_some_and(|middlewares| !middlewares.is_empty()) {
        http["middlewares"] = middlewares;
    }
    Ok(json!({"http": http}))
}

/// JSON is YAML, with every string quoted.
fn write_json(path: &Path, value: &Value) -> Result<()> {
    fs::write(path, format!("{value:#}")).with_context(|| format!("{} cannot be written", path.display()))
}

fn wait_until_it_answers(process: &mut Process, route: Route, port: u16, token: &str) -> Result<()> {
    let began = Instant::now();
    loop {
        let asked = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .context("Traefik does not listen")
            .and_then(|mut stream| paced::exchange(&mut stream, &request(Some(token))));
        let Err(error) = asked else { return Ok(()) };
        if let Some(status) = process.ended() {
            bail!("Traefik ended ({status}):\n{}", tail(&process.log()));
        }
        if began.elapsed() > READY_WITHIN {
            let log = tail(&process.log());
            return Err(error.context(format!("{} did not answer in time; Traefik's log:\n{log}", route.name())));
        }
        thread::sleep(Duration::from_millis(20));
    }
}
