//! The service's own image in a rootless Podman, found by Traefik through its labels and asked through the gate. `scripts/with-podman.sh`
//! makes the Podman, `make image-binary` what is in the image.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use programs::nats::NatsOptions;
use programs::shipped::Shipped;
use tokio::sync::OnceCell;
use watchgate_tests::client::status;
use watchgate_tests::load::{Load, Outcome, callers_of_every_kind};
use watchgate_tests::wait::until;
use watchgate_tests::{BackboneForm, Companion, Stage, StageOptions, artifacts, podman};

const IMAGE: &str = "localhost/watchgate:latest";
const MOST_BYTES: u64 = 30_000_000;
/// As the image says it.
const USER: u32 = 65532;
const PATIENCE: Duration = Duration::from_secs(60);
const TRANSACTION: &str = "/v1/events?limit=1";

/// The real image, built once from the shipped file in the Podman beside which this runs.
async fn image() -> Result<()> {
    static BUILT: OnceCell<()> = OnceCell::const_new();
    let build = async || {
        let target = format!("target/{}-unknown-linux-musl/container/watchgate", std::env::consts::ARCH);
        let binary = artifacts::root().join(target);
        ensure!(binary.exists(), "{} is missing: run `make image-binary`", binary.display());
        let context = tempfile::tempdir()?;
        fs::create_dir(context.path().join("data"))?;
        fs::copy(binary, context.path().join("watchgate"))?;
        fs::copy(artifacts::root().join("deploy/container/Containerfile"), context.path().join("Containerfile"))?;
        let context = context.path().display().to_string();
        podman::run(&["build", "--quiet", "--format", "docker", "--tag", IMAGE, &context])?;
        Ok(())
    };
    BUILT.get_or_try_init(build).await.copied()
}

/// A gateway whose only back ends are containers, on one NATS.
struct Lab {
    stage: Stage,
    config: PathBuf,
    _discovery: Companion,
    _sockets: tempfile::TempDir,
}

impl Lab {
    async fn start(drain_seconds: Option<&str>) -> Result<Lab> {
        image().await?;
        let sockets = tempfile::tempdir()?;
        let listen = sockets.path().join("containers.sock");
        let backbone = BackboneForm::Nats { replicas: 1, nats: NatsOptions::default() };
        let stage =
            Stage::start(StageOptions { backbone, containers: Some(listen.clone()), ..StageOptions::default() })
                .await?;
        let mut discovery = Command::new(artifacts::watchgate()?);
        discovery.arg("discovery").arg("--podman-socket").arg(podman::socket()?).arg("--listen").arg(&listen);
        let discovery = stage.companion("discovery", &mut discovery)?;
        // Whoever answers from here on is a container.
        stage.stop_service();
        let config = config(&stage, drain_seconds)?;
        Ok(Lab { stage, config, _discovery: discovery, _sockets: sockets })
    }

    /// By the shipped script.
    async fn replicas(&self, count: usize) -> Result<()> {
        let mut script = Command::new(artifacts::root().join("deploy/container/replicas.sh"));
        script.arg(count.to_string()).env("PODMAN", podman::program()?.join(" "));
        script.env("WATCHGATE_CONTAINER_CONFIG", &self.config).env("WATCHGATE_IMAGE", IMAGE);
        // A rootless container has this host's loopback under another address, where it is allowed to.
        let network = "--network slirp4netns:allow_host_loopback=true --add-host nats.internal:10.0.2.2";
        script.env("WATCHGATE_PODMAN_OPTIONS", network);
        tokio::task::spawn_blocking(move || podman::said(&mut script)).await??;
        Ok(())
    }

    async fn answers(&self, expected: u16) -> Result<()> {
        let caller = self.stage.caller("console-7", "events:read")?;
        until("the containers answer as they should", PATIENCE, async || {
            Ok((status(caller.get(TRANSACTION)).await? == expected).then_some(()))
        })
        .await
        .with_context(|| self.stage.log_tails())
    }
}

/// What is mounted as `/etc/watchgate`.
fn config(stage: &Stage, drain_seconds: Option<&str>) -> Result<PathBuf> {
    let nats = stage.nats()?;
    let drain = drain_seconds.map(|seconds| format!("WATCHGATE_DRAIN_SECONDS={seconds}\n")).unwrap_or_default();
    let port = nats.port();
    let environment = stage.folder().join("service.env");
    fs::write(
        &environment,
        format!(
            "WATCHGATE_DOCUMENTS=/etc/watchgate/documents
WATCHGATE_RUNBOOKS=/etc/watchgate/runbooks
WATCHGATE_TRANSACTION_KEYS=/etc/watchgate/transaction.keys
WATCHGATE_NATS=tls://nats.internal:{port}
WATCHGATE_NATS_CA=/etc/watchgate/nats-ca.pem
WATCHGATE_NATS_CERTIFICATE=/etc/watchgate/nats.pem
WATCHGATE_NATS_KEY=/etc/watchgate/nats.key
WATCHGATE_NATS_USER={}
WATCHGATE_NATS_PASSWORD_FILE=/etc/watchgate/nats.password
{drain}",
            nats.user()
        ),
    )?;
    let company = artifacts::root().join("examples/company");
    podman::folder_for(
        USER,
        "config",
        &[
            ("service.env", &environment),
            ("documents", &company.join("documents")),
            ("runbooks", &company.join("runbooks")),
            ("transaction.keys", &stage.keys().join("service/transaction.keys")),
            ("nats-ca.pem", &nats.ca()),
            ("nats.pem", &nats.certificate()),
            ("nats.key", &nats.key()),
            ("nats.password", &nats.password_file()),
        ],
    )
}

/// What the kernel says of a container's first process, by the names of the lines.
async fn process_of(container: &str) -> Result<impl Fn(&str) -> String> {
    let pid = podman::look(&format!("containers/{container}/json")).await?["State"]["Pid"].clone();
    let told = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo"))?;
    Ok(move |name: &str| match name.strip_prefix("mount ") {
        Some(place) => {
            let mut mounts = mounts.lines().map(|line| line.split(' ').skip(4));
            let found = mounts.find_map(|mut words| (words.next() == Some(place)).then(|| words.next()).flatten());
            found.unwrap_or_default().to_owned()
        }
        None => {
            let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned()
        }
    })
}

async fn is_locked_up(container: &str) -> Result<()> {
    let of_process = process_of(container).await?;
    let user = podman::user_of_containers(USER)?.to_string();
    ensure!(of_process("Uid") == user && of_process("Gid") == user, "its user is {}", of_process("Uid"));
    ensure!(of_process("CapEff") == "0000000000000000" && of_process("CapBnd") == "0000000000000000", "capabilities");
    ensure!(of_process("NoNewPrivs") == "1", "it may gain rights");
    for (place, way) in [("/", "ro"), ("/etc/watchgate", "ro"), ("/data", "rw")] {
        let mounted = of_process(&format!("mount {place}"));
        ensure!(mounted.split(',').next() == Some(way), "{place} is mounted {mounted:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Podman: scripts/with-podman.sh"]
async fn the_image_is_small_and_traefik_finds_its_locked_up_containers_behind_the_gate() -> Result<()> {
    let lab = Lab::start(None).await?;
    let image = podman::look(&format!("images/{IMAGE}/json")).await?;
    let bytes = image["Size"].as_u64().context("an image without a size")?;
    ensure!(bytes < MOST_BYTES, "the image has {bytes} bytes");
    ensure!(image["User"] == "65532:65532", "{}", image["User"]);

    lab.answers(502).await?;
    lab.replicas(1).await?;
    lab.answers(200).await?;
    is_locked_up("watchgate-1").await?;
    let health = &podman::look("containers/watchgate-1/json").await?["State"]["Health"]["Status"];
    ensure!(health == "healthy", "it is {health}");
    let stranger = lab.stage.stranger()?;
    ensure!(status(stranger.get(TRANSACTION)).await? == 401, "a stranger got past the gate");
    ensure!(status(stranger.get("/healthz")).await? == 200, "a public rule does not hold");
    lab.replicas(0).await?;
    lab.answers(502).await?;
    println!("image: {bytes} bytes");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Podman: scripts/with-podman.sh"]
async fn the_shipped_pod_is_played_locked_up_and_found() -> Result<()> {
    let lab = Lab::start(None).await?;
    let mut pod = Shipped::read("deploy/container/watchgate.yaml")?;
    pod.replace("path: /etc/watchgate/container,", &format!("path: {},", lab.config.display()))?;
    pod.replace("hostPort: 8085", &format!("hostPort: {}", programs::ports::free()?))?;
    let file = lab.stage.folder().join("watchgate.yaml");
    pod.write(&file)?;
    podman::run(&["kube", "play", &file.display().to_string()])?;
    // Podman takes the image's health check for `podman run` alone; this is the same question.
    until("the pod's service is healthy", PATIENCE, async || {
        Ok(podman::run(&["exec", "watchgate-service", "/watchgate", "health"]).ok())
    })
    .await
    .with_context(|| podman::run(&["logs", "watchgate-service"]).unwrap_or_default())?;
    is_locked_up("watchgate-service").await?;
    lab.answers(200).await?;
    ensure!(status(lab.stage.stranger()?.get(TRANSACTION)).await? == 401, "a stranger got past the gate");
    podman::run(&["kube", "down", &file.display().to_string()])?;
    lab.answers(502).await
}

/// Ways past the gate, as labels: each would answer 200 to anybody.
const EVIL: [&str; 5] = [
    "traefik.http.routers.evil.rule=PathPrefix(`/evil`)",
    "traefik.http.routers.evil.priority=1000000",
    "traefik.http.routers.evil.service=evil",
    "traefik.http.routers.evil.middlewares=evil",
    "traefik.http.middlewares.evil.replacepath.path=/healthz",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Podman: scripts/with-podman.sh"]
async fn labels_lead_past_the_gate_at_podmans_own_socket_and_not_here() -> Result<()> {
    let lab = Lab::start(None).await?;
    let labels: Vec<_> = EVIL.iter().map(|label| format!("--label={label}")).collect();
    let config = format!("{}:/etc/watchgate:ro", lab.config.display());
    let mut run = vec!["run", "--detach", "--name", "evil", "--no-healthcheck", "--publish", "127.0.0.1::8085"];
    run.extend(["--label=traefik.enable=true", "--label=traefik.http.services.evil.loadbalancer.server.port=8085"]);
    run.extend(labels.iter().map(String::as_str));
    run.extend([
        "--env=WATCHGATE_DOCUMENTS=/etc/watchgate/documents",
        "--env=WATCHGATE_RUNBOOKS=/etc/watchgate/runbooks",
    ]);
    run.extend(["--env=WATCHGATE_TRANSACTION_KEYS=/etc/watchgate/transaction.keys", "--volume", &config, IMAGE]);
    podman::run(&run)?;

    let bare = Stage::start(StageOptions { containers: Some(podman::socket()?), ..StageOptions::default() }).await?;
    let through = bare.stranger()?;
    until("labels lead past the gate where Traefik sees them", PATIENCE, async || {
        Ok((status(through.get("/evil")).await? == 200).then_some(()))
    })
    .await
    .with_context(|| bare.log_tails())?;

    // Here the same container is seen, and the route is not.
    lab.replicas(1).await?;
    lab.answers(200).await?;
    let refused = status(lab.stage.stranger()?.get("/evil")).await?;
    // None of the gate's rules is about it.
    ensure!(refused == 403, "a label led past the gate: {refused}");
    podman::run(&["rm", "--force", "--time", "0", "evil"])?;
    lab.replicas(0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Podman: scripts/with-podman.sh"]
async fn from_one_to_four_and_back_under_load_no_request_is_lost() -> Result<()> {
    // To find out what is needed: how long the service says that it goes before it does.
    let drain = std::env::var("WATCHGATE_TEST_DRAIN_SECONDS").ok();
    let lab = Lab::start(drain.as_deref()).await?;
    lab.replicas(1).await?;
    lab.answers(200).await?;
    let (begun, load) = (Instant::now(), Load::begin(callers_of_every_kind(lab.stage.installation(), 8)?));
    lab.replicas(4).await?;
    let at_four = begun.elapsed().as_secs_f64();
    let each_answers = "each of the four answers";
    until(each_answers, PATIENCE, async || {
        for number in 1..=4 {
            let said = podman::run(&["exec", &format!("watchgate-{number}"), "/watchgate", "health"]);
            said.with_context(|| format!("watchgate-{number} is not ready"))?;
        }
        Ok(Some(()))
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    lab.replicas(1).await?;
    let at_one = begun.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let Outcome { requests, failed, .. } = load.end().await?;
    println!(
        "drain {}: {requests} requests, four after {at_four:.1} s, one after {at_one:.1} s, {} failed: {failed:#?}",
        drain.as_deref().unwrap_or("as shipped"),
        failed.len()
    );
    lab.replicas(0).await?;
    ensure!(failed.is_empty() && requests > 1_000, "{requests} requests, {} failed: {failed:#?}", failed.len());
    Ok(())
}
