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

pub mod retention;

pub mod journal;

pub mod engine;

pub mod http;

pub mod cli;

/// The allocator of every binary, test and benchmark: no query may take the process down.
///
/// What one thread allocates another frees (parsers, the log, flushes, queries), at high speed and in all sizes.
/// mimalloc 3 kept three times as much as was in use then, after ten minutes of everything at once.
#[global_allocator]
static ALLOCATOR: query::Fenced<tikv_jemallocator::Jemalloc> = query::Fenced(tikv_jemallocator::Jemalloc);

/// What jemalloc is told before `main`: free memory goes back to the system within a second, not ten. Ingest is as fast
/// so, and a compaction holds half as much. `MALLOC_CONF` in the environment goes before it.
#[unsafe(no_mangle)]
pub static malloc_conf: Option<&'static std::ffi::c_char> = {
    // SAFETY: a pointer to a literal, which is as static as this.
    Some(unsafe { &*c"dirty_decay_ms:1000,muzzy_decay_ms:0".as_ptr() })
};
