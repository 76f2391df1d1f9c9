//! The part of a microservice that takes Watchgate's commands: lease, heartbeat, output, result.
//!
//! A microservice needs no open port for this: its agent asks the gateway by long poll, proves by a fencing token that
//! its lease is the current one, and stops work whose lease it has lost.
//!
//! ```no_run
//! use service_agent::{Agent, Command, Gateway, Outcome, Progress, TokenSource};
//!
//! async fn carry_out(command: Command, progress: Progress) -> Outcome {
//!     progress.output("redrawing\n");
//!     tokio::select! {
//!         pictures = redraw(&command) => Outcome::Succeeded(serde_json::json!({"pictures": pictures})),
//!         () = progress.stop_asked() => Outcome::Canceled("what was drawn stays".to_owned()),
//!     }
//! }
//! # async fn redraw(_: &Command) -> u32 { 7 }
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
mod output;
mod progress;
mod token;
mod wire;
mod work;

pub use agent::Agent;
pub use backoff::Backoff;
pub use gateway::{AgentError, Gateway};
pub use progress::Progress;
pub use token::TokenSource;
pub use wire::{Command, Outcome};
