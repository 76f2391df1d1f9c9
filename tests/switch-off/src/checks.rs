//! Every check of the core, and how to switch it off.
//!
//! A text is looked for without regard to how it is broken into lines, and must stand in its file exactly once: a list that has
//! lost step with the sources is an error, not a check less.

mod certificates;
mod claims_cache;
mod dpop;
mod events;
mod exemptions;
mod forwarding;
mod kept_trust;
mod keys;
mod requests;
mod rules;
mod signatures;
mod sources;
mod tokens;
mod transactions;

pub(crate) use exemptions::{EXEMPT_FILES, EXEMPTIONS};

/// One text in place of another in a file below `trust-core/src`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) file: &'static str,
    pub(crate) text: &'static str,
    pub(crate) off: &'static str,
}

/// A check, and what switches it off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) edit: Edit,
    /// Defence in depth: what else stands in an attacker's way once the check is off. Empty where nothing does.
    pub(crate) behind: &'static [Edit],
}

const fn edit(file: &'static str, text: &'static str, off: &'static str) -> Edit {
    Edit { file, text, off }
}

const fn check(name: &'static str, file: &'static str, text: &'static str, off: &'static str) -> Check {
    Check { name, edit: edit(file, text, off), behind: &[] }
}

impl Check {
    const fn before(self, behind: &'static [Edit]) -> Check {
        Check { behind, ..self }
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Check> {
    [
        requests::CHECKS,
        tokens::CHECKS,
        signatures::CHECKS,
        keys::CHECKS,
        rules::CHECKS,
        events::CHECKS,
        forwarding::CHECKS,
        certificates::CHECKS,
        dpop::CHECKS,
        sources::CHECKS,
        claims_cache::CHECKS,
        kept_trust::CHECKS,
        transactions::CHECKS,
    ]
    .concat()
}
