//! The page: its files, and journeys through it in a real browser (Debian's `chromium`, driven by `chromium-driver`
//! over WebDriver) against a real server. Where the browser is missing they are skipped, and fail in CI.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "figures and reasons for skipping are for people")]

mod checklist_filters;
mod checklist_look;
mod checklist_rows;
mod checklist_time;
mod checklist_work;
#[path = "../it/common/mod.rs"]
#[allow(dead_code, reason = "shared with the other tests, which use more of it")]
mod common;
mod driver;
mod files;
mod journeys;
mod keeping;
#[path = "../../build/page/mod.rs"]
#[allow(dead_code, reason = "shared with the build, which uses other parts of it")]
mod page;
mod prepared;
mod session;
