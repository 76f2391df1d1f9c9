//! Two replicas of the service on one NATS server behind Traefik, each to be had by itself.

use std::time::Duration;

use anyhow::Result;
use programs::nats::NatsOptions;
use reqwest::RequestBuilder;
use serde_json::{Map, Value, json};

use crate::wait::until;
use crate::{BackboneForm, Stage, StageOptions};

/// Starts both; each answers whoever asks for it by [`at`].
pub async fn two_replicas() -> Result<Stage> {
    two_replicas_with(StageOptions::default()).await
}

/// The same, on a stage that is more than that.
pub async fn two_replicas_with(options: StageOptions) -> Result<Stage> {
    let backbone = BackboneForm::Nats { replicas: 2, nats: NatsOptions::default() };
    let stage = Stage::start(StageOptions { backbone, ..options }).await?;
    route_to_each(&stage).await?;
    Ok(stage)
}

/// Has this replica answer a request.
pub fn at(index: usize, request: RequestBuilder) -> RequestBuilder {
    request.header("X-Replica", index.to_string())
}

/// Lets `X-Replica` choose one; each says who it is, so that no test believes in a choice that Traefik did not make.
async fn route_to_each(stage: &Stage) -> Result<()> {
    let (mut routers, mut middlewares, mut services) = (Map::new(), Map::new(), Map::new());
    for index in [0, 1] {
        let name = format!("replica-{index}");
        let router = json!({
            "entryPoints": ["websecure"], "rule": format!("PathPrefix(`/`) && Header(`X-Replica`, `{index}`)"),
            "priority": 10, "middlewares": ["blank", "gate", name], "service": name,
        });
        routers.insert(name.clone(), router);
        let said = json!({"headers": {"customResponseHeaders": {"X-Answered-By": index.to_string()}}});
        middlewares.insert(name.clone(), said);
        let servers = json!([{"url": stage.replica_url(index)?}]);
        services.insert(name, json!({"loadBalancer": {"serversTransport": "assistant-service", "servers": servers}}));
    }
    let file: Value = json!({"http": {"routers": routers, "middlewares": middlewares, "services": services}});
    stage.write_dynamic("each.yml", &format!("{file:#}"))?;
    let stranger = stage.stranger()?;
    until("both replicas have routes of their own", Duration::from_secs(10), async || {
        for index in [0, 1] {
            let answer = at(index, stranger.get("/healthz")).send().await?;
            if answer.headers().get("x-answered-by").is_none_or(|by| by != &*index.to_string()) {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await
}
