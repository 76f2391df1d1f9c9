//! Tokens that are bound to a client certificate. The request's own header stands for Traefik's word.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{denied, get, passes, post};
use crate::hash::Hash;
use crate::keys::encoded;
use crate::{Forge, GateName, Request, Row, Step};

const MINE: &[u8] = b"the certificate that the token names";
const OTHER: &[u8] = b"the certificate of somebody else";

/// `tests/client_certificate.rs` of `watchgate-tests` plays it with real certificates.
const TRAEFIKS: &str = "Traefik takes a client's own header away, and writes it only for a real certificate";

pub(super) fn rows(forge: &Forge) -> Vec<Row> {
    let confirmation = json!({"x5t#S256": encoded(Hash::Sha256.digest(MINE))});
    let bound = forge.claim("cnf", confirmation);
    let two_bindings = forge.claim("cnf", json!({"x5t#S256": encoded(Hash::Sha256.digest(MINE)), "x": "y"}));
    let to_nothing = forge.claim("cnf", json!({"x5t#S256": encoded(Hash::Sha256.digest(b""))}));
    let too_short = forge.claim("cnf", json!({"x5t#S256": "AAAA"}));
    let no_text = forge.claim("cnf", json!({"x5t#S256": Value::Null}));
    let (mine, other) = (STANDARD.encode(MINE), STANDARD.encode(OTHER));
    let shown = |token: &str, value: &str| post(token).header(format!("X-Forwarded-Tls-Client-Cert: {value}"));
    let refused = |name: &str, request: Request| denied(name, 401, "token_bound", request).at(GateName::Trusting);
    vec![
        passes("a bound token with its certificate", shown(&bound, &mine)).at(GateName::Trusting).native_only(TRAEFIKS),
        passes(
            "a bound token with its certificate and the one that signed it",
            shown(&bound, &format!("{mine},{other}")),
        )
        .at(GateName::Trusting)
        .native_only(TRAEFIKS),
        refused("a bound token without a certificate", post(&bound)),
        refused("a bound token with another certificate", shown(&bound, &other)),
        refused("a bound token with its certificate behind another", shown(&bound, &format!("{other},{mine}"))),
        refused("a bound token with two certificates", {
            shown(&bound, &mine).header(format!("X-Forwarded-Tls-Client-Cert: {other}"))
        }),
        refused("a bound token with its certificate in another spelling", {
            post(&bound).header(format!("X_Forwarded_Tls_Client_Cert: {mine}"))
        }),
        refused("a token bound to nothing, and nothing shown", shown(&to_nothing, "")),
        refused("a token bound to a certificate and to something unknown", shown(&two_bindings, &mine)),
        refused("a token bound to three bytes", shown(&too_short, &mine)),
        refused("a token bound to null", shown(&no_text, &mine)),
        refused("a bound token that has passed, without its certificate", post(&bound))
            .after(vec![Step::Send { gate: GateName::Trusting, request: shown(&bound, &mine), status: 200 }])
            .native_only(TRAEFIKS),
        denied("a bound token with a certificate of a client's own", 401, "token_bound", shown(&bound, &mine)),
        denied("an unbound token where a bound one is asked for", 403, "insufficient_claims", {
            get("/table/bound").token(&forge.good()).header(format!("X-Forwarded-Tls-Client-Cert: {mine}"))
        })
        .at(GateName::Trusting),
    ]
}
