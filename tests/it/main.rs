//! The server as its users meet it: the real binary, real HTTP, real files.
//!
//! One binary, so that DataFusion is linked once. A test that needs more than Rust says
//! `SKIPPED: reason` where that is missing, and fails instead when `CI=true`; but for a disk of its own to mount, which
//! machines of CI often forbid.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "figures and reasons for skipping are for people")]

mod access;
mod admission;
mod alerts;
mod attachments;
mod audit;
mod bad_input;
mod canary;
mod capabilities;
mod catalog;
mod common;
mod demo;
mod doctor;
mod durability;
mod exports;
mod filters;
mod format;
mod golden;
mod hostile;
mod ingest;
mod jobs;
mod journal;
mod kill;
mod layers;
mod ledger;
mod lifecycle;
mod object_storage;
mod objects;
mod operating;
mod operations;
mod page;
mod people;
mod query;
mod real_data;
mod recipes;
mod reconcile;
mod redaction;
mod retention;
mod routes;
mod schema;
mod schemathesis;
mod screens;
mod sessions;
mod settings;
mod sql_files;
mod storage;
mod stories;
mod supervisor;
mod tail;
mod tidy;
mod trace;
mod transport;
mod views;
