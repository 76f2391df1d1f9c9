//! Opaque tokens through the real Traefik: the shipped chain, `watchgate exchange`, and a real provider behind it.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attack_table::Request;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::{expect_json, plain, status};
use watchgate_tests::dpop::DpopKey;
use watchgate_tests::identity_provider::{CLIENT_SECRET, IdentityProvider, Resource, endpoint};
use watchgate_tests::wait::until;
use watchgate_tests::{BackEnd, Companion, Stage, StageOptions, artifacts, raw, shipped_gate};

const INTROSPECTION: &str = "POST /token/introspection";
const SCOPE: &str = "events:read";
const PATH: &str = "/v1/events";

/// The provider, the exchange and the gateway.
struct Chain {
    provider: IdentityProvider,
    stage: Stage,
    exchange: Companion,
    exchange_url: String,
}

impl Chain {
    async fn set() -> Result<Chain> {
        Chain::set_with(IdentityProvider::start().await?, &json!({})).await
    }

    /// With other members of the provider's settings in place of some.
    async fn set_with(provider: IdentityProvider, changes: &Value) -> Result<Chain> {
        let mut gate = shipped_gate()?;
        let issuers = gate["issuers"].as_array_mut().context("no issuers")?;
        issuers.push(json!({
            "issuer": "urn:watchgate:exchange", "audiences": ["watchgate"], "jwksFile": "jwks/exchange.json",
            "algorithms": ["EdDSA"], "leewaySeconds": 0, "speaksFor": [provider.issuer()],
        }));
        gate["dpop"] = json!({"maxAgeSeconds": 300});
        // So that the back end shows what it gets of the client's credentials.
        gate.as_object_mut().context("no object")?.remove("transactionToken");
        let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
        let stage = Stage::start(StageOptions { back_end, gate: Some(gate), ..StageOptions::default() }).await?;
        let exchange = start_exchange(&stage, &provider, changes)?;
        let exchange_url = until("the exchange listens", Duration::from_secs(20), async || {
            let log = exchange.log();
            let url = log.lines().find_map(|line| line.strip_prefix("watchgate: listening on "));
            Ok(url.map(str::to_owned))
        })
        .await
        .with_context(|| exchange.log())?;
        let chain = Chain { provider, stage, exchange, exchange_url };
        chain.put_router().await?;
        Ok(chain)
    }

    /// The shipped file, with the address of this exchange alone put in.
    async fn put_router(&self) -> Result<()> {
        let shipped = std::fs::read_to_string(artifacts::root().join("traefik-config/opaque-tokens.yml"))?;
        let named = "http://127.0.0.1:8087";
        ensure!(shipped.matches(named).count() == 1, "the shipped file names {named} not once");
        self.stage.write_dynamic("opaque-tokens.yml", &shipped.replace(named, &self.exchange_url))?;
        until("Traefik asks the exchange", Duration::from_secs(20), async || {
            self.get("nobody-knows-this-token").await?;
            Ok(self.exchanged("not_good").await?.gt(&0).then_some(()))
        })
        .await
    }

    async fn get(&self, token: &str) -> Result<u16> {
        status(self.stage.stranger()?.with_token(token).get(PATH)).await
    }

    /// How many answers of this kind the exchange has given.
    async fn exchanged(&self, outcome: &str) -> Result<u64> {
        let metrics = plain()?.get(format!("{}/metrics", self.exchange_url)).send().await?.text().await?;
        let wanted = format!("watchgate_exchange_requests_total{{provider=\"idp\",outcome=\"{outcome}\"}} ");
        Ok(metrics.lines().find_map(|line| line.strip_prefix(&wanted)?.parse().ok()).unwrap_or_default())
    }

    async fn opaque(&self) -> Result<String> {
        Ok(self.provider.grant(Resource::opaque()).scope(SCOPE).machine().await?.access)
    }

    /// Sends exactly these bytes.
    async fn send(&self, request: Request) -> Result<raw::RawAnswer> {
        let (port, ca) = (self.stage.https_port(), self.stage.ca());
        let authority = format!("localhost:{port}");
        tokio::task::spawn_blocking(move || raw::send(&request, &authority, port, &ca)).await?
    }
}

fn start_exchange(stage: &Stage, provider: &IdentityProvider, changes: &Value) -> Result<Companion> {
    let keys = stage.folder().join("exchange");
    let mut command = Command::new(artifacts::watchgate()?);
    let made =
        command.args(["keys", "exchange", "--dir"]).arg(&keys).arg("--trust").arg(stage.trust_folder()).output()?;
    ensure!(made.status.success(), "`watchgate keys exchange` failed: {}", String::from_utf8_lossy(&made.stderr));
    let secret = keys.join("idp.secret");
    std::fs::write(&secret, CLIENT_SECRET)?;
    let mut settings = json!({
        // Its machines have tokens without `sub`.
        "subjectFromClientId": true,
        "name": "idp", "issuer": provider.issuer(), "audiences": ["watchgate"], "caFile": provider.ca(),
        "auth": {"method": "client_secret_basic", "clientId": "resource-server", "secretFile": secret},
        "allowedNetworks": ["127.0.0.0/8"], "perSourcePerMinute": 1000,
    });
    for (name, value) in changes.as_object().context("no object")? {
        settings[name] = value.clone();
    }
    let key_file = keys.join("phantom.pem");
    let listen = "127.0.0.1:0";
    let whole = json!({"listen": listen, "audience": "watchgate", "keyFile": key_file, "providers": [settings]});
    stage.watchgate("exchange", &whole)
}

fn header<'e>(echo: &'e Value, name: &str) -> Option<&'e str> {
    echo["headers"].as_array()?.iter().find(|header| header[0] == name)?[1].as_str()
}

#[tokio::test]
async fn an_opaque_token_passes_by_its_phantom_and_its_provider_is_asked_once() -> Result<()> {
    let chain = Chain::set().await?;
    chain
        .stage
        .play(async |stage| {
            let token = chain.opaque().await?;
            ensure!(!token.contains('.'), "the provider gives JWTs");
            let before = chain.provider.count(INTROSPECTION).await?;
            let caller = stage.stranger()?.with_token(&token);
            let first = expect_json(200, caller.get(PATH)).await?;
            ensure!(header(&first, "x-auth-subject") == Some("machine"), "{first}");
            let given = header(&first, "authorization").context("no credentials")?.to_owned();
            ensure!(given.starts_with("Bearer ey") && !given.contains(&token), "the back end sees {given}");
            for _ in 0..20 {
                let again = expect_json(200, caller.get(PATH)).await?;
                ensure!(header(&again, "authorization") == Some(&*given), "another phantom for the same token");
            }
            ensure!(chain.provider.count(INTROSPECTION).await? == before + 1);

            // The rules hold for what the provider says.
            ensure!(status(caller.get("/metrics")).await? == 403);
            let person = chain.provider.grant(Resource::opaque()).scope(SCOPE).login("anna").await?;
            let echo = expect_json(200, stage.stranger()?.with_token(&person.access).get(PATH)).await?;
            ensure!(header(&echo, "x-auth-subject") == Some("anna"), "{echo}");
            let refresh = person.refresh.context("no refresh token")?;
            ensure!(chain.get(&refresh).await? == 401, "a refresh token passed");
            let other = chain.provider.grant(Resource::opaque().audience("payroll")).scope(SCOPE).machine().await?;
            ensure!(chain.get(&other.access).await? == 401, "a token for somebody else passed");
            let revoked = chain.opaque().await?;
            chain.provider.revoke(&revoked).await?;
            ensure!(chain.get(&revoked).await? == 401, "a token that was taken back passed");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_jwt_never_comes_to_the_exchange() -> Result<()> {
    let chain = Chain::set().await?;
    chain
        .stage
        .play(async |stage| {
            let answered = ["exchanged", "no_credential", "not_good"];
            let mut before = Vec::new();
            for outcome in answered {
                before.push(chain.exchanged(outcome).await?);
            }
            let jwt = stage.mint("tester", SCOPE)?;
            for scheme in ["Bearer", "bearer", "BEARER"] {
                let request = Request::new("GET", PATH).header(format!("Authorization: {scheme} {jwt}"));
                ensure!(chain.send(request).await?.status == 200, "{scheme}");
            }
            // Not even one that only looks like it: those are the gate's to refuse.
            for token in ["a.b.c", "..", "a..b"] {
                ensure!(chain.get(token).await? == 401, "{token}");
            }
            for (outcome, count) in answered.into_iter().zip(before) {
                ensure!(chain.exchanged(outcome).await? == count, "{outcome}");
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn nothing_is_smuggled_past_the_exchange_or_the_gate() -> Result<()> {
    let chain = Chain::set().await?;
    chain
        .stage
        .play(async |stage| {
            let (opaque, jwt) = (chain.opaque().await?, stage.mint("tester", SCOPE)?);
            ensure!(chain.get(&opaque).await? == 200);
            let bad = "nobody-knows-this-one";
            let mut wrong = Vec::new();
            for (lines, expected) in [
                // Two headers, whichever of them the router sees.
                (vec![format!("Authorization: Bearer {opaque}"), format!("Authorization: Bearer {jwt}")], 400),
                (vec![format!("Authorization: Bearer {jwt}"), format!("Authorization: Bearer {opaque}")], 400),
                (vec![format!("Authorization: Bearer {opaque}"), format!("authorization: Bearer {opaque}")], 400),
                (vec![format!("Authorization: Bearer {jwt}"), format!("AUTHORIZATION: Bearer {bad}")], 400),
                (vec![format!("Authorization: Bearer {opaque}"), "Authorization: Basic YTpi".to_owned()], 400),
                (vec![format!("Authorization: Bearer {opaque}"), "Authorization:".to_owned()], 400),
                // Other spellings of the name are other headers.
                (vec![format!("X-Authorization: Bearer {opaque}")], 401),
                (vec![format!("Authorization_: Bearer {opaque}")], 401),
                (vec![format!("Proxy-Authorization: Bearer {opaque}")], 401),
                // Other spellings of the value are no tokens.
                (vec![format!("Authorization: Bearer\t{opaque}")], 400),
                (vec![format!("Authorization: Bearer \t{opaque}")], 400),
                (vec![format!("Authorization: Bearer{opaque}")], 401),
                (vec![format!("Authorization: {opaque}")], 401),
                (vec![format!("Authorization: Bearer {opaque},{opaque}")], 401),
                (vec![format!("Authorization: Bearer {opaque} {opaque}")], 401),
                (vec![format!("Authorization: Bearer {jwt} {opaque}")], 401),
                (vec![format!("Authorization: Bearer {opaque}.")], 401),
                (vec![format!("Authorization: Bearer {opaque}..")], 401),
                (vec!["Authorization: Bearer".to_owned()], 401),
                (vec!["Authorization: Bearer ".to_owned()], 401),
                (vec!["Authorization:".to_owned()], 401),
                (vec![format!("Authorization: Basic {opaque}")], 401),
                (vec![format!("Authorization: Token {opaque}, Bearer {opaque}")], 401),
                // Its key is bound to nobody, so it cannot be proved.
                (vec![format!("Authorization: DPoP {opaque}")], 401),
                (vec![format!("Authorization: Bearer {bad}")], 401),
                (vec![format!("Authorization: Bearer {bad}"), "X-Forwarded-For: 192.0.2.1".to_owned()], 401),
                // Traefik does not hand on what a client declares to be for one connection alone.
                (vec![format!("Authorization: Bearer {opaque}"), "Connection: Authorization".to_owned()], 401),
            ] {
                let shown = lines.join(" | ").replace(&*opaque, "OPAQUE").replace(&*jwt, "JWT");
                let answer = chain.send(Request::new("GET", PATH).headers(lines)).await?;
                if answer.status != expected {
                    wrong.push(format!("{shown}: {} {}", answer.status, answer.body));
                }
            }
            ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
            for line in ["Authorization: bEARER ", "authorization: Bearer   ", "AUTHORIZATION: BEARER "] {
                let answer = chain.send(Request::new("GET", PATH).header(format!("{line}{opaque}"))).await?;
                ensure!(answer.status == 200, "{line}: {}", answer.body);
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_client_hears_what_the_exchange_says_and_a_fault_lets_nobody_through() -> Result<()> {
    let mut chain = Chain::set().await?;
    let stage = &chain.stage;
    let known = chain.opaque().await?;
    ensure!(chain.get(&known).await? == 200);
    let answer = stage.stranger()?.with_token("nobody").get(PATH).send().await?;
    ensure!(answer.status() == 401 && answer.headers()["content-type"] == "application/problem+json");
    ensure!(answer.headers()["www-authenticate"] == r#"Bearer realm="watchgate", error="invalid_token""#);

    for fault in [
        json!({"kind": "slow", "milliseconds": 4000}),
        json!({"kind": "down"}),
        json!({"kind": "hang_up"}),
        json!({"kind": "garbage"}),
        json!({"kind": "huge", "mebibytes": 5}),
        json!({"kind": "redirect", "to": "https://localhost/elsewhere"}),
    ] {
        let token = chain.opaque().await?;
        let mut at_introspection = fault.clone();
        at_introspection["paths"] = json!([endpoint::INTROSPECTION]);
        chain.provider.set_faults(&json!([at_introspection])).await?;
        let answer = stage.stranger()?.with_token(&token).get(PATH).send().await?;
        ensure!(answer.status() == 503 && answer.headers()["retry-after"] == "1", "{fault}: {answer:?}");
        ensure!(chain.get(&known).await? == 200, "{fault}: a known token waits for nobody");
        chain.provider.set_faults(&json!([])).await?;
        until("the provider is believed again", Duration::from_secs(10), async || {
            Ok((chain.get(&token).await? == 200).then_some(()))
        })
        .await?;
    }
    // Its clock is two minutes ahead: what it gives out now is not older for that.
    chain.provider.set_clock(120).await?;
    ensure!(chain.get(&chain.opaque().await?).await? == 200);
    chain.provider.set_clock(0).await?;

    chain.exchange.kill();
    for token in [&*known, "nobody"] {
        ensure!(chain.get(token).await? >= 500, "without an exchange a token passed");
    }
    ensure!(status(chain.stage.caller("tester", SCOPE)?.get(PATH)).await? == 200, "JWTs need no exchange");
    Ok(())
}

#[tokio::test]
async fn a_client_that_makes_tokens_up_is_stopped_whatever_it_says_of_its_address() -> Result<()> {
    let chain = Chain::set_with(IdentityProvider::start().await?, &json!({"perSourcePerMinute": 10})).await?;
    chain
        .stage
        .play(async |stage| {
            let known = chain.opaque().await?;
            ensure!(chain.get(&known).await? == 200);
            let mut refused = None;
            for number in 0..20 {
                let request = stage.stranger()?.with_token(&format!("made-up-{number}")).get(PATH);
                let answer = request.header("X-Forwarded-For", format!("192.0.2.{number}")).send().await?;
                if answer.status() == 429 {
                    refused = Some(answer);
                    break;
                }
                ensure!(answer.status() == 401, "{answer:?}");
            }
            let refused = refused.context("twenty made-up tokens were asked about")?;
            ensure!(refused.headers().contains_key("retry-after"));
            ensure!(chain.get(&known).await? == 200, "a known token is stopped by others");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_bound_token_stays_bound() -> Result<()> {
    let chain = Chain::set().await?;
    chain
        .stage
        .play(async |stage| {
            let key = DpopKey::generate()?;
            let bound =
                chain.provider.grant(Resource::opaque()).scope(SCOPE).bound_to_key(&key).machine().await?.access;
            ensure!(chain.get(&bound).await? == 401, "a bound token passed as a bearer token");
            let without_proof = Request::new("GET", PATH).header(format!("Authorization: DPoP {bound}"));
            ensure!(chain.send(without_proof).await?.status == 401, "a bound token passed without a proof");

            // What the gate gets of it: the binding, and the digest that a proof names.
            let asked = plain()?.get(format!("{}/v1/exchange/idp", chain.exchange_url));
            let answer = asked.header("Authorization", format!("DPoP {bound}")).send().await?;
            let phantom = answer.headers()["authorization"].to_str()?.to_owned();
            let phantom = phantom.strip_prefix("DPoP ").context("another scheme")?;
            let claims = claims(phantom)?;
            ensure!(claims["cnf"]["jkt"] == key.thumbprint(), "{claims}");
            let digest = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, Sha256::digest(&bound));
            ensure!(claims["origin"] == json!({"iss": chain.provider.issuer(), "digest": digest}), "{claims}");
            // Somebody who gets hold of the phantom has no more than before.
            ensure!(status(stage.stranger()?.with_token(phantom).get(PATH)).await? == 401);

            // A proof is about the token that the client holds; it has never seen the phantom.
            let proof = || key.proof("GET", &format!("{}{PATH}", stage.base_url()));
            let call = async |proof: &str| {
                let request = Request::new("GET", PATH).header(format!("Authorization: DPoP {bound}"));
                Ok::<_, anyhow::Error>(chain.send(request.header(format!("DPoP: {proof}"))).await?.status)
            };
            let good = proof().token(&bound).sign();
            ensure!(call(&good).await? == 200, "a good proof was refused");
            ensure!(call(&good).await? == 401, "the same proof passed twice");
            ensure!(call(&proof().token(phantom).sign()).await? == 401, "a proof about the phantom passed");
            let another = DpopKey::generate()?;
            let foreign = another.proof("GET", &format!("{}{PATH}", stage.base_url())).token(&bound).sign();
            ensure!(call(&foreign).await? == 401, "a proof with another key passed");
            Ok(())
        })
        .await
}

fn claims(jwt: &str) -> Result<Value> {
    let part = jwt.split('.').nth(1).context("no JWT")?;
    Ok(serde_json::from_slice(&base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, part)?)?)
}

#[tokio::test]
async fn the_exchange_shows_a_real_provider_who_it_is_by_key_and_by_certificate() -> Result<()> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Exchanges");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(vec!["exchange.watchgate.test".to_owned()])?;
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = parameters.signed_by(&key, &authority)?;
    let point = key.public_key_raw().get(1..).context("no point")?.to_vec();
    let (x, y) = point.split_at(32);
    let encode = |bytes| base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, bytes);
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem())?;
    std::fs::write(folder.path().join("cert.pem"), certificate.pem())?;
    let grants = json!({"grant_types": [], "redirect_uris": [], "response_types": []});

    for (client_id, metadata, authentication) in [
        (
            "by-key",
            json!({
                "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
                "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y), "kid": "k1", "alg": "ES256", "use": "sig"}]},
            }),
            json!({"method": "private_key_jwt", "clientId": "by-key", "keyFile": folder.path().join("key.pem"), "alg": "ES256", "keyId": "k1"}),
        ),
        (
            "by-certificate",
            json!({
                "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "exchange.watchgate.test",
            }),
            json!({
                "method": "tls_client_auth", "clientId": "by-certificate", "certFile": folder.path().join("cert.pem"), "keyFile": folder.path().join("key.pem"),
            }),
        ),
    ] {
        let provider = IdentityProvider::start_with_client_ca(Some(&authority.pem())).await?;
        let mut client = grants.clone();
        client["client_id"] = json!(client_id);
        for (name, value) in metadata.as_object().context("no object")? {
            client[name] = value.clone();
        }
        provider.register(&client).await?;
        let chain = Chain::set_with(provider, &json!({"auth": authentication})).await.context(client_id)?;
        let token = chain.opaque().await?;
        ensure!(chain.get(&token).await? == 200, "{client_id}: {}", chain.exchange.log());
    }
    Ok(())
}
