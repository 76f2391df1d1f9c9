//! One instance of the gate: its configuration, the keys it has read, and how often it was asked.

use std::time::{SystemTime, UNIX_EPOCH};

use http_wasm_guest::host::admin;
use trust_core::denial::{Answer, Denial};
use trust_core::gate::{Forwarding, Gate, Refusal};
use trust_core::request::RawRequest;
use trust_core::tags::Moment;
use trust_core::time::WallTime;

use crate::host;
use crate::shared_files::GateFiles;
use crate::trust_files::TrustFiles;

/// Traefik keeps instances in a pool and uses each for one request at a time.
pub(crate) struct Instance {
    gate: Option<Gate>,
    files: TrustFiles,
    shared: GateFiles,
    /// When the request at hand is judged, and as which one.
    moment: Moment,
}

impl Instance {
    /// Reads the configuration that Traefik holds for this middleware. Every mistake goes to Traefik's log; with one, the
    /// instance denies everything.
    pub(crate) fn configured_by_host() -> Self {
        let (mut files, mut shared) = (TrustFiles::default(), GateFiles::default());
        let gate = match Gate::from_config(&admin::config()) {
            Ok(mut gate) => {
                // Looked at now, so that a file that is missing is in the log before the first request needs it.
                files.refresh(&mut gate, wall_time());
                // Else a new instance would verify every token of its first quarter of a second anew.
                shared.reopen(&gate);
                Some(gate)
            }
            Err(mistakes) => {
                for mistake in &mistakes {
                    host::log_error(&format!("watchgate: {mistake}"));
                }
                host::log_error("watchgate: every request is denied until the configuration is mended");
                None
            }
        };
        Self { gate, files, shared, moment: Moment { now: wall_time(), sequence: 0 } }
    }

    pub(crate) fn reads_header(&self, name: &str) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.reads_header(name))
    }

    /// The answer to a request that is for the gate itself.
    pub(crate) fn own_answer(&self, raw: &RawRequest) -> Option<Answer> {
        self.gate.as_ref()?.own_answer(raw)
    }

    pub(crate) fn only_observes(&self) -> bool {
        self.gate.as_ref().is_some_and(Gate::only_observes)
    }

    /// What becomes of a denied request.
    pub(crate) fn refuse(&self, denial: &Denial, raw: &RawRequest) -> Refusal {
        match &self.gate {
            Some(gate) => gate.refuse(denial, raw, self.moment, &self.shared),
            None => Refusal::without_gate(denial, raw),
        }
    }

    pub(crate) fn decide(&mut self, raw: &RawRequest) -> Result<Forwarding, Denial> {
        let gate = self.gate.as_mut().ok_or(Denial::NotConfigured)?;
        let now = wall_time();
        if self.files.refresh(gate, now) {
            self.shared.reopen(gate);
        }
        self.moment = Moment { now, sequence: self.moment.sequence.wrapping_add(1) };
        gate.decide(raw, self.moment, &self.shared)
    }
}

/// The sandbox's monotonic clock is fake; the wall clock is the only one.
fn wall_time() -> WallTime {
    WallTime::from_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
