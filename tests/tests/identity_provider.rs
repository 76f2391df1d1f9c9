//! The identity provider that the tests of identity stand on does what they take for granted, and the gate takes its
//! tokens.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, KeyPair};
use reqwest::Identity;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::{builder, status};
use watchgate_tests::dpop::DpopKey;
use watchgate_tests::identity_provider::{EarlierKeys, IdentityProvider, Resource, endpoint};
use watchgate_tests::{BackEnd, Stage, StageOptions, shipped_gate};

/// A part of a JWT, unchecked.
fn part(token: &str, number: usize) -> Result<Value> {
    let part = token.split('.').nth(number).context("no JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
}

fn header(token: &str) -> Result<Value> {
    part(token, 0)
}

fn claims(token: &str) -> Result<Value> {
    part(token, 1)
}

fn kids_of(key_set: &Value) -> Vec<Value> {
    key_set["keys"].as_array().into_iter().flatten().map(|key| key["kid"].clone()).collect()
}

#[tokio::test]
async fn a_login_with_code_and_pkce_gives_an_access_token_that_is_a_jwt_without_nbf() -> Result<()> {
    let provider = IdentityProvider::start().await?;
    let tokens = provider.grant(Resource::jwt()).scope("events:read").login("ana").await?;
    let (header, said) = (header(&tokens.access)?, claims(&tokens.access)?);
    ensure!(header["typ"] == "at+jwt" && header["alg"] == "ES256", "{header}");
    ensure!(said["iss"] == provider.issuer() && said["sub"] == "ana" && said["aud"] == "watchgate", "{said}");
    ensure!(said["scope"] == "events:read" && said["client_id"] == "browser", "{said}");
    ensure!(said.get("nbf").is_none() && said["sid"].is_string() && said["auth_time"].is_u64(), "{said}");

    let again = provider.grant(Resource::jwt()).scope("events:read").refresh(&tokens).await?;
    let renewed = claims(&again.access)?;
    ensure!(renewed["jti"] != said["jti"], "the same token again");
    ensure!(renewed["sid"] == said["sid"] && renewed["auth_time"] == said["auth_time"], "{said}, then {renewed}");
    Ok(())
}

#[tokio::test]
async fn what_a_resource_asks_of_its_tokens_is_what_they_are() -> Result<()> {
    let provider = IdentityProvider::start().await?;
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let resource = Resource::jwt().algorithm(algorithm).ttl_seconds(7).audience("elsewhere");
        let token = provider.grant(resource).machine().await?.access;
        let said = claims(&token)?;
        ensure!(header(&token)?["alg"] == algorithm && said["aud"] == "elsewhere", "{said}");
        ensure!(said["exp"].as_u64() == said["iat"].as_u64().map(|issued| issued.saturating_add(7)), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn an_opaque_token_is_active_until_it_is_revoked() -> Result<()> {
    let provider = IdentityProvider::start().await?;
    let token = provider.grant(Resource::opaque()).scope("events:write").machine().await?.access;
    ensure!(!token.contains('.'), "not opaque: {token}");
    let said = provider.introspect(&token).await?;
    ensure!(said["active"] == true && said["scope"] == "events:write" && said["aud"] == "watchgate", "{said}");
    provider.revoke(&token).await?;
    ensure!(provider.introspect(&token).await? == json!({"active": false}), "still active");

    let persons = provider.grant(Resource::opaque()).scope("events:read").login("ana").await?;
    let said = provider.introspect(&persons.access).await?;
    ensure!(said["sub"] == "ana" && said["sid"].is_string() && said["auth_time"].is_u64(), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_rotation_signs_with_new_keys_and_publishes_the_earlier_ones_unless_they_are_withdrawn() -> Result<()> {
    let provider = IdentityProvider::start().await?;
    let opaque = provider.grant(Resource::opaque()).machine().await?.access;
    let mut kids = Vec::new();
    for earlier in [EarlierKeys::Published, EarlierKeys::Withdrawn] {
        for _ in 0..2 {
            let token = provider.grant(Resource::jwt()).machine().await?.access;
            kids.push(header(&token)?["kid"].clone());
        }
        provider.rotate(earlier).await?;
    }
    let token = provider.grant(Resource::jwt()).machine().await?.access;
    let newest = header(&token)?["kid"].clone();
    let published = kids_of(&provider.key_set().await?);
    ensure!(kids[0] == kids[1] && kids[2] == kids[3] && kids[0] != kids[2] && newest != kids[2], "{kids:?}, {newest}");
    ensure!(published.contains(&newest) && !kids.iter().any(|kid| published.contains(kid)), "{published:?}");
    provider.rotate(EarlierKeys::Published).await?;
    let published = kids_of(&provider.key_set().await?);
    ensure!(published.contains(&newest) && published.len() == 6, "two keys of each kind: {published:?}");
    ensure!(provider.introspect(&opaque).await?["active"] == true, "a rotation forgot what was issued");
    Ok(())
}

#[tokio::test]
async fn tokens_bound_to_a_key_or_a_certificate_say_so() -> Result<()> {
    let provider = IdentityProvider::start().await?;
    let key = DpopKey::generate()?;
    let tokens = provider.grant(Resource::jwt()).bound_to_key(&key).machine().await?;
    ensure!(tokens.token_type == "DPoP" && claims(&tokens.access)?["cnf"] == json!({"jkt": key.thumbprint()}));
    let tokens = provider.grant(Resource::opaque()).bound_to_key(&key).login("ana").await?;
    ensure!(provider.introspect(&tokens.access).await?["cnf"] == json!({"jkt": key.thumbprint()}));

    let pair = KeyPair::generate()?;
    let certificate = CertificateParams::default().self_signed(&pair)?;
    let pem = format!("{}{}", certificate.pem(), pair.serialize_pem());
    let client = builder(&provider.ca())?.identity(Identity::from_pem(pem.as_bytes())?).build()?;
    let bound = json!({"x5t#S256": URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()))});
    let token = provider.grant(Resource::jwt()).bound_to_certificate(&client).machine().await?.access;
    ensure!(claims(&token)?["cnf"] == bound);
    let token = provider.grant(Resource::opaque()).bound_to_certificate(&client).machine().await?.access;
    ensure!(provider.introspect(&token).await?["cnf"] == bound);
    Ok(())
}

#[tokio::test]
async fn faults_are_what_they_are_called_and_end_when_they_are_taken_back() -> Result<()> {
    let provider = IdentityProvider::start().await?;
    let ask = async |path| anyhow::Ok(provider.client().get(provider.url(path)).send().await?);
    let jwks = endpoint::JWKS;
    let fault = async |fault: Value| provider.set_faults(&json!([fault])).await;

    fault(json!({"kind": "down", "paths": [jwks]})).await?;
    ensure!(ask(jwks).await?.status() == 503 && ask(endpoint::DISCOVERY).await?.status() == 200);
    fault(json!({"kind": "garbage", "paths": [jwks]})).await?;
    ensure!(ask(jwks).await?.json::<Value>().await.is_err());
    fault(json!({"kind": "huge", "mebibytes": 5, "paths": [jwks]})).await?;
    let huge = ask(jwks).await?.bytes().await?;
    ensure!(huge.len() > 5 << 20 && serde_json::from_slice::<Value>(&huge)?["keys"][0]["kid"].is_string());
    fault(json!({"kind": "redirect", "to": "https://elsewhere.example/jwks"})).await?;
    ensure!(ask(jwks).await?.headers()["location"] == "https://elsewhere.example/jwks");
    fault(json!({"kind": "wrong_issuer", "issuer": "https://elsewhere.example"})).await?;
    ensure!(ask(endpoint::DISCOVERY).await?.json::<Value>().await?["issuer"] == "https://elsewhere.example");
    fault(json!({"kind": "header", "name": "Cache-Control", "value": "max-age=7"})).await?;
    ensure!(ask(jwks).await?.headers()["cache-control"] == "max-age=7");
    fault(json!({"kind": "hang_up"})).await?;
    ensure!(ask(jwks).await.is_err());
    fault(json!({"kind": "slow", "milliseconds": 300})).await?;
    let began = std::time::Instant::now();
    ensure!(ask(jwks).await?.status() == 200 && began.elapsed().as_millis() >= 300);

    provider.set_faults(&json!([])).await?;
    let before = provider.count("GET /jwks").await?;
    ensure!(provider.key_set().await?["keys"].is_array() && provider.count("GET /jwks").await? == before + 1);
    provider.set_clock(-120).await?;
    let issued = claims(&provider.grant(Resource::jwt()).machine().await?.access)?["iat"].as_u64().context("no iat")?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    ensure!((110..=130).contains(&(now - issued)), "{} s off", now - issued);
    provider.kill();
    ensure!(ask(jwks).await.is_err());
    provider.restart().await?;
    ensure!(ask(jwks).await?.status() == 200);
    Ok(())
}

#[tokio::test]
async fn a_client_authenticates_with_a_certificate_of_an_authority_that_the_provider_knows() -> Result<()> {
    let pair = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["exchange.example.com".to_owned()])?.self_signed(&pair)?;
    let provider = IdentityProvider::start_with_client_ca(Some(&certificate.pem())).await?;
    let metadata = json!({
        "client_id": "exchange", "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "exchange.example.com", "grant_types": [], "response_types": [], "redirect_uris": [],
    });
    provider.register(&metadata).await?;
    let token = provider.grant(Resource::opaque()).machine().await?.access;
    let pem = format!("{}{}", certificate.pem(), pair.serialize_pem());
    let client = builder(&provider.ca())?.identity(Identity::from_pem(pem.as_bytes())?).build()?;
    let form = [("client_id", "exchange"), ("token", &*token)];
    let url = provider.url(endpoint::INTROSPECTION);
    ensure!(client.post(&url).form(&form).send().await?.json::<Value>().await?["active"] == true);
    ensure!(status(provider.client().post(&url).form(&form)).await? == 401, "without a certificate");
    Ok(())
}

#[tokio::test]
async fn the_gate_takes_the_providers_tokens_by_its_published_keys() -> Result<()> {
    let provider = IdentityProvider::start().await?;
    let mut gate = shipped_gate()?;
    let issuers = gate["issuers"].as_array_mut().context("no issuers")?;
    issuers.push(provider.gate_issuer("jwks/provider.json"));
    let options = StageOptions {
        back_end: BackEnd::DropIn(EchoBackEnd::start("echo")?.url()),
        gate: Some(gate),
        trust_files: vec![("jwks/provider.json".to_owned(), provider.key_set().await?.to_string())],
        ..StageOptions::default()
    };
    let stage = Stage::start(options).await?;
    stage
        .play(async |stage| {
            for algorithm in ["RS256", "ES256", "EdDSA"] {
                let token = provider
                    .grant(Resource::jwt().algorithm(algorithm))
                    .scope("events:read")
                    .login("ana")
                    .await?
                    .access;
                let ana = stage.stranger()?.with_token(&token);
                ensure!(status(ana.get("/v1/events")).await? == 200, "{algorithm}");
                ensure!(status(ana.get("/v1/runbooks")).await? == 403, "a scope that ana was not given");
            }
            let elsewhere =
                provider.grant(Resource::jwt().audience("elsewhere")).scope("events:read").machine().await?;
            let stranger = stage.stranger()?.with_token(&elsewhere.access);
            ensure!(status(stranger.get("/v1/events")).await? == 401, "a token for somebody else");
            let key = DpopKey::generate()?;
            let bound = provider.grant(Resource::jwt()).scope("events:read").bound_to_key(&key).machine().await?;
            let thief = stage.stranger()?.with_token(&bound.access);
            ensure!(status(thief.get("/v1/events")).await? == 401, "a bound token without a proof");
            Ok(())
        })
        .await
}
