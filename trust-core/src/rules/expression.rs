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
}
