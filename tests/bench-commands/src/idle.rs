//! What agents cost that wait and are given nothing.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use measuring::client::Client;
use measuring::report::{Figure, Target};
use measuring::statistics::Sample;
use measuring::usage;
use serde_json::json;

use crate::options::Options;
use crate::stand::{SERVICES, Stand, lease};

const AGENTS: usize = 500;

/// How long each of them waits; measured is what lies in the middle.
const WAIT_SECONDS: u64 = 20;

pub(crate) async fn measure(stand: &Stand<'_>, options: &Options) -> Result<Vec<Figure>> {
    let agents = options.run.or_quick(AGENTS, 20);
    let words: Vec<_> = SERVICES.iter().map(|service| stand.word_on(service)).collect();
    let mut clients = Vec::new();
    let before = usage::memory(stand.service.id())?.rss_kib;
    for number in 0..agents {
        let place = number % SERVICES.len();
        clients.push((Client::connect(&words[place], stand.service.port).await?, SERVICES[place]));
    }
    let waiting = clients.iter_mut().map(|(client, service)| async {
        let leased = lease(client, service, options.run.or_quick(WAIT_SECONDS, 3)).await?;
        ensure!(leased.is_none(), "a command came");
        Ok(())
    });
    let measured = async {
        tokio::time::sleep(Duration::from_secs(options.run.or_quick(5, 1))).await;
        let (memory, cpu, begun) =
            (usage::memory(stand.service.id())?.rss_kib, usage::cpu_time(stand.service.id())?, Instant::now());
        tokio::time::sleep(Duration::from_secs(options.run.or_quick(10, 1))).await;
        let share = (usage::cpu_time(stand.service.id())? - cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
        Ok((memory, share))
    };
    let (_, (memory, share)) = tokio::try_join!(try_join_all(waiting), measured)?;
    Ok(vec![
        Figure {
            key: "idle_memory",
            what: format!("memory of {agents} agents in long poll, beside the service without them"),
            values: Sample::of([(memory - before).max(0.0) / 1024.0]),
            unit: "MiB",
            target: Target::AtMost(100.0),
            more: json!({"whole_mib": memory / 1024.0, "agents": agents}),
        },
        Figure {
            key: "idle_cpu",
            what: "the service's share of one processor meanwhile".to_owned(),
            values: Sample::of([share * 100.0]),
            unit: "%",
            target: Target::None,
            more: json!({"source": usage::CPU_SOURCE}),
        },
    ])
}
