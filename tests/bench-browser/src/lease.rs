//! From the tap on a watch that approves until the agent of the service has the command. Both look at this machine's clock.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use measuring::report::{Figure, Target};
use measuring::statistics::Sample;
use serde_json::{Value, json};
use watchgate_tests::client::expect_json;
use watchgate_tests::pages::Pages;

use crate::options::Options;

const LEASE: &str = "/v1/services/sample-service/commands:lease";

pub(crate) async fn measure(pages: &Pages, options: &Options) -> Result<Figure> {
    let times: usize = options.run.or_quick(100, 5);
    let (walked, leased) =
        tokio::try_join!(pages.walk("figures-lease", json!({"times": times})), carry_out(pages, times))?;
    let taps = walked["taps"].as_array().context("the walk says no taps")?;
    ensure!(taps.len() == times, "{} taps instead of {times}", taps.len());
    let took = taps.iter().map(|tap| {
        let id = tap["id"].as_str().context("a tap on nothing")?;
        Ok(leased.get(id).context("another command was leased")?
            - tap["at"].as_f64().context("a tap without a time")?)
    });
    let took = Sample::of(took.collect::<Result<Vec<f64>>>()?);
    ensure!(took.least() >= 0.0, "a lease before the tap");
    Ok(Figure {
        key: "tap_to_lease_p99",
        what: "from the tap that approves until the agent has the command, p99".to_owned(),
        values: Sample::of([took.quantile(0.99)]),
        unit: "ms",
        target: Target::AtMost(300.0),
        more: json!({"times": times, "of_all": took.to_json(1), "cpu_throttling": walked["cpu_throttling"]}),
    })
}

/// Asks for one command after the other, as somebody else than whoever approves, and leases each as its service. Gives the time of each lease.
async fn carry_out(pages: &Pages, times: usize) -> Result<BTreeMap<String, f64>> {
    let ben = pages.stage.caller("ben", "commands:request")?;
    let service = pages.stage.caller("sample-service", "commands:lease")?;
    let mut leased = BTreeMap::new();
    for number in 0..times {
        let call =
            json!({"runbook": "restart-worker", "parameters": {"worker": "mailer"}, "reason": format!("{number}")});
        let command = expect_json(201, ben.post("/v1/commands", &call)).await?;
        let id = command["id"].as_str().context("no id")?.to_owned();
        let lease = lease(&service).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1_000.0;
        ensure!(lease["command"]["id"] == id.as_str(), "another command came");
        leased.insert(id.clone(), now);
        let result = json!({"fence": lease["fence"], "outcome": "succeeded", "result": {}});
        service.post(&format!("/v1/commands/{id}/result"), &result).send().await?.error_for_status()?;
    }
    Ok(leased)
}

async fn lease(service: &watchgate_tests::client::Caller) -> Result<Value> {
    loop {
        let answer = service.post(LEASE, &json!({"wait_seconds": 20})).send().await?.error_for_status()?;
        if answer.status() == 200 {
            return Ok(answer.json().await?);
        }
    }
}
