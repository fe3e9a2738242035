//! What a project takes on disk and in memory, by module and month: told from the state of its table, no file is read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Engine, EngineError};
use crate::event::names::ProjectName;
use crate::table::version::DataFile;

/// Files of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FileSums {
    /// How many.
    pub files: u64,
    /// Their rows.
    pub rows: u64,
    /// Their size.
    pub bytes: u64,
}

/// The files of a module with events of one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ModuleMonth {
    /// The module; none of events without one.
    pub module: Option<String>,
    /// Month of the events, in UTC.
    #[schema(example = "2025-03")]
    pub month: String,
    /// How much of it there is.
    #[serde(flatten)]
    #[schema(inline)]
    pub sums: FileSums,
}

/// What is not in files yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HotSums {
    /// Events in memory, and in the write-ahead log.
    pub rows: u64,
    /// Bytes of their values in memory.
    pub bytes: u64,
}

/// The table's own log, and what older versions of it leave behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TableLog {
    /// Newest version of the table.
    pub version: u64,
    /// Version of its newest checkpoint; 0 without one.
    pub checkpoint: u64,
    /// Files that were replaced and wait for their deletion (`compaction.keep_replaced`).
    pub replaced_files: u64,
}

/// What a project takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StorageFigures {
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// All live files of its table.
    pub total: FileSums,
    /// The same by month, newest first, then by module.
    pub modules: Vec<ModuleMonth>,
    /// What is not in files yet.
    pub hot: HotSums,
    /// The table's log.
    pub log: TableLog,
}

impl FileSums {
    fn add(&mut self, file: &DataFile) {
        self.files += 1;
        self.rows += file.rows;
        self.bytes += file.size;
    }
}

impl Engine {
    /// What a project takes now.
    ///
    /// # Errors
    /// No such project.
    pub async fn storage_figures(&self, name: &ProjectName) -> Result<StorageFigures, EngineError> {
        let project = self.0.project(name)?;
        let (replaced_files, checkpoint) = project.table.log_figures().await;
        // Of one moment: no row is in both.
        let (hot, version) = project.stored();
        let mut total = FileSums::default();
        let mut modules: BTreeMap<(std::cmp::Reverse<String>, Option<&str>), FileSums> = BTreeMap::new();
        for file in &version.files {
            total.add(file);
            let key = (std::cmp::Reverse(month(file.date)), file.module.as_deref());
            modules.entry(key).or_default().add(file);
        }
        let modules = modules.into_iter().map(|((month, module), sums)| ModuleMonth {
            module: module.map(str::to_owned),
            month: month.0,
            sums,
        });
        Ok(StorageFigures {
            project: project.name.clone(),
            total,
            modules: modules.collect(),
            hot: HotSums { rows: hot.rows as u64, bytes: hot.bytes as u64 },
            log: TableLog { version: version.version, checkpoint, replaced_files },
        })
    }
}

/// The month of a day that is `days` after 1970 began.
fn month(days: i32) -> String {
    let day = DateTime::<Utc>::from_timestamp(i64::from(days) * 86_400, 0).unwrap_or_default();
    day.format("%Y-%m").to_string()
}
