//! What becomes of a request that does not go to the back end as it came: the gate's own answers, and what is kept of
//! denials.

use super::{Forwarding, Gate};
use crate::denial::{Answer, Challenger, Denial};
use crate::denial_record::{DenialRecord, Mode, log_line};
use crate::request::{MalformedRequest, RawRequest, RequestFacts, fold_header_name};
use crate::resource_metadata;
use crate::shared_files::SharedFiles;
use crate::tags::Moment;
use crate::throttle;
use crate::time::UnixSeconds;
use crate::token::{PresentedToken, presented_token};

/// What asks for another protocol on the same connection (RFC 9110, section 7.8; RFC 7540, section 3.2.1).
const UPGRADE_HEADERS: [&str; 2] = ["upgrade", "http2-settings"];

/// What becomes of a denied request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What happens.
    pub outcome: Outcome,
    /// The line for Traefik's log.
    pub log_line: String,
}

/// What happens to a denied request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The gate answers in the back end's place.
    Answer(Answer),
    /// The gate only observes: the request passes, without any identity.
    Pass(Forwarding),
}

impl Refusal {
    /// For a gate that has no valid configuration: whatever was configured, nothing passes.
    #[must_use]
    pub fn without_gate(denial: &Denial, raw: &RawRequest) -> Self {
        let answer = denial.answer();
        let log_line = log_line(denial, answer.status, Mode::Enforce, raw);
        Self { outcome: Outcome::Answer(answer), log_line }
    }
}

impl Gate {
    /// The answer to a request that is for the gate itself: the metadata of the resource behind it (RFC 9728, section 3.1),
    /// for anybody. Whatever cannot be read in one way only, or names another host, is left to [`Gate::decide`] to deny.
    #[must_use]
    pub fn own_answer(&self, raw: &RawRequest) -> Option<Answer> {
        let metadata = self.resource_metadata.as_ref()?;
        let path = raw.target.split(|byte| *byte == b'?').next().unwrap_or_default();
        if path != resource_metadata::PATH.as_bytes() || !matches!(raw.method.as_slice(), b"GET" | b"HEAD") {
            return None;
        }
        let facts = RequestFacts::read(raw).ok()?;
        Some(metadata.answer(&self.resource_named_by(&facts)?))
    }

    /// Whether a denied request passes all the same.
    #[must_use]
    pub fn only_observes(&self) -> bool {
        self.mode == Mode::Observe
    }

    /// The answer to a denied request, where the gate does not only observe.
    #[must_use]
    pub fn answer_to(&self, denial: &Denial, raw: &RawRequest) -> Answer {
        denial.answer_by(&self.challenger(RequestFacts::read(raw).ok().as_ref(), None))
    }

    /// What becomes of a request that [`Gate::decide`] has denied, given once more and with the names of all its headers.
    /// Counts it and writes it down.
    pub fn refuse(&self, denial: &Denial, raw: &RawRequest, moment: Moment, shared: &dyn SharedFiles) -> Refusal {
        let facts = RequestFacts::read(raw).ok().map(|facts| self.client_addresses.told(facts));
        let answer = denial.answer_by(&self.challenger(facts.as_ref(), Some(moment.now.seconds())));
        let log_line = log_line(denial, answer.status, self.mode, raw);
        let mut record = DenialRecord::new(denial, answer.status, self.mode, moment.now, raw);
        let stripped = self.stripped(denial, raw);
        if let Some(facts) = &facts {
            self.complete(&mut record, denial, facts);
            if let Denial::InvalidToken(invalid) = denial
                && throttle::is_counted(*invalid)
            {
                self.throttle.count(facts.client(), &self.client_addresses, moment.now.seconds(), shared);
            }
        }
        shared.append_denial(&record.line());
        let outcome = match self.mode {
            Mode::Enforce => Outcome::Answer(answer),
            Mode::Observe => Outcome::Pass(stripped),
        };
        Refusal { outcome, log_line }
    }

    /// Without any identity: neither one that the gate would give, nor one that the client brought. And without an upgrade
    /// behind which it could bring one in requests that no gate sees.
    fn stripped(&self, denial: &Denial, raw: &RawRequest) -> Forwarding {
        if self.mode == Mode::Enforce {
            return Forwarding::default();
        }
        let is_upgrade = *denial == Denial::MalformedRequest(MalformedRequest::Upgrade);
        let is_removed = |spelled: &&String| {
            let folded = fold_header_name(spelled);
            self.is_stripped(spelled, &folded) || (is_upgrade && UPGRADE_HEADERS.contains(&folded.as_str()))
        };
        let remove = raw.headers.iter().map(|(spelled, _)| spelled).filter(is_removed).cloned().collect();
        Forwarding { remove, set: Vec::new() }
    }

    fn complete<'a>(&'a self, record: &mut DenialRecord<'a>, denial: &Denial, facts: &RequestFacts) {
        record.set_source(facts.client());
        if !denial.is_by_rule() {
            return;
        }
        if let Some(rule) = self.rules.iter().find(|rule| rule.matches(facts)) {
            record.set_rule(rule.name());
        }
        if let Some(token) = presented_token(facts).ok().flatten().and_then(|token| token.read().ok()) {
            record.set_token(&token);
        }
    }

    /// What this gate says of itself to whoever has sent this. A nonce holds for a time, so it takes one to make it.
    fn challenger(&self, facts: Option<&RequestFacts>, now: Option<UnixSeconds>) -> Challenger {
        let is_told = self.resource_metadata.is_some();
        let resource = facts.filter(|_| is_told).and_then(|facts| self.resource_named_by(facts));
        let token = facts.and_then(|facts| presented_token(facts).ok().flatten());
        Challenger {
            scheme: token.map(PresentedToken::scheme).unwrap_or_default(),
            proof_algorithms: self.proofs.algorithms(),
            resource_metadata: resource.map(|resource| resource_metadata::url(&resource)),
            nonce: now.and_then(|now| self.proofs.nonce(now)),
        }
    }

    fn resource_named_by(&self, facts: &RequestFacts) -> Option<String> {
        let origin = self.origins.iter().find(|origin| origin.is_named_by(facts.host()))?;
        Some(resource_metadata::resource(origin, facts.host()))
    }
}
