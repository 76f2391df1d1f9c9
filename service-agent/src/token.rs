//! Where the agent's own access token comes from.

use std::path::PathBuf;

/// A token, or the file that holds the current one. Its `Debug` shows no token.
#[derive(Clone)]
pub enum TokenSource {
    /// One token for the agent's whole life.
    Fixed(String),
    /// A file that somebody renews; it is read anew for every request.
    File(PathBuf),
}

impl TokenSource {
    pub(crate) async fn token(&self) -> std::io::Result<String> {
        match self {
            Self::Fixed(token) => Ok(token.clone()),
            Self::File(path) => Ok(tokio::fs::read_to_string(path).await?.trim().to_owned()),
        }
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(_) => formatter.write_str("Fixed(…)"),
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
        }
    }
}
