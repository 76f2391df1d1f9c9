//! Each family of signatures: what its key signs passes, and nothing that only looks like it.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{bad_token, denied, passes, post};
use crate::forge::{MANY_KEYS_ISSUER, Named, SECRETS_ISSUER};
use crate::forgery::tampered;
use crate::keys::encoded;
use crate::{Forge, Row};

pub(super) fn rows(forge: &Forge) -> Result<Vec<Row>> {
    let many = &forge.many;
    let mut rows = Vec::new();
    for (algorithm, named) in [
        ("EdDSA", &many.ed25519),
        ("ES256", &many.p256),
        ("ES384", &many.p384),
        ("ES512", &many.p521),
        ("RS256", &many.rsa),
        ("RS384", &many.rsa),
        ("RS512", &many.rsa),
        ("PS256", &many.rsa),
        ("PS384", &many.rsa),
        ("PS512", &many.rsa),
    ] {
        rows.extend(family(forge, MANY_KEYS_ISSUER, algorithm, named)?);
    }
    for algorithm in ["HS256", "HS384", "HS512"] {
        rows.extend(family(forge, SECRETS_ISSUER, algorithm, &forge.long_secret)?);
    }
    rows.extend(taken_for_another(forge));
    rows.extend(spelled_otherwise(forge)?);
    Ok(rows)
}

fn family(forge: &Forge, issuer: &str, algorithm: &str, named: &Named) -> Result<Vec<Row>> {
    let token = forge.draft_of(issuer, algorithm, named.kid).sign(&named.key);
    let (signed, signature) = token.rsplit_once('.').context("a token has parts")?;
    let shorter = signature.get(..24).context("a signature is longer")?;
    Ok(vec![
        passes(format!("a good token with {algorithm}"), post(&token)),
        bad_token(
            format!("other claims under {algorithm}"),
            "token_signature",
            &tampered(&token, "sub", json!("root"))?,
        ),
        bad_token(format!("a part of a signature with {algorithm}"), "token_signature", format!("{signed}.{shorter}")),
        bad_token(format!("no signature with {algorithm}"), "token_signature", format!("{signed}.")),
    ])
}

/// Signatures by the right key in a way that is not its own.
fn taken_for_another(forge: &Forge) -> Vec<Row> {
    let many = &forge.many;
    let by = |algorithm: &str, named: &Named| forge.draft_of(MANY_KEYS_ISSUER, algorithm, named.kid).sign(&named.key);
    let short = forge.draft_of(SECRETS_ISSUER, "HS512", forge.short_secret.kid).sign(&forge.short_secret.key);
    let nameless = forge.draft_of(MANY_KEYS_ISSUER, "RS256", "").header("kid", Value::Null).sign(&many.rsa.key);
    let confused = |algorithm: &str, named: &Named, signed_as: &str| {
        forge.draft_of(MANY_KEYS_ISSUER, algorithm, named.kid).signed_by(|signed| named.key.sign(signed_as, signed))
    };
    vec![
        bad_token("RS512 with a key for RS256 alone", "token_unknown_key", by("RS512", &many.rs256_only)),
        bad_token("ES384 announced for a key of P-256", "token_unknown_key", by("ES384", &many.p256)),
        bad_token("EdDSA announced for an RSA key", "token_unknown_key", by("EdDSA", &many.rsa)),
        bad_token("RS256 announced, PS256 signed", "token_signature", confused("RS256", &many.rsa, "PS256")),
        bad_token("PS256 announced, RS256 signed", "token_signature", confused("PS256", &many.rsa, "RS256")),
        bad_token("RS256 announced, RS512 signed", "token_signature", confused("RS256", &many.rsa, "RS512")),
        bad_token("HS512 with a secret of 32 bytes", "token_unknown_key", &short),
        bad_token("no key id where two keys fit", "token_unknown_key", &nameless),
        passes("HS256 with a secret of 32 bytes", {
            post(&forge.draft_of(SECRETS_ISSUER, "HS256", forge.short_secret.kid).sign(&forge.short_secret.key))
        }),
        passes("no key id where one key fits", {
            post(&forge.draft_of(MANY_KEYS_ISSUER, "ES256", "").header("kid", Value::Null).sign(&many.p256.key))
        }),
    ]
}

fn spelled_otherwise(forge: &Forge) -> Result<Vec<Row>> {
    let draft = forge.draft();
    let key = &forge.ed25519.key;
    let rsa = forge.draft_of(MANY_KEYS_ISSUER, "RS256", forge.many.rsa.kid);
    let longer = rsa.signed_by(|signed| [vec![0], forge.many.rsa.key.sign("RS256", signed)].concat());
    let pss = |separator: u8, trailer: u8| {
        forge
            .draft_of(MANY_KEYS_ISSUER, "PS256", forge.many.rsa.kid)
            .signed_by(|signed| forge.many.rsa.key.sign_with_other_frame(signed, separator, trailer))
    };
    let half = forge.draft_of(SECRETS_ISSUER, "HS256", forge.long_secret.kid).signed_by(|signed| {
        let whole = forge.long_secret.key.sign("HS256", signed);
        whole.get(..16).unwrap_or_default().to_vec()
    });
    let longer_mac = forge
        .draft_of(SECRETS_ISSUER, "HS256", forge.long_secret.kid)
        .signed_by(|signed| [forge.long_secret.key.sign("HS256", signed), vec![0]].concat());
    let zeros = forge.draft_of(MANY_KEYS_ISSUER, "ES256", forge.many.p256.kid).signed_by(|_| vec![0; 64]);
    let empty = draft.signed_by(|_| Vec::new());
    Ok(vec![
        bad_token("an Ed25519 signature with a point of small order", "token_signature", {
            draft.signed_by(|signed| key.sign_with_neutral_point(signed))
        }),
        bad_token("an Ed25519 signature in its second spelling", "token_signature", {
            draft.signed_by(|signed| key.sign_with_second_spelling(signed))
        }),
        bad_token("an RSA signature with a zero before it", "token_signature", &longer),
        bad_token("a PSS signature whose salt begins nowhere", "token_signature", pss(2, 0xbc)),
        bad_token("a PSS signature without its last byte", "token_signature", pss(1, 0xcc)),
        bad_token("the first half of a MAC", "token_signature", &half),
        bad_token("a MAC with a byte behind it", "token_signature", &longer_mac),
        bad_token("an ECDSA signature of zeros", "token_signature", &zeros),
        bad_token("nothing signed at all", "token_signature", &empty),
        denied("the signature of another token", 401, "token_signature", {
            let other = forge.claim("sub", json!("console-8"));
            let signature = other.rsplit_once('.').context("a token has parts")?.1;
            let good = forge.good();
            let signed = good.rsplit_once('.').context("a token has parts")?.0;
            post(&format!("{signed}.{}", encoded(signature.as_bytes()).get(..86).unwrap_or_default()))
        }),
    ])
}
