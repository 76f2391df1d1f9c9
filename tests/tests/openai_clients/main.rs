//! OpenAI's own clients for Python and JavaScript, through the real gate, told nothing but a base URL and a token.
#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

mod upstream;

use std::process::{Command, Output};
use std::sync::LazyLock;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use watchgate_tests::{SharedStage, Stage, StageOptions, artifacts};

use upstream::Upstream;

static STAGE: SharedStage = SharedStage::new(|| Ok(StageOptions::default()));

static UPSTREAM: LazyLock<Result<Upstream>> = LazyLock::new(Upstream::start);

static STAGE_WITH_MODEL: SharedStage = SharedStage::new(|| {
    let url = upstream()?.url();
    let model = json!({"name": "house", "baseUrl": url, "model": "large-2", "allowedNetworks": ["127.0.0.0/8"]});
    Ok(StageOptions { assistant: Some(json!({"models": [model]})), ..StageOptions::default() })
});

fn upstream() -> Result<&'static Upstream> {
    UPSTREAM.as_ref().map_err(|error| anyhow!("the model did not start: {error:#}"))
}

/// A client that was not waited for would hold the test up for good: `timeout` ends it.
const LONGEST_SECONDS: &str = "120";

#[derive(Clone, Copy, Debug)]
enum Client {
    Python,
    JavaScript,
}

impl Client {
    fn program(self) -> Result<Command> {
        let folder = artifacts::root().join("tests/openai-clients");
        let (program, script) = match self {
            Self::Python => (artifacts::openai_python()?, "client.py"),
            Self::JavaScript => (artifacts::node()?, "client.mjs"),
        };
        let mut command = Command::new("timeout");
        command.arg(LONGEST_SECONDS).arg(program).arg(folder.join(script));
        Ok(command)
    }

    /// What the client sees on the stage.
    async fn sees(self, stage: &Stage, arguments: &'static [&'static str]) -> Result<Value> {
        let mut command = self.program()?;
        command.args(arguments);
        command.env("OPENAI_BASE_URL", format!("{}/v1", stage.base_url()));
        command.env("OPENAI_API_KEY", stage.mint("ana", "assistant:ask")?);
        // Each has its own way to be told of the stage's authority, as of every authority of a company's own.
        command.env("SSL_CERT_FILE", stage.ca()).env("NODE_EXTRA_CA_CERTS", stage.ca());
        let output: Output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{self:?} ended with {}: {said}", output.status);
        serde_json::from_slice(&output.stdout).with_context(|| format!("{self:?} printed no JSON: {said}"))
    }
}

async fn asks_the_assistant(client: Client) -> Result<()> {
    STAGE
        .play(async |stage| {
            let seen = client.sees(stage, &["assistant"]).await?;
            ensure!(seen["models"] == json!(["watchgate"]) && seen["model"] == "watchgate", "{seen}");
            let whole = &seen["whole"];
            let content = whole["content"].as_str().context("no content")?;
            ensure!(content.contains("**Sources**\n\n1. `checkout.md`"), "{content}");
            ensure!(whole["finish_reason"] == "stop" && whole["model"] == "watchgate", "{whole}");
            ensure!(whole["id"].as_str().is_some_and(|id| id.starts_with("chatcmpl-")), "{whole}");
            ensure!(whole["total_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{whole}");
            let expected = json!({"content": content, "roles": ["assistant"], "finish_reason": "stop",
                "total_tokens": whole["total_tokens"], "calls": []});
            ensure!(seen["chunks"] == expected, "in chunks it is {}", seen["chunks"]);

            for (name, class, status, code, param) in [
                ("unknown_model", "NotFoundError", 404, json!("model_not_found"), json!("model")),
                ("unknown_model_read", "NotFoundError", 404, json!("model_not_found"), json!("model")),
                ("bad_member", "BadRequestError", 400, json!("unsupported_value"), json!("n")),
                ("client_tools", "BadRequestError", 400, json!("unsupported_parameter"), json!("tools")),
            ] {
                let expected = json!({"class": class, "status": status, "code": code, "param": param});
                ensure!(seen[name] == expected, "{name} is {}", seen[name]);
            }
            // This one the gate refuses, in its own shape: the class is by the status.
            let stranger = &seen["stranger"];
            ensure!(stranger["class"] == "AuthenticationError" && stranger["status"] == 401, "{stranger}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn the_python_client_asks_the_assistant() -> Result<()> {
    asks_the_assistant(Client::Python).await
}

#[tokio::test]
async fn the_javascript_client_asks_the_assistant() -> Result<()> {
    asks_the_assistant(Client::JavaScript).await
}

async fn lends_a_model_its_tools(client: Client) -> Result<()> {
    STAGE_WITH_MODEL
        .play(async |stage| {
            let seen = client.sees(stage, &["tools", "house"]).await?;
            ensure!(seen["models"] == json!(["watchgate", "house"]), "{seen}");
            let call = json!({"name": "get_weather", "arguments": "{\"city\":\"Paris\"}"});
            ensure!(seen["call"] == call && seen["finish_reason"] == "tool_calls", "{seen}");
            let streamed = json!({"content": "", "roles": ["assistant"], "finish_reason": "tool_calls", "total_tokens": 42,
                "calls": [call]});
            ensure!(seen["streamed"] == streamed, "in chunks it is {}", seen["streamed"]);
            let content = seen["content"].as_str().context("no content")?;
            ensure!(content.starts_with("It is 18 degrees.") && !content.contains("evil.example"), "{content}");
            ensure!(seen["total_tokens"] == 42, "{seen}");

            let sent = upstream()?.received();
            ensure!(sent.len() >= 3, "the model was asked {} times", sent.len());
            for (authorization, body) in &sent {
                ensure!(authorization.is_none(), "the caller's token came to the model");
                ensure!(body["model"] == "large-2" && body["tools"][0]["function"]["name"] == "get_weather", "{body}");
                let text = body.to_string();
                ensure!(!text.contains("AKIA") && text.contains("[redacted"), "a secret came to the model: {text}");
            }
            let told = |body: &Value| body["messages"].as_array().is_some_and(|all| all.iter().any(|one| one["role"] == "tool"));
            ensure!(sent.iter().any(|(_, body)| told(body)), "the tool's result did not come to the model");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn the_python_client_lends_a_model_its_tools() -> Result<()> {
    lends_a_model_its_tools(Client::Python).await
}

#[tokio::test]
async fn the_javascript_client_lends_a_model_its_tools() -> Result<()> {
    lends_a_model_its_tools(Client::JavaScript).await
}
