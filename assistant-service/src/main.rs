//! The `watchgate` program: reads the command line, runs one command, and says in one sentence what went wrong.

use std::process::ExitCode;

use assistant_service::command_line::CommandLine;
use clap::Parser;

fn main() -> ExitCode {
    match CommandLine::parse().run() {
        Ok(ended) => ended,
        Err(error) => {
            eprintln!("watchgate: {error:#}");
            ExitCode::FAILURE
        }
    }
}
