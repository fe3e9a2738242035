//! The server as its users meet it: the real binary, real HTTP, real files.
//!
//! One binary, so that DataFusion is linked once. A test that needs more than Rust says
//! `SKIPPED: reason` where that is missing, and fails instead when `CI=true`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "figures and reasons for skipping are for people")]

mod access;
mod bad_input;
mod canary;
mod common;
mod demo;
mod golden;
mod hostile;
mod ingest;
mod kill;
mod layers;
mod lifecycle;
mod query;
mod real_data;
mod redaction;
mod routes;
mod sql_files;
mod tidy;
mod trace;
mod transport;
