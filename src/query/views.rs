//! Views over `events`: one file each in `sql/views`, a SELECT below a comment that says what it shows.
//!
//! A view is planned only when a query names it.

/// A view that every project has.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Name in SQL.
    pub name: &'static str,
    /// The file: comment header and SELECT.
    pub sql: &'static str,
}

/// Embeds files of `sql/views` by name.
macro_rules! embed {
    ($($name:literal),* $(,)?) => {
        &[$(View { name: $name, sql: include_str!(concat!("../../sql/views/", $name, ".sql")) }),*]
    };
}

/// The views, by name; a test holds this list against the directory.
static VIEWS: &[View] = embed![
    "changes",
    "deleted_objects",
    "deliveries",
    "errors",
    "expertsender_api_logs",
    "expertsender_panel_logs",
    "expertsender_session_events",
    "expertsender_sms_logs",
    "expertsender_website_activity",
    "exports",
    "getcourse_event_log",
    "http_calls",
    "idosell_event_log",
    "remonline_event_log",
    "sessions",
    "tasks",
    "voucherify_background_tasks",
    "voucherify_exports",
    "voucherify_logs",
    "voucherify_webhook_sendouts",
];

/// All views.
#[must_use]
pub fn views() -> &'static [View] {
    VIEWS
}

/// The view of that name.
pub(crate) fn find(name: &str) -> Option<&'static View> {
    VIEWS.iter().find(|view| view.name == name)
}

impl View {
    /// What it shows: the comment above the SELECT.
    #[must_use]
    pub fn description(&self) -> String {
        let comment = self.sql.lines().map_while(|line| line.trim().strip_prefix("--"));
        comment.map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
    }
}
