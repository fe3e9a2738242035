//! A table on a store that fails all the time, by a seed: flushes, compactions, vacuums, queries, restarts.
//!
//! Beside it stands what must be true: every acknowledged event is visible exactly once, in a published
//! version or hot, after every step; a query that answers answers from all of them.
//! `KRONIKA_STORE_STEPS` and `KRONIKA_STORE_SEEDS` say how long and how often.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::chaos::{Chaos, Odds};
use super::support::*;
use crate::config::Compaction;
use crate::event::schema::SEQ;
use crate::table::cache::{Cache, CacheSettings};
use crate::table::*;

const ODDS: Odds = Odds { refused: 70, lost: 50, reset: 50, stale: 60, slow: 100 };
const MODULES: [Option<&str>; 3] = [Some("orders"), Some("a/b"), None];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// Numbers by a seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % most
    }
}

/// What is published: changed in one step, as the engine does.
struct Visible {
    version: Arc<TableVersion>,
    /// Everything up to this `_seq` is in the version, and not hot any more.
    stored_through: i64,
}

struct World {
    chaos: Arc<Chaos>,
    storage: Storage,
    cache: Arc<Cache>,
    writer: uuid::Uuid,
    draw: Draw,
    table: Table,
    /// Acknowledged rows that the log still has, by their first `_seq`.
    log: BTreeMap<i64, Vec<Spec>>,
    acknowledged: i64,
    visible: Arc<Mutex<Visible>>,
    /// How each step went.
    story: String,
    _dir: tempfile::TempDir,
}

async fn open_patiently(storage: &Storage, writer: uuid::Uuid) -> (Table, u32) {
    let settings =
        TableSettings { files_min: 3, target_size: 1 << 20, writers: 1, ..TableSettings::new(&Compaction::default()) };
    for tries in 1..1_000 {
        match Table::open(storage, project(), WriterId::from(writer), settings.clone()).await {
            Ok(table) => return (table, tries),
            Err(TableError::Store { .. } | TableError::Delta { .. }) => {}
            Err(error) => panic!("an outage is no damage: {error:?}"),
        }
    }
    panic!("the store never lets us in");
}

impl World {
    async fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let chaos = Chaos::new(Arc::new(InMemory::new()), seed, ODDS);
        let cache = Cache::open(&CacheSettings::new(dir.path(), 16 << 20), "s3://bucket/").expect("a cache");
        let storage = Storage::over(chaos.clone() as Arc<dyn ObjectStore>, Some(cache.clone()));
        let writer = uuid::Uuid::from_u128(7);
        let (table, _) = open_patiently(&storage, writer).await;
        let visible = Arc::new(Mutex::new(Visible { version: table.current(), stored_through: 0 }));
        let (log, story) = (BTreeMap::new(), String::new());
        Self { chaos, storage, cache, writer, draw: Draw(seed), table, log, acknowledged: 0, visible, story, _dir: dir }
    }

    /// Acknowledges a few events.
    fn append(&mut self) {
        let count = 1 + self.draw.below(6) as i64;
        let specs = (0..count).map(|_| {
            let (day, second) = (self.draw.below(3) as i64, self.draw.below(86_400) as i64);
            spec(day * DAY + second * 1_000_000, MODULES[self.draw.below(3) as usize])
        });
        self.log.insert(self.acknowledged + 1, specs.collect());
        self.acknowledged += count;
    }

    async fn flush(&mut self) -> Result<(), TableError> {
        let batches: Vec<_> = self.log.iter().map(|(first, specs)| batch(*first, specs)).collect();
        if batches.is_empty() {
            return Ok(());
        }
        let (through, visible) = (self.acknowledged, Arc::clone(&self.visible));
        let publish = move |version| *visible.lock() = Visible { version, stored_through: through };
        self.table.flush(&batches, through, publish).await?;
        self.log.clear();
        Ok(())
    }

    async fn compact(&self) -> Result<(), TableError> {
        let visible = Arc::clone(&self.visible);
        self.table.compact(CompactWhich::Due, move |version| visible.lock().version = version).await.map(|_| ())
    }

    async fn restart(&mut self) -> u32 {
        // A killed process takes what it knows with it; its cache is on disk.
        let (table, tries) = open_patiently(&self.storage, self.writer).await;
        self.table = table;
        let stored_through = self.table.flushed_through().unwrap_or(0);
        *self.visible.lock() = Visible { version: self.table.current(), stored_through };
        tries
    }

    /// All `_seq` that a query sees; an error where a file cannot be read.
    async fn query(&self) -> Result<Vec<i64>, object_store::Error> {
        let (version, stored_through) = {
            let visible = self.visible.lock();
            (Arc::clone(&visible.version), visible.stored_through)
        };
        let mut files = version.files.clone();
        files.sort_by_key(|file| (file.date, file.module.clone(), file.rows, file.size));
        let store = self.storage.reads().store();
        let mut seqs = Vec::new();
        for file in &files {
            let bytes = store.get_range(&file.location, 0..file.size).await?;
            seqs.extend(seqs_of(bytes));
        }
        for (first, specs) in &self.log {
            seqs.extend((*first..*first + specs.len() as i64).filter(|seq| *seq > stored_through));
        }
        seqs.sort_unstable();
        Ok(seqs)
    }

    /// The version alone says how many events are stored: with those hot that are all.
    fn check(&self, step: u64) {
        let visible = self.visible.lock();
        let hot = self.log.iter().map(|(first, specs)| {
            (*first..*first + specs.len() as i64).filter(|seq| *seq > visible.stored_through).count() as u64
        });
        let all = visible.version.rows() + hot.sum::<u64>();
        assert_eq!(all, self.acknowledged as u64, "step {step}\n{}", self.story);
    }

    async fn step(&mut self, step: u64) {
        let choice = self.draw.below(100);
        let told = match choice {
            0..20 => {
                self.append();
                "append".to_owned()
            }
            20..50 => format!("flush {}", outcome(self.flush().await)),
            50..62 => format!("compact {}", outcome(self.compact().await)),
            62..66 => format!("vacuum {}", outcome(self.table.vacuum(Duration::ZERO).await.map(|_| ()))),
            66..70 => format!("checkpoint {}", outcome(self.table.checkpoint().await)),
            70..78 => format!("restart {}", self.restart().await),
            78..80 => {
                // An hour without the store: nothing but failures, then back.
                self.chaos.set_down(true);
                self.append();
                assert!(self.flush().await.is_err(), "nothing can be stored");
                self.check(step);
                self.chaos.set_down(false);
                "outage".to_owned()
            }
            _ => match self.query().await {
                Ok(seqs) => {
                    assert!(seqs.iter().copied().eq(1..=self.acknowledged), "step {step}: {seqs:?}\n{}", self.story);
                    "query ok".to_owned()
                }
                Err(_) => "query fails".to_owned(),
            },
        };
        writeln!(self.story, "{step} {told}").expect("writes");
        self.check(step);
    }

    /// At last the store is well: all is stored, and all comes back.
    async fn end(mut self) -> (String, u64) {
        let faults = self.chaos.faults();
        self.chaos.calm();
        self.restart().await;
        self.append();
        self.flush().await.expect("flushes");
        self.compact().await.expect("compacts");
        self.table.vacuum(Duration::ZERO).await.expect("vacuums");
        let seqs = self.query().await.expect("reads");
        assert!(seqs.iter().copied().eq(1..=self.acknowledged), "{seqs:?}\n{}", self.story);
        assert_eq!(self.cache.figures().damaged, 0);
        let fresh = open_read_only(&self.storage, &project()).await.expect("opens");
        assert_eq!(fresh.rows(), self.acknowledged as u64, "and another reader sees the same");
        (self.story, faults)
    }
}

fn outcome(result: Result<(), TableError>) -> &'static str {
    match result {
        Ok(()) => "ok",
        Err(TableError::Store { .. } | TableError::Delta { .. }) => "fails",
        Err(TableError::OutcomeUnknown { .. }) => "in doubt",
        Err(TableError::Unsettled) => "waits",
        Err(error) => panic!("an outage is no damage: {error:?}"),
    }
}

fn seqs_of(bytes: Bytes) -> Vec<i64> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("is Parquet");
    let mask = ProjectionMask::columns(builder.parquet_schema(), [SEQ]);
    let reader = builder.with_projection(mask).build().expect("reads");
    reader.flat_map(|rows| rows.expect("decodes").column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

async fn run(seed: u64, steps: u64) -> (String, u64) {
    let mut world = World::new(seed).await;
    for step in 0..steps {
        world.step(step).await;
    }
    world.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_all_the_time_loses_and_doubles_nothing() {
    let (steps, seeds) = (setting("KRONIKA_STORE_STEPS", 120), setting("KRONIKA_STORE_SEEDS", 2));
    let mut faults = 0;
    for seed in 1..=seeds {
        let (story, met) = run(seed, steps).await;
        faults += met;
        assert!(met > steps / 10, "seed {seed}: only {met} faults\n{story}");
    }
    println!("{seeds} seeds of {steps} steps: {faults} faults met");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_tells_the_same_story() {
    let (first, second) = (run(3, 60).await, run(3, 60).await);
    assert_eq!(first, second);
    assert_ne!(first.0, run(4, 60).await.0);
}
