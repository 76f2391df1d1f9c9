//! What the wasm of the pages is made from: whoever binds it writes a digest of that down beside it, and whoever packs the pages can tell wasm of
//! today from wasm of yesterday. Read by `build.rs` and by `scripts/bind-wasm`.

/// The file beside a bound module that holds the digest.
pub(crate) const MADE_FROM: &str = ".made-from";

/// Below the repository: all that goes into any of the modules.
pub(crate) const SOURCES: [&str; 8] = [
    "Cargo.lock",
    "rust-toolchain.toml",
    "traefik-config/dynamic/gate.yml",
    "trust-core/src",
    "policy/src",
    "browser/playground/src",
    "browser/scanner/src",
    "scripts/bind-wasm/src",
];
