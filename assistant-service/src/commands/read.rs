//! Looking at commands.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use trust_core::principal::Principal;
use utoipa::{IntoParams, ToSchema};

use super::book::{Commands, ENDED, Found, OPEN};
use super::command::Command;
use super::open::{Brief, BriefCommand};
use super::state::State as CommandState;
use crate::backbone::BackboneError;
use crate::gate::Caller;
use crate::parameters::{PathName, QueryOf};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// What the commands of one page have as JSON, the last one aside.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Which commands are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// In this state.
    state: Option<CommandState>,
    /// `dead`: those that failed, took too long, expired or were abandoned, which can be called once more.
    outcome: Option<Outcome>,
    /// For this service.
    service: Option<String>,
    /// Of this runbook.
    runbook: Option<String>,
    /// `me`: those that the caller has asked for.
    requested_by: Option<RequestedBy>,
    /// Older than the command with this id.
    before: Option<String>,
    /// At most so many; 1 to 1000, without it 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// How commands have ended.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Without being done, and without anybody having wanted that.
    Dead,
}

/// Who has asked for commands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RequestedBy {
    /// The caller.
    Me,
}

/// Some of the commands, new ones first. A page may hold fewer than asked for, even none, and not be the last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommandPage {
    commands: Vec<Command>,
    /// What to give as `before` for the next page; null when there is none.
    next_before: Option<String>,
}

/// Commands, new ones first.
#[utoipa::path(get, path = "/v1/commands", tag = "commands", params(Parameters),
    responses(
        (status = OK, description = "A page", body = CommandPage),
        (status = BAD_REQUEST, description = "A parameter is wrong", body = ProblemDocument)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    QueryOf(parameters): QueryOf<Parameters>,
) -> Result<Json<CommandPage>, Problem> {
    let reader = caller.require_principal()?;
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid("limit", format!("must be a number from 1 to {MAX_LIMIT}")));
    }
    Ok(Json(state.commands.list(&parameters, reader, limit).await?))
}

/// One command.
#[utoipa::path(get, path = "/v1/commands/{id}", tag = "commands",
    params(("id" = String, Path, description = "The command")),
    responses(
        (status = OK, description = "The command", body = Command),
        (status = NOT_FOUND, description = "No such command", body = ProblemDocument)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Json<Command>, Problem> {
    caller.require_principal()?;
    Ok(Json(state.commands.find(&id).await?.record.command))
}

impl Parameters {
    fn match_state(&self, state: CommandState) -> bool {
        let has_outcome = match self.outcome {
            Some(Outcome::Dead) => state.is_dead(),
            None => true,
        };
        has_outcome && self.state.is_none_or(|wanted| state == wanted)
    }

    fn match_command(&self, command: &Command, reader: &Principal) -> bool {
        let Command { id, state, target, runbook, requested_by, .. } = command;
        self.match_traits(*state, &target.service, runbook, requested_by, reader)
            && self.before.as_ref().is_none_or(|before| *id < *before)
    }

    fn match_brief(&self, brief: &Brief, reader: &Principal) -> bool {
        let BriefCommand { state, target, runbook, requested_by, .. } = &brief.command;
        self.match_traits(*state, &target.service, runbook, requested_by, reader)
    }

    fn match_traits(
        &self,
        state: CommandState,
        service: &str,
        runbook: &str,
        requested_by: &Principal,
        reader: &Principal,
    ) -> bool {
        let is_by = match self.requested_by {
            Some(RequestedBy::Me) => requested_by == reader,
            None => true,
        };
        is_by
            && self.match_state(state)
            && self.service.as_ref().is_none_or(|wanted| service == wanted)
            && self.runbook.as_ref().is_none_or(|wanted| runbook == wanted)
    }
}

impl Commands {
    async fn list(&self, parameters: &Parameters, reader: &Principal, limit: usize) -> Result<CommandPage, Problem> {
        let before = &parameters.before;
        let matches = |command: &Command| parameters.match_command(command, reader);
        let may_be_in = |state: CommandState| parameters.match_state(state);
        // One more than asked for tells whether there is a next page.
        let most = (limit.saturating_add(1), MAX_PAGE_BYTES);
        let look_through = async |bucket, is_final, known: Option<&BTreeSet<String>>| {
            if CommandState::ALL.into_iter().any(|state| state.is_final() == is_final && may_be_in(state)) {
                self.look_through(bucket, before.clone(), most, known, &matches).await
            } else {
                Ok(Found::default())
            }
        };
        // Ended ones after the open ones: of what ends in between the later reading holds, and nothing is missed.
        let known = self.known_to(|brief| parameters.match_brief(brief, reader)).await?;
        let open = look_through(OPEN, false, Some(&known)).await?;
        let ended = look_through(ENDED, true, None).await?;
        // What is older than the last one looked at belongs to the next page.
        let stopped_at = open.stopped_at.max(ended.stopped_at);
        let found = open.commands.into_iter().chain(ended.commands);
        let found = found.filter(|command| stopped_at.as_ref().is_none_or(|stopped_at| command.id >= *stopped_at));
        let by_id: BTreeMap<_, _> = found.map(|command| (command.id.clone(), command)).collect();
        let found = by_id.len();
        let commands = page(by_id.into_values().rev(), limit)?;
        let has_more = commands.len() < found;
        let next_before = if has_more { commands.last().map(|command| command.id.clone()) } else { stopped_at };
        Ok(CommandPage { commands, next_before })
    }
}

impl Commands {
    /// Where the open commands are of which this is known. What matches only later was asked for in vain, and what matches no more
    /// is found out when it is read.
    async fn known_to(&self, matches: impl Fn(&Brief) -> bool) -> Result<BTreeSet<String>, BackboneError> {
        // Whoever reads one hears of all that was answered anywhere before; what is known here then follows.
        self.backbone.list(OPEN, None, 1).await?;
        self.catch_up().await?;
        let mut keys = BTreeSet::new();
        self.known.each(|key, _, brief| {
            if matches(brief) {
                keys.insert(key.to_owned());
            }
        });
        Ok(keys)
    }
}

/// At most `limit` of them; the one with which they have [`MAX_PAGE_BYTES`] is the last.
fn page(found: impl Iterator<Item = Command>, limit: usize) -> Result<Vec<Command>, Problem> {
    let mut page = Vec::new();
    let mut bytes = 0_usize;
    for command in found.take(limit) {
        bytes = bytes.saturating_add(serde_json::to_vec(&command).map_err(Problem::internal)?.len());
        page.push(command);
        if bytes >= MAX_PAGE_BYTES {
            break;
        }
    }
    Ok(page)
}
