//! The first minute of a gateway that has seen no token yet, under full load: how fast the caches fill.

use anyhow::Result;
use measuring::statistics::rounded;
use measuring::usage;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Surroundings};
use crate::load::{self, Target};
use crate::requests::Requests;
use crate::route::Route;

/// Requests a second, and CPU time of each, second by second.
pub(crate) fn measure(surroundings: &Surroundings<'_>, requests: &Requests, seconds: usize) -> Result<Value> {
    let gateway = Gateway::start(surroundings, &[Route::Gate])?;
    let target = Target { port: gateway.port(Route::Gate)?, requests, seed: 1 };
    let process = gateway.process.id();
    let mut each_second = Vec::with_capacity(seconds);
    load::while_loaded(target, async |answered| {
        let (mut requests_before, mut cpu_before) = (answered(), usage::cpu_time(process)?);
        let mut before = load::pass(0.0).await;
        for _ in 0..seconds {
            let now = load::pass(1.0).await;
            let (requests, cpu) = (answered(), usage::cpu_time(process)?);
            let new = (requests - requests_before) as f64;
            each_second.push((
                (new / (now - before).as_secs_f64()).round(),
                rounded((cpu - cpu_before).as_secs_f64() * 1e6 / new, 1),
            ));
            (requests_before, cpu_before, before) = (requests, cpu, now);
        }
        Ok(())
    })?;
    let (per_second, cpu): (Vec<_>, Vec<_>) = each_second.into_iter().unzip();
    println!("from cold, requests/s second by second: {}", Value::from(per_second.clone()));
    Ok(json!({"requests_per_second": per_second, "cpu_us_per_request": cpu}))
}
