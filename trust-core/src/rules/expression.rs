//! Conditions joined by `&&`, `||` and `!`, whatever the conditions are.

/// A condition tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression<M> {
    One(M),
    Not(Box<Expression<M>>),
    All(Vec<Expression<M>>),
    Any(Vec<Expression<M>>),
}

impl<M> Expression<M> {
    /// Whether the whole holds, given whether each condition does.
    pub(crate) fn holds(&self, condition: &impl Fn(&M) -> bool) -> bool {
        match self {
            Self::One(matcher) => condition(matcher),
            Self::Not(inner) => !inner.holds(condition),
            Self::All(parts) => parts.iter().all(|part| part.holds(condition)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(condition)),
        }
    }

    /// The conditions, among those that can be `granted`, without which the whole does not hold: none when it holds as it
    /// is, and nothing at all when granting them would not help.
    pub(crate) fn lacking(&self, holds: &impl Fn(&M) -> bool, granted: &impl Fn(&M) -> bool) -> Option<Vec<&M>> {
        if self.holds(holds) {
            return Some(Vec::new());
        }
        match self {
            Self::One(matcher) => granted(matcher).then(|| vec![matcher]),
            // More of anything makes no `!` true.
            Self::Not(_) => None,
            Self::All(parts) => {
                let lacking = parts.iter().map(|part| part.lacking(holds, granted)).collect::<Option<Vec<_>>>()?;
                Some(lacking.concat())
            }
            Self::Any(parts) => {
                let helps: Vec<_> = parts.iter().filter_map(|part| part.lacking(holds, granted)).collect();
                (!helps.is_empty()).then(|| helps.concat())
            }
        }
    }

    /// The conditions that help towards holding: all but those behind a `!`.
    pub(crate) fn wanted(&self) -> Vec<&M> {
        match self {
            Self::One(matcher) => vec![matcher],
            Self::Not(_) => Vec::new(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::wanted).collect(),
        }
    }

    /// Every condition in it, in the order of writing.
    pub(crate) fn conditions(&self) -> Vec<&M> {
        match self {
            Self::One(matcher) => vec![matcher],
            Self::Not(inner) => inner.conditions(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::conditions).collect(),
        }
    }

    /// The same, each with whether an odd number of `!` stands before it.
    pub(crate) fn conditions_with_sign(&self) -> Vec<(&M, bool)> {
        match self {
            Self::One(matcher) => vec![(matcher, false)],
            Self::Not(inner) => {
                inner.conditions_with_sign().into_iter().map(|(matcher, is_negated)| (matcher, !is_negated)).collect()
            }
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::conditions_with_sign).collect(),
        }
    }
}
