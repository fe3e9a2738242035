//! Histories: the list of events of one object, actor or visitor, of all time, in either order.

use axum::response::Response;
use utoipa::IntoParams;

use super::Given;
use super::list::answer_list;
use crate::engine::Engine;
use crate::error::Kind;
use crate::http::caller::{Authorized, Query};
use crate::http::problem::ApiError;
use crate::journal::{JournalError, Selection};

/// How a history is read; every filter and parameter of the event list narrows it. All of time is meant where no
/// period is said.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters that are read by name")]
pub(in crate::http) struct HistoryParams {
    /// `newest` (default) or `oldest` first.
    order: Option<String>,
    /// Columns of the rows, `*` for all; without it all but the long ones.
    #[param(example = "event_id,message")]
    fields: Option<String>,
    /// Rows of the page.
    #[param(example = 50)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How far matches are counted: a number, `exact` or `none`.
    #[param(example = "exact")]
    total: Option<String>,
    /// `sql`: the statement, and no rows.
    explain: Option<String>,
}

/// The events that match the filters and what `narrow` adds to them.
pub(super) async fn answer(
    engine: &Engine,
    caller: &Authorized<Query>,
    mut given: Given,
    narrow: impl FnOnce(&mut Selection) -> Result<(), JournalError> + Send,
) -> Result<Response, ApiError> {
    match given.take("order")?.as_deref() {
        None | Some("newest") => {}
        Some("oldest") => given.0.push(("sort".into(), "event_time".into())),
        Some(word) => {
            let detail = format!("`order` is `newest` or `oldest`, not `{word}`");
            return Err(ApiError::new(Kind::Invalid, "invalid_parameter", detail));
        }
    }
    answer_list(engine, caller, given, |mut selection| {
        narrow(&mut selection)?;
        Ok(selection)
    })
    .await
}
