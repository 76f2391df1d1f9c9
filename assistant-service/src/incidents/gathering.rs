//! Gathers what a picture of an incident shows: samples of struck devices and of one that is not, from the log around the event that made it
//! an incident. Nothing depends on the clocks of devices but where a value stands.

mod other;

use std::collections::BTreeMap;

use diagnosis::Millis;
use diagnosis::batch::{Batch, EVENT_TYPE, Row};
use diagnosis::detector::Kind;
use diagnosis::incident::{Incident, Movement};
use incident_plot::{Columns, Line, MOST_PANELS, MOST_STRUCK, Panel, Plot};
use serde::Deserialize;

use super::record::Record;
use crate::backbone::{EventFilter, Freshness, Order, Position, StoredEvent, TypeFilter};
use crate::clock::millis;
use crate::problem::Problem;
use crate::state::AppState;

const MINUTE: Millis = 60_000;

/// What is shown before the beginning, at least and at most; else half of how long it lasts.
const LEAST_BEFORE: Millis = 3 * MINUTE;
const MOST_BEFORE: Millis = 10 * MINUTE;

/// What is shown after the beginning, where it goes on for longer.
const MOST_AFTER: Millis = 30 * MINUTE;

/// What is shown in all.
const LONGEST: Millis = 120 * MINUTE;

const PAGE: u32 = 256;

/// Events of one device that are read in each direction.
const MOST_EVENTS: usize = 20_000;

#[derive(Deserialize)]
struct Written {
    data: Option<Batch>,
}

/// The values of one device, by metric.
struct Gathering {
    from: Millis,
    until: Millis,
    /// Those that are wanted; without any, the first that come.
    metrics: Vec<String>,
    values: BTreeMap<String, Columns>,
}

/// What is to be drawn of an incident.
pub(super) async fn gather(state: &AppState, record: &Record) -> Result<Plot, Problem> {
    let incident = &record.incident;
    let (from, until) = span(incident, millis(state.clock.now()));
    let mut metrics: Vec<String> = Vec::new();
    for movement in &incident.moved {
        let metric = &movement.series.metric;
        if movement.kind != Kind::Silence && !metrics.contains(metric) && metrics.len() < MOST_PANELS {
            metrics.push(metric.clone());
        }
    }
    let struck: Vec<&String> = incident.devices.iter().take(MOST_STRUCK).collect();
    let mut gathered = Vec::new();
    for device in struck {
        let wanted = if metrics.is_empty() { gathered_metrics(&gathered) } else { metrics.clone() };
        gathered.push((device.clone(), read(state, device, record.opened_after, (from, until), wanted).await?));
    }
    if metrics.is_empty() {
        metrics = gathered_metrics(&gathered);
    }
    let other = match other::find(state, record, &metrics).await? {
        Some(device) => {
            let values = read(state, &device, record.opened_after, (from, until), metrics.clone()).await?;
            Some((device, values))
        }
        None => None,
    };
    let panels = metrics.iter().map(|metric| panel(metric, incident, &gathered, other.as_ref())).collect();
    let Incident { title, began_at, opened_at, resolved_at, .. } = incident.clone();
    let subtitle = subtitle(incident);
    Ok(Plot { title, subtitle, from, until, began_at, noticed_at: opened_at, resolved_at, panels })
}

/// Which part of time is shown.
fn span(incident: &Incident, now: Millis) -> (Millis, Millis) {
    let Incident { began_at, opened_at, resolved_at, .. } = *incident;
    let end = resolved_at.map_or(now, |at| at.saturating_add(MINUTE));
    let end = end.min(began_at.saturating_add(MOST_AFTER)).max(opened_at.saturating_add(MINUTE));
    let lasted = end.saturating_sub(began_at).max(0);
    let from = began_at.saturating_sub(lasted.div_euclid(2).clamp(LEAST_BEFORE, MOST_BEFORE));
    (from, end.min(from.saturating_add(LONGEST)))
}

fn gathered_metrics(gathered: &[(String, BTreeMap<String, Columns>)]) -> Vec<String> {
    gathered.first().map(|(_, values)| values.keys().take(MOST_PANELS).cloned().collect()).unwrap_or_default()
}

fn panel(
    metric: &str,
    incident: &Incident,
    gathered: &[(String, BTreeMap<String, Columns>)],
    other: Option<&(String, BTreeMap<String, Columns>)>,
) -> Panel {
    let movements = || incident.moved.iter().filter(|movement| movement.series.metric == metric);
    let began_at = movements().map(|movement| movement.began_at).min().unwrap_or(incident.began_at);
    let line = |(device, values): &(String, BTreeMap<String, Columns>)| {
        let values = values.get(metric).filter(|values| !values.is_empty())?.clone();
        Some(Line { device: device.clone(), values })
    };
    // Those that moved by this metric before those that are struck by others.
    let moved = |device: &str| movements().any(|movement| movement.series.device == device);
    let (first, then): (Vec<_>, Vec<_>) = gathered.iter().partition(|(device, _)| moved(device));
    let struck: Vec<Line> = if first.is_empty() { then } else { first }.into_iter().filter_map(line).collect();
    let usual = struck.first().and_then(|line| line.values.usual_before(began_at));
    Panel { metric: metric.to_owned(), began_at, usual, struck, other: other.and_then(line) }
}

/// Where it is, and what the struck ones share.
fn subtitle(incident: &Incident) -> String {
    let mut parts = Vec::new();
    if let Some(Movement { series, .. }) = incident.moved.first() {
        for (what, value) in [("build", &series.build), ("scene", &series.scene)] {
            if !value.is_empty() {
                parts.push(format!("{what} {value}"));
            }
        }
    }
    parts.push(match incident.devices_in_all {
        1 => "1 device".to_owned(),
        count => format!("{count} devices"),
    });
    if let Some(shared) = incident.shared.first() {
        parts.push(format!(
            "{} {}: {} of {} struck, {} of {} others",
            shared.what, shared.value, shared.struck, shared.struck_in_all, shared.others, shared.others_in_all
        ));
    }
    parts.join(" · ")
}

/// The values of a device within a span, read from a position of the log on, in both directions.
async fn read(
    state: &AppState,
    device: &str,
    around: Position,
    (from, until): (Millis, Millis),
    metrics: Vec<String>,
) -> Result<BTreeMap<String, Columns>, Problem> {
    let mut gathering = Gathering { from, until, metrics, values: BTreeMap::new() };
    for order in [Order::Descending, Order::Ascending] {
        // The event at the position itself belongs to the first.
        let mut after = Some(if order == Order::Descending { around.saturating_add(1) } else { around });
        let mut count = 0_usize;
        while let Some(from_here) = after
            && count < MOST_EVENTS
        {
            let page = state.backbone.query(EventFilter {
                event_type: Some(TypeFilter::Exact(EVENT_TYPE.to_owned())),
                subject: Some(device.to_owned()),
                after: Some(from_here),
                limit: PAGE,
                order,
                freshness: Freshness::Known,
                ..EventFilter::default()
            });
            let page = page.await?;
            count = count.saturating_add(page.events.len());
            after = page.next_after;
            let taking = move || {
                let is_beyond = gathering.take(page.events, order);
                (gathering, is_beyond)
            };
            let is_beyond;
            (gathering, is_beyond) = tokio::task::spawn_blocking(taking).await.map_err(Problem::internal)?;
            if is_beyond {
                break;
            }
        }
    }
    Ok(gathering.values)
}

impl Gathering {
    /// Takes the values of some events. Says whether the last one lies well beyond the span: samples may come a minute late.
    fn take(&mut self, events: Vec<StoredEvent>, order: Order) -> bool {
        let mut last = None;
        for StoredEvent { json, .. } in events {
            let Ok(Written { data: Some(batch) }) = serde_json::from_str(&json) else { continue };
            self.add(&batch);
            last = Some(batch.start);
        }
        match order {
            Order::Ascending => last.is_some_and(|start| start > self.until.saturating_add(MINUTE)),
            Order::Descending => last.is_some_and(|start| start < self.from.saturating_sub(2 * MINUTE)),
        }
    }

    fn add(&mut self, batch: &Batch) {
        let (from, until) = (self.from, self.until);
        for (place, metric) in batch.metrics.iter().enumerate() {
            let is_wanted =
                if self.metrics.is_empty() { self.values.len() < MOST_PANELS } else { self.metrics.contains(metric) };
            if !is_wanted && !self.values.contains_key(metric) {
                continue;
            }
            let columns = self.values.entry(metric.clone()).or_insert_with(|| Columns::new(from, until));
            for Row(offset, values) in &batch.rows {
                if let Some(value) = values.get(place).copied().flatten() {
                    columns.add(batch.start.saturating_add(Millis::from(*offset)), value);
                }
            }
        }
    }
}
