//! What `watchgate` understands: each command is a module with its arguments and one `run`.

pub mod ask;
mod at;
pub mod collect;
pub mod command;
pub mod detect;
pub mod eval;
pub mod events;
pub mod fine_tune;
mod gateway;
pub mod health;
pub mod incidents;
pub mod keys;
pub(crate) mod plain;
pub mod policy;
pub mod runbook;
mod sent_events;
pub mod session;
pub(crate) mod table;
pub mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use table::table;

use crate::{discovery, doctor, exchange, keeper, probe, runner, serve};

const AFTER_HELP: &str = "\
Before Traefik:     keys gate, policy check, policy explain; keys dev and token mint where there is no identity provider yet
Beside Traefik:     keeper (keys that are fetched by themselves, revocation), exchange (opaque tokens), discovery (containers)
On its host:        doctor (looks at the whole installation, and says what to mend)
Behind the gate:    serve, runner (carries runbooks out), health (of a serve or an exchange on this host)
From outside:       probe (live checks, alerts)
Beside a device:    collect xbox (its samples, kept while the gateway is away)
From a terminal:    ask, incidents, session, events dead-letters, fine-tune export --rated; they take the gateway's address and a token's file
Anywhere:           detect (scores of any series, from CSV to CSV)";

/// A zero-trust gate for Traefik, and the assistant behind it.
#[derive(Debug, Parser)]
#[command(name = "watchgate", version, after_help = AFTER_HELP)]
pub struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Keep events, answer questions and hand out commands, behind the gate.
    #[command(after_help = serve::AFTER_HELP)]
    Serve(Box<serve::Arguments>),
    /// Keep the trust directory: the issuers' keys, what is revoked, and the word that gates wait for.
    #[command(after_help = keeper::AFTER_HELP)]
    Keeper(keeper::Arguments),
    /// Ask the assistant, through its gateway.
    #[command(after_help = ask::AFTER_HELP)]
    Ask(ask::Arguments),
    /// Send samples of a device that does not speak to a gateway itself.
    #[command(subcommand)]
    Collect(collect::CollectCommand),
    /// Have a runbook carried out, decide about it, and follow it to its end.
    #[command(subcommand)]
    Command(command::CommandCommand),
    /// Say of each row of a series how strange it is, as rows come: CSV in, CSV out.
    #[command(after_help = detect::AFTER_HELP, override_usage = "watchgate detect < IN.csv > OUT.csv")]
    Detect(detect::DetectArguments),
    /// Show Traefik which containers serve, and nothing else of a Podman: of their labels only those that cannot lead past the gate.
    #[command(after_help = discovery::AFTER_HELP)]
    Discovery(discovery::Arguments),
    /// Look at a whole installation, and say in plain words what to mend.
    #[command(after_help = doctor::AFTER_HELP)]
    Doctor(Box<doctor::Arguments>),
    /// Put short-lived tokens of our own in the place of opaque ones, for Traefik's `forwardAuth`.
    #[command(after_help = exchange::AFTER_HELP)]
    Exchange(exchange::Arguments),
    /// Ask questions whose answers are known, and say how well the documents answer them.
    #[command(after_help = eval::AFTER_HELP)]
    Eval(eval::EvalArguments),
    /// Look after the events of a service, through its gateway or in its data folder.
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Train a model on documents and rated answers: write examples, start a job, follow it, use what it made.
    #[command(subcommand)]
    FineTune(fine_tune::FineTuneCommand),
    /// Ask a service on this host whether it is ready: what a container's health check runs.
    #[command(after_help = health::AFTER_HELP)]
    Health(health::HealthArguments),
    /// Look at what went wrong with devices, through a gateway.
    #[command(subcommand)]
    Incidents(incidents::IncidentsCommand),
    /// Make the keys and certificates that a gate and its service need.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Try a gate's configuration, before Traefik does.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Look from outside, as a client, whether the gate and everything behind it do what they must; and tell when not.
    #[command(after_help = probe::AFTER_HELP)]
    Probe(probe::Arguments),
    /// Look through a folder of runbooks, before a service reads it.
    #[command(subcommand)]
    Runbook(runbook::RunbookCommand),
    /// Carry runbooks out with Podman, Ansible or a webhook.
    #[command(after_help = runner::AFTER_HELP)]
    Runner(Box<runner::Arguments>),
    /// Let a further device in by a code, and look after the own sessions.
    #[command(subcommand, after_help = session::AFTER_HELP)]
    Session(session::SessionCommand),
    /// Make tokens of the development issuer, and check anybody's.
    #[command(subcommand)]
    Token(token::TokenCommand),
}

impl CommandLine {
    /// Runs the command to its end. A command that judges something ends with 1 when it is found bad, and with 2 when it
    /// could not be judged, as for a mistake on the command line.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::Serve(arguments) => serve::run(*arguments),
            Verb::Keeper(arguments) => return Ok(judged(keeper::run(&arguments))),
            Verb::Ask(arguments) => return Ok(judged(ask::run(&arguments))),
            Verb::Collect(command) => return Ok(judged(collect::run(command))),
            Verb::Command(command) => return Ok(judged(command::run(command))),
            Verb::Detect(arguments) => return Ok(judged(detect::run(&arguments))),
            Verb::Discovery(arguments) => discovery::run(&arguments),
            Verb::Doctor(arguments) => return Ok(judged(doctor::run(*arguments))),
            Verb::Exchange(arguments) => return Ok(judged(exchange::run(&arguments))),
            Verb::Eval(arguments) => return Ok(judged(eval::run(&arguments))),
            Verb::Events(command) => return Ok(judged(events::run(command))),
            Verb::FineTune(command) => return Ok(judged(fine_tune::run(command))),
            Verb::Health(arguments) => health::run(&arguments),
            Verb::Incidents(command) => return Ok(judged(incidents::run(command))),
            Verb::Keys(command) => keys::run(command),
            Verb::Policy(command) => return Ok(judged(policy::run(command))),
            Verb::Probe(arguments) => return Ok(judged(probe::run(&arguments))),
            Verb::Runbook(command) => return Ok(judged(runbook::run(&command))),
            Verb::Runner(arguments) => runner::run(&arguments),
            Verb::Session(command) => return Ok(judged(session::run(command))),
            Verb::Token(command) => return token::run(command),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

fn judged(verdict: anyhow::Result<bool>) -> ExitCode {
    match verdict {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("watchgate: {error:#}");
            ExitCode::from(2)
        }
    }
}
