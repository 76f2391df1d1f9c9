//! The one writer: takes what waits, makes it durable with one fsync, and only then answers everybody.

use prometheus_client::metrics::histogram::Histogram;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot, watch};

use super::log::Log;
use crate::backbone::{Appended, BackboneError, Batch, Committed, NewEvent, Position, Put, Revision};

/// Jobs that share one commit at most: enough to hide the fsync, few enough that the first one does not wait long.
const JOBS_PER_COMMIT: usize = 256;

type Answer = Result<Committed, BackboneError>;

/// A batch, and where its maker waits.
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// Works until nobody is left who could send a job.
pub(super) fn run(
    connection: &Connection,
    mut log: Log,
    mut waiting: mpsc::Receiver<Job>,
    newest: &watch::Sender<Position>,
    jobs_per_commit: &Histogram,
) {
    while let Some(first) = waiting.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < JOBS_PER_COMMIT
            && let Ok(next) = waiting.try_recv()
        {
            jobs.push(next);
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 256")]
        jobs_per_commit.observe(jobs.len() as f64);
        let (batches, makers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.batch, job.answer)).unzip();
        let answers = commit_together(connection, &batches);
        publish(newest, &answers);
        for (maker, answer) in makers.into_iter().zip(answers) {
            // Whoever has gone away does not need the answer; what was committed stays.
            let _ = maker.send(answer);
        }
        log.shorten_if_long(connection);
    }
}

fn publish(newest: &watch::Sender<Position>, answers: &[Answer]) {
    let appended = answers.iter().flatten().flat_map(|committed| &committed.events);
    if let Some(position) = appended.map(|event| event.position).max() {
        newest.send_if_modified(|current| {
            let is_newer = position > *current;
            *current = position.max(*current);
            is_newer
        });
    }
}

/// One answer for each batch. A batch that conflicts is undone alone; a failing disk undoes all.
fn commit_together(connection: &Connection, batches: &[Batch]) -> Vec<Answer> {
    match try_commit_together(connection, batches) {
        Ok(answers) => answers,
        Err(error) => {
            tracing::error!(%error, jobs = batches.len(), "a commit failed, nothing of it was kept");
            // Fails when SQLite has rolled back by itself, as it does on a full disk: the same outcome.
            let _ = connection.execute_batch("ROLLBACK");
            let failed = BackboneError::from(error);
            batches.iter().map(|_| Err(failed.clone())).collect()
        }
    }
}

fn try_commit_together(connection: &Connection, batches: &[Batch]) -> Result<Vec<Answer>, rusqlite::Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let answers = batches.iter().map(|batch| apply_alone(connection, batch)).collect::<Result<Vec<_>, _>>()?;
    connection.execute_batch("COMMIT")?;
    Ok(answers)
}

/// Applies a batch in a savepoint of its own, so that its conflict does not undo its neighbours.
fn apply_alone(connection: &Connection, batch: &Batch) -> Result<Answer, rusqlite::Error> {
    connection.execute_batch("SAVEPOINT batch")?;
    let answer = apply(connection, batch)?;
    if answer.is_err() {
        connection.execute_batch("ROLLBACK TO batch")?;
    }
    connection.execute_batch("RELEASE batch")?;
    Ok(answer)
}

fn apply(connection: &Connection, batch: &Batch) -> Result<Answer, rusqlite::Error> {
    let mut revisions = Vec::with_capacity(batch.puts.len());
    for put in &batch.puts {
        match apply_put(connection, put)? {
            Some(revision) => revisions.push(revision),
            None => return Ok(Err(BackboneError::Conflict { bucket: put.bucket, key: put.key.clone() })),
        }
    }
    let events = batch.events.iter().map(|event| append(connection, event)).collect::<Result<_, _>>()?;
    Ok(Ok(Committed { events, revisions }))
}

/// The new revision, or nothing when the entry is not what the writer believed.
fn apply_put(connection: &Connection, put: &Put) -> Result<Option<Revision>, rusqlite::Error> {
    let revision: Revision = connection
        .prepare_cached("UPDATE newest_revision SET revision = revision + 1 RETURNING revision")?
        .query_row([], |row| row.get(0))?;
    let changed = match (&put.value, put.expected_revision) {
        (Some(value), None) => connection
            .prepare_cached("INSERT INTO entries VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")?
            .execute(params![put.bucket, put.key, value, revision])?,
        (Some(value), Some(expected)) => connection
            .prepare_cached(
                "UPDATE entries SET value = ?3, revision = ?4 WHERE bucket = ?1 AND key = ?2 AND revision = ?5",
            )?
            .execute(params![put.bucket, put.key, value, revision, expected])?,
        (None, Some(expected)) => connection
            .prepare_cached("DELETE FROM entries WHERE bucket = ?1 AND key = ?2 AND revision = ?3")?
            .execute(params![put.bucket, put.key, expected])?,
        (None, None) => usize::from(
            !connection
                .prepare_cached("SELECT 1 FROM entries WHERE bucket = ?1 AND key = ?2")?
                .exists(params![put.bucket, put.key])?,
        ),
    };
    Ok((changed == 1).then_some(revision))
}

fn append(connection: &Connection, event: &NewEvent) -> Result<Appended, rusqlite::Error> {
    let inserted: Option<Position> = connection
        .prepare_cached(
            "INSERT INTO events (source, id, type, subject, correlation_id, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (source, id) DO NOTHING RETURNING position",
        )?
        .query_row(
            params![event.source, event.id, event.event_type, event.subject, event.correlation_id, event.json],
            |row| row.get(0),
        )
        .optional()?;
    match inserted {
        Some(position) => Ok(Appended { position, is_duplicate: false }),
        None => {
            let position = connection
                .prepare_cached("SELECT position FROM events WHERE source = ?1 AND id = ?2")?
                .query_row(params![event.source, event.id], |row| row.get(0))?;
            Ok(Appended { position, is_duplicate: true })
        }
    }
}
