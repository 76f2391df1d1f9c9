//! The one stream that the log is: made as we need it, or looked at whether it is.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamError, GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};
use thiserror::Error;

/// Longer than any publisher asks whether its record was taken.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(2 * 60);

/// What a stream says of itself as long as not all of a store that is moved into it has arrived.
pub(super) const MOVING: &str = "watchgate-moving";

/// Why there is no stream to write to.
#[derive(Debug, Error)]
pub enum CannotOpenStream {
    /// JetStream did not say whether it is there.
    #[error("the stream {name} cannot be looked at")]
    Unknown {
        /// The stream.
        name: String,
        /// Why not.
        #[source]
        cause: GetStreamError,
    },
    /// It cannot be made.
    #[error("the stream {name} cannot be made on {replicas} server(s)")]
    NotMade {
        /// The stream.
        name: String,
        /// On how many servers each record should lie.
        replicas: usize,
        /// Why not.
        #[source]
        cause: CreateStreamError,
    },
    /// Not all of a store that somebody moves here has arrived.
    #[error(
        "the stream {0} does not hold all yet of what is moved there: wait for `watchgate events migrate`, or run it again"
    )]
    Moving(String),
    /// It is there, and is not what the log can stand on.
    #[error("the stream {name} is not one that Watchgate made: {}", listed(.differences))]
    Other {
        /// The stream.
        name: String,
        /// All that differs.
        differences: Vec<Difference>,
    },
}

/// A setting of a stream that must be another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name in NATS's own words.
    pub setting: &'static str,
    /// What it must be.
    pub wanted: String,
    /// What it is.
    pub found: String,
}

impl Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is {} and must be {}", self.setting, self.found, self.wanted)
    }
}

/// The stream `name` on at least so many servers. What an operator added that does no harm (a bound in bytes, a
/// description, a placement) stays.
pub async fn ensure_stream(context: &Context, name: &str, replicas: usize) -> Result<Stream, CannotOpenStream> {
    let found = make_stream(context, name, replicas, HashMap::new()).await?;
    if found.cached_info().config.metadata.contains_key(MOVING) {
        return Err(CannotOpenStream::Moving(name.to_owned()));
    }
    Ok(found)
}

/// The same, whether or not somebody moves a store into it; a new one says `about` of itself.
pub(super) async fn make_stream(
    context: &Context,
    name: &str,
    replicas: usize,
    about: HashMap<String, String>,
) -> Result<Stream, CannotOpenStream> {
    let found = match context.get_stream(name).await {
        Ok(found) => found,
        Err(error) if is_not_there(&error) => {
            // Replicas that start at once all make it, and get the same one.
            let made = context.create_stream(Config { metadata: about, ..wanted(name, replicas) }).await;
            made.map_err(|cause| CannotOpenStream::NotMade { name: name.to_owned(), replicas, cause })?
        }
        Err(cause) => return Err(CannotOpenStream::Unknown { name: name.to_owned(), cause }),
    };
    let differences = differences(&found.cached_info().config, &wanted(name, replicas));
    if differences.is_empty() { Ok(found) } else { Err(CannotOpenStream::Other { name: name.to_owned(), differences }) }
}

/// What the subjects of a stream's records begin with.
pub(super) fn subject(name: &str) -> String {
    format!("{}.log", name.to_ascii_lowercase())
}

/// The subjects of a stream's records.
#[must_use]
pub fn subjects(name: &str) -> String {
    format!("{}.>", subject(name))
}

fn wanted(name: &str, replicas: usize) -> Config {
    Config {
        name: name.to_owned(),
        description: Some("Watchgate's log: every replica reads all of it, nobody else writes to it".to_owned()),
        subjects: vec![subjects(name)],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        // A full stream refuses what is new, with an error that becomes a 507: the old is what somebody relies on.
        discard: DiscardPolicy::New,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        duplicate_window: DUPLICATE_WINDOW,
        num_replicas: replicas,
        ..Config::default()
    }
}

fn is_not_there(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(answer) if answer.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

fn differences(found: &Config, wanted: &Config) -> Vec<Difference> {
    let limit = |found: i64| if found <= 0 { "unlimited".to_owned() } else { found.to_string() };
    let unlimited = || "unlimited".to_owned();
    let all = [
        ("subjects", found.subjects.join(", "), wanted.subjects.join(", ")),
        ("storage", format!("{:?}", found.storage), format!("{:?}", wanted.storage)),
        ("retention", format!("{:?}", found.retention), format!("{:?}", wanted.retention)),
        ("discard", format!("{:?}", found.discard), format!("{:?}", wanted.discard)),
        ("max_age", limit(i64::try_from(found.max_age.as_nanos()).unwrap_or(i64::MAX)), unlimited()),
        ("max_msgs_per_subject", limit(found.max_messages_per_subject), unlimited()),
        ("max_msg_size", limit(found.max_message_size.into()), unlimited()),
        ("no_ack", found.no_ack.to_string(), wanted.no_ack.to_string()),
        ("sealed", found.sealed.to_string(), wanted.sealed.to_string()),
        ("deny_purge", found.deny_purge.to_string(), wanted.deny_purge.to_string()),
        ("mirror", found.mirror.is_some().to_string(), false.to_string()),
        ("sources", found.sources.iter().flatten().count().to_string(), 0.to_string()),
        ("subject_transform", found.subject_transform.is_some().to_string(), false.to_string()),
        // The other mode acknowledges what is not written yet, whatever the server's own setting says.
        (
            "persist_mode",
            format!("{:?}", found.persist_mode.unwrap_or_default()),
            format!("{:?}", PersistenceMode::Default),
        ),
        // More do no harm.
        ("num_replicas", found.num_replicas.min(wanted.num_replicas).to_string(), wanted.num_replicas.to_string()),
        (
            "duplicate_window in seconds",
            found.duplicate_window.min(wanted.duplicate_window).as_secs().to_string(),
            wanted.duplicate_window.as_secs().to_string(),
        ),
    ];
    let all = all.into_iter().map(|(setting, found, wanted)| Difference { setting, wanted, found });
    all.filter(|difference| difference.found != difference.wanted).collect()
}

fn listed(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_as_wanted_differs_in_nothing_and_an_operators_additions_are_none() {
        let found = Config { max_bytes: 1 << 40, num_replicas: 5, description: None, ..wanted("WATCHGATE", 3) };
        assert_eq!(differences(&found, &wanted("WATCHGATE", 3)), []);
    }

    #[test]
    fn everything_that_would_lose_or_bend_records_is_told_at_once() {
        let found = Config {
            storage: StorageType::Memory,
            discard: DiscardPolicy::Old,
            max_age: Duration::from_secs(60),
            num_replicas: 1,
            persist_mode: Some(PersistenceMode::Async),
            ..wanted("WATCHGATE", 3)
        };
        let told = listed(&differences(&found, &wanted("WATCHGATE", 3)));
        let sentences: Vec<_> = told.split("; ").collect();
        assert_eq!(
            sentences,
            [
                "storage is Memory and must be File",
                "discard is Old and must be New",
                "max_age is 60000000000 and must be unlimited",
                "persist_mode is Async and must be Default",
                "num_replicas is 1 and must be 3",
            ]
        );
    }

    #[test]
    fn subjects_are_in_small_letters() {
        assert_eq!(subjects("WATCHGATE"), "watchgate.log.>");
    }
}
