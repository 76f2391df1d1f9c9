//! What becomes of a request that does not go to the back end as it should: the gate's own answers.

use super::Gate;
use crate::denial::{Answer, Denial};
use crate::request::{RawRequest, RequestFacts};
use crate::resource_metadata;

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
        let facts = RequestFacts::read(raw.clone()).ok()?;
        Some(metadata.answer(&self.resource_named_by(&facts)?))
    }

    /// The answer to a denied request.
    #[must_use]
    pub fn refuse(&self, denial: &Denial, raw: RawRequest) -> Answer {
        let answer = denial.answer();
        let Some(resource) = self.resource_metadata.as_ref().and_then(|_| {
            let facts = RequestFacts::read(raw).ok()?;
            self.resource_named_by(&facts)
        }) else {
            return answer;
        };
        answer.with_resource_metadata(&resource_metadata::url(&resource))
    }

    fn resource_named_by(&self, facts: &RequestFacts) -> Option<String> {
        let origin = self.origins.iter().find(|origin| origin.is_named_by(facts.host()))?;
        Some(resource_metadata::resource(origin, facts.host()))
    }
}
