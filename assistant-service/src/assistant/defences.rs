//! What stands between a model that does whatever it reads and anybody's harm.
//!
//! All of it always stands. Tests alone can take one away, to see that somebody gets through there: the field that
//! would say so is not in what is built for anything else.

use crate::knowledge::Scopes;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Defence {
    /// No link, image or HTML but to allowed hosts.
    Links,
    /// No citation that does not stand where it says.
    Citations,
    /// No secret leaves for a model.
    Secrets,
    /// No data of an event that is classified.
    Classifications,
    /// No tool beyond the asker's own scopes.
    Scopes,
    /// No document that the asker may not read.
    Audiences,
    /// No proposal but of a runbook of the catalogue, with parameters that it takes.
    Proposals,
    /// No more steps than a few, and none twice.
    Steps,
    /// No more text than a bounded part of anything.
    Bounds,
    /// No data that passes for what the service says.
    Marker,
}

/// Those that stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Defences {
    #[cfg(test)]
    down: Vec<Defence>,
    /// By which documents are read where nobody looks who asks: none, but in tests.
    every_scope: Scopes,
}

impl Defences {
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "in tests it depends on it")]
    pub(crate) fn has(&self, _: Defence) -> bool {
        true
    }

    #[cfg(test)]
    pub(crate) fn has(&self, defence: Defence) -> bool {
        !self.down.contains(&defence)
    }

    /// By which scopes documents are read for somebody with these.
    pub(crate) fn reading_as<'a>(&'a self, scopes: &'a Scopes) -> &'a Scopes {
        if self.has(Defence::Audiences) { scopes } else { &self.every_scope }
    }
}

#[cfg(test)]
impl Defence {
    pub(crate) const ALL: [Self; 10] = [
        Self::Links,
        Self::Citations,
        Self::Secrets,
        Self::Classifications,
        Self::Scopes,
        Self::Audiences,
        Self::Proposals,
        Self::Steps,
        Self::Bounds,
        Self::Marker,
    ];
}

#[cfg(test)]
impl Defences {
    /// Without some of them; without [`Defence::Audiences`] everybody reads by `every_scope`.
    pub(crate) fn without(down: &[Defence], every_scope: Scopes) -> Self {
        Self { down: down.to_vec(), every_scope }
    }
}
