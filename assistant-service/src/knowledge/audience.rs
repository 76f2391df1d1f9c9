//! Who may read a document, and by which scopes somebody reads.

use std::collections::BTreeSet;

use serde_json::Value;

/// Who may read a document: everybody, or whoever holds one of some scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Audience(BTreeSet<String>);

/// The scopes that a reader holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

impl<Text: Into<String>> FromIterator<Text> for Scopes {
    fn from_iter<Texts: IntoIterator<Item = Text>>(scopes: Texts) -> Self {
        Self(scopes.into_iter().map(Into::into).collect())
    }
}

impl Audience {
    /// What front matter says: one scope or a list of them. Nothing where it says anything else, an empty list among it,
    /// which could mean everybody as well as nobody.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let scopes = match value {
            Value::Array(scopes) => scopes.as_slice(),
            one => std::slice::from_ref(one),
        };
        let scopes: Option<BTreeSet<_>> = scopes.iter().map(scope).collect();
        scopes.filter(|scopes| !scopes.is_empty()).map(Self)
    }

    /// Whoever holds one of these; nothing where there are none, or one of them is no scope.
    pub(crate) fn of(scopes: &[impl AsRef<str>]) -> Option<Self> {
        Self::read(&scopes.iter().map(AsRef::as_ref).collect())
    }

    /// Whether somebody with these scopes may read it.
    #[must_use]
    pub fn admits(&self, scopes: &Scopes) -> bool {
        self.is_everybody() || !self.0.is_disjoint(&scopes.0)
    }

    /// Whether nobody is kept out.
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        self.0.is_empty()
    }
}

/// A scope token of RFC 6749, section 3.3: two scopes in one text would be a third one, which nobody holds.
fn scope(value: &Value) -> Option<String> {
    let scope = value.as_str()?;
    let is_token = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (!scope.is_empty() && scope.bytes().all(is_token)).then(|| scope.to_owned())
}
