//! `GET /api/v1/events`: the journal, a page at a time.

use arrow::record_batch::RecordBatch;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{Given, MissingEvents, Reading, explained, integer, partial, value_of};
use crate::engine::Engine;
use crate::event::model::{COLUMNS, Kind};
use crate::event::schema::SEQ;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::ApiQuery;
use crate::http::problem::{ApiError, Problem};
use crate::journal::list::{EVENT_TIME, Page, Sort};
use crate::journal::{Bounds, FieldInfo, JournalError, Selection, Statement, fields, shown};
use crate::query::objects;

/// Rows of a page where nothing is said.
const PAGE: usize = 50;

/// Parameters of a list besides the filters; every name of `/api/v1/filters/fields` is one more.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters that are read by name")]
pub(in crate::http) struct ListParams {
    /// `today`, `last_week`, `last_24h`, `2025-03`, `all`, …; without it and `from` and `to` the last 24 hours.
    #[param(example = "last_7d")]
    period: Option<String>,
    /// First instant: `2025-03-04T09:00:00+01:00`, a local time or day of `tz`, `now-90m`.
    #[param(example = "2025-03-04")]
    from: Option<String>,
    /// First instant after it; a day alone is included.
    #[param(example = "2025-03-05")]
    to: Option<String>,
    /// IANA zone of periods, hours and days.
    #[param(example = "Europe/Warsaw")]
    tz: Option<String>,
    /// Words that all stand somewhere in the event.
    #[param(example = "label")]
    q: Option<String>,
    /// Filters as JSON, with `any`, `all` and `not`.
    #[param(example = "{\"any\": [{\"module\": \"couriers\"}, {\"http_status>\": 500}]}")]
    filter: Option<String>,
    /// Name or id of a saved filter, which must hold as well.
    saved: Option<String>,
    /// Columns of the rows, `*` for all; without it all but the long ones.
    #[param(example = "event_id,message")]
    fields: Option<String>,
    /// Column to sort by, with a `-` largest first.
    #[param(example = "-event_time")]
    sort: Option<String>,
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
    /// Whether an answer without stored events that cannot be read at present will do; it says so in `missing`, and has
    /// the header `Kronika-Partial: true`.
    #[param(example = true)]
    partial: Option<bool>,
}

/// A page of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct EventPage {
    /// Events; a field that an event does not have is left out.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Box<RawValue>>,
    /// Cursor of the next page; none on the last one.
    next: Option<String>,
    /// How many match.
    total: Option<Total>,
    /// What was asked for, resolved.
    #[schema(value_type = Object)]
    period: Value,
    /// What could not be read, where `partial=true` allowed for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<MissingEvents>,
}

/// How many rows match.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Total {
    /// As far as was counted.
    value: i64,
    /// `eq`: exactly; `gte`: at least.
    relation: &'static str,
}

/// How far matches are counted.
pub(super) enum Counting {
    Not,
    UpTo(Option<u64>),
}

impl Counting {
    fn take(given: &mut Given, default: u64) -> Result<Self, ApiError> {
        Ok(match given.take("total")?.as_deref() {
            None => Self::UpTo(Some(default)),
            Some("none") => Self::Not,
            Some("exact") => Self::UpTo(None),
            Some(text) => {
                let number = text.parse().ok();
                let wrong = || JournalError::value("total", format!("is a number, `exact` or `none`, not `{text}`"));
                Self::UpTo(Some(number.ok_or_else(wrong)?))
            }
        })
    }
}

/// The journal: events that match all filters, newest first, of the last 24 hours where no period is said.
#[utoipa::path(get, path = "/api/v1/events", tag = "journal", operation_id = "list_events", params(ListParams),
    responses((status = 200, body = EventPage), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn list_events(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    answer_list(&engine, &caller, Given(given), |selection| Ok(selection.or_last_day())).await
}

/// A page of the events that match, after `narrow` has changed what is asked for.
pub(super) async fn answer_list(
    engine: &Engine,
    caller: &Authorized<Query>,
    mut given: Given,
    narrow: impl FnOnce(Selection) -> Result<Selection, JournalError> + Send,
) -> Result<Response, ApiError> {
    let settings = &engine.config().journal;
    let limit = given.take_count("limit", PAGE, settings.page_max)?;
    let (cursor, wanted) = (given.take("cursor")?, given.take("fields")?);
    let sort = given.take("sort")?.map_or(Ok(Sort::NEWEST), |text| Sort::parse(&text))?;
    let (explain, partly) = (given.take_explain()?, given.take_partial()?);
    let counting = Counting::take(&mut given, settings.total_max)?;
    let selection = narrow(given.selection_with_saved(engine, caller)?)?;
    let reading = Reading::begin(engine, caller, &caller.project()).await?.partly(partly);
    let newest = reading.session().snapshot().newest_seq();
    let page = Page::new(selection, sort, limit, cursor.as_deref(), newest)?;
    let columns = shown(wanted.as_deref(), &reading.session().hidden())?;
    if explain {
        return Ok(explained(&[page.rows(&columns, &reading.session().hidden())?]));
    }
    let answer = read(&reading, caller, &page, &columns, &counting).await?;
    Ok(partial(Json(answer).into_response(), reading.missing()))
}

/// Reads a page and counts its list.
async fn read(
    reading: &Reading,
    caller: &Authorized<Query>,
    page: &Page,
    columns: &[&'static str],
    counting: &Counting,
) -> Result<EventPage, ApiError> {
    let hidden = reading.session().hidden();
    let total = match counting {
        Counting::Not => None,
        Counting::UpTo(most) => Some(count(reading, caller, page, *most).await?),
    };
    let without: Vec<&str> =
        [page.sort.column, EVENT_TIME, SEQ].into_iter().filter(|name| !columns.contains(name)).collect();
    let (events, next) = page_of(reading, caller, page, &page.rows(columns, &hidden)?, &without).await?;
    let period = period(&page.selection, page.bounds);
    Ok(EventPage { events, next, total, period, missing: reading.missing() })
}

/// The rows of a page without some columns, and the cursor behind the last one where there are more.
pub(in crate::http) async fn page_of(
    reading: &Reading,
    caller: &Authorized<Query>,
    page: &Page,
    statement: &Statement,
    without: &[&str],
) -> Result<(Vec<Box<RawValue>>, Option<String>), ApiError> {
    let (mut rows, mut next, mut last) = (Vec::new(), None, None);
    for batch in reading.rows(caller, statement).await? {
        if batch.num_rows() == 0 {
            continue;
        }
        let left = page.limit - rows.len();
        rows.extend(objects(&batch.slice(0, batch.num_rows().min(left)), without)?);
        if batch.num_rows() > left {
            let (batch, row) = if left > 0 { (batch, left - 1) } else { (last.take().unwrap_or(batch), 0) };
            next = Some(cursor_behind(page, &batch.slice(row, 1))?);
            break;
        }
        last = Some(batch.slice(batch.num_rows() - 1, 1));
    }
    Ok((rows, next))
}

async fn count(
    reading: &Reading,
    caller: &Authorized<Query>,
    page: &Page,
    most: Option<u64>,
) -> Result<Total, ApiError> {
    let rows = reading.values(caller, &page.total(most, &reading.session().hidden())?).await?;
    let counted = rows.first().map_or(0, |row| integer(&row["total"]));
    let most = most.and_then(|most| i64::try_from(most).ok()).unwrap_or(i64::MAX);
    let relation = if counted > most { "gte" } else { "eq" };
    Ok(Total { value: counted.min(most), relation })
}

/// The cursor behind a batch of one row.
fn cursor_behind(page: &Page, last: &RecordBatch) -> Result<String, ApiError> {
    let last = objects(last, &[])?.first().map_or(Ok(Value::Null), |row| value_of(row))?;
    let time = last[EVENT_TIME].as_str().and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
    let time = time.ok_or_else(|| ApiError::internal("a row without its time"))?;
    let is_integer = COLUMNS.iter().any(|column| column.name == page.sort.column && column.kind == Kind::Int64);
    let value = match last.get(page.sort.column) {
        Some(value) if is_integer => json!(integer(value)),
        Some(value) => value.clone(),
        None => Value::Null,
    };
    Ok(page.next(value, time.timestamp_micros(), integer(&last[SEQ])))
}

/// The period as it was understood.
pub(super) fn period(selection: &Selection, bounds: Bounds) -> Value {
    let text = |at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    };
    json!({"from": text(bounds.from), "to": text(bounds.to), "tz": selection.zone().name()})
}

/// Everything that can be filtered by: names, operators, values.
#[utoipa::path(get, path = "/api/v1/filters/fields", tag = "journal", operation_id = "filter_fields",
    responses((status = 200, body = Vec<FieldInfo>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn filter_fields(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
) -> Result<Json<Vec<FieldInfo>>, ApiError> {
    let session = engine.session_for(&caller.caller, &caller.project())?;
    Ok(Json(fields(&session.hidden())))
}
