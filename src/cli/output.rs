//! What commands show: lines, tables, documents. Results go to standard output, the rest to standard error.
//!
//! Text of events is shown with its control characters escaped: a message must not be able to drive a terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::CliError;

/// Stands for NULL; text can be empty or the word NULL, so neither would do.
pub(crate) const NULL: &str = "∅";
/// Longest cell that a table shows, in characters.
const CELL_MAX: usize = 240;
/// Least width that a column needs to be readable; narrower ones turn rows into lists.
const COLUMN_MIN: usize = 9;

/// A line of a result.
///
/// # Errors
/// Standard output is gone.
pub(crate) fn say(line: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(CliError::Stdout)
}

/// Text that ends its own lines.
///
/// # Errors
/// Standard output is gone.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CliError::Stdout)
}

/// A line for the person who waits.
pub(crate) fn note(line: &str) {
    // There is nobody left to tell when standard error is gone, and the result is not affected.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether a person sees standard error.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// A bar of this template on a terminal; nothing elsewhere, or if `quiet`.
pub(crate) fn bar(template: &str, length: u64, quiet: bool) -> ProgressBar {
    if quiet || !stderr_is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

/// Whether a person sees standard output.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal behind standard output.
pub(crate) fn terminal_width() -> Option<usize> {
    if !stdout_is_terminal() {
        return None;
    }
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize to the pointer, which points to one that outlives the call.
    let status = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (status == 0 && size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Numbers stand at the right.
    pub(crate) right: bool,
}

/// Rows under named columns; `None` is NULL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// The table as text that fits `width` characters, if a width is given: a grid, or a list for each row where
    /// the columns would become too narrow.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        match width {
            Some(width) if self.columns.len() * COLUMN_MIN > width => self.lists(width),
            _ => self.grid(width),
        }
    }

    fn grid(&self, width: Option<usize>) -> String {
        let mut grid = Grid::new();
        grid.load_preset(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
        if let Some(width) = width {
            grid.set_content_arrangement(ContentArrangement::Dynamic);
            grid.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        }
        grid.set_header(self.columns.iter().map(|column| shown(&column.name, CELL_MAX)));
        for row in &self.rows {
            grid.add_row(row.iter().map(|cell| cell_text(cell.as_deref(), CELL_MAX)));
        }
        for (column, shape) in grid.column_iter_mut().zip(&self.columns) {
            if shape.right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut text = grid.to_string();
        text.push('\n');
        text
    }

    fn lists(&self, width: usize) -> String {
        let names: Vec<String> = self.columns.iter().map(|column| shown(&column.name, CELL_MAX)).collect();
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "─── row {}", at + 1);
            for (name, cell) in names.iter().zip(row) {
                let room = width.saturating_sub(longest + 3).max(20);
                let _ = writeln!(text, "{name:longest$} │ {}", cell_text(cell.as_deref(), room));
            }
        }
        text
    }
}

fn cell_text(cell: Option<&str>, max: usize) -> String {
    cell.map_or_else(|| NULL.to_owned(), |text| shown(text, max))
}

/// Text on one line, without control characters.
pub(crate) fn plain(text: &str) -> String {
    shown(text, usize::MAX)
}

/// Text without control characters and not longer than `max`.
fn shown(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for (count, (at, c)) in text.char_indices().enumerate() {
        let last = at + c.len_utf8() == text.len();
        if count + 1 >= max && !last {
            out.push('…');
            break;
        }
        match c {
            // Also the marks that turn the direction of text.
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                out.extend(c.escape_default());
            }
            c => out.push(c),
        }
    }
    out
}

/// A JSON value as a cell: text without quotes, nested values as JSON.
pub(crate) fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// A server's document as text: a list of objects as a table, other members as `name: value` lines.
pub(crate) fn document(value: &Value, width: Option<usize>) -> String {
    match value {
        Value::Array(items) if items.iter().all(Value::is_object) => listing(items).render(width),
        Value::Object(members) => {
            let mut text = String::new();
            for (name, member) in members {
                match member {
                    Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
                        let _ = write!(text, "{name}:\n{}", listing(items).render(width));
                    }
                    member => {
                        let _ = writeln!(text, "{name}: {}", cell_text(cell(member).as_deref(), usize::MAX));
                    }
                }
            }
            text
        }
        other => format!("{}\n", cell_text(cell(other).as_deref(), usize::MAX)),
    }
}

fn listing(items: &[Value]) -> Table {
    let mut table = Table::default();
    let objects = || items.iter().filter_map(Value::as_object);
    for (name, value) in objects().flatten() {
        match table.columns.iter_mut().find(|column| column.name == *name) {
            Some(column) => column.right &= value.is_number() || value.is_null(),
            None => table.columns.push(Column { name: name.clone(), right: value.is_number() }),
        }
    }
    for object in objects() {
        table.rows.push(table.columns.iter().map(|column| object.get(&column.name).and_then(cell)).collect());
    }
    table
}

/// Shows a server's document: as a table, or as JSON when asked for.
///
/// # Errors
/// Standard output is gone.
pub(crate) fn show(value: &Value, json: bool) -> Result<(), CliError> {
    if json {
        return say(&format!("{value:#}"));
    }
    say(document(value, terminal_width()).trim_end_matches('\n'))
}

#[cfg(test)]
mod tests;
