//! `GET /v1/incidents/{id}/explanation`: what was measured, in plain words, and what the company's documents say about it.

use axum::Json;
use axum::extract::State;
use diagnosis::Millis;
use diagnosis::detector::{Direction, Kind};
use diagnosis::incident::{Incident, Movement, Shared, Similar};
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

use super::reading::find;
use crate::assistant::ask::{Told, answered, asker, seat, within_bounds};
use crate::assistant::{Asked, Progress};
use crate::clock::time_of;
use crate::gate::Caller;
use crate::insights::{one_line, quoted};
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// Movements and devices that are said in words.
const MOST_SAID: usize = 8;

/// A sentence has no more characters of what a device says of itself.
const LONGEST_SAID: usize = 64;

/// What is known of an incident.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explanation {
    incident: String,
    /// What was measured, a sentence each, most telling first. Nobody's opinion.
    facts: Vec<String>,
    /// Runbooks that say of themselves that they are worth a look at it.
    suggested: Vec<String>,
    /// What was asked about it.
    question: String,
    /// What the documents say that the caller may read, with sources.
    answer: Told,
}

/// Explains an incident: what was measured, and what the documents that the caller's scopes open say about it. The question is the
/// caller's, as by `POST /v1/ask`.
#[utoipa::path(get, path = "/v1/incidents/{id}/explanation", tag = "incidents",
    params(("id" = String, Path, description = "The incident")),
    responses(
        (status = OK, description = "What is known", body = Explanation),
        (status = NOT_FOUND, description = "No such incident", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller's budget is used, or he asks too much at once",
            body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "There is no answer in time", body = ProblemDocument)))]
pub(crate) async fn explain(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Json<Explanation>, Problem> {
    let asker = asker(&caller)?;
    let record = find(&state, &id).await?;
    let _seat = seat(&state, &caller)?;
    let question = question(&record.incident);
    let asked = Asked { question: question.clone(), earlier: Vec::new(), asker };
    let answering = answered(&state, &caller, Uuid::now_v7(), asked, Progress::default());
    let answer = within_bounds(&state, &caller, answering).await?;
    let facts = facts(&record.incident);
    let suggested = record.suggested.into_iter().collect();
    Ok(Json(Explanation { incident: id, facts, suggested, question, answer }))
}

/// What is asked, about what moved first: names come from devices and stand in quotation marks, without what sentences and links are
/// made of.
fn question(incident: &Incident) -> String {
    let Some(first) = incident.moved.first() else { return "What is to be done in an incident?".to_owned() };
    if first.kind == Kind::Silence {
        return "What is to be done when a device sends nothing any more?".to_owned();
    }
    let place = match incident.shared.first().map(|shared| shared.what.as_str()) {
        Some("build") => " with a new build",
        Some("firmware") => " with a new firmware",
        Some("scene") => " in one scene",
        Some("device") => " on one device",
        Some(_) | None => "",
    };
    format!("What is to be done when {} {}{place}?", quoted(Some(&first.series.metric)), goes(first))
}

/// What was measured.
pub(super) fn facts(incident: &Incident) -> Vec<String> {
    let mut facts = Vec::new();
    let noticed = incident.opened_at.saturating_sub(incident.began_at).max(0).div_euclid(1000);
    let end = match (&incident.merged_into, incident.resolved_at) {
        (Some(other), _) => format!("it turned out to be a part of the incident {}", plain(other)),
        (None, Some(at)) => format!("it was over at {}", clock(at)),
        (None, None) => "it goes on".to_owned(),
    };
    facts.push(format!("It began at {} and was noticed {noticed} s later; {end}.", clock(incident.began_at)));
    facts.extend(incident.moved.iter().take(MOST_SAID).enumerate().map(|(place, movement)| moved(place, movement)));
    let more = incident.moved_in_all.saturating_sub(incident.moved.len().min(MOST_SAID));
    if more > 0 {
        facts.push(format!("{more} further series moved."));
    }
    let named: Vec<String> = incident.devices.iter().take(MOST_SAID).map(|device| plain(device)).collect();
    let unnamed = incident.devices_in_all.saturating_sub(named.len());
    let others = if unnamed > 0 { format!(" and {unnamed} more") } else { String::new() };
    facts.push(match incident.devices_in_all {
        1 => format!("One device is struck: {}.", named.join(", ")),
        count => format!("{count} devices are struck: {}{others}.", named.join(", ")),
    });
    facts.extend(incident.shared.iter().take(MOST_SAID).map(shared));
    facts.extend(incident.similar.iter().map(similar));
    facts
}

fn moved(place: usize, movement: &Movement) -> String {
    let Movement { series, began_at, before, now, kind, .. } = movement;
    let at = if place == 0 { "First, at" } else { "At" };
    let place = [("build", &series.build), ("scene", &series.scene)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(what, value)| format!(", {what} {}", plain(value)))
        .collect::<String>();
    let (metric, device, at_time) = (plain(&series.metric), plain(&series.device), clock(*began_at));
    if *kind == Kind::Silence {
        return format!("{at} {at_time}, nothing came from {device}{place} any more.");
    }
    let unit = incident_plot::unit(&series.metric).map(|unit| format!(" {unit}")).unwrap_or_default();
    let kind = named(*kind);
    format!(
        "{at} {at_time}, {metric} of {device}{place} {}: from {}{unit} to {}{unit} ({kind}).",
        went(movement),
        number(*before),
        number(*now),
    )
}

fn shared(shared: &Shared) -> String {
    let Shared { what, value, struck, struck_in_all, others, others_in_all } = shared;
    let (what, value) = (plain(what), plain(value));
    let others = match others_in_all {
        0 => "there are no others".to_owned(),
        all => format!("{others} of {all} others"),
    };
    format!("{struck} of {struck_in_all} struck devices have the {what} {value}, and {others}.")
}

fn similar(similar: &Similar) -> String {
    let Similar { incident, resemblance, title } = similar;
    let percent = resemblance * 100.0;
    format!("It looks like the earlier incident {incident} ({percent:.0} %): {}", one_line(title, 200))
}

fn named(kind: Kind) -> &'static str {
    match kind {
        Kind::Spike => "a spike",
        Kind::LevelShift => "another level",
        Kind::Drift => "a drift",
        Kind::Variance => "another spread",
        Kind::Flatline => "a flat line",
        Kind::Season => "not as at this time of other days",
        Kind::Silence => "silence",
    }
}

fn goes(movement: &Movement) -> &'static str {
    match (movement.kind, movement.direction) {
        (Kind::Variance, Direction::Up) => "spreads more",
        (Kind::Variance, Direction::Down) => "spreads less",
        (Kind::Flatline, _) => "stands still",
        (_, Direction::Up) => "rises",
        (_, Direction::Down) => "falls",
    }
}

fn went(movement: &Movement) -> &'static str {
    match (movement.kind, movement.direction) {
        (Kind::Variance, Direction::Up) => "spread more",
        (Kind::Variance, Direction::Down) => "spread less",
        (Kind::Flatline, _) => "stood still",
        (_, Direction::Up) => "went up",
        (_, Direction::Down) => "went down",
    }
}

fn plain(name: &str) -> String {
    one_line(name, LONGEST_SAID)
}

fn number(value: f64) -> String {
    if value.abs() >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn clock(at: Millis) -> String {
    let at = time_of(at);
    at.replace_millisecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}
