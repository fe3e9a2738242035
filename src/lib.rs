//! Kronika: a columnar event-journal engine.
//!
//! Events come in over HTTP, become columns, are made durable in a write-ahead log, can be queried
//! at once, and are flushed to Parquet files of a Delta table by date and module. The modules stand
//! here in the order of that way; each may use only those before it (`tests/` checks it).

pub mod error;

pub mod failpoint;

pub mod priority;

pub mod sealed;

#[cfg(test)]
mod fuzz;

pub mod config;

pub mod event;

pub mod generate;

pub mod wal;

pub mod hot;

pub mod table;

pub mod query;

pub mod access;

pub mod journal;

pub mod engine;

pub mod http;

pub mod cli;

/// The allocator of every binary, test and benchmark: ingest allocates many small column buffers, and no
/// query may take the process down.
#[global_allocator]
static ALLOCATOR: query::Fenced<mimalloc::MiMalloc> = query::Fenced(mimalloc::MiMalloc);
