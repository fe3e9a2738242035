//! Every code that a problem can have, with what it means: the source of `docs/errors.md`. The status of each
//! is taken from where the code is given; a test reads the sources for both.
//!
//! `type` of a problem is [`type_of`] its code: a place in that page, which every server has at
//! [`PAGE_PATH`].

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// Where a server has the page.
pub(super) const PAGE_PATH: &str = "/api/errors";
/// The page.
const PAGE: &str = include_str!("../../docs/errors.md");

/// A code of problems.
pub(super) struct Entry {
    code: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "the page has it, which a test makes"))]
    meaning: &'static str,
    advice: &'static str,
}

const fn entry(code: &'static str, meaning: &'static str, advice: &'static str) -> Entry {
    Entry { code, meaning, advice }
}

/// All codes, by who must act.
pub(super) const ENTRIES: &[Entry] = &[
    // Things of the journal.
    entry(
        "object_not_found",
        "No event that the key shows tells of the object.",
        "Check its type, its id, and the project.",
    ),
    entry("actor_not_found", "No event has the id or e-mail as its actor.", "Check it, and the project."),
    entry("session_not_found", "No event has the session.", "Check its id, and the project."),
    entry("visitor_not_found", "No event has the id or e-mail as its visitor.", "Check it, and the project."),
    entry("task_not_found", "No event has the task.", "Check its id, and the project."),
    entry("ambiguous_id", "Several sources use the id.", "Say which is meant with `source`, `tenant_id` or `dataset`."),
    entry(
        "object_too_large",
        "An object has more events than its state is made of, or larger ones.",
        "Read its history page by page; see `objects.events_max`.",
    ),
    entry("not_restorable", "The object cannot be restored.", "`detail` says why; ask for the preview with GET."),
    // The engine's own jobs.
    entry("job_not_found", "There is no such job, or its end is long past.", "List them with GET /api/v1/jobs."),
    entry("job_ended", "The job has ended already.", "Nothing is to be done."),
    entry("job_not_cancelable", "A job of this kind cannot be left half done.", "It ends by itself, in seconds."),
    entry(
        "too_many_imports",
        "More imports report how far they are than the server keeps.",
        "Send the events all the same, or wait; see `jobs.imports_max`.",
    ),
    entry(
        "table_work_canceled",
        "The job that did this was canceled.",
        "What was done before stays; begin it again to go on.",
    ),
    // Calls of other systems.
    entry(
        "invalid_webhook",
        "The webhook cannot be called.",
        "`detail` says why; networks that are not public need `webhook.allowed_networks`.",
    ),
    entry(
        "webhook_not_found",
        "No webhook is set for the source.",
        "List them with GET /api/v1/projects/NAME/webhooks.",
    ),
    entry("webhooks_waiting", "Too many calls wait already.", "Look after the receivers; see `webhook.queue_max`."),
    entry("webhooks_unavailable", "A call cannot be kept on disk.", "Look after the data directory."),
    entry("delivery_not_found", "There is no such delivery.", "List them with GET /api/v1/webhooks/deliveries."),
    entry(
        "delivery_not_dead",
        "Only dead letters are tried again by hand.",
        "It is tried by itself, or was delivered.",
    ),
    // How long events stay.
    entry("invalid_policy", "A retention policy cannot be read.", "Say `forever`, or days such as `90d`."),
    entry(
        "retention_below_floor",
        "A policy keeps less than the server's floor.",
        "Keep at least `retention.floor_days`.",
    ),
    entry("audit_policy", "`_audit` has no policy of its own.", "See the setting `audit.retention`."),
    entry(
        "clock_suspect",
        "The clock looks wrong: by it, events would go that are not old.",
        "Set it right; a plan of a dry run can be confirmed all the same.",
    ),
    entry(
        "confirmation_needed",
        "More than `retention.share_max` of a project's events would go at once.",
        "Look at the dry run and repeat the run with its `plan` as `confirm`.",
    ),
    entry("plan_changed", "What was confirmed is not what would go now.", "Look at the dry run again."),
    entry("invalid_hold", "No legal hold can be like this.", "`detail` says what is wrong."),
    entry("hold_not_found", "There is no such hold.", "List them with GET /api/v1/holds."),
    entry("hold_lifted", "The hold was lifted before.", "Place a new one if it is needed again."),
    entry(
        "legal_hold",
        "A legal hold covers what would go.",
        "Lift the hold first; an erasure can leave out what is held (`except_held`).",
    ),
    entry("invalid_erasure", "No erasure can be like this.", "`detail` says what is wrong."),
    entry("erasure_not_found", "There is no such erasure.", "List them with GET /api/v1/erasures."),
    entry("erasure_ended", "The erasure has ended.", "Ask for a new one."),
    entry("erasures_waiting", "Too many erasures wait.", "Wait until one is done; see `retention.erasures_max`."),
    // Requests in general.
    entry("route_not_found", "There is no such route.", "See `/api/openapi.json`."),
    entry("method_not_allowed", "The route does not take this method.", "Use one of those in the header `Allow`."),
    entry("invalid_path", "A part of the path cannot be read.", "Encode it as a URL asks for."),
    entry(
        "invalid_parameter",
        "A parameter behind the `?`, of the body or of the SQL text is unknown, missing or of the wrong form.",
        "`detail` names it.",
    ),
    entry(
        "invalid_json",
        "The body is no JSON, or not of this route's form.",
        "`detail` says where; see `/api/openapi.json`.",
    ),
    entry(
        "unknown_filter",
        "A parameter is neither a filter nor one of the route's own.",
        "`GET /api/v1/filters/fields` lists all filters.",
    ),
    entry(
        "invalid_filter",
        "A filter or parameter of the journal has a value that it cannot have.",
        "`detail` says what would do.",
    ),
    entry("invalid_period", "A period, a time or a zone cannot be read.", "`detail` says what would do."),
    entry("invalid_cursor", "The cursor is none, or belongs to another list.", "Ask for the first page."),
    entry(
        "answer_too_large",
        "The answer of a journal route would be cut.",
        "Ask for less: a shorter period, fewer groups, a smaller `limit`.",
    ),
    entry("event_not_found", "No event has this id, or the key may not see it.", "Look at the list of events."),
    entry(
        "event_ambiguous",
        "Several events have this id.",
        "Add `source`, `dataset` or `tenant_id`; `candidates` lists them.",
    ),
    entry("body_cut_off", "The body ended early.", "Nothing of it is stored: send it again."),
    entry(
        "body_undecodable",
        "The body cannot be decompressed.",
        "Check `Content-Encoding`, and that the whole body was sent.",
    ),
    entry(
        "body_too_large",
        "The body is larger than the limit, decompressed.",
        "Split it; for events the limit is `ingest.body_max`.",
    ),
    entry(
        "body_too_slow",
        "The body came too slowly.",
        "Send it faster, or in smaller requests; see `server.body_idle_timeout`, `server.body_rate_min`.",
    ),
    entry(
        "window_too_large",
        "A zstd body needs more memory to be read than one may take.",
        "Compress it with a smaller window, without `--long` or `--ultra`.",
    ),
    entry("unsupported_encoding", "The content encoding is not understood.", "Send gzip, zstd, deflate or none."),
    entry(
        "unsupported_media_type",
        "The content type is not understood here.",
        "Send `application/json` or `application/x-ndjson`.",
    ),
    entry(
        "request_refused",
        "The request is malformed in a way that has no code of its own.",
        "`detail` says what is wrong.",
    ),
    entry("internal", "A fault of ours.", "The server's log has the request under its `request_id`."),
    // Keys.
    entry(
        "unauthenticated",
        "No key, or one that is wrong, expired, revoked or from a wrong network: all get the same answer.",
        "Send `Authorization: Bearer KEY`.",
    ),
    entry(
        "cross_site",
        "A page of another site made the request, with the cookie of this one.",
        "Open the page of this server itself; programs send a key.",
    ),
    entry("invalid_sign_in", "A browser signs in with a key or with a link.", "Send one of `key` and `link`."),
    entry(
        "no_session",
        "The request came with a key, and has no session to end.",
        "`?everywhere=true` ends all of the key.",
    ),
    entry(
        "forbidden",
        "The key may not do this, or belongs to another project.",
        "Use a key with the scope that `detail` names.",
    ),
    entry("restricted_key", "This is not for keys with restrictions.", "Use a key of the project without them."),
    entry("hidden_column", "The query asks for a column that the key must not read.", "Leave the column out."),
    entry(
        "hidden_table",
        "The query asks for sums of the whole project, which are not for keys with restrictions.",
        "Use a key of the project without them.",
    ),
    entry("key_ended", "The key was revoked or expired while the query ran.", "Use a valid key."),
    entry("key_not_found", "There is no key with this id.", "List keys with `kronika keys list`."),
    entry("invalid_key", "The key to be made contradicts itself.", "`detail` says how."),
    entry("key_not_active", "The key is revoked or expired.", "Make a new one."),
    entry("last_admin_key", "It is the last valid admin key.", "Make another admin key first."),
    entry(
        "key_file_exposed",
        "Others can read the file of keys; the server does not start.",
        "`chmod 600` it, and rotate its keys.",
    ),
    entry(
        "key_store_unavailable",
        "The file of keys cannot be read or written.",
        "Check space and rights of the data directory.",
    ),
    // The journal.
    entry(
        "invalid_position",
        "The position from which the tail shall go on is none, or none of this project.",
        "Use the `id` of an event of the same tail, or none to begin with new events.",
    ),
    entry("tail_full", "As many listen to the tail as may.", "Close a stream that is not needed, or try again later."),
    entry("alert_not_found", "There is no alert of this id that the key sees.", "List them with `GET /api/v1/alerts`."),
    entry("not_your_alert", "The alert belongs to another key.", "Make one of your own, or use an admin key."),
    entry("invalid_alert", "A part of the alert cannot be.", "`detail` says which and why."),
    entry("too_many_alerts", "The project has as many alerts as it may.", "Delete some, or raise `alerts.rules_max`."),
    entry(
        "alert_answer_unusable",
        "The answer to the alert's question has no column `value`, one that is no number, or too many groups.",
        "Name the number that is compared `value`; all other columns tell groups apart.",
    ),
    entry("mail_not_set_up", "The server can send no mail.", "An operator sets `[smtp]`; a webhook needs no setting."),
    entry(
        "mail_settings_invalid",
        "The settings of the mail server cannot be used; the server does not start.",
        "Look at `[smtp]`.",
    ),
    entry(
        "alerts_unavailable",
        "The file of alerts cannot be read or written.",
        "Check space and rights of the data directory.",
    ),
    entry(
        "view_not_found",
        "There is no saved screen of this name or id that the key sees.",
        "List them with `GET /api/v1/views`.",
    ),
    entry(
        "view_exists",
        "A saved screen of this kind and name is there already.",
        "Choose another name, or replace it with PUT.",
    ),
    entry("not_your_view", "The saved screen belongs to another key.", "Save one of your own, or use an admin key."),
    entry("builtin_view", "The dashboard is built in.", "Save a copy under a name of your own."),
    entry("invalid_view", "A part of the screen cannot be.", "`detail` names it and says what would do."),
    entry(
        "view_changed",
        "Somebody changed the screen meanwhile.",
        "Read it again, and make the change on what it is now.",
    ),
    entry(
        "version_missing",
        "A change does not say which version it is of.",
        "Send the `ETag` that it was read with as `If-Match`.",
    ),
    entry(
        "too_many_views",
        "There are as many saved screens as the project may have, or one is too large.",
        "Delete some, or raise the setting that `detail` names.",
    ),
    entry(
        "views_unavailable",
        "The file of saved screens cannot be read or written.",
        "Check space and rights of the data directory.",
    ),
    entry(
        "filter_not_found",
        "There is no saved filter of this name or id that the key sees.",
        "List them with `GET /api/v1/filters`.",
    ),
    entry("filter_exists", "A saved filter of this name is there already.", "Choose another name, or replace it."),
    entry("not_your_filter", "The saved filter belongs to another key.", "Save one of your own, or use an admin key."),
    entry("invalid_saved_filter", "A part of the saved filter cannot be.", "`detail` says which and why."),
    entry(
        "too_many_filters",
        "There are as many saved filters as the project may have, or one is too large.",
        "Delete some, or raise the setting that `detail` names.",
    ),
    entry(
        "filters_unavailable",
        "The file of saved filters cannot be read or written.",
        "Check space and rights of the data directory.",
    ),
    // Projects.
    entry("invalid_project", "The name is no project name.", "Use `a-z`, `0-9` and `-`, at most 63, the first no `-`."),
    entry("project_not_found", "There is no such project.", "Make it with `kronika projects create`."),
    entry("project_exists", "A project of this name exists.", "Choose another name."),
    entry("project_reserved", "The name is kept for the server's own use.", "Choose another name."),
    entry(
        "audit_unavailable",
        "The audit journal cannot be written; what it would have recorded was not done.",
        "Free disk space or wait for flushes, look at `/readyz`, then send it again.",
    ),
    entry("invalid_redaction", "A rule of redaction cannot be.", "`detail` says which and why."),
    entry(
        "quota_exceeded",
        "The key, or its project, asked for more than its quota; `detail` names the part.",
        "Send the same again after `Retry-After`, or ask an admin for a larger quota.",
    ),
    entry(
        "project_busy",
        "Batches of the project are on their way to the disk; nothing was deleted.",
        "Look at `/readyz`, then try again.",
    ),
    entry("confirmation_missing", "The deletion of a project must be confirmed.", "Add `?confirm=NAME`."),
    // Sending events.
    entry("invalid_idempotency_key", "An Idempotency-Key has 1 to 255 visible ASCII characters.", "Send such a one."),
    entry(
        "idempotency_key_reused",
        "The Idempotency-Key came with other content before.",
        "Use a new key for new content.",
    ),
    entry(
        "events_rejected",
        "No event of the body could be stored, or `atomic` was asked for and one could not.",
        "Correct the lines in `errors`.",
    ),
    entry("invalid_utf8", "The body is no UTF-8.", "Encode it as UTF-8."),
    entry(
        "not_an_object",
        "The body is neither an object nor an array of objects.",
        "Send one JSON object a line, or an array of them.",
    ),
    entry(
        "array_as_lines",
        "The body is an array, but was sent as lines.",
        "Send an array with `Content-Type: application/json`.",
    ),
    entry(
        "document_too_large",
        "The fields around the records, repeated for each, are too large.",
        "Send fewer records in one document.",
    ),
    entry("empty_body", "The body has no event.", "Send at least one."),
    entry("too_many_events", "The body has more events than `ingest.events_max`.", "Split it."),
    entry("batch_too_large", "The batch does not fit into the log.", "Split it, or raise `wal.size_max`."),
    entry(
        "overloaded",
        "The memory for events or the log is full for now; nothing was stored.",
        "Send it again after `Retry-After`.",
    ),
    entry("wal_full", "The log is full until tables were flushed.", "Send it again after `Retry-After`."),
    entry("wal_disk_full", "The log cannot get a new file: the disk is full.", "Make room; it goes on by itself."),
    entry(
        "wal_broken",
        "A write of the log failed: nothing is taken in until a restart.",
        "Look after the disk, then restart.",
    ),
    entry("shutting_down", "The server is stopping.", "Send it again to the next one."),
    entry("outcome_unknown", "The batch may or may not be stored.", "Send it again with the same Idempotency-Key."),
    entry("wal_io", "A file of the log cannot be read or written.", "Check disk and rights."),
    entry(
        "wal_corrupt",
        "The log is damaged; the server does not start.",
        "`kronika wal inspect`, `kronika wal salvage`.",
    ),
    entry("wal_version", "The log was written by a newer program.", "Use that program."),
    entry("wal_replay", "A batch of the log cannot be read again.", "`cause` says why."),
    entry(
        "wal_frame_unreadable",
        "A batch of the log cannot be read by this program.",
        "Use the program that wrote it, or `kronika wal salvage`.",
    ),
    entry(
        "older_log",
        "The tables have events that the log has not: the data directory is an older copy.",
        "Restore the newest log, or see `server.accept_older_log`.",
    ),
    // Backups.
    entry("backup_not_found", "There is no such backup.", "List them with `kronika restore --list FROM`."),
    entry("backup_io", "A file cannot be copied.", "Check space and rights."),
    entry("backup_restless", "The files change faster than they can be copied.", "Take the backup at a quieter time."),
    entry("backup_damaged", "The list of a backup's files cannot be used.", "Restore another backup."),
    entry("backup_directory_used", "A restore needs a directory that does not exist yet.", "Name another one."),
    entry("backup_older", "The store has a later state of a table than the backup.", "Restore into an empty place."),
    entry("backup_foreign", "The store has another table than the backup.", "Restore into an empty place."),
    // Mappings.
    entry("invalid_mapping_name", "The name is no mapping name.", "See docs/mappings.md."),
    entry("mapping_not_found", "There is no such mapping.", "List them with `kronika mappings list`."),
    entry(
        "mapping_is_shipped",
        "A shipped mapping cannot be removed.",
        "Put one of your own of the same name over it.",
    ),
    entry("mapping_too_large", "The mapping is larger than is allowed.", "Split it by sender."),
    entry("invalid_mapping", "The mapping has a fault.", "`detail` says where."),
    entry("mapping_file", "A mapping's file cannot be read or written.", "Check the directory of mappings."),
    // Queries.
    entry("sql_syntax", "The text is no SQL.", "`position` says where."),
    entry("sql_too_long", "The text is longer than `query.sql_max`.", "Put values into parameters."),
    entry("not_a_query", "Only one SELECT, or EXPLAIN of one, is run.", "Leave the rest out."),
    entry("unknown_table", "There is no such table.", "`events` and its views can be read."),
    entry("unknown_column", "There is no such column.", "See docs/model.md."),
    entry("unknown_function", "There is no such function.", "See docs/queries.md."),
    entry("invalid_query", "The query is wrong in itself.", "`detail` says how."),
    entry("unsupported_sql", "This part of SQL is not supported.", "See docs/queries.md."),
    entry(
        "evaluation_failed",
        "A value could not be computed: a cast, a division by zero, an overflow.",
        "Use `TRY_CAST` or a condition.",
    ),
    entry("query_not_found", "There is no such named query.", "List them with `kronika queries list`."),
    entry("query_file_broken", "The file of a named query has a fault.", "Correct the file."),
    entry(
        "catalog_not_found",
        "There is no catalogue of this source system.",
        "List them with `GET /api/v1/catalog`; events of other systems are taken in all the same.",
    ),
    entry("screen_not_found", "The source system has no such screen.", "List them with `GET /api/v1/screens`."),
    entry("unknown_format", "There is no such format.", "Use json, ndjson, csv, arrow or parquet."),
    entry(
        "not_acceptable",
        "None of the formats in `Accept` can be made.",
        "Ask for one of json, ndjson, csv, arrow, parquet.",
    ),
    entry("invalid_query_id", "The `id` of a query has 1 to 128 characters.", "Send such a one."),
    entry("query_not_running", "No query with this `id` is running.", "It may have ended."),
    entry("query_too_complex", "The query is over a limit of `query.guard`.", "`detail` names the setting."),
    entry("value_too_large", "A function would make a text or list over the limit.", "`detail` names the setting."),
    entry("value_too_slow", "A function would take too long on one value.", "Use shorter values or a simpler pattern."),
    entry(
        "product_too_large",
        "A join without equality would look at too many pairs.",
        "Join by equality, or narrow both sides.",
    ),
    entry(
        "scan_too_large",
        "The query would read more files or bytes than it may.",
        "Narrow it by `event_time` or `module`.",
    ),
    entry("queries_busy", "Too many queries run or wait for their turn.", "Ask again after `Retry-After`."),
    entry("step_too_long", "One step of the query held its thread for too long.", "Narrow the query."),
    entry(
        "server_memory_short",
        "The server is short of memory; the largest query was stopped.",
        "Narrow the query, or ask later.",
    ),
    entry("deadline_exceeded", "The query took longer than `query.timeout`.", "Narrow it."),
    entry("memory_exceeded", "The query needs more memory than it may have.", "Group by fewer values, or narrow it."),
    entry("canceled", "The query was stopped.", "Somebody asked for it, or the client went away."),
    entry(
        "store_away",
        "The object store does not answer, and the query needs files of it.",
        "Ask again later, or with `partial` for what is here.",
    ),
    entry("storage_unavailable", "A stored file cannot be read.", "Look at the store and the server's log."),
    entry(
        "data_file_damaged",
        "A stored file does not hold what was written.",
        "Restore it from a backup; with `partial` a query answers without it.",
    ),
    entry(
        "spill_dir_unavailable",
        "The directory for intermediate results cannot be used.",
        "Check space and rights of the data directory.",
    ),
    entry("threads_unavailable", "The system gives no threads.", "Check the limits of the process."),
    // The journal.
    // Files of events, and exports.
    entry("invalid_sha256", "A SHA-256 is written as 64 hex digits.", "Send such a one."),
    entry(
        "attachment_too_large",
        "The file is larger than `attachments.size_max`.",
        "Keep it elsewhere, and its address in `ref`.",
    ),
    entry("attachment_type", "Files of this type are not taken.", "`attachments.types` says which are."),
    entry("attachment_differs", "The file has another SHA-256 than its sender said.", "Send it again."),
    entry("attachment_disk_full", "The disk has no room for the file.", "Make room, then send it again."),
    entry("attachment_not_found", "No event that the key can see names the file.", "Send the event that names it."),
    entry("attachment_not_stored", "An event names the file, but nobody stored it here.", "Send it."),
    entry("body_not_found", "The event has no such body.", "Not every event has one."),
    entry("range_not_satisfiable", "The range begins behind the end of the file.", "Ask for less, or for the whole."),
    entry("invalid_export", "What is to be exported contradicts itself.", "`detail` says how."),
    entry("export_not_found", "There is no such export, it has expired, or it is not for the key.", "Make a new one."),
    entry(
        "export_not_ready",
        "The export has no file yet, or none any more.",
        "`GET /api/v1/exports/ID` says how far it is.",
    ),
    entry("exports_busy", "Too many exports of the project run or wait.", "Wait for them, or cancel some."),
    entry(
        "export_disk_full",
        "The files of all exports take as much of the disk as they may.",
        "Remove exports that are not needed, or raise `exports.disk_max`.",
    ),
    entry(
        "export_too_many_files",
        "The archive would have more files than `exports.files_max`.",
        "Narrow the filter, or export rows.",
    ),
    entry(
        "export_io",
        "A file of an export cannot be written or read.",
        "Check space and rights of the data directory.",
    ),
    entry("export_encoding", "Rows cannot be written in the export's format.", "Choose another format."),
    // Starting and storing.
    entry("data_dir_unusable", "A file of the data directory cannot be read or written.", "Check space and rights."),
    entry(
        "data_dir_unfit",
        "The data directory cannot do what the engine counts on.",
        "`kronika doctor` tells what; use a local disk.",
    ),
    entry("data_dir_locked", "Another process uses the data directory.", "`detail` has its id."),
    entry("newer_format", "A newer program wrote the data directory.", "Use that program."),
    entry(
        "interpretation_unreadable",
        "What the log needs to be read cannot be read.",
        "Use the program that wrote it, or `kronika wal salvage`.",
    ),
    entry("state_io", "A file of ids or answers cannot be read or written.", "Check space and rights."),
    entry("state_damaged", "A file of ids or answers is damaged.", "`detail` names it."),
    entry(
        "state_latched",
        "A file of ids or answers failed before and takes nothing until a restart.",
        "Look after the disk, then restart.",
    ),
    entry("table_location", "The place of the tables cannot be used.", "Check `storage.url` and its options."),
    entry("table_store_failed", "The store failed.", "`kronika doctor` tries it out."),
    entry(
        "table_sync_failed",
        "A sync failed: no table is written until a restart.",
        "Look after the disk, then restart.",
    ),
    entry("table_commit_unknown", "A commit may or may not have landed.", "The next flush finds out."),
    entry("table_unsettled", "A commit of ours is not settled yet.", "The next flush settles it."),
    entry("table_fenced", "Another server took the table over.", "Stop one of the two."),
    entry("table_contended", "Others commit to the table all the time.", "Stop them."),
    entry("table_log_damaged", "The log of a table is damaged.", "Restore it; `detail` names the file."),
    entry("table_newer_model", "A newer program made the table.", "Use that program."),
    entry("table_foreign", "The table was not made by Kronika, or was changed by others.", "`detail` says how."),
    entry(
        "table_half_moved",
        "Tables are still on their way to the place at which a server was to start.",
        "Run `kronika move` to its end, without a server at the old place.",
    ),
    entry("table_not_found", "There is no such table.", "Make the project first."),
    entry("table_delta_failed", "A table cannot be read.", "The server's log says why."),
    entry("table_parquet_failed", "A file cannot be read or written.", "The server's log says why."),
    entry("table_arrow_failed", "A fault of ours.", "The server's log says more."),
    entry("table_file_damaged", "A stored file is damaged.", "Restore it; `detail` names it."),
    entry("table_misuse", "A fault of ours.", "The server's log says more."),
    entry("table_worker_stopped", "A fault of ours.", "The server's log says more."),
];

/// What to do about a problem with this code.
pub(super) fn advice(code: &str) -> Option<&'static str> {
    ENTRIES.iter().find(|entry| entry.code == code).map(|entry| entry.advice)
}

/// `type` of a problem with this code.
pub(super) fn type_of(code: &str) -> String {
    format!("{PAGE_PATH}#{code}")
}

/// The page.
pub(super) async fn page() -> Response {
    let kind = HeaderValue::from_static("text/markdown; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], PAGE).into_response()
}

#[cfg(test)]
mod tests;
