//! The ways through Traefik that are compared. They share one Traefik, one back end and the same requests, and differ in
//! one middleware.

use anyhow::Result;
use serde_json::{Value, json};

use crate::gate::GateSetting;

/// A wasm module.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wasm {
    /// The gate, as it is packed for users.
    Gate,
    /// One of the bench's own.
    Guest(&'static str),
}

/// A way through Traefik; each has an entry point of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Route {
    /// No middleware: what everything else is compared with.
    Bare,
    /// A wasm middleware that does nothing: the floor for any plugin.
    EmptyWasm,
    /// Traefik's own `headers` middleware, setting and removing what the gate does: the floor for any gate.
    NativeHeaders,
    /// The gate with one rule: checks the token, sets nothing.
    GateCheck,
    /// The gate as shipped: rules, tags, transaction token; 2,000 live tokens.
    Gate,
    /// The same with 20,000.
    #[value(name = "gate_20000_tokens")]
    GateManyTokens,
    /// Traefik's `forwardAuth` to a server that decides natively.
    ForwardAuth,
    /// No way to compare: times the gate's decisions inside the sandbox.
    #[value(skip)]
    Probe,
}

impl Route {
    /// What is compared.
    pub(crate) const ALL: [Route; 7] = [
        Route::Bare,
        Route::EmptyWasm,
        Route::NativeHeaders,
        Route::GateCheck,
        Route::Gate,
        Route::GateManyTokens,
        Route::ForwardAuth,
    ];

    /// Its name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Route::Bare => "bare",
            Route::EmptyWasm => "empty_wasm",
            Route::NativeHeaders => "native_headers",
            Route::GateCheck => "gate_check",
            Route::Gate => "gate",
            Route::GateManyTokens => "gate_20000_tokens",
            Route::ForwardAuth => "forward_auth",
            Route::Probe => "probe",
        }
    }

    /// Live tokens, in random order.
    pub(crate) fn tokens(self) -> usize {
        if self == Route::GateManyTokens { 20_000 } else { 2_000 }
    }

    /// Whether a request with a bad token must be refused here.
    pub(crate) fn checks_tokens(self) -> bool {
        self.gate().is_some() || self == Route::ForwardAuth
    }

    /// The gate's configuration, where this route has the gate for a plugin.
    pub(crate) fn gate(self) -> Option<GateSetting> {
        match self {
            Route::GateCheck => Some(GateSetting::CheckOnly),
            Route::Gate | Route::GateManyTokens => Some(GateSetting::Shipped),
            Route::Bare | Route::EmptyWasm | Route::NativeHeaders | Route::ForwardAuth | Route::Probe => None,
        }
    }

    /// The wasm module that Traefik loads for it.
    pub(crate) fn wasm(self) -> Option<Wasm> {
        match self {
            Route::EmptyWasm => Some(Wasm::Guest("empty")),
            Route::Probe => Some(Wasm::Guest("probe")),
            Route::GateCheck | Route::Gate | Route::GateManyTokens => Some(Wasm::Gate),
            Route::Bare | Route::NativeHeaders | Route::ForwardAuth => None,
        }
    }

    /// The middleware in Traefik's words.
    pub(crate) fn middleware(
        self,
        header_changes: &[(String, String)],
        forward_auth_url: &str,
    ) -> Result<Option<Value>> {
        Ok(match self {
            Route::Bare => None,
            Route::EmptyWasm | Route::Probe => Some(json!({"plugin": {self.name(): {"unused": "unused"}}})),
            Route::NativeHeaders => {
                let set: serde_json::Map<_, _> =
                    header_changes.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect();
                Some(json!({"headers": {"customRequestHeaders": set}}))
            }
            Route::GateCheck | Route::Gate | Route::GateManyTokens => {
                let config = self.gate().unwrap_or(GateSetting::Shipped).config()?;
                Some(json!({"plugin": {self.name(): config}}))
            }
            Route::ForwardAuth => {
                let set = header_changes.iter().filter(|(_, value)| !value.is_empty());
                let names: Vec<_> = set.map(|(name, _)| name).collect();
                Some(json!({"forwardAuth": {"address": forward_auth_url, "authResponseHeaders": names}}))
            }
        })
    }
}
