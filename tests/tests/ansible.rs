//! `deploy/ansible`, played by the real Ansible on hosts that boot for this test: a site is brought up, updated under load, and put back when
//! a new version is broken. `scripts/with-hosts.sh` makes the hosts, `make image-binary` the program. Clients come through a small balancer
//! that stands for whatever a site has in front of its gateways.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use watchgate_tests::Installation;
use watchgate_tests::client::status;
use watchgate_tests::hosts::Hosts;
use watchgate_tests::hosts::balancer::Balancer;
use watchgate_tests::hosts::deployment::{Deployment, EDGES, REPLICAS, Wanted};
use watchgate_tests::hosts::playbook::Played;
use watchgate_tests::hosts::releases::Releases;
use watchgate_tests::load::{Load, Outcome, callers_of_every_kind};
use watchgate_tests::wait::until;

const PATIENCE: Duration = Duration::from_secs(30);
/// Two names for the one pinned program: what is told apart is the folder from which it runs.
const TRAEFIK: [&str; 2] = ["3.7", "3.7-next"];
/// One of each kind: with more of them, two cores are busy with the load alone.
const CALLERS: usize = 3;

/// What runs on a host, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    version: String,
    /// Another one after each start.
    start: String,
}

struct Walk {
    began: Instant,
    hosts: Hosts,
    releases: Releases,
    deployment: Deployment,
    untrue: Mutex<Vec<String>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs hosts of its own: scripts/with-hosts.sh"]
async fn a_site_comes_up_is_updated_and_survives_broken_versions_without_losing_a_request() -> Result<()> {
    let walk = Walk::begin()?;
    let first = walk.releases.good("1")?;
    let first = Wanted { version: "1", release: &first, traefik: TRAEFIK[0], http3: false };
    walk.comes_up(&first).await?;
    walk.is_well().await?;
    let balancer = walk.balancer().await?;
    let installation = walk.deployment.installation()?;
    let load = Load::begin(callers_of_every_kind(&installation, CALLERS)?);

    let second = walk.releases.good("2")?;
    let good = Wanted { version: "2", release: &second, traefik: TRAEFIK[1], http3: false };
    walk.is_updated(&good).await?;
    let mute = walk.releases.with_a_mute_service("3-mute")?;
    walk.survives_a_mute_service(&Wanted { version: "3-mute", release: &mute, ..good }).await?;
    let broken = walk.releases.with_a_broken_plugin("3-broken", &second)?;
    walk.survives_a_broken_plugin(&Wanted { version: "3-broken", release: &broken, ..good }).await?;

    let outcome = load.end().await?;
    walk.say(&format!(
        "{} requests while all of this went on, {} events acknowledged, connections by gateway {:?}, {} failed",
        outcome.requests,
        outcome.acknowledged.len(),
        balancer.connections(),
        outcome.failed.len()
    ));
    ensure!(outcome.failed.is_empty() && outcome.requests > 1_000, "failed: {:#?}", outcome.failed);
    walk.has_what_was_acknowledged(&installation, &outcome).await?;
    walk.deployment.want(&Wanted { http3: true, ..good })?;
    walk.play("HTTP/3 as well", &["--limit", "traefik"]).await?.well()?;
    walk.passes_the_demo().await?;
    walk.lets_a_route_go(&installation).await?;
    walk.deployment.want(&good)?;
    walk.goes_back_by_hand(&installation, &first).await?;
    walk.dry_runs_were_true()
}

impl Walk {
    fn begin() -> Result<Walk> {
        let began = Instant::now();
        let hosts = Hosts::beside()?;
        let releases = Releases::below(&hosts.folder().join("releases"))?;
        let deployment = Deployment::prepare(&hosts)?;
        Ok(Walk { began, hosts, releases, deployment, untrue: Mutex::default() })
    }

    fn say(&self, what: &str) {
        println!("{:5.0} s  {what}", self.began.elapsed().as_secs_f64());
    }

    async fn play(&self, what: &str, options: &[&str]) -> Result<Played> {
        let played = self.deployment.play(options).await?;
        let changed: usize = played.recap.values().sum();
        self.say(&format!("{what}: {changed} changed in {:.0} s", played.took.as_secs_f64()));
        Ok(played)
    }

    /// Whether a dry run has announced what was then done, and nothing else. What it got wrong is told at the end, all of it together.
    fn compare(&self, announced: &Played, done: &Played) {
        let silent =
            done.changed.difference(&announced.changed).map(|(task, host)| format!("not announced: {task} on {host}"));
        let idle = announced
            .changed
            .difference(&done.changed)
            .map(|(task, host)| format!("announced and not done: {task} on {host}"));
        self.untrue.lock().unwrap_or_else(PoisonError::into_inner).extend(silent.chain(idle));
    }

    fn dry_runs_were_true(&self) -> Result<()> {
        let untrue = self.untrue.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(untrue.is_empty(), "dry runs: {:#?}", *untrue);
        Ok(())
    }

    async fn comes_up(&self, wanted: &Wanted<'_>) -> Result<()> {
        self.deployment.want(wanted)?;
        let announced = self.play("fresh hosts, --check", &["--check"]).await?.well()?;
        let done = self.play("fresh hosts", &[]).await?.well()?;
        let all = self.hosts.names()?;
        ensure!(done.touched() == all.iter().map(String::as_str).collect(), "touched: {:?}", done.touched());
        self.compare(&announced, &done);
        self.play("again", &[]).await?.unchanged()?;
        self.runs(wanted)
    }

    /// The doctor's word on each gateway: of what is bad it knows one thing alone, that plugins bear marks of their releases here.
    async fn is_well(&self) -> Result<()> {
        let played = self.deployment.play_book("health.yml", &[]).await?;
        // Ansible breaks lines wherever it likes.
        let words = played.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let [bad, marked, ends] =
            [" 'BAD ", "is not the build of version", " to mend now, "].map(|part| words.matches(part).count());
        ensure!(bad == marked, "the doctor finds something: {}", played.text);
        ensure!(ends == EDGES.len(), "the doctor was heard {ends} times: {}", played.end());
        ensure!(played.succeeded == (bad == 0), "the play ends otherwise than the doctor: {}", played.end());
        self.say("the doctor looked at both gateways");
        Ok(())
    }

    async fn balancer(&self) -> Result<Balancer> {
        let balancer = self.deployment.balancer().await?;
        until("both gateways take connections", PATIENCE, async || {
            Ok(balancer.takes_more().iter().all(|takes| *takes).then_some(()))
        })
        .await?;
        Ok(balancer)
    }

    async fn is_updated(&self, wanted: &Wanted<'_>) -> Result<()> {
        self.deployment.want(wanted)?;
        let announced = self.play("update, --check", &["--check"]).await?.well()?;
        let done = self.play("update", &[]).await?.well()?;
        self.compare(&announced, &done);
        self.runs(wanted)
    }

    async fn survives_a_mute_service(&self, wanted: &Wanted<'_>) -> Result<()> {
        let [(first, _), (other, _)] = REPLICAS;
        let before = self.running()?;
        let failed = self.fails(wanted, "a service that is never ready", &[]).await?;
        let said = format!("did not become ready on {first} with localhost/watchgate:{}", wanted.version);
        told(&failed, &[&said, "The version before is back and answers; no other host was touched."])?;
        ensure!(self.service(other)? == *before.service(other)?, "{other} was touched");
        ensure!(self.service(first)?.version == before.service(first)?.version, "the version before is not back");
        for (edge, _) in EDGES {
            ensure!(self.gateway(edge)? == *before.gateway(edge)?, "{edge} was touched");
        }
        Ok(())
    }

    async fn survives_a_broken_plugin(&self, wanted: &Wanted<'_>) -> Result<()> {
        let [(first, _), (other, _)] = EDGES;
        let before = self.running()?;
        let failed = self.fails(wanted, "a plugin that Traefik cannot load", &["--limit", "traefik"]).await?;
        let said = format!("Traefik on {first} did not answer as it should with Traefik {}", wanted.traefik);
        told(&failed, &[&said, "The version before is back and answers; no other host was touched."])?;
        ensure!(self.gateway(other)? == *before.gateway(other)?, "{other} was touched");
        ensure!(self.gateway(first)?.version == before.gateway(first)?.version, "the version before is not back");
        for (replica, _) in REPLICAS {
            ensure!(self.service(replica)? == *before.service(replica)?, "{replica} was touched");
        }
        Ok(())
    }

    async fn fails(&self, wanted: &Wanted<'_>, what: &str, options: &[&str]) -> Result<Played> {
        self.deployment.want(wanted)?;
        let played = self.play(what, options).await?;
        ensure!(!played.succeeded, "it was taken: {}", played.end());
        Ok(played)
    }

    /// What the export through the gate shows, by id.
    async fn has_what_was_acknowledged(&self, installation: &Installation, outcome: &Outcome) -> Result<()> {
        let reader = installation.caller("ana", "events:read")?;
        let export = reader.get("/v1/events").header("accept", "application/x-ndjson");
        let export = export.send().await?.error_for_status()?.text().await?;
        let mut kept: Vec<String> = Vec::new();
        let mut ended = false;
        for line in export.lines() {
            let line: Value = serde_json::from_str(line)?;
            ended |= line.get("watchgate") == Some(&json!("end"));
            kept.extend(line.get("id").and_then(Value::as_str).map(str::to_owned));
        }
        ensure!(ended, "the export is cut off");
        let once: BTreeSet<_> = kept.iter().collect();
        ensure!(once.len() == kept.len(), "an event stands there twice");
        let lost: Vec<_> = outcome.acknowledged.iter().filter(|id| !once.contains(id)).collect();
        ensure!(lost.is_empty(), "acknowledged and not there: {lost:?}");
        self.say(&format!(
            "all {} acknowledged events are there, of {} in all",
            outcome.acknowledged.len(),
            kept.len()
        ));
        Ok(())
    }

    /// It registers a service on its way.
    async fn passes_the_demo(&self) -> Result<()> {
        let site = self.deployment.site()?;
        let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
        demo.args(["--gateway", &site.base_url]).arg("--ca").arg(&site.ca).arg("--keys").arg(&site.keys);
        demo.arg("--documents").arg(&site.documents).args(["--listen", &site.listen.to_string()]);
        demo.args(["--http3", &site.http3.context("no address for QUIC")?.to_string()]);
        let service = site.service.context("no address of the service")?;
        demo.args(["--service", &service.url]).arg("--service-ca").arg(service.ca.context("no authority")?);
        demo.arg("--add-route").arg(self.deployment.add_route());
        let played = demo.kill_on_drop(true).output().await?;
        let said = String::from_utf8_lossy(&played.stdout);
        println!("{said}");
        ensure!(played.status.success(), "the demo fails: {}", String::from_utf8_lossy(&played.stderr));
        ensure!(!said.contains("left out"), "the demo left something out");
        self.say("the demo's checks pass");
        Ok(())
    }

    async fn lets_a_route_go(&self, installation: &Installation) -> Result<()> {
        let reader = installation.caller("ana", "reports:read")?;
        let answered = status(reader.get("/reports/weekly")).await?;
        // Whoever answered it has ended with the demo.
        ensure!(answered == 502, "the route that was registered is not there: {answered}");
        self.deployment.register(&json!({}))?;
        let before = self.running()?;
        self.play("a registration goes", &["--limit", "traefik"]).await?.well()?;
        for (edge, _) in EDGES {
            ensure!(self.gateway(edge)? == *before.gateway(edge)?, "Traefik on {edge} was started anew for it");
        }
        until("the route is gone", PATIENCE, async || {
            Ok((status(reader.get("/reports/weekly")).await? == 403).then_some(()))
        })
        .await
    }

    /// To a version that hosts still have, with nothing of it in the inventory.
    async fn goes_back_by_hand(&self, installation: &Installation, wanted: &Wanted<'_>) -> Result<()> {
        let load = Load::begin(callers_of_every_kind(installation, CALLERS)?);
        let (version, traefik) =
            (format!("watchgate_version={}", wanted.version), format!("traefik_version={}", wanted.traefik));
        let played = self.deployment.play_book("rollback.yml", &["-e", &version, "-e", &traefik]).await?;
        let changed: usize = played.recap.values().sum();
        self.say(&format!("back by hand: {changed} changed in {:.0} s", played.took.as_secs_f64()));
        let outcome = load.end().await?;
        played.well()?;
        ensure!(outcome.failed.is_empty(), "failed on the way back: {:#?}", outcome.failed);
        self.say(&format!("{} requests meanwhile, none failed", outcome.requests));
        self.runs(wanted)
    }

    /// That everything runs in this version.
    fn runs(&self, wanted: &Wanted<'_>) -> Result<()> {
        let running = self.running()?;
        for (replica, _) in REPLICAS {
            let version = &running.service(replica)?.version;
            ensure!(*version == format!("localhost/watchgate:{} healthy", wanted.version), "{replica} runs {version}");
        }
        for (edge, _) in EDGES {
            let version = &running.gateway(edge)?.version;
            let expected = format!("/opt/traefik/releases/{}/traefik release{}", wanted.traefik, wanted.version);
            ensure!(*version == expected, "{edge} runs {version}");
        }
        Ok(())
    }

    fn running(&self) -> Result<Site> {
        let replicas = REPLICAS.map(|(host, _)| Ok((host, self.service(host)?)));
        let edges = EDGES.map(|(host, _)| Ok((host, self.gateway(host)?)));
        Ok(Site(replicas.into_iter().chain(edges).collect::<Result<_>>()?))
    }

    /// A replica: its image and whether it is well.
    fn service(&self, host: &str) -> Result<Running> {
        let said = self.hosts.run(
            host,
            "cd / && runuser -u watchgate -- env HOME=/var/lib/watchgate-service XDG_RUNTIME_DIR=/run/user/$(id -u watchgate) \
             podman inspect --format '{{.ImageName}} {{.State.Health.Status}}/{{.Id}}' watchgate-service",
        )?;
        let (version, start) = said.split_once('/').and_then(|_| said.rsplit_once('/')).context("no such container")?;
        Ok(Running { version: version.to_owned(), start: start.to_owned() })
    }

    /// A gateway: the program that runs, and the mark in the plugin that lies where it was started from.
    fn gateway(&self, host: &str) -> Result<Running> {
        let said = self.hosts.run(
            host,
            "pid=$(systemctl show --property MainPID --value traefik.service) && readlink /proc/$pid/exe && \
             tail -c 16 /proc/$pid/cwd/plugins-local/src/github.com/watchgate/watchgate/plugin.wasm | grep --text --only-matching 'release.*' && echo $pid",
        )?;
        let (version, start) = said.rsplit_once('\n').context("Traefik does not run")?;
        Ok(Running { version: version.replace('\n', " "), start: start.to_owned() })
    }
}

/// What ran on each host at one moment.
struct Site(BTreeMap<&'static str, Running>);

impl Site {
    fn service(&self, host: &str) -> Result<&Running> {
        self.0.get(host).context("no such host")
    }

    fn gateway(&self, host: &str) -> Result<&Running> {
        self.service(host)
    }
}

/// That an operator reads this, in whatever lines Ansible has broken it into.
fn told(played: &Played, words: &[&str]) -> Result<()> {
    let text = played.text.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in words {
        ensure!(text.contains(wanted), "it does not say `{wanted}`: {}", played.end());
    }
    Ok(())
}
