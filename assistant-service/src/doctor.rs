//! `watchgate doctor`: looks at a whole installation, and says in plain words what to mend. It changes nothing.

mod access;
mod certificates;
mod finding;
mod gates;
mod judge;
mod keys;
mod nats;
mod plugin;
mod remote;
mod settings;
mod traefik;
mod trust;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use reqwest::Url;
use serde_json::Value;

use crate::backbone::jetstream::NatsArguments;
use finding::Report;
use settings::{SettingsFile, at, files_of, those_there};

pub(crate) const AFTER_HELP: &str = "\
Exits with 0 when nothing is bad, with 1 when something is, with 2 when it could not look at what was asked for.
Run it as root, or as a user who may read what the keeper, Traefik and the service may read.

Examples:
  watchgate doctor --gateway https://gw.example.com
  watchgate doctor --trust /srv/trust --gate /srv/gate --traefik-config /srv/traefik.yml --dynamic /srv/dynamic --json
  watchgate doctor --nats nats://nats-1.example.com:4222 --nats-ca ca.pem --nats-user watchgate \\
    --nats-password-file watchgate.password --nats-audit-user audit --nats-audit-password-file audit.password";

/// The files that are looked at without a word, where they are.
const USUAL_SETTINGS: [&str; 3] =
    ["/etc/watchgate/keeper.yml", "/etc/watchgate/exchange.yml", "/etc/watchgate/sessions.yml"];

/// What `watchgate doctor` takes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The trust directory, which the gate has as /trust [default: as the keeper's file says, or /var/lib/watchgate/trust].
    #[arg(long, value_name = "DIR")]
    trust: Option<PathBuf>,
    /// The folder that the gate has as /gate [default: as the keeper's file says, or /var/lib/watchgate/gate].
    #[arg(long, value_name = "DIR")]
    gate: Option<PathBuf>,
    /// Traefik's static configuration.
    #[arg(long, value_name = "FILE", default_value = "/etc/traefik/traefik.yml")]
    traefik_config: PathBuf,
    /// The directory of Traefik's dynamic files [default: as the static configuration says].
    #[arg(long, value_name = "DIR")]
    dynamic: Option<PathBuf>,
    /// Traefik's working directory, below which plugins lie [default: /var/lib/traefik].
    #[arg(long, value_name = "DIR")]
    traefik_dir: Option<PathBuf>,
    /// Traefik's program, to ask its version [default: `traefik` of the PATH].
    #[arg(long, value_name = "FILE")]
    traefik: Option<PathBuf>,
    /// The gateway as clients know it, such as `https://gw.example.com`: its certificate, its clock, and whether the gate answers.
    #[arg(long, value_name = "URL")]
    gateway: Option<Url>,
    /// The authorities that signed the gateway's certificate, as PEM; without it, those of the system.
    #[arg(long, value_name = "FILE", requires = "gateway")]
    ca: Option<PathBuf>,
    /// A path of the gateway that wants a token.
    #[arg(long, value_name = "PATH", default_value = "/v1/events")]
    protected: String,
    /// An identity provider, to hold its clock against this machine's. May be given several times; those of the keeper's file are asked
    /// anyway.
    #[arg(long, value_name = "URL")]
    provider: Vec<Url>,
    /// A file of settings of a keeper, exchange or sessions: what it names is looked at. May be given several times [default: those of
    /// keeper.yml, exchange.yml and sessions.yml in /etc/watchgate that are there].
    #[arg(long, value_name = "FILE")]
    settings: Vec<PathBuf>,
    /// A file of transaction keys of a service on this host; those of the keeper's file are looked at anyway.
    #[arg(long, value_name = "FILE")]
    transaction_keys: Vec<PathBuf>,
    /// The service's data folder, or a replica's.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A certificate to look at, as PEM, such as the service's own. May be given several times.
    #[arg(long, value_name = "FILE")]
    certificate: Vec<PathBuf>,
    /// A file that nobody but its owner may read, such as the service's private key. May be given several times.
    #[arg(long, value_name = "FILE")]
    secret: Vec<PathBuf>,
    #[command(flatten)]
    nats: NatsArguments,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Prints what was found. Says whether nothing is bad; fails where something that was asked for could not be looked at.
pub fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let as_json = arguments.json;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(examine(arguments));
    if as_json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.table());
    }
    anyhow::ensure!(report.is_bad() || !report.left_out, "some of what was asked for could not be looked at");
    Ok(!report.is_bad())
}

/// All files that others name.
#[derive(Default)]
struct Named {
    secrets: Vec<PathBuf>,
    certificates: Vec<PathBuf>,
}

impl Named {
    fn add(&mut self, file: &SettingsFile) {
        self.secrets.extend(file.secrets());
        self.certificates.extend(file.certificates());
    }
}

async fn examine(arguments: Arguments) -> Report {
    let mut report = Report::default();
    let mut named = Named { secrets: arguments.secret.clone(), certificates: arguments.certificate.clone() };
    let settings = read_settings(&mut report, &arguments);
    settings.iter().for_each(|file| named.add(file));
    let keeper = settings.iter().find(|file| file.value.get("trust").is_some());
    let told = |key: &str| keeper.and_then(|file| file.value.get(key)).and_then(Value::as_str).map(PathBuf::from);
    let or_usual = |given: &Option<PathBuf>, key: &str, usual: &str| {
        given.clone().or_else(|| told(key)).unwrap_or_else(|| PathBuf::from(usual))
    };
    let trust = or_usual(&arguments.trust, "trust", "/var/lib/watchgate/trust");
    let gate = or_usual(&arguments.gate, "gate", "/var/lib/watchgate/gate");
    let traefik_dir = arguments.traefik_dir.clone().unwrap_or_else(|| PathBuf::from("/var/lib/traefik"));

    let wanted = look_at_traefik(&mut report, &mut named, &arguments, &trust, &gate).await;
    plugin::look(&mut report.of("plugin"), &traefik_dir, arguments.traefik_dir.is_some());
    let now = SystemTime::now();
    let mut transaction_keys = arguments.transaction_keys.clone();
    let kept = keeper.and_then(|file| at(&file.value, "transactionKeys")).and_then(Value::as_array);
    transaction_keys.extend(kept.into_iter().flatten().filter_map(|entry| entry["file"].as_str()).map(PathBuf::from));
    transaction_keys.sort();
    transaction_keys.dedup();
    keys::look(&mut report.of("keys"), &trust, &transaction_keys, now);
    // That one is not there has been said; that nobody may look is said of each.
    let own = transaction_keys.into_iter().chain([trust.join("gate.key")]);
    named.secrets.extend(own.filter(|path| path.try_exists().unwrap_or(true)));

    if wanted.gates > 0 {
        trust::look_at_head(&mut report.of("trust"), &trust, wanted.keeper, now);
    }
    access::look_at_trust(&mut report.of("trust"), &trust);
    access::look_at_gate_folder(&mut report.of("trust"), &gate, &traefik_dir, arguments.traefik_dir.is_some());
    for folder in [&trust, &gate] {
        trust::look_at_disk(&mut report.of("disk"), folder, true);
    }
    if let Some(data) = &arguments.data_dir {
        access::look_at_private_folder(&mut report.of("secrets"), data);
        trust::look_at_disk(&mut report.of("disk"), data, true);
    }
    look_at_gateway(&mut report, &arguments).await;
    look_at_providers(&mut report, &arguments, keeper).await;
    if let Some(settings) = arguments.nats.settings() {
        let connections = [Some(&settings.connection), settings.audit.as_ref()];
        for connection in connections.into_iter().flatten() {
            named.secrets.extend(connection.user.iter().map(|user| user.password_file.clone()));
            named.secrets.extend(connection.certificate.iter().map(|(_, key)| key.clone()));
            named.certificates.extend(connection.certificate.iter().map(|(certificate, _)| certificate.clone()));
            named.certificates.extend(connection.ca.clone());
        }
        nats::look(&mut report, &settings).await;
    }
    look_at_named(&mut report, named, now);
    report
}

/// The settings of our own processes.
fn read_settings(report: &mut Report, arguments: &Arguments) -> Vec<SettingsFile> {
    let paths = if arguments.settings.is_empty() {
        those_there(&mut report.of("settings"), &USUAL_SETTINGS)
    } else {
        arguments.settings.clone()
    };
    let mut files = Vec::new();
    for path in paths {
        match SettingsFile::read(&path) {
            Ok(file) => files.push(file),
            Err(why) => report.of("settings").unknown(path.display(), why, "name the right file with --settings"),
        }
    }
    files
}

/// Both kinds of Traefik's files, and its version.
async fn look_at_traefik(
    report: &mut Report,
    named: &mut Named,
    arguments: &Arguments,
    trust: &Path,
    gate: &Path,
) -> gates::Wanted {
    let fixed = SettingsFile::read(&arguments.traefik_config);
    let mut plugin = None;
    match &fixed {
        Ok(file) => plugin = traefik::look(&mut report.of("traefik"), file, trust, gate),
        Err(why) => report.of("traefik").unknown(
            arguments.traefik_config.display(),
            why,
            "name Traefik's static configuration with --traefik-config",
        ),
    }
    let program = arguments.traefik.clone().unwrap_or_else(|| PathBuf::from("traefik"));
    traefik::look_at_version(&mut report.of("traefik"), &program, arguments.traefik.is_some()).await;
    let directory = || Some(PathBuf::from(at(&fixed.as_ref().ok()?.value, "providers/file/directory")?.as_str()?));
    let Some(folder) = arguments.dynamic.clone().or_else(directory) else {
        report.of("gates").unknown("Traefik's dynamic files", "no directory is named", "name it with --dynamic");
        return gates::Wanted::default();
    };
    let found = match files_of(&folder) {
        Ok(found) => found,
        Err(why) => {
            report.of("gates").unknown(folder.display(), why, "name the directory with --dynamic");
            return gates::Wanted::default();
        }
    };
    for (path, why) in found.passed_over {
        report.of("gates").unknown(path.display(), why, "look at it yourself, or write it as YAML: Traefik reads it");
    }
    let mut files = Vec::new();
    for path in found.yaml {
        match SettingsFile::read(&path) {
            Ok(file) => files.push(file),
            Err(why) => report.of("gates").bad(path.display(), why, "mend it: Traefik reads nothing of such a file"),
        }
    }
    files.iter().for_each(|file| named.add(file));
    let plugin = plugin.unwrap_or_else(|| "watchgate".to_owned());
    gates::look(&mut report.of("gates"), &files, fixed.as_ref().ok(), &plugin, trust, &folder)
}

async fn look_at_gateway(report: &mut Report, arguments: &Arguments) {
    let Some(gateway) = &arguments.gateway else {
        let mend = "name it with --gateway";
        return report.of("gateway").not_here("the gateway from outside", "its address was not given", mend);
    };
    let here = gateway.as_str().trim_end_matches('/');
    let answer = match gateway.join(&arguments.protected) {
        Ok(url) => remote::get(&url, arguments.ca.as_deref()).await,
        Err(cause) => Err(cause.to_string()),
    };
    match answer {
        Ok(answer) => {
            remote::look_at_gate(&mut report.of("gateway"), &format!("{here}{}", arguments.protected), &answer);
            remote::look_at_certificate(&mut report.of("certificates"), here, answer.shown());
            remote::look_at_clock(&mut report.of("clocks"), here, &answer);
        }
        Err(why) => report.of("gateway").unknown(here, why, "see whether Traefik runs and the name leads to it"),
    }
}

/// Those that were named, and those that the keeper fetches keys of.
async fn look_at_providers(report: &mut Report, arguments: &Arguments, keeper: Option<&SettingsFile>) {
    let mut providers: Vec<_> = arguments.provider.iter().map(|url| (url.clone(), None)).collect();
    let issuers = keeper.and_then(|file| at(&file.value, "issuers")).and_then(Value::as_array);
    for issuer in issuers.into_iter().flatten() {
        let url = issuer["jwksUri"].as_str().or_else(|| issuer["issuer"].as_str()).and_then(|url| Url::parse(url).ok());
        let ca = issuer["caFile"].as_str().map(PathBuf::from);
        providers.extend(url.map(|url| (url, ca)));
    }
    for (url, ca) in providers {
        match remote::get(&url, ca.as_deref()).await {
            Ok(answer) => remote::look_at_clock(&mut report.of("clocks"), url.as_str(), &answer),
            Err(why) => report.of("clocks").unknown(&url, why, "see whether the provider is reached from here"),
        }
    }
}

/// What all of the files have named.
fn look_at_named(report: &mut Report, mut named: Named, now: SystemTime) {
    for paths in [&mut named.secrets, &mut named.certificates] {
        paths.sort();
        paths.dedup();
    }
    for path in &named.secrets {
        access::look_at_secret(&mut report.of("secrets"), path);
    }
    for path in &named.certificates {
        certificates::look_at_file(&mut report.of("certificates"), path, now);
    }
}
