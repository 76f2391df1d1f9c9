//! A site that `deploy/ansible` brings up on the hosts: its inventory, secrets and issuer, and the plays that bring it about.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Hosts;
use super::balancer::Balancer;
use super::playbook::Played;
use crate::installation::{Installation, Routes, Service, Site};
use crate::podman::said;
use crate::{artifacts, shipped_gate};

/// What clients call it; the name leads to the balancer.
const ORIGIN: &str = "https://gw.watchgate.test";
const CONTROLLER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
/// The gateways, as the inventory shipped as an example names them.
pub const EDGES: [(&str, Ipv4Addr); 2] =
    [("edge-1", Ipv4Addr::new(10, 99, 0, 11)), ("edge-2", Ipv4Addr::new(10, 99, 0, 12))];
/// The hosts of the service's replicas.
pub const REPLICAS: [(&str, Ipv4Addr); 2] =
    [("app-1", Ipv4Addr::new(10, 99, 0, 21)), ("app-2", Ipv4Addr::new(10, 99, 0, 22))];

/// It.
#[derive(Debug)]
pub struct Deployment {
    hosts: Hosts,
    folder: PathBuf,
}

/// What the inventory wants.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The release's name.
    pub version: &'a str,
    /// Its folder.
    pub release: &'a Path,
    /// Traefik's version.
    pub traefik: &'a str,
    /// Whether it speaks HTTP/3 as well.
    pub http3: bool,
}

impl Deployment {
    /// The inventory shipped as an example, with secrets of its own and the development issuer.
    pub fn prepare(hosts: &Hosts) -> Result<Deployment> {
        let deployment = Deployment { hosts: hosts.clone(), folder: hosts.folder().join("deployment") };
        let variables = deployment.variables();
        fs::create_dir_all(&variables)?;
        let shipped = artifacts::root().join("deploy/ansible");
        fs::copy(shipped.join("inventory/example/hosts.yml"), deployment.folder.join("inventory/hosts.yml"))?;
        let (watchgate, tools) = (artifacts::watchgate()?, artifacts::root().join(".tools/ansible/bin"));
        said(Command::new(&watchgate).args(["keys", "dev", "--dir"]).arg(deployment.keys()))?;
        let password = deployment.folder.join("vault-password");
        fs::write(&password, "a password of the test\n")?;
        said(
            Command::new(shipped.join("new-secrets.sh"))
                .arg(variables.join("vault.yml"))
                .env("WATCHGATE", &watchgate)
                .env("ANSIBLE_VAULT", tools.join("ansible-vault"))
                .env("ANSIBLE_VAULT_PASSWORD_FILE", &password),
        )?;
        deployment.write_documents()?;
        deployment.write_scripts(&tools, &shipped)?;
        deployment.register(&json!({}))?;
        Ok(deployment)
    }

    /// Says what is wanted from now on.
    pub fn want(&self, wanted: &Wanted<'_>) -> Result<()> {
        let gate = shipped_gate()?;
        let company = artifacts::root().join("examples/company");
        let said = json!({
            "ansible_user": "root",
            "watchgate_version": wanted.version,
            "watchgate_release_dir": wanted.release,
            "traefik_version": wanted.traefik,
            "traefik_http3": wanted.http3,
            "watchgate_public_origins": [ORIGIN],
            "watchgate_issuers": gate.get("issuers"),
            "watchgate_issuer_files": [self.keys().join("trust/jwks/dev.json")],
            // A version that is not ready by then is given up; this machine is slow, and the test waits as long for the broken ones.
            "watchgate_health_seconds": 30,
            // The balancer asks each 200 ms.
            "watchgate_drain_seconds": 5,
            "watchgate_settle_seconds": 3,
            "watchgate_documents_dir": self.documents(),
            "watchgate_runbooks_dir": company.join("runbooks"),
        });
        fs::write(self.variables().join("main.yml"), format!("{said:#}")).context("the inventory cannot be written")
    }

    /// Says which services stand behind the gate from now on.
    pub fn register(&self, services: &Value) -> Result<()> {
        let said = json!({"watchgate_services": services});
        fs::write(self.variables().join("services.yml"), format!("{said:#}")).context("the inventory cannot be written")
    }

    /// Has Ansible bring about what is wanted, with further options of its.
    pub async fn play(&self, options: &[&str]) -> Result<Played> {
        self.play_book("site.yml", options).await
    }

    /// Has Ansible play another of the playbooks.
    pub async fn play_book(&self, name: &str, options: &[&str]) -> Result<Played> {
        Played::of(tokio::process::Command::new(self.folder.join("play.sh")).arg(name).args(options)).await
    }

    /// What stands in front of the gateways.
    pub async fn balancer(&self) -> Result<Balancer> {
        let gateways =
            EDGES.map(|(_, address)| (SocketAddr::from((address, 443)), format!("http://{address}:8082/ping")));
        Balancer::start(SocketAddr::from((CONTROLLER, 443)), &gateways).await
    }

    /// It as those see it who call it.
    pub fn installation(&self) -> Result<Installation> {
        Installation::of(self.site()?, &self.folder)
    }

    /// What there is to know for them.
    pub fn site(&self) -> Result<Site> {
        let ca = self.authority("/etc/traefik/tls/public-ca.pem", "public-ca.pem")?;
        let service_ca = self.authority("/etc/traefik/tls/service-ca.pem", "service-ca.pem")?;
        let [(_, first_edge), _] = EDGES;
        let [(_, first_replica), _] = REPLICAS;
        Ok(Site {
            base_url: ORIGIN.to_owned(),
            ca,
            keys: self.keys(),
            // The balancer takes TCP alone.
            http3: Some(SocketAddr::from((first_edge, 443))),
            service: Some(Service { url: format!("https://{first_replica}:8085"), ca: Some(service_ca) }),
            routes: Some(Routes::Program(self.add_route())),
            listen: IpAddr::V4(CONTROLLER),
            documents: self.documents(),
        })
    }

    /// A certificate that the gateways have.
    fn authority(&self, on_edge: &str, name: &str) -> Result<PathBuf> {
        let [(edge, _), _] = EDGES;
        let file = self.folder.join(name);
        fs::write(&file, self.hosts.run(edge, &format!("cat {on_edge}"))?)?;
        Ok(file)
    }

    /// Registers a service and plays: called with its name, the prefix of its paths, the scope that it asks for and its URL.
    pub fn add_route(&self) -> PathBuf {
        self.folder.join("add-route.sh")
    }

    fn keys(&self) -> PathBuf {
        self.folder.join("keys")
    }

    fn documents(&self) -> PathBuf {
        self.folder.join("company")
    }

    fn variables(&self) -> PathBuf {
        self.folder.join("inventory/group_vars/all")
    }

    /// The example company's, with what the lab has written, in one folder that holds both.
    fn write_documents(&self) -> Result<()> {
        let company = artifacts::root().join("examples/company");
        fs::create_dir_all(self.documents())?;
        said(Command::new("cp").arg("-r").arg(company.join("documents")).arg(self.documents()))?;
        said(Command::new("cp").arg("-r").arg(company.join("lab")).arg(self.documents()))?;
        Ok(())
    }

    /// `play.sh`, called with a playbook's name, and `add-route.sh`, which registers one service and plays.
    fn write_scripts(&self, tools: &Path, shipped: &Path) -> Result<()> {
        let (folder, shipped, tools) = (self.folder.display(), shipped.display(), tools.display());
        let ssh = self.hosts.ssh_config();
        let play = format!(
            "#!/bin/sh
export ANSIBLE_CONFIG={shipped}/ansible.cfg ANSIBLE_HOME={folder}/ansible ANSIBLE_NOCOLOR=1
export ANSIBLE_VAULT_PASSWORD_FILE={folder}/vault-password
export ANSIBLE_SSH_ARGS='-F {ssh} -o ControlMaster=auto -o ControlPersist=60s' ANSIBLE_SSH_CONTROL_PATH_DIR={hosts}/ssh
book=$1
shift
exec {tools}/ansible-playbook --inventory {folder}/inventory {shipped}/$book \"$@\"
",
            ssh = ssh.display(),
            hosts = self.hosts.folder().display(),
        );
        let add_route = format!(
            "#!/bin/sh
cat >{folder}/inventory/group_vars/all/services.yml <<YAML
watchgate_services:
  $1:
    rule: PathPrefix(\\`$2\\`)
    servers: [\"$4\"]
    gate_rules:
      - {{name: $1, match: PathPrefix(\\`$2\\`) && Method(\\`GET\\`), require: Scope(\\`$3\\`)}}
YAML
exec {folder}/play.sh site.yml --limit traefik >{folder}/add-route.log
"
        );
        for (name, script) in [("play.sh", play), ("add-route.sh", add_route)] {
            let path = self.folder.join(name);
            fs::write(&path, script)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }
}
