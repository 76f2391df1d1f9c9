//! The service's processes: one on its own store, or several on one NATS server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use programs::nats::{NatsOptions, NatsServer};

use super::Stage;
use super::layout::Layout;
use super::options::BackboneForm;
use super::service::{Service, Shared};
use crate::process::Process;

/// How long a replica may take to end open streams, once it has drained.
const GRACE: Duration = Duration::from_secs(6);

/// One of the service's processes, running or not.
#[derive(Debug)]
struct Replica {
    service: Service,
    url: String,
    running: Mutex<Option<Process>>,
}

impl Replica {
    async fn start(service: Service) -> Result<Replica> {
        let (process, url) = service.start("127.0.0.1:0").await?;
        Ok(Replica { service, url, running: Mutex::new(Some(process)) })
    }

    fn kill(&self) {
        drop(self.running.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn stop(&self) {
        if let Some(mut process) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            process.terminate(self.service.shared.drain.saturating_add(GRACE));
        }
    }

    /// On its port and with its data, killing it first when it still runs.
    async fn restart(&self) -> Result<()> {
        self.kill();
        let listen = self.url.split("://").last().unwrap_or_default();
        let (process, _) = self.service.start(listen).await?;
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(())
    }

    fn pid(&self) -> Option<u32> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Process::id)
    }

    fn ended(&self) -> Option<String> {
        let status = self.running.lock().unwrap_or_else(PoisonError::into_inner).as_mut().and_then(Process::ended)?;
        Some(format!("{} ended by itself ({status})", self.service.name()))
    }
}

/// All of them, and what they share.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    all: Vec<Replica>,
    // After the replicas, so that it outlives them.
    nats: Option<Arc<NatsServer>>,
}

impl Replicas {
    pub(super) async fn start(form: &BackboneForm, layout: &Layout, shared: Shared) -> Result<Replicas> {
        let shared = Arc::new(shared);
        let (count, nats) = match form {
            BackboneForm::Sqlite => (1, None),
            BackboneForm::Nats { replicas, nats } => {
                ensure!(*replicas > 0, "a stage has at least one replica");
                let folder = nats.folder.clone().unwrap_or_else(|| layout.folder.join("nats"));
                let server = NatsServer::start(&NatsOptions { folder: Some(folder), ..nats.clone() })?;
                (*replicas, Some(Arc::new(server)))
            }
        };
        let mut all = Vec::new();
        for number in 1..=count {
            let service = Service { layout: layout.clone(), number, nats: nats.clone(), shared: Arc::clone(&shared) };
            all.push(Replica::start(service).await?);
        }
        Ok(Replicas { all, nats })
    }

    pub(super) fn urls(&self) -> Vec<String> {
        self.all.iter().map(|replica| replica.url.clone()).collect()
    }

    pub(super) fn signal(&self, name: &str) {
        for replica in &self.all {
            if let Some(process) = &*replica.running.lock().unwrap_or_else(PoisonError::into_inner) {
                process.signal(name);
            }
        }
    }

    pub(super) fn kill(&self) {
        self.all.iter().for_each(Replica::kill);
    }

    pub(super) async fn restart(&self) -> Result<()> {
        ensure!(!self.all.is_empty(), "this stage has no Watchgate service");
        self.kill();
        for replica in &self.all {
            replica.restart().await?;
        }
        Ok(())
    }

    pub(super) fn stop(&self) {
        self.all.iter().for_each(Replica::stop);
    }

    pub(super) fn ended(&self) -> Option<String> {
        self.all.iter().find_map(Replica::ended)
    }

    /// The names of their logs.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.all.iter().map(|replica| replica.service.name())
    }

    fn get(&self, index: usize) -> Result<&Replica> {
        self.all.get(index).with_context(|| format!("this stage has {} replicas of the service", self.all.len()))
    }
}

impl Stage {
    /// The replica with this index, for those who try to go past the gateway.
    pub fn replica_url(&self, index: usize) -> Result<&str> {
        Ok(&self.replicas.get(index)?.url)
    }

    /// A running replica's process id.
    pub fn replica_pid(&self, index: usize) -> Result<u32> {
        self.replicas.get(index)?.pid().context("this replica does not run")
    }

    /// Ends a replica with SIGKILL.
    pub fn kill_replica(&self, index: usize) -> Result<()> {
        self.replicas.get(index).map(Replica::kill)
    }

    /// Ends a replica with SIGTERM, as an operator would.
    pub fn stop_replica(&self, index: usize) -> Result<()> {
        self.replicas.get(index).map(Replica::stop)
    }

    /// Starts a replica again, on its port and with its data, killing it first when it still runs.
    pub async fn restart_replica(&self, index: usize) -> Result<()> {
        self.replicas.get(index)?.restart().await
    }

    /// The NATS server that the replicas share.
    pub fn nats(&self) -> Result<&NatsServer> {
        self.replicas.nats.as_deref().context("this stage has no NATS server")
    }
}
