//! The stage's files. Traefik gets the shipped configuration as it is, but for addresses and paths.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use programs::keys::make;
use programs::shipped::Shipped;
use serde_json::{Value, json};

use super::options::GateFolder;
use crate::artifacts;

/// What the shipped configuration names as the only public origin.
const SHIPPED_ORIGIN: &str = "https://localhost";

/// Where everything lies.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) folder: PathBuf,
    /// The folder and log of this Traefik: several may stand on the same keys.
    pub(crate) gateway: &'static str,
    /// Whose `/trust` and `/gate` this Traefik has.
    pub(crate) host: Host,
}

/// A machine, as far as a gate can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// The one that the keys are made on.
    First,
    /// Another one, with folders of its own.
    Second,
}

/// What differs from the shipped configuration.
pub(crate) struct Differences<'a> {
    pub(crate) https_port: u16,
    pub(crate) http_port: u16,
    /// One URL, or those of the service's replicas.
    pub(crate) back_ends: &'a [String],
    pub(crate) gate: Option<&'a Value>,
    pub(crate) dynamic: Option<&'a Value>,
    pub(crate) listens_everywhere: bool,
    pub(crate) gate_alone: bool,
    pub(crate) gate_folder: GateFolder,
    pub(crate) behind_proxy: bool,
    pub(crate) read_timeout: Option<&'static str>,
    pub(crate) containers: Option<&'a Path>,
    pub(crate) mutual_tls: bool,
    pub(crate) observed: &'a Observed,
}

/// Who is told of what Traefik does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// A collector of spans.
    pub(crate) tracing: Option<String>,
    /// The port of its metrics.
    pub(crate) metrics_port: Option<u16>,
}

impl Differences<'_> {
    fn first_back_end(&self) -> Result<&str> {
        self.back_ends.first().map(String::as_str).context("this stage has no back end")
    }
}

impl Layout {
    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.join("keys")
    }

    /// What the gate finds as `/trust`.
    pub(crate) fn trust(&self) -> PathBuf {
        self.host_folder().join("trust")
    }

    /// What the gate finds as `/gate`.
    pub(crate) fn gate(&self) -> PathBuf {
        self.host_folder().join("gate")
    }

    fn host_folder(&self) -> PathBuf {
        match self.host {
            Host::First => self.keys(),
            Host::Second => self.folder.join("second-host"),
        }
    }

    pub(crate) fn issuer_keys(&self) -> PathBuf {
        self.keys().join("issuer")
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.keys().join("tls/ca.pem")
    }

    pub(crate) fn service_tls(&self) -> PathBuf {
        self.keys().join("service-tls")
    }

    /// The data folder of one replica of the service, counted from 1.
    pub(crate) fn data(&self, number: usize) -> PathBuf {
        if number == 1 { self.folder.join("data") } else { self.folder.join(format!("data-{number}")) }
    }

    pub(crate) fn traefik(&self) -> PathBuf {
        self.folder.join(self.gateway)
    }

    pub(crate) fn dynamic(&self) -> PathBuf {
        self.traefik().join("dynamic")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// Has the keys made; those of an earlier run stay.
    pub(crate) fn make_keys(&self) -> Result<()> {
        make(&["keys", "dev", "--host", "localhost"], &self.keys())
    }

    /// Has certificates made for a service, and for Traefik and a keeper as its clients.
    pub(crate) fn make_certificates(&self, folder: &Path) -> Result<()> {
        make(&["keys", "tls", "--host", "localhost", "--client", "traefik", "--client", "keeper"], folder)
    }

    /// Has the keys of sessions made, and writes the shipped settings with their places in them.
    pub(crate) fn make_sessions(&self) -> Result<PathBuf> {
        let keys = self.folder.join("sessions");
        let trust = self.trust();
        let trust = trust.to_str().context("the trust folder has no plain name")?;
        make(&["keys", "sessions", "--trust", trust], &keys)?;
        let shipped = fs::read_to_string(artifacts::root().join("traefik-config/sessions.yml"))?;
        let (named, keys_named) = ("/etc/watchgate/sessions", keys.to_str().context("the folder has no plain name")?);
        let file = self.folder.join("sessions.yml");
        fs::write(&file, shipped.replace(named, keys_named))?;
        Ok(file)
    }

    /// Has the links of sessions lead to this origin.
    pub(crate) fn lead_sessions_to(&self, origin: &str) -> Result<()> {
        let file = self.folder.join("sessions.yml");
        let (shipped, here) = (format!("origin: {SHIPPED_ORIGIN}\n"), format!("origin: {origin}\n"));
        let written = fs::read_to_string(&file)?;
        ensure!(written.contains(&shipped), "{} names no origin as the shipped one does", file.display());
        Ok(fs::write(&file, written.replace(&shipped, &here))?)
    }

    /// Writes what a process of ours is told: `<name>.yml`.
    pub(crate) fn write_config(&self, name: &str, told: &Value) -> Result<PathBuf> {
        let file = self.folder.join(format!("{name}.yml"));
        // JSON is YAML.
        fs::write(&file, format!("{told:#}")).with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(file)
    }

    /// Lays out Traefik's working directory.
    pub(crate) fn write_traefik(&self, differences: &Differences<'_>) -> Result<()> {
        let plugin = self.traefik().join("plugins-local/src/github.com/watchgate/watchgate");
        fs::create_dir_all(&plugin)?;
        for file in ["plugin.wasm", ".traefik.yml"] {
            fs::copy(artifacts::plugin()?.join(file), plugin.join(file))
                .with_context(|| format!("the plugin's {file} could not be copied: run `make plugin`"))?;
        }
        fs::create_dir_all(self.dynamic())?;
        self.write_static(differences)?;
        self.write_routes(differences)?;
        self.write_gate(differences)?;
        if let Some(dynamic) = differences.dynamic {
            fs::write(self.dynamic().join("more.yml"), format!("{dynamic:#}"))?;
        }
        if differences.back_ends.len() > 1 {
            self.write_replicas(differences)?;
        }
        if differences.mutual_tls {
            self.write_mutual_tls(differences.first_back_end()?)?;
        }
        self.write_tls()
    }

    fn write_static(&self, differences: &Differences<'_>) -> Result<()> {
        let mut file = Shipped::read("traefik-config/traefik.yml")?;
        let address = if differences.listens_everywhere { "0.0.0.0" } else { "127.0.0.1" };
        file.replace("\":80\"", &format!("{address}:{}", differences.http_port))?;
        file.replace("\":443\"", &format!("{address}:{}", differences.https_port))?;
        file.replace("/etc/traefik/dynamic", &self.dynamic().display().to_string())?;
        file.replace("/var/lib/watchgate/trust:", &format!("{}:", self.trust().display()))?;
        file.replace("/var/lib/watchgate/gate:", &format!("{}:", self.gate().display()))?;
        if differences.gate_folder == GateFolder::ReadOnly {
            file.replace(":/gate\n", ":/gate:ro\n")?;
        }
        if differences.gate_alone {
            file.replace_all("aliasHeadersStrategy: delete", "aliasHeadersStrategy: keep")?;
            file.replace("sanitizePath: true", "sanitizePath: false")?;
            for character in ["Slash", "BackSlash", "NullCharacter", "Semicolon", "Percent", "QuestionMark", "Hash"] {
                let option = format!("allowEncoded{character}");
                file.replace(&format!("{option}: false"), &format!("{option}: true"))?;
            }
        }
        if differences.behind_proxy {
            file.replace("    http3: {}\n", "    http3: {}\n    forwardedHeaders: {trustedIPs: [127.0.0.0/8]}\n")?;
        }
        if let Some(timeout) = differences.read_timeout {
            file.replace("readTimeout: 60s", &format!("readTimeout: {timeout}"))?;
        }
        if let Some(socket) = differences.containers {
            let mut more = Shipped::read("traefik-config/containers-static.yml")?;
            more.replace("/var/lib/watchgate-discovery/containers.sock", &socket.display().to_string())?;
            let (_, docker) = more.text.split_once("providers:\n").context("containers-static.yml has no providers")?;
            file.replace("\nproviders:\n", &format!("\nproviders:\n{docker}"))?;
            Shipped::read("traefik-config/containers.yml")?.write(&self.dynamic().join("containers.yml"))?;
        }
        if let Some(collector) = &differences.observed.tracing {
            let mut tracing = Shipped::read("traefik-config/tracing.yml")?;
            tracing.replace_all("http://127.0.0.1:4318", collector)?;
            file.text.push_str(&tracing.text);
        }
        if let Some(port) = differences.observed.metrics_port {
            let mut metrics = Shipped::read("traefik-config/metrics.yml")?;
            metrics.replace("127.0.0.1:8082", &format!("127.0.0.1:{port}"))?;
            let (counted, entry_point) =
                metrics.text.split_once("entryPoints:\n").context("metrics.yml names no entry point")?;
            file.text.push_str(counted);
            file.replace("entryPoints:\n", &format!("entryPoints:\n{entry_point}"))?;
        }
        file.write(&self.traefik().join("traefik.yml"))
    }

    fn write_routes(&self, differences: &Differences<'_>) -> Result<()> {
        let mut file = Shipped::read("traefik-config/dynamic/routes.yml")?;
        file.replace("http://127.0.0.1:8085", differences.first_back_end()?)?;
        if differences.gate_alone {
            file.replace("[blank, gate]", "[gate]")?;
        }
        file.write(&self.dynamic().join("routes.yml"))
    }

    fn write_replicas(&self, differences: &Differences<'_>) -> Result<()> {
        ensure!(!differences.mutual_tls, "replicas.yml and mutual-tls.yml both want all requests");
        let mut file = Shipped::read("traefik-config/replicas.yml")?;
        let server = |url: &str| format!("          - url: {url}\n");
        let servers: String = differences.back_ends.iter().map(|url| server(url)).collect();
        file.replace(&(server("http://127.0.0.1:8085") + &server("http://127.0.0.1:8086")), &servers)?;
        if differences.gate_alone {
            file.replace("[blank, gate, retry]", "[gate, retry]")?;
        }
        file.write(&self.dynamic().join("replicas.yml"))
    }

    fn write_gate(&self, differences: &Differences<'_>) -> Result<()> {
        let origin = format!("https://localhost:{}", differences.https_port);
        let path = self.dynamic().join("gate.yml");
        let Some(gate) = differences.gate else {
            let mut file = Shipped::read("traefik-config/dynamic/gate.yml")?;
            file.replace("https://localhost\n", &format!("{origin}\n"))?;
            return file.write(&path);
        };
        let mut gate = gate.clone();
        // Whoever names another origin says so in each request.
        if let Some(origins) = gate.get_mut("publicOrigins").filter(|origins| **origins == json!([SHIPPED_ORIGIN])) {
            *origins = json!([origin]);
        }
        // JSON is YAML, with every string quoted.
        let whole = json!({"http": {"middlewares": {"gate": {"plugin": {"watchgate": gate}}}}});
        fs::write(&path, format!("{whole:#}")).with_context(|| format!("{} cannot be written", path.display()))
    }

    fn write_mutual_tls(&self, back_end: &str) -> Result<()> {
        let mut file = Shipped::read("traefik-config/mutual-tls.yml")?;
        file.replace("https://127.0.0.1:8085", back_end)?;
        for (name, ours) in
            [("service-ca.pem", "ca.pem"), ("traefik.pem", "traefik.pem"), ("traefik.key", "traefik.key")]
        {
            // Copies, as on two hosts: what one side replaces is not the other side's.
            let copy = self.traefik().join(name);
            fs::copy(self.service_tls().join(ours), &copy)?;
            file.replace(&format!("/etc/traefik/tls/{name}"), &copy.display().to_string())?;
        }
        file.write(&self.dynamic().join("mutual-tls.yml"))
    }

    fn write_tls(&self) -> Result<()> {
        let mut file = Shipped::read("traefik-config/dynamic/tls.yml")?;
        for name in ["server.pem", "server.key"] {
            let path = self.keys().join("tls").join(name);
            file.replace(&format!("/etc/traefik/tls/{name}"), &path.display().to_string())?;
        }
        file.write(&self.dynamic().join("tls.yml"))
    }
}

/// The same with the issuer of sessions, as `sessions.yml` says it, for people of these issuers.
pub fn shipped_gate_with_sessions(speaks_for: &[&str]) -> Result<Value> {
    let mut gate = shipped_gate()?;
    let issuers = gate.get_mut("issuers").and_then(Value::as_array_mut).context("no issuers are shipped")?;
    issuers.push(json!({
        "issuer": "urn:watchgate:sessions", "audiences": ["watchgate"], "jwksFile": "jwks/sessions.json",
        "algorithms": ["EdDSA"], "tokenTypes": ["session+jwt"], "leewaySeconds": 0, "speaksFor": speaks_for,
    }));
    Ok(gate)
}

/// The plugin's configuration as shipped, for tests that change a line of it.
pub fn shipped_gate() -> Result<Value> {
    let file = Shipped::read("traefik-config/dynamic/gate.yml")?;
    let whole: Value = serde_saphyr::from_str(&file.text).context("the shipped gate.yml is no YAML")?;
    whole
        .pointer("/http/middlewares/gate/plugin/watchgate")
        .cloned()
        .context("the shipped gate.yml configures no plugin `watchgate`")
}
