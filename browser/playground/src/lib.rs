//! The rule playground: the gate itself, compiled into a page. Rules, a token and a request go in as text, the verdict and its
//! reasons come out as JSON; nothing is fetched and nothing is sent.

mod claims;
mod judgement;
mod question;

use std::time::Duration;

use trust_core::gate_key::SECRET_BYTES;
use trust_core::tags::Moment;
use trust_core::time::WallTime;
use wasm_bindgen::prelude::wasm_bindgen;

use judgement::Judgement;
use question::Question;

/// The rules that the product ships, to begin with.
const SHIPPED: &str = include_str!("../../../traefik-config/dynamic/gate.yml");

/// Told to whoever asks for what cannot be written as JSON. Nothing in a judgement is of that kind.
const UNWRITTEN: &str =
    r#"{"gates":[],"mistakes":[],"errors":[{"field":"","what":"the judgement cannot be written"}],"notes":[]}"#;

/// A panic would end as a trap that says nothing: as an exception it keeps its words. What it leaves behind is no module to go on
/// with, and `playground-gate.js` begins it anew.
#[wasm_bindgen(start)]
pub fn begin() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&panic.to_string())));
}

/// The rules that the product ships: Traefik's dynamic file, as it is.
#[wasm_bindgen]
#[must_use]
pub fn shipped() -> String {
    SHIPPED.to_owned()
}

/// Judges a request by the gate of `configuration`: Traefik's dynamic file, or what stands under the plugin's name.
///
/// `request` is JSON: `method`, `url`, `source`, `headers` (lines of `Name: value`), and where they are known `middleware` and
/// `keys` (the text of a JWK Set). An empty `token` is none. `secret` are 32 random bytes, with which the gate signs what it
/// would forward; they are as good as unknown when they are used once. The answer is JSON, whatever goes in: see
/// `browser/pages/console/playground.js`.
#[wasm_bindgen]
#[must_use]
pub fn judge(configuration: &str, request: &str, token: &str, now_seconds: f64, secret: &[u8]) -> String {
    let judgement = judged(configuration, request, token, now_seconds, secret);
    serde_json::to_string(&judgement).unwrap_or_else(|_| UNWRITTEN.to_owned())
}

fn judged(configuration: &str, request: &str, token: &str, now_seconds: f64, secret: &[u8]) -> Judgement {
    let question = match Question::read(request, token) {
        Ok(question) => question,
        Err(error) => return Judgement::wrong("request", &error),
    };
    let Ok(now) = Duration::try_from_secs_f64(now_seconds) else {
        return Judgement::wrong("now", &"seconds since 1970 were expected");
    };
    let Ok(secret) = <[u8; SECRET_BYTES]>::try_from(secret) else {
        return Judgement::wrong("secret", &"32 bytes were expected");
    };
    judgement::of(configuration, &question, Moment { now: WallTime::from_epoch(now), sequence: 1 }, secret)
}

#[cfg(test)]
mod tests;
