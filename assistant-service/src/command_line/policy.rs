//! `watchgate policy`: what a gate would make of its configuration and of a request, said before Traefik sees either.

mod check;
mod configuration;
mod explain;
pub(crate) mod trust_directory;

use clap::Subcommand;

/// What `watchgate policy` can do.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Find every mistake in a configuration, with its place and what was probably meant.
    #[command(after_help = check::AFTER_HELP)]
    Check(check::CheckArguments),
    /// Say what a gate would answer to a request, and why: rule by rule and check by check.
    #[command(after_help = explain::AFTER_HELP)]
    Explain(explain::ExplainArguments),
}

/// Carries out one `watchgate policy` command. Says whether the verdict is good; fails where there can be none.
pub fn run(command: PolicyCommand) -> anyhow::Result<bool> {
    match command {
        PolicyCommand::Check(arguments) => check::run(&arguments),
        PolicyCommand::Explain(arguments) => explain::run(&arguments),
    }
}
