//! The stage: the real Traefik with the real plugin before the real service, started together on free ports from the
//! files that users copy. The whole-path tests, `make demo` and `make run` all stand on it.

pub mod alert_receiver;
pub mod back_end;
pub mod beside;
pub mod bulk;
pub mod client;
pub mod dpop;
pub mod events;
pub mod grpc;
pub mod hosts;
pub mod http3;
pub mod identity;
pub mod identity_provider;
pub mod installation;
pub mod lab;
pub mod load;
pub mod model_mock;
pub mod pages;
pub mod podman;
pub mod random;
pub mod raw;
pub mod replicas;
pub mod revocation;
pub mod runner;
pub mod scripted;
pub mod second_service;
pub mod tail;
pub mod token;
pub mod wait;
pub mod websocket;
pub mod wire;

mod stage;

pub use attack_table::forgery;
pub use installation::{Companion, Installation};
pub use programs::artifacts;
pub use programs::nats;
pub use programs::usage::cpu_time;
use programs::{guardian, ports, process};
pub use stage::options::{BackEnd, BackboneForm, Folder, GateFolder, StageOptions, may_mount_a_full_folder};
pub use stage::shared::SharedStage;
pub use stage::{SecondGateway, Stage, shipped_gate, shipped_gate_with_sessions};
