//! A Traefik with one middleware between it and the back end, whose configuration is rewritten while it runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use programs::guardian::Guardian;
use programs::process::{Process, tail};
use programs::{artifacts, ports};
use serde_json::{Value, json};
use trust_core::gate::GATE_KEY_FILE;
use trust_core::gate_key::GateKeys;

use crate::connection::Connection;
use crate::issuer::{Generation, HOST, ISSUER};

/// Compiling a wasm module takes a second or two.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// By this header an answer says which configuration it was made under.
const CONFIGURATION: &str = "x-configuration";

/// What all Traefiks of a run have in common.
pub(crate) struct Surroundings {
    /// Holds `trust` and `gate`, which both gates mount.
    pub(crate) folder: PathBuf,
    pub(crate) back_end_url: String,
    pub(crate) guardian: Arc<Guardian>,
}

/// What stands between Traefik and the back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Middleware {
    /// The gate as shipped.
    Gate,
    /// A wasm module that does nothing.
    Empty,
}

/// A running Traefik; killed when dropped.
pub(crate) struct Gateway {
    name: &'static str,
    middleware: Middleware,
    process: Process,
    port: u16,
    folder: PathBuf,
    back_end_url: String,
}

impl Gateway {
    /// Starts it and waits until it answers.
    pub(crate) fn start(
        surroundings: &Surroundings,
        name: &'static str,
        middleware: Middleware,
        good_request: &[u8],
    ) -> Result<Gateway> {
        let folder = surroundings.folder.join(name);
        let port = ports::free()?;
        lay_out_plugin(&folder, middleware)?;
        write_json(&folder.join("traefik.yml"), &static_file(&surroundings.folder, &folder, port))?;
        let (log, back_end_url) = (folder.join("traefik.log"), surroundings.back_end_url.clone());
        fs::create_dir_all(folder.join("dynamic"))?;
        write_json(&folder.join("dynamic/all.yml"), &dynamic_file(middleware, &back_end_url, 0)?)?;
        let mut command = Command::new(artifacts::traefik()?);
        command.arg("--configFile=traefik.yml").current_dir(&folder);
        let process = Process::start(&mut command, &log, &surroundings.guardian)?;
        let mut gateway = Gateway { name, middleware, process, port, folder, back_end_url };
        gateway.wait_until_it_answers(good_request)?;
        Ok(gateway)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn middleware(&self) -> Middleware {
        self.middleware
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// The end of what Traefik wrote.
    pub(crate) fn log(&self) -> String {
        tail(&self.process.log())
    }

    /// Puts another configuration in the old one's place; all it says anew is its number.
    pub(crate) fn reload(&self, number: u64) -> Result<()> {
        let fresh = self.folder.join("all.yml.new");
        write_json(&fresh, &dynamic_file(self.middleware, &self.back_end_url, number)?)?;
        fs::rename(&fresh, self.folder.join("dynamic/all.yml")).context("a dynamic file could not be put in place")
    }

    /// Waits until answers are made under that configuration.
    pub(crate) async fn until_reloaded(&self, number: u64) -> Result<()> {
        let began = Instant::now();
        let said = format!("{CONFIGURATION}: {number}\r\n");
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        let mut connection = Connection::open(self.port).await?;
        loop {
            let answer = connection.exchange(request.as_bytes()).await?;
            if String::from_utf8_lossy(answer.head).to_lowercase().contains(&said) {
                return Ok(());
            }
            ensure!(began.elapsed() < READY_WITHIN, "{}: configuration {number} takes no effect", self.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn wait_until_it_answers(&mut self, good_request: &[u8]) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let began = Instant::now();
        loop {
            let status = runtime.block_on(async {
                let mut connection = Connection::open(self.port).await?;
                Ok::<_, anyhow::Error>(connection.exchange(good_request).await?.status)
            });
            if matches!(status, Ok(200)) {
                return Ok(());
            }
            if let Some(ended) = self.process.ended() {
                bail!("Traefik ended ({ended}):\n{}", self.log());
            }
            ensure!(began.elapsed() < READY_WITHIN, "{} answers {status:?}; its log:\n{}", self.name, self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Where both gates find the issuer's keys.
pub(crate) fn jwks_file(folder: &Path) -> PathBuf {
    folder.join("trust/jwks/soak.json")
}

/// Writes what the gates find below `/trust`, and makes `/gate`.
pub(crate) fn write_trust(folder: &Path, first: &Generation) -> Result<()> {
    fs::create_dir_all(folder.join("trust/jwks"))?;
    fs::create_dir_all(folder.join("gate"))?;
    fs::write(jwks_file(folder), first.jwks().to_string())?;
    let keys = GateKeys::generate("soak".to_owned(), [7; 32], None);
    fs::write(folder.join("trust").join(GATE_KEY_FILE), keys.to_json().as_bytes())?;
    Ok(())
}

fn lay_out_plugin(folder: &Path, middleware: Middleware) -> Result<()> {
    let plugin = folder.join("plugins-local/src/github.com/watchgate/watchgate");
    fs::create_dir_all(&plugin)?;
    let wasm = match middleware {
        Middleware::Gate => artifacts::plugin()?.join("plugin.wasm"),
        Middleware::Empty => artifacts::root().join("target/wasm32-wasip1/wasm/empty-guest.lowered.wasm"),
    };
    fs::copy(&wasm, plugin.join("plugin.wasm"))
        .with_context(|| format!("{} cannot be copied: run `make bench-guests`", wasm.display()))?;
    let manifest = json!({
        "displayName": "soak", "type": "middleware", "runtime": "wasm", "wasmPath": "plugin.wasm",
        "import": "github.com/watchgate/watchgate", "summary": "what the soak runs", "testData": {"unused": "unused"},
    });
    write_json(&plugin.join(".traefik.yml"), &manifest)
}

fn static_file(shared: &Path, folder: &Path, port: u16) -> Value {
    let mount = |name: &str, access: &str| format!("{}:/{name}{access}", shared.join(name).display());
    json!({
        "global": {"checkNewVersion": false, "sendAnonymousUsage": false},
        "log": {"level": "ERROR"},
        "entryPoints": {"http": {"address": format!("127.0.0.1:{port}")}},
        // Else Traefik waits two seconds between two reloads.
        "providers": {
            "providersThrottleDuration": "100ms",
            "file": {"directory": folder.join("dynamic").display().to_string(), "watch": true},
        },
        "experimental": {"abortOnPluginFailure": true, "localPlugins": {"soak": {
            "moduleName": "github.com/watchgate/watchgate",
            "settings": {"mounts": [mount("trust", ":ro"), mount("gate", "")]},
        }}},
    })
}

fn dynamic_file(middleware: Middleware, back_end_url: &str, number: u64) -> Result<Value> {
    let config = match middleware {
        Middleware::Gate => gate_config()?,
        Middleware::Empty => json!({"unused": "unused"}),
    };
    let routers = json!({"all": {
        "entryPoints": ["http"], "rule": "PathPrefix(`/`)", "service": "back-end", "middlewares": ["number", "soak"],
    }});
    let number = json!({"headers": {"customResponseHeaders": {CONFIGURATION: number.to_string()}}});
    Ok(json!({"http": {
        "routers": routers,
        "middlewares": {"number": number, "soak": {"plugin": {"soak": config}}},
        "services": {"back-end": {"loadBalancer": {"servers": [{"url": back_end_url}]}}},
    }}))
}

/// The shipped gate, for this issuer.
fn gate_config() -> Result<Value> {
    let path = artifacts::root().join("traefik-config/dynamic/gate.yml");
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let whole: Value = serde_saphyr::from_str(&text).context("the shipped gate.yml is no YAML")?;
    let mut config = whole
        .pointer("/http/middlewares/gate/plugin/watchgate")
        .cloned()
        .context("the shipped gate.yml configures no plugin `watchgate`")?;
    config["publicOrigins"] = json!([format!("https://{HOST}")]);
    // All load comes from one address, bad tokens and good ones.
    config["throttle"] = json!({"badTokensPerMinute": 0});
    config["issuers"] = json!([{
        "issuer": ISSUER, "audiences": ["watchgate"], "jwksFile": "jwks/soak.json", "algorithms": ["RS256"],
        "tokenTypes": ["at+jwt"],
    }]);
    // All clients come from one address here, and some of them bring bad tokens all the time.
    config["throttle"] = json!({"badTokensPerMinute": 0});
    Ok(config)
}

/// JSON is YAML, with every string quoted.
fn write_json(path: &Path, value: &Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, format!("{value:#}")).with_context(|| format!("{} cannot be written", path.display()))
}
