//! The part of a microservice that takes Watchgate's commands: lease, heartbeat, result.
//!
//! A microservice needs no open port for this: its agent asks the gateway by long poll, proves by a fencing token that
//! its lease is the current one, and stops work whose lease it has lost.
//!
//! ```no_run
//! use service_agent::{Agent, Command, Gateway, Outcome, Progress, TokenSource};
//!
//! async fn carry_out(command: Command, progress: Progress) -> Outcome {
//!     progress.report(50, "half way");
//!     Outcome::Succeeded(serde_json::json!({"runbook": command.runbook}))
//! }
//!
//! # async fn example() -> Result<(), service_agent::AgentError> {
//! let token = TokenSource::File("/run/secrets/watchgate-token".into());
//! let gateway = Gateway::connect("https://gw.example.com", token, None)?;
//! Agent::new(gateway, "thumbnails").run(carry_out, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod agent;
mod backoff;
mod gateway;
mod heart;
mod token;
mod wire;

pub use agent::Agent;
pub use gateway::{AgentError, Gateway};
pub use heart::Progress;
pub use token::TokenSource;
pub use wire::{Command, Outcome};
