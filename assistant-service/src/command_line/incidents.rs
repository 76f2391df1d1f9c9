//! `watchgate incidents`: what went wrong with devices, from the terminal.

mod list;
mod show;

use clap::Subcommand;

use super::gateway::block_on;

const PATH: [&str; 2] = ["v1", "incidents"];

/// What can be done with incidents.
#[derive(Debug, Subcommand)]
pub enum IncidentsCommand {
    /// New ones first.
    List(list::ListArguments),
    /// What moved, where, and what helps; with its picture if wanted.
    #[command(after_help = show::AFTER_HELP)]
    Show(show::ShowArguments),
}

/// Carries out one `watchgate incidents` command.
pub(super) fn run(command: IncidentsCommand) -> anyhow::Result<bool> {
    block_on(async {
        match command {
            IncidentsCommand::List(arguments) => list::run(&arguments).await,
            IncidentsCommand::Show(arguments) => show::run(&arguments).await,
        }
    })
}

/// A time of an incident, to the second.
fn clock(millis: Option<i64>) -> String {
    use time::format_description::well_known::Rfc3339;
    let at = millis.map(crate::clock::time_of);
    at.and_then(|at| at.replace_millisecond(0).unwrap_or(at).format(&Rfc3339).ok()).unwrap_or_default()
}
