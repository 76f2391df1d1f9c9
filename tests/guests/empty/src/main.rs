//! A wasm middleware that lets every request pass untouched: the floor below which no plugin can get.

use http_wasm_guest::Guest;

struct Empty;

impl Guest for Empty {}

fn main() {
    http_wasm_guest::register(Empty);
}
