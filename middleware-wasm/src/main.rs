//! The gate in Traefik's sandbox: reads the host once, asks `trust-core`, writes the host once.
//!
//! `http-wasm-guest` lets every request pass while no guest is registered. So the guest registers itself before anything
//! can fail, and an instance without a usable configuration denies everything.

mod host;
mod instance;
mod trust_files;

use std::cell::RefCell;

use http_wasm_guest::Guest;
use http_wasm_guest::host::{Request, Response};
use trust_core::denial::Denial;

use instance::Instance;

/// The guest as `http-wasm-guest` knows it; what it holds lives in [`INSTANCE`].
struct Gatekeeper;

thread_local! {
    static INSTANCE: RefCell<Option<Instance>> = const { RefCell::new(None) };
}

fn main() {
    http_wasm_guest::register(Gatekeeper);
    let instance = Instance::configured_by_host();
    INSTANCE.with(|cell| cell.replace(Some(instance)));
}

impl Guest for Gatekeeper {
    fn handle_request(&self, request: &Request, response: &Response) -> (bool, i32) {
        let decision = INSTANCE.with(|cell| match cell.try_borrow_mut().as_deref_mut() {
            Ok(Some(instance)) => instance.decide(host::read(instance, request)),
            Ok(None) | Err(_) => Err(Denial::NotConfigured),
        });
        match decision {
            Ok(forwarding) => {
                host::forward(&forwarding, request);
                (true, 0)
            }
            Err(denial) => {
                host::refuse(&denial, request, response);
                (false, 0)
            }
        }
    }
}
