//! A provider, and an exchange that asks it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::program::watchgate;
use crate::provider::{Answer, Provider, http};

pub(crate) const SECRET: &str = "hush: hush";

/// What an exchange stands on; everything ends with the test.
pub(crate) struct Stage {
    pub(crate) provider: Provider,
    pub(crate) folder: tempfile::TempDir,
    client: Client,
    url: String,
    child: Child,
}

/// A provider's answer with this body.
pub(crate) fn json_answer(body: &Value) -> Answer {
    http("200 OK", &["Content-Type: application/json"], body.to_string().as_bytes())
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// What a good provider says of a good token.
pub(crate) fn good() -> Value {
    json!({"active": true, "sub": "anna", "client_id": "console", "scope": "events:read", "aud": "watchgate",
        "exp": now() + 3600, "iat": now(), "token_type": "Bearer"})
}

/// The same with other members in place of some.
pub(crate) fn good_but(changes: &Value) -> Value {
    let mut answer = good();
    for (name, value) in changes.as_object().unwrap() {
        answer[name] = value.clone();
    }
    answer
}

impl Stage {
    /// With the usual settings.
    pub(crate) async fn start(answers: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with("", answers).await
    }

    /// With further lines for the provider; `introspectionEndpoint` is among them, or found by discovery.
    pub(crate) async fn start_with(
        lines: &str,
        answers: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let provider = Provider::https(answers);
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let made = watchgate(&["keys", "exchange", "--dir", &path("keys"), "--trust", &path("trust")]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        std::fs::write(path("ca.pem"), &provider.ca_pem).unwrap();
        std::fs::write(path("secret"), SECRET).unwrap();
        let issuer = issuer(&provider);
        let endpoint = if lines.contains("# discovery") {
            String::new()
        } else {
            format!("introspectionEndpoint: {issuer}/introspect")
        };
        let settings = format!(
            "listen: 127.0.0.1:0\naudience: watchgate\nkeyFile: {}\nproviders:\n  - name: idp\n    issuer: {issuer}\n    {endpoint}\n    \
             audiences: [watchgate]\n    auth: {{method: client_secret_basic, clientId: the gateway, secretFile: {}}}\n    \
             caFile: {}\n    allowedNetworks: [127.0.0.0/8]\n{lines}\n",
            path("keys/phantom.pem"),
            path("secret"),
            path("ca.pem"),
        );
        std::fs::write(path("exchange.yml"), settings).unwrap();
        let (child, url) = run(&path("exchange.yml"));
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { provider, folder, client, url, child }
    }

    /// Ends the exchange and starts it again with other settings.
    pub(crate) fn restart(&mut self, change: &dyn Fn(&str) -> String) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let file = self.path("exchange.yml");
        std::fs::write(&file, change(&std::fs::read_to_string(&file).unwrap())).unwrap();
        (self.child, self.url) = run(&file.display().to_string());
    }

    /// A good provider behind it.
    pub(crate) async fn good() -> Self {
        Self::start(|_, _| json_answer(&good())).await
    }

    /// A question as Traefik asks it, with these header lines.
    pub(crate) async fn forward(&self, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.get(format!("{}/v1/exchange/idp", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// The same for one token from one source.
    pub(crate) async fn bearer(&self, token: &str) -> Response {
        self.forward(&[("Authorization", &format!("Bearer {token}")), ("X-Forwarded-For", "192.0.2.1")]).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How often the provider was asked.
    pub(crate) fn questions(&self) -> usize {
        self.provider.seen().len()
    }

    /// What gates know the exchange by.
    pub(crate) fn key_set(&self) -> JwkSet {
        serde_json::from_slice(&std::fs::read(self.path("trust/jwks/exchange.json")).unwrap()).unwrap()
    }

    /// The phantom in an answer, checked as a gate would.
    pub(crate) fn phantom(&self, answer: &Response) -> TokenData<Value> {
        assert_eq!(answer.status(), 200);
        let value = answer.headers()["authorization"].to_str().unwrap();
        let token = value.split(' ').nth(1).unwrap();
        let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let set = self.key_set();
        let key = DecodingKey::from_jwk(set.find(&kid).expect("a key that gates know")).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&["watchgate"]);
        validation.set_issuer(&["urn:watchgate:exchange"]);
        validation.leeway = 0;
        jsonwebtoken::decode(token, &key, &validation).unwrap()
    }
}

fn run(settings: &str) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchgate"));
    command.args(["exchange", "--config", settings]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("watchgate: listening on ").expect("the exchange listens").to_owned();
    (child, url)
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn issuer(provider: &Provider) -> String {
    format!("https://localhost:{}", provider.address.port())
}

/// What the client reads of the reason.
pub(crate) fn challenge(answer: &Response) -> &str {
    answer.headers().get("www-authenticate").map_or("", |value| value.to_str().unwrap())
}
