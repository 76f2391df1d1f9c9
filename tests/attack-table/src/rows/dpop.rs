//! Tokens that are bound to a key, with proofs that nobody should take (RFC 9449).

use anyhow::Result;
use serde_json::{Value, json};

use super::exchanged::{OPAQUE, exchanged, origin};
use super::kept::{self, table};
use super::{denied, get, passes, post};
use crate::forge::Draft;
use crate::forgery::with_the_other_s;
use crate::hash::Hash;
use crate::keys::{Key, encoded};
use crate::proof::ProofKey;
use crate::{Forge, GateName, Request, Row, Seen, Spoiling, Step};

/// `tests/tests/dpop.rs` of `watchgate-tests` plays it with a folder that nobody may write to.
const NO_DISK: &str = "the folder of spent proofs is Traefik's own";
const KEEPER: &str = "a head has to be written every second";

const SEED: u8 = 21;

/// Holds a token that is bound to a key, and the key.
struct Holder<'a> {
    forge: &'a Forge,
    key: ProofKey,
    token: String,
    /// Where the main gate is reached.
    origin: String,
}

impl<'a> Holder<'a> {
    fn new(forge: &'a Forge, key: ProofKey, origin: &str) -> Holder<'a> {
        let token = forge.claim("cnf", key.confirmation());
        Holder { forge, key, token, origin: origin.to_owned() }
    }

    /// A good proof for [`post`], under a name of its own: nobody's proof shall spoil another's.
    fn draft(&self, jti: &str) -> Draft {
        self.key.draft(&self.token, "POST", &format!("{}/v1/events", self.origin), self.forge.now, jti)
    }

    fn bring(&self, proof: &str) -> Request {
        bring(&self.token, proof)
    }

    /// A request that is good but for what is changed in its proof.
    fn changed(&self, name: &str, change: impl FnOnce(Draft) -> Draft) -> Request {
        self.bring(&self.key.sign(&change(self.draft(name))))
    }
}

fn bring(token: &str, proof: &str) -> Request {
    Request::new("POST", "/v1/events").header(format!("Authorization: DPoP {token}")).header(format!("DPoP: {proof}"))
}

pub(super) fn rows(forge: &Forge, authority: &str) -> Result<Vec<Row>> {
    let holder = Holder::new(forge, ProofKey::new(SEED)?, &format!("https://{authority}"));
    let mut rows = schemes(&holder);
    rows.extend(forms(&holder)?);
    rows.extend(claims(&holder));
    rows.extend(targets(&holder, authority));
    rows.extend(keys(&holder)?);
    rows.extend(spent(&holder)?);
    rows.extend(certificates(forge)?);
    rows.extend(nonces(forge)?);
    rows.extend(in_anothers_place(forge)?);
    Ok(rows)
}

/// Who comes under which scheme.
fn schemes(holder: &Holder<'_>) -> Vec<Row> {
    let proof = |name: &str| holder.key.sign(&holder.draft(name));
    let unbound = &holder.forge.good();
    let nothing_goes_on =
        || vec![Seen::Only("x-auth-subject", "console-7".to_owned()), Seen::No("dpop"), Seen::No("authorization")];
    let bearer = |token: &str| post(token).header(format!("DPoP: {}", proof("presented as a bearer token")));
    vec![
        passes("a token with a proof", holder.bring(&proof("a token with a proof"))).sees(nothing_goes_on()),
        passes("a token with a proof, its scheme in small letters", {
            Request::new("POST", "/v1/events")
                .header(format!("Authorization: dpop {}", holder.token))
                .header(format!("dpop: {}", proof("small letters")))
        })
        .sees(nothing_goes_on()),
        passes("a proof beside a token that is bound to nothing", post(unbound).header("DPoP: root"))
            .sees(vec![Seen::Nowhere("root"), Seen::No("dpop")]),
        // Under a public rule it is for whoever stands behind, who gives out tokens.
        passes("a proof beside no token", get("/healthz").header("DPoP: root"))
            .sees(vec![Seen::Only("dpop", "root".to_owned())]),
        denied("a bound token as a bearer token", 401, "token_without_proof", post(&holder.token)),
        denied("a bound token as a bearer token, with a proof", 401, "token_without_proof", bearer(&holder.token)),
        denied("a token that is bound to nothing with a proof", 401, "token_not_bound_to_key", {
            bring(unbound, &holder.key.sign(&holder.key.draft(unbound, "POST", &holder.origin, holder.forge.now, "a")))
        }),
        denied("a bound token without a proof", 401, "proof_missing", {
            Request::new("POST", "/v1/events").header(format!("Authorization: DPoP {}", holder.token))
        }),
        denied("a bound token with two proofs", 400, "repeated_header", {
            holder.bring(&proof("one of two")).header(format!("DPoP: {}", proof("the other of two")))
        }),
        denied("a proof that is no ASCII", 400, "malformed_header", holder.bring(&format!("{}é", proof("no ASCII")))),
        denied("a good proof beside a bad token", 401, "token_form", bring("x", &proof("beside a bad token"))),
    ]
}

/// What is no proof at all.
fn forms(holder: &Holder<'_>) -> Result<Vec<Row>> {
    let good = holder.key.sign(&holder.draft("of no form"));
    let refused = |name: &str, reason: &'static str, request: Request| denied(name, 401, reason, request);
    let (signed, signature) = good.rsplit_once('.').unwrap_or_default();
    let long = "a".repeat(6 * 1024);
    let header = |name: &str, member: &str, value: Value| holder.changed(name, |draft| draft.header(member, value));
    let secret = ProofKey::of(Key::secret([7; 64]), "HS256");
    let named = |name: &'static str, algorithm: &str| header(name, "alg", json!(algorithm));
    Ok(vec![
        refused("a proof that is empty", "proof_form", holder.bring("")),
        refused("a proof that is a word", "proof_form", holder.bring("let-me-in")),
        refused("two proofs in one", "proof_form", holder.bring(&format!("{good}, {good}"))),
        refused("a proof over 8 KiB", "proof_too_long", {
            holder.changed("long", |draft| draft.claim("long", json!(long)).claim("longer", json!(long)))
        }),
        refused("an access token as a proof", "proof_form", holder.bring(&holder.token)),
        refused("a proof of another type", "proof_type", header("another type", "typ", json!("at+jwt"))),
        refused("a proof without a type", "proof_type", header("no type", "typ", Value::Null)),
        refused("a proof with critical extensions", "proof_critical_extension", {
            header("critical", "crit", json!(["exp"]))
        }),
        refused("a proof that nobody has signed", "proof_algorithm", named("unsigned", "none")),
        refused("a proof with an algorithm in capitals", "proof_algorithm", named("capitals", "es256")),
        refused("a proof with a shared secret", "proof_algorithm", {
            holder.bring(&secret.sign(&holder.draft("shared secret").header("alg", json!("HS256"))))
        }),
        refused("a proof under a signature of another", "proof_signature", {
            let other = holder.key.sign(&holder.draft("another"));
            holder.bring(&format!("{signed}.{}", other.rsplit_once('.').unwrap_or_default().1))
        }),
        refused("a proof without a signature", "proof_signature", holder.bring(&format!("{signed}."))),
        refused("a proof with padding", "proof_signature", holder.bring(&format!("{signed}.{signature}="))),
    ])
}

/// What a proof says.
fn claims(holder: &Holder<'_>) -> Vec<Row> {
    let forge = holder.forge;
    let claim = |name: &str, reason: &'static str, member: &str, value: Value| {
        denied(name, 401, reason, holder.changed(name, |draft| draft.claim(member, value)))
    };
    let other_token = forge.claim("jti", json!("4712"));
    let for_other = encoded(Hash::Sha256.digest(other_token.as_bytes()));
    vec![
        claim("a proof for another method", "proof_method", "htm", json!("GET")),
        claim("a proof for a method in small letters", "proof_method", "htm", json!("post")),
        claim("a proof for no method", "proof_form", "htm", Value::Null),
        claim("a proof from before", "proof_time", "iat", json!(forge.after(-310))),
        claim("a proof from the future", "proof_time", "iat", json!(forge.after(3_600))),
        claim("a proof of no time", "proof_form", "iat", Value::Null),
        claim("a proof whose time is text", "proof_form", "iat", json!(forge.now.to_string())),
        claim("a proof of a time before all times", "proof_form", "iat", json!(-1)),
        claim("a proof for another token", "proof_token", "ath", json!(for_other)),
        claim("a proof for no token", "proof_token", "ath", Value::Null),
        claim("a proof without a name", "proof_form", "jti", Value::Null),
        claim("a proof with an empty name", "proof_identifier", "jti", json!("")),
        claim("a proof with a name of 257 letters", "proof_identifier", "jti", json!("a".repeat(257))),
        passes("a proof with a nonce that nobody asked for", {
            holder.changed("a nonce for nobody", |draft| draft.claim("nonce", json!("x")))
        }),
    ]
}

/// The address that a proof is for.
fn targets(holder: &Holder<'_>, authority: &str) -> Vec<Row> {
    let to = |name: &str, url: &str| holder.changed(name, |draft| draft.claim("htu", json!(url)));
    let good = |name: &str, url: &str| passes(name, to(name, url));
    let bad = |name: &str, url: &str| denied(name, 401, "proof_target", to(name, url));
    let (port, capitals) = (authority.rsplit_once(':').unwrap_or_default().1, authority.to_uppercase());
    vec![
        good("a proof for a WebSocket over TLS", &format!("wss://{authority}/v1/events")),
        good("a proof for a host in capitals", &format!("HTTPS://{capitals}/v1/events")),
        good("a proof for a path with a query and a fragment", &format!("https://{authority}/v1/events?a=b#c")),
        good("a proof for a path that is encoded", &format!("https://{authority}/v1/%65vents")),
        bad("a proof for http", &format!("http://{authority}/v1/events")),
        bad("a proof for a WebSocket without TLS", &format!("ws://{authority}/v1/events")),
        bad("a proof for another scheme", &format!("gopher://{authority}/v1/events")),
        bad("a proof for another host", &format!("https://evil.example:{port}/v1/events")),
        bad("a proof for a host with a user", &format!("https://evil@{authority}/v1/events")),
        bad("a proof for another port", "https://localhost/v1/events"),
        bad("a proof for another path", &format!("https://{authority}/v1/ask")),
        bad("a proof for a path above", &format!("https://{authority}/v1")),
        bad("a proof for a path with two readings", &format!("https://{authority}/v1/ask/../events")),
        bad("a proof for a path with an encoded slash", &format!("https://{authority}/v1%2Fevents")),
        bad("a proof for a path alone", "/v1/events"),
        denied("a proof where nobody says under which origin", 401, "proof_target", {
            to("anywhere", "https://anywhere.localhost/v1/events")
        })
        .at(GateName::Anywhere),
    ]
}

/// The key that a proof brings along.
fn keys(holder: &Holder<'_>) -> Result<Vec<Row>> {
    let forge = holder.forge;
    let by = |name: &str, key: Key, algorithm: &'static str| {
        let other = Holder::new(forge, ProofKey::of(key, algorithm), &holder.origin);
        other.changed(name, |draft| draft)
    };
    let good = |name: &str, key: Key, algorithm: &'static str| passes(name, by(name, key, algorithm));
    let jwk = |name: &str, reason: &'static str, jwk: Value| {
        denied(name, 401, reason, holder.changed(name, |draft| draft.header("jwk", jwk)))
    };
    let private = Key::p256(SEED)?.with("d", json!(encoded([SEED; 32])));
    Ok(vec![
        good("a proof with an Ed25519 key", Key::ed25519(22), "EdDSA"),
        good("a proof with a P-384 key", Key::p384(22)?, "ES384"),
        good("a proof with an RSA key", Key::rsa(2048, 65_537)?, "PS256"),
        denied("a proof with an RSA key of 1,024 bits", 401, "proof_key", {
            by("a weak key", Key::rsa(1024, 65_537)?, "RS256")
        }),
        denied("a proof with another key", 401, "proof_other_key", {
            let other = ProofKey::new(23)?;
            let draft = other.draft(&holder.token, "POST", &format!("{}/v1/events", holder.origin), forge.now, "other");
            holder.bring(&other.sign(&draft))
        }),
        denied("a proof with the right key, signed with another", 401, "proof_signature", {
            holder.bring(&ProofKey::new(23)?.sign(&holder.draft("signed with another")))
        }),
        denied("a proof with an algorithm that is not its key's", 401, "proof_signature", {
            holder.changed("not its key's", |draft| draft.header("alg", json!("ES384")))
        }),
        jwk("a proof with a private key", "proof_key", private.jwk().clone()),
        jwk("a proof with a secret", "proof_key", Key::secret([7; 64]).jwk().clone()),
        jwk("a proof without a key", "proof_form", Value::Null),
    ])
}

/// A proof is good once.
fn spent(holder: &Holder<'_>) -> Result<Vec<Row>> {
    let sent = |request: &Request, status| vec![Step::Send { gate: GateName::Main, request: request.clone(), status }];
    let proof = |name: &str| holder.key.sign(&holder.draft(name));
    let twice = holder.bring(&proof("twice"));
    let with_the_other = proof("with the other s");
    let other_s = holder.bring(&with_the_other_s(&with_the_other)?);
    let foreign = holder.bring(&proof("denied first")).headers([
        "ce-specversion: 1.0",
        "ce-id: 1",
        "ce-type: com.example.other",
        "ce-source: https://issuer.watchgate.test#console-7",
    ]);
    let lost = Step::Spoil(Spoiling::LoseProofs);
    Ok(vec![
        denied("a proof that has passed", 401, "proof_replayed", twice.clone()).after(sent(&twice, 200)),
        denied("a proof that has passed at another instance", 401, "proof_replayed", twice.clone())
            .after([sent(&twice, 200), vec![Step::NewInstances]].concat())
            .native_only("nobody tells Traefik which instance to use"),
        denied("a proof that has passed, under its other signature", 401, "proof_replayed", other_s)
            .after(sent(&holder.bring(&with_the_other), 200)),
        passes("a proof whose request was denied for another reason", holder.bring(&proof("denied first")))
            .after(sent(&foreign, 403)),
        denied("a proof that nobody can write down", 503, "replays_unknown", holder.bring(&proof("not written down")))
            .after(vec![lost])
            .native_only(NO_DISK),
    ])
}

/// Keys and certificates. The request's own header stands for Traefik's word.
fn certificates(forge: &Forge) -> Result<Vec<Row>> {
    const TRAEFIKS: &str = "Traefik takes a client's own header away, and writes it only for a real certificate";
    const CERTIFICATE: &[u8] = b"the certificate that the token names";
    let thumbprint = encoded(Hash::Sha256.digest(CERTIFICATE));
    let mut holder = Holder::new(forge, ProofKey::new(SEED)?, "https://trusting.localhost");
    let to_key = bring(&holder.token, &holder.key.sign(&holder.draft("bound to a key")));
    holder.token = forge.claim("cnf", json!({"x5t#S256": thumbprint, "jkt": holder.key.thumbprint()}));
    let to_both = |name: &str| holder.bring(&holder.key.sign(&holder.draft(name)));
    let to_certificate = forge.claim("cnf", json!({"x5t#S256": thumbprint}));
    let shown = |request: Request| {
        let leaf = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, CERTIFICATE);
        request.header(format!("X-Forwarded-Tls-Client-Cert: {leaf}"))
    };
    let unproved = Request::new("POST", "/v1/events").header(format!("Authorization: DPoP {}", holder.token));
    let rows = vec![
        passes("a token bound to a key where certificates count", to_key),
        passes("a token bound to a key and a certificate, with both", shown(to_both("both"))),
        denied("a token bound to a key and a certificate, with its key", 401, "token_bound", to_both("its key")),
        denied("a token bound to a key and a certificate, with its certificate", 401, "proof_missing", shown(unproved)),
        denied("a token bound to a key and a certificate, borne", 401, "token_without_proof", {
            shown(post(&holder.token))
        }),
        denied("a token bound to a certificate, with a proof", 401, "token_not_bound_to_key", {
            let draft =
                holder.key.draft(&to_certificate, "POST", "https://trusting.localhost/v1/events", forge.now, "c");
            shown(bring(&to_certificate, &holder.key.sign(&draft)))
        }),
    ];
    Ok(rows.into_iter().map(|row| row.at(GateName::Trusting).native_only(TRAEFIKS)).collect())
}

/// Several hosts behind one address.
fn nonces(forge: &Forge) -> Result<Vec<Row>> {
    let holder = Holder::new(forge, ProofKey::new(SEED)?, "https://kept.localhost");
    let with = |name: &str, nonce: Value| holder.changed(name, |draft| draft.claim("nonce", nonce));
    let at = |host: &str, seconds: i64| json!(nonce(host, forge.after(seconds)));
    let refused = |name: &str, nonce: Value| denied(name, 401, "proof_nonce", with(name, nonce));
    let host = || vec![kept::head_of_host(forge, "gw-1")];
    let mut rows: Vec<_> = [
        passes("a proof with the host's nonce", with("nonce", at("gw-1", 0))),
        passes("a proof with the nonce before", with("nonce before", at("gw-1", -300))),
        refused("a proof with a nonce from long before", at("gw-1", -600)),
        refused("a proof with a nonce of the future", at("gw-1", 300)),
        refused("a proof with another host's nonce", at("gw-2", 0)),
        refused("a proof with a part of a nonce", json!(nonce("gw-1", forge.now).get(..8))),
        refused("a proof with a nonce of a client's own", json!(encoded([7; 16]))),
        refused("a proof without a nonce", Value::Null),
    ]
    .into_iter()
    .map(|row| row.after(host()))
    .collect();
    let keyless = [vec![Step::File("gate.key", None)], host()].concat();
    rows.push(
        denied("a proof where nobody can make nonces", 503, "keys_unavailable", with("keyless", at("gw-1", 0)))
            .after(keyless),
    );
    Ok(rows.into_iter().map(|row| row.at(GateName::Kept).native_only(KEEPER)).collect())
}

/// As the gate makes it of the key that the core's player gives it: HKDF (RFC 5869) of one block, and a MAC.
fn nonce(host: &str, now: u64) -> String {
    let extracted = Hash::Sha256.mac(&[0; 32], &[9; 32]);
    let key = Hash::Sha256.mac(&extracted, b"watchgate/v1/dpop-nonce\x01");
    let message = [now.checked_div(300).unwrap_or(0).to_be_bytes().as_slice(), host.as_bytes()].concat();
    encoded(Hash::Sha256.mac(&key, &message).get(..16).unwrap_or_default())
}

/// The client proves for the token that it holds, not for what an exchange has put in its place.
fn in_anothers_place(forge: &Forge) -> Result<Vec<Row>> {
    let key = ProofKey::new(SEED)?;
    let token = exchanged(forge, origin(), &key.confirmation());
    let proof = |held: &str, jti: &str| {
        bring(&token, &key.sign(&key.draft(held, "POST", "https://exchanging.localhost/v1/events", forge.now, jti)))
    };
    let rows = [
        passes("a proof for an opaque token", proof(OPAQUE, "opaque")),
        denied("a proof for what stands in an opaque token's place", 401, "proof_token", proof(&token, "phantom")),
        denied("an opaque token that is bound to a key, borne", 401, "token_without_proof", post(&token)),
    ];
    let at = |row: Row| row.after(table(forge, 1, vec![])).at(GateName::Exchanging).native_only(KEEPER);
    Ok(rows.into_iter().map(at).collect())
}
