use std::fs;
use std::path::Path;

use clap::Parser;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{DecodingKey, TokenData, Validation, decode, decode_header};
use tempfile::TempDir;

use super::*;
use crate::command_line::keys::{self, DevArguments, KeysCommand};

#[derive(Debug, Parser)]
struct CommandLine {
    #[command(subcommand)]
    command: TokenCommand,
}

fn issuer() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    keys::run(KeysCommand::Dev(DevArguments {
        dir: dir.path().to_owned(),
        issuer: "https://issuer.watchgate.test".to_owned(),
        audience: "assistant-service".to_owned(),
        hosts: Vec::new(),
        force: false,
    }))
    .unwrap();
    dir
}

fn mint_with(dir: &Path, arguments: &[&str]) -> String {
    let folder = dir.join("issuer");
    let mut words = vec!["token", "mint", "--keys", folder.to_str().unwrap(), "--subject", "tester-7"];
    words.extend(arguments);
    let TokenCommand::Mint(arguments) = CommandLine::try_parse_from(words).unwrap().command else { panic!("no mint") };
    mint(arguments, seconds_since_epoch().unwrap()).unwrap()
}

fn public_key(dir: &Path, token: &str) -> Jwk {
    let set: JwkSet = serde_json::from_slice(&fs::read(dir.join("trust/jwks/dev.json")).unwrap()).unwrap();
    set.find(&decode_header(token).unwrap().kid.unwrap()).unwrap().clone()
}

fn verify(dir: &Path, token: &str) -> jsonwebtoken::errors::Result<TokenData<Value>> {
    let header = decode_header(token).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&["https://issuer.watchgate.test"]);
    validation.set_audience(&["watchgate"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    decode(token, &DecodingKey::from_jwk(&public_key(dir, token)).unwrap(), &validation)
}

#[test]
fn a_minted_token_is_good_under_the_public_set_with_both_algorithms() {
    let dir = issuer();
    for (name, algorithm) in [("EdDSA", Algorithm::EdDSA), ("RS256", Algorithm::RS256)] {
        let token = mint_with(dir.path(), &["--algorithm", name, "--scope", "events:write assistant:ask"]);
        let verified = verify(dir.path(), &token).unwrap();
        assert_eq!(verified.header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(verified.header.alg, algorithm);
        assert_eq!(verified.claims["sub"], "tester-7");
        assert_eq!(verified.claims["client_id"], "watchgate");
        assert_eq!(verified.claims["scope"], "events:write assistant:ask");
        let (issued, expires) = (&verified.claims["iat"], &verified.claims["exp"]);
        assert_eq!(issued.as_i64().unwrap() + 600, expires.as_i64().unwrap());
        assert_eq!(public_key(dir.path(), &token).common.key_id, verified.header.kid);
    }
}

#[test]
fn a_tampered_token_is_refused() {
    let dir = issuer();
    let token = mint_with(dir.path(), &[]);
    let other = mint_with(dir.path(), &["--claim", "sub=\"admin\""]);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (other_head, _) = other.rsplit_once('.').unwrap();
    assert_ne!(head, other_head);
    let refused = verify(dir.path(), &format!("{other_head}.{signature}")).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::InvalidSignature), "{refused:?}");
}

#[test]
fn a_negative_ttl_makes_an_expired_token() {
    let dir = issuer();
    let refused = verify(dir.path(), &mint_with(dir.path(), &["--ttl-seconds", "-3600"])).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::ExpiredSignature), "{refused:?}");
}

#[test]
fn claims_are_added_and_replaced_by_their_json() {
    let dir = issuer();
    let token = mint_with(dir.path(), &["--claim", "roles=[\"operator\"]", "--claim", "aud=[\"watchgate\",\"other\"]"]);
    let claims = verify(dir.path(), &token).unwrap().claims;
    assert_eq!(claims["roles"], json!(["operator"]));
    assert_eq!(claims["aud"], json!(["watchgate", "other"]));
}

#[test]
fn each_token_has_its_own_id() {
    let dir = issuer();
    let id = || verify(dir.path(), &mint_with(dir.path(), &[])).unwrap().claims["jti"].clone();
    assert_ne!(id(), id());
}

#[test]
fn a_claim_that_is_not_json_is_a_usage_mistake() {
    let words = ["token", "mint", "--keys", "x", "--subject", "x", "--claim", "role=operator"];
    let refused = CommandLine::try_parse_from(words).unwrap_err();
    assert!(refused.to_string().contains("double quotes"), "{refused}");
    assert_eq!(refused.exit_code(), 2);
}

#[test]
fn a_folder_without_an_issuer_says_how_to_make_one() {
    let dir = tempfile::tempdir().unwrap();
    let refused = read_issuer(dir.path()).unwrap_err();
    assert!(refused.to_string().contains("watchgate keys dev"), "{refused}");
}
