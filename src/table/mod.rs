//! Stored events: Parquet files of one Delta table per project.

pub mod version;
