//! Plays the table; a line for each row that fails.

use std::process::ExitCode;

fn main() -> ExitCode {
    match native_gate::play_all() {
        Ok(played) => {
            for failure in &played.failures {
                println!("{}: {}", failure.row, failure.outcome);
            }
            println!(
                "{} rows played, {} left to Traefik, {} failed",
                played.rows,
                played.left_to_traefik,
                played.failures.len()
            );
            if played.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) }
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
