//! The gate in Traefik's sandbox: reads the host once, asks `trust-core`, writes the host once.
//!
//! `http-wasm-guest` lets every request pass while no guest is registered. So the guest registers itself before anything
//! can fail, and an instance without a usable configuration denies everything.

mod abi;
mod host;
mod instance;
mod shared_files;
mod spent_proofs;
mod trust_files;

use std::cell::Cell;

use host::RequestBuffer;
use http_wasm_guest::Guest;
use http_wasm_guest::host::{Request, Response};
use instance::Instance;
use trust_core::gate::Outcome;

/// The guest as `http-wasm-guest` knows it; what it holds lives in [`INSTANCE`].
struct Gatekeeper;

thread_local! {
    static INSTANCE: Cell<Option<Box<Held>>> = const { Cell::new(None) };
}

/// What an instance holds from request to request.
struct Held {
    instance: Instance,
    buffer: RequestBuffer,
}

impl Held {
    fn new() -> Box<Self> {
        Box::new(Self { instance: Instance::configured_by_host(), buffer: RequestBuffer::default() })
    }
}

fn main() {
    http_wasm_guest::register(Gatekeeper);
    INSTANCE.set(Some(Held::new()));
}

impl Guest for Gatekeeper {
    fn handle_request(&self, request: &Request, response: &Response) -> (bool, i32) {
        // Taken out and put back: after a trap the pool hands this instance out again, and what the trap left half done must
        // not be used again.
        let mut held = INSTANCE.take().unwrap_or_else(Held::new);
        let goes_on = judge(&mut held, request, response);
        INSTANCE.set(Some(held));
        (goes_on, 0)
    }

    fn handle_response(&self, _context: i32, _request: &Request, _response: &Response, is_error: bool) {
        if is_error {
            // The host swallows an answer that broke off: the client would take the half for the whole. A trap, as the very
            // last thing, is the only way to have the connection broken off as well.
            broken_off();
        }
    }
}

/// Puts a request that may pass in order, or answers it here. Says whether it goes on.
fn judge(Held { instance, buffer }: &mut Held, request: &Request, response: &Response) -> bool {
    let raw = buffer.read(instance);
    if let Some(answer) = instance.own_answer(raw) {
        host::answer(&answer, response);
        return false;
    }
    match instance.decide(raw) {
        Ok(forwarding) => {
            host::forward(&forwarding, request);
            true
        }
        Err(denial) => {
            let raw = if instance.only_observes() { buffer.read_whole(instance) } else { raw };
            let refusal = instance.refuse(&denial, raw);
            host::log_denial(&refusal.log_line);
            match refusal.outcome {
                Outcome::Answer(answer) => {
                    host::answer(&answer, response);
                    false
                }
                Outcome::Pass(forwarding) => {
                    host::forward(&forwarding, request);
                    true
                }
            }
        }
    }
}

#[cfg(target_arch = "wasm32")]
fn broken_off() {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn broken_off() {}
