//! The event model as one table: every column, its kind and its meaning.
//!
//! Schemas, the parser, mappings, the docs and the OpenAPI document are made from [`COLUMNS`]; no
//! other list of columns exists. The model grows by appending to the end only, so that old files
//! answer NULL for what they do not know.

/// What a column holds, and so how a JSON value becomes a cell and comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text, byte for byte as sent.
    Text,
    /// Compact JSON text of any JSON value, key order kept.
    Json,
    /// Instant: microseconds since 1970 in UTC.
    Time,
    /// 32-bit signed integer.
    Int32,
    /// 64-bit signed integer.
    Int64,
    /// 32-bit float.
    Float32,
    /// True or false.
    Bool,
    /// List of text.
    TextList,
    /// Map from text to text.
    TextMap,
    /// List of `{type, id, name, role}`: other objects touched.
    Related,
    /// List of `{path, op, before, after}`; `before` and `after` are JSON text.
    Changes,
    /// List of `{role, name, content_type, size, sha256, ref, expires_at}`.
    Attachments,
}

impl Kind {
    /// The type as documentation names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "JSON text",
            Self::Time => "timestamp (µs, UTC)",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float32",
            Self::Bool => "bool",
            Self::TextList => "list of text",
            Self::TextMap => "map from text to text",
            Self::Related => "list of {type, id, name, role}",
            Self::Changes => "list of {path, op, before, after}",
            Self::Attachments => "list of {role, name, content_type, size, sha256, ref, expires_at}",
        }
    }
}

/// Where a column's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Sent by the client.
    Wire,
    /// Set by the engine; a value sent under this name is kept in `attributes`.
    System,
    /// Computed at ingest; a value sent under this name is kept in `attributes`.
    Derived,
    /// Sent, or computed at ingest where it was not.
    WireOrDerived,
}

/// One column of the table `events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name in SQL, in JSON and in the files.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a row may have no value.
    pub nullable: bool,
    /// Whether few different values are expected, so that dictionary coding pays.
    pub repeats: bool,
    /// Where its value comes from.
    pub origin: Origin,
    /// Heading under which documentation shows it.
    pub group: &'static str,
    /// One sentence for people.
    pub meaning: &'static str,
}

const NULLABLE: bool = true;
const REQUIRED: bool = false;
const REPEATS: bool = true;
const VARIES: bool = false;

#[expect(clippy::too_many_arguments, reason = "one for each cell of a line of the table below")]
const fn column(
    name: &'static str,
    kind: Kind,
    nullable: bool,
    repeats: bool,
    origin: Origin,
    group: &'static str,
    meaning: &'static str,
) -> Column {
    Column { name, kind, nullable, repeats, origin, group, meaning }
}

/// Number of columns of the event model; `date` and `_seq` follow them in the table.
pub const COLUMN_COUNT: usize = 75;

/// The event model, in the order of `SELECT *`.
#[rustfmt::skip]
pub const COLUMNS: [Column; COLUMN_COUNT] = [
    column("event_id", Kind::Text, REQUIRED, VARIES, Origin::Wire, "identity", "Identifier of the record at its source; minted when the source has none"),
    column("event_time", Kind::Time, REQUIRED, VARIES, Origin::Wire, "identity", "When it happened, by the source's clock"),
    column("observed_time", Kind::Time, REQUIRED, VARIES, Origin::System, "identity", "When the engine accepted it"),
    column("event_timezone", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "identity", "IANA zone of the tenant, in which its local times are meant; ordering stays UTC"),
    column("sequence", Kind::Int64, NULLABLE, VARIES, Origin::Wire, "identity", "Order among records of one source/task with equal event_time"),
    column("tenant_id", Kind::Text, REQUIRED, REPEATS, Origin::Wire, "scope", "Account / project / shop / business unit"),
    column("unit_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "scope", "Part of a tenant: a location, a website"),
    column("unit_name", Kind::Text, NULLABLE, VARIES, Origin::Wire, "scope", "Its display name at the time of the event"),
    column("source", Kind::Text, REQUIRED, REPEATS, Origin::Wire, "scope", "Producing product: idosell, expertsender, remonline, getcourse, voucherify …"),
    column("dataset", Kind::Text, REQUIRED, REPEATS, Origin::Wire, "scope", "Which log of the product: event_log, api_logs, background_tasks, exports, …"),
    column("module", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "scope", "Functional area of the product (catalogue id)"),
    column("submodule", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "scope", "Part of a module: a mode, an operator"),
    column("visibility", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "scope", "NULL/general = listed everywhere; object = only in the history of that object"),
    column("event_type", Kind::Text, REQUIRED, REPEATS, Origin::Wire, "what", "Stable machine id of the kind of event (catalogue id)"),
    column("action", Kind::Text, REQUIRED, REPEATS, Origin::Wire, "what", "Normalised verb: create, update, delete, restore, read, login, send, receive, import, export, start, stop, complete, reopen, other"),
    column("message", Kind::Text, NULLABLE, VARIES, Origin::Wire, "what", "Human text"),
    column("severity_number", Kind::Int32, NULLABLE, VARIES, Origin::Wire, "what", "1 to 24; 17 and up is an error"),
    column("severity_text", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "what", "Source's own level word"),
    column("outcome", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "what", "success | failure | unknown"),
    column("status", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "what", "The source's status literal: IN_PROGRESS, opened, ERROR …"),
    column("error_code", Kind::Text, NULLABLE, VARIES, Origin::Wire, "what", "Error code of the source or of its peer"),
    column("error_message", Kind::Text, NULLABLE, VARIES, Origin::Wire, "what", "Error text"),
    column("actor_type", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "who", "employee, admin, owner, user, customer, visitor, api_key, system, integration"),
    column("actor_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "who", "Who did it"),
    column("actor_name", Kind::Text, NULLABLE, VARIES, Origin::Wire, "who", "Display name at the time"),
    column("actor_email", Kind::Text, NULLABLE, VARIES, Origin::Wire, "who", "E-mail (panel user, visitor)"),
    column("credential_type", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "who", "server_key, client_key, api_key, session, oauth"),
    column("credential_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "who", "Key NAME or masked key; never the secret"),
    column("channel", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "who", "Request origin: dashboard, api, sdk, client, import, webhook, system"),
    column("client_address", Kind::Text, NULLABLE, VARIES, Origin::Wire, "who", "IP the actor came from"),
    column("user_agent", Kind::Text, NULLABLE, VARIES, Origin::Wire, "who", "Browser / SDK"),
    column("object_type", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "object", "Type of the thing acted on"),
    column("object_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "object", "Its id"),
    column("object_name", Kind::Text, NULLABLE, VARIES, Origin::Wire, "object", "Its name or document number at the time"),
    column("object_url", Kind::Text, NULLABLE, VARIES, Origin::Wire, "object", "Deep link into the product (else built from the catalogue's link template)"),
    column("related", Kind::Related, NULLABLE, VARIES, Origin::Wire, "object", "Other objects touched; role = parent, customer, campaign, incentive, process, form_block, page …"),
    column("object_refs", Kind::TextList, NULLABLE, VARIES, Origin::Derived, "object", "'type:id' of object and related; index for per-object history and cross-module correlation"),
    column("object_before", Kind::Json, NULLABLE, VARIES, Origin::Wire, "change", "Snapshot before (whole or partial), as sent"),
    column("object_after", Kind::Json, NULLABLE, VARIES, Origin::Wire, "change", "Snapshot after, as sent"),
    column("changes", Kind::Changes, NULLABLE, VARIES, Origin::WireOrDerived, "change", "Field-level diff; op = add, remove, replace, set (old value unknown); before/after = JSON text, NULL when absent"),
    column("changed_fields", Kind::TextList, NULLABLE, VARIES, Origin::Derived, "change", "Paths in changes, for cheap filters"),
    column("http_method", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "http", "GET, POST, PUT, DELETE …"),
    column("http_route", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "http", "Endpoint template, low cardinality (endpoint filter)"),
    column("url", Kind::Text, NULLABLE, VARIES, Origin::Wire, "http", "URL or path with its query"),
    column("http_status", Kind::Int32, NULLABLE, VARIES, Origin::Wire, "http", "HTTP status code"),
    column("duration_ns", Kind::Int64, NULLABLE, VARIES, Origin::Wire, "http", "Processing time"),
    column("request_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "http", "Full request id"),
    column("request_headers", Kind::TextMap, NULLABLE, VARIES, Origin::Wire, "http", "Request headers (secrets redacted at ingest)"),
    column("request_content_type", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "http", "MIME type of the request body"),
    column("request_body", Kind::Text, NULLABLE, VARIES, Origin::Wire, "http", "Exact text of the request"),
    column("request_body_size", Kind::Int64, NULLABLE, VARIES, Origin::WireOrDerived, "http", "Original size in bytes; > length means truncated"),
    column("response_headers", Kind::TextMap, NULLABLE, VARIES, Origin::Wire, "http", "Response headers"),
    column("response_content_type", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "http", "MIME type of the response body"),
    column("response_body", Kind::Text, NULLABLE, VARIES, Origin::Wire, "http", "Exact text of the response"),
    column("response_body_size", Kind::Int64, NULLABLE, VARIES, Origin::WireOrDerived, "http", "Original size in bytes"),
    column("peer_name", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "http", "The other party: DPD, InPost, PayU, Allegro, SMS gateway, webhook receiver"),
    column("direction", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "http", "outbound | inbound (webhooks, calls, SMS)"),
    column("session_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "session", "Session on the site / login session"),
    column("session_active", Kind::Bool, NULLABLE, VARIES, Origin::Wire, "session", "The source's 'active session' flag when logged"),
    column("visitor_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "session", "Visitor's own id, also when anonymous"),
    column("task_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "task", "One background task; many events carry the same id"),
    column("task_type", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "task", "CAMPAIGN.VOUCHERS_IMPORT …"),
    column("task_status", Kind::Text, NULLABLE, REPEATS, Origin::Wire, "task", "enqueued | in_progress | done | failed | canceled"),
    column("task_progress", Kind::Float32, NULLABLE, VARIES, Origin::Wire, "task", "0-100 %"),
    column("task_done_count", Kind::Int64, NULLABLE, VARIES, Origin::Wire, "task", "Records processed"),
    column("task_failed_count", Kind::Int64, NULLABLE, VARIES, Origin::Wire, "task", "Records failed"),
    column("task_result", Kind::Json, NULLABLE, VARIES, Origin::Wire, "task", "Result document (message, failed rows, report URLs)"),
    column("correlation_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "links", "Groups events of one business operation"),
    column("causation_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "links", "event_id that caused this one (restore→delete, task→request, retry→attempt)"),
    column("trace_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "links", "W3C trace"),
    column("span_id", Kind::Text, NULLABLE, VARIES, Origin::Wire, "links", "W3C span"),
    column("attachments", Kind::Attachments, NULLABLE, VARIES, Origin::Wire, "rest", "Files that belong to the event: export copy, import source file, call recording, order file, request/response too big for a column"),
    column("labels", Kind::TextMap, NULLABLE, VARIES, Origin::Wire, "rest", "Free key-value marks"),
    column("attributes", Kind::Json, NULLABLE, VARIES, Origin::Wire, "rest", "Everything typed by the source that has no column: cart_value, products_viewed, warehouse priorities, export filters, block params"),
    column("raw", Kind::Text, NULLABLE, VARIES, Origin::Wire, "rest", "Original record, byte for byte, when lossless replay is wanted"),
];

/// Position of a column in [`COLUMNS`].
///
/// # Panics
/// At compile time only, when `name` is no column: call it in `const` items.
#[must_use]
pub const fn index_of(name: &str) -> usize {
    let mut at = 0;
    while at < COLUMN_COUNT {
        if same(COLUMNS[at].name, name) {
            return at;
        }
        at += 1;
    }
    panic!("no such column in the event model")
}

/// Position of the column called `name`, if there is one.
#[must_use]
pub fn find(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| column.name == name)
}

const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests;
