//! Looking at commands.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::book::{Commands, Found};
use super::command::Command;
use super::state::State as CommandState;
use crate::gate::Caller;
use crate::parameters::{PathName, QueryOf};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// Which commands are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// In this state.
    state: Option<CommandState>,
    /// For this service.
    service: Option<String>,
    /// Older than the command with this id.
    before: Option<String>,
    /// At most so many; 1 to 1000, without it 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
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
    caller.require_principal()?;
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid("limit", format!("must be a number from 1 to {MAX_LIMIT}")));
    }
    Ok(Json(state.commands.list(&parameters, limit).await?))
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

impl Commands {
    async fn list(&self, parameters: &Parameters, limit: usize) -> Result<CommandPage, Problem> {
        let Parameters { state, service, before, .. } = parameters;
        let matches = |command: &Command| {
            state.is_none_or(|state| command.state == state)
                && service.as_ref().is_none_or(|service| command.target.service == *service)
                && before.as_ref().is_none_or(|before| command.id < *before)
        };
        // One more than asked for tells whether there is a next page.
        let wanted = limit.saturating_add(1);
        // Ended ones after the open ones: of what ends in between the later reading holds, and nothing is missed.
        let open = if state.is_none_or(|state| !state.is_final()) { self.open().await? } else { Vec::new() };
        let Found { commands: ended, stopped_at } = if state.is_none_or(CommandState::is_final) {
            self.ended(before.clone(), wanted, &matches).await?
        } else {
            Found::default()
        };
        let open = open.into_iter().map(|kept| kept.record.command).filter(&matches);
        // What is older than the last one looked at belongs to the next page.
        let open = open.filter(|command| stopped_at.as_ref().is_none_or(|stopped_at| command.id >= *stopped_at));
        let by_id = open.chain(ended).map(|command| (command.id.clone(), command));
        let mut commands: Vec<_> = by_id.collect::<BTreeMap<_, _>>().into_values().rev().collect();
        let has_more = commands.len() > limit;
        commands.truncate(limit);
        let next_before = if has_more { commands.last().map(|command| command.id.clone()) } else { stopped_at };
        Ok(CommandPage { commands, next_before })
    }
}
