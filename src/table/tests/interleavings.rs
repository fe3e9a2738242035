//! Whatever comes between flush, compaction, vacuum, checkpoint and restart: the rows are those that were flushed, and
//! who reads an older version goes on reading it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::layout::assert_ordered;
use super::support::*;
use crate::config::Compaction;
use crate::table::*;

#[derive(Debug, Clone)]
enum Step {
    Flush(Vec<Spec>),
    Compact(CompactWhich),
    Vacuum,
    Checkpoint,
    Restart,
    Hours(i64),
    /// Somebody begins to read the present version, or ends.
    Read(bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let module = prop_oneof![Just(None), Just(Some("a".to_owned()))];
    let row = (0_i64..2 * DAY, module, prop::option::of("[a-z]{0,20}")).prop_map(|(time, module, text)| Spec {
        time,
        module,
        text,
        number: None,
    });
    prop_oneof![
        5 => prop::collection::vec(row, 1..12).prop_map(Step::Flush),
        3 => Just(Step::Compact(CompactWhich::Due)),
        1 => Just(Step::Compact(CompactWhich::All)),
        2 => Just(Step::Vacuum),
        1 => Just(Step::Checkpoint),
        2 => Just(Step::Restart),
        2 => (1_i64..30).prop_map(Step::Hours),
        2 => any::<bool>().prop_map(Step::Read),
    ]
}

/// A table that goes through steps, and what it must hold.
struct Walk {
    place: Place,
    writer: Uuid,
    now_ms: Arc<AtomicI64>,
    table: Table,
    flushed: Vec<arrow::record_batch::RecordBatch>,
    next: i64,
    /// A version that is read, and its rows.
    reader: Option<(Arc<TableVersion>, Vec<String>)>,
}

const KEEP: Duration = Duration::from_secs(3_600);

async fn open_at(place: &Place, writer: Uuid, now_ms: &Arc<AtomicI64>) -> Table {
    let settings = TableSettings { files_min: 3, keep_replaced: KEEP, ..TableSettings::new(&Compaction::default()) };
    let table = Table::open(&place.storage, project(), WriterId::from(writer), settings).await.expect("opens");
    let now_ms = Arc::clone(now_ms);
    table.with_clock(Clock::new(move || now_ms.load(Ordering::Relaxed)))
}

impl Walk {
    async fn new() -> Self {
        let (place, writer) = (Place::new(), Uuid::new_v4());
        let now_ms = Arc::new(AtomicI64::new(DAY / 1_000));
        let table = open_at(&place, writer, &now_ms).await;
        Self { place, writer, now_ms, table, flushed: Vec::new(), next: 1, reader: None }
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Flush(specs) => {
                flush(&self.table, self.next, specs).await.expect("flushes");
                self.flushed.push(batch(self.next, specs));
                self.next += specs.len() as i64;
            }
            Step::Compact(which) => {
                self.table.compact(*which, |_| ()).await.expect("compacts");
            }
            Step::Vacuum => {
                self.table.vacuum(KEEP).await.expect("vacuums");
            }
            Step::Checkpoint => self.table.checkpoint().await.expect("checkpoints"),
            Step::Restart => {
                // Readers of this process are gone as well.
                self.reader = None;
                self.table = open_at(&self.place, self.writer, &self.now_ms).await;
                assert_eq!(self.table.flushed_through(), (self.next > 1).then_some(self.next - 1));
            }
            Step::Hours(hours) => drop(self.now_ms.fetch_add(hours * 3_600_000, Ordering::Relaxed)),
            Step::Read(begins) => {
                self.reader = None;
                if *begins {
                    let version = self.table.current();
                    let rows = all_rows(&self.place.storage, &version).await;
                    self.reader = Some((version, rows));
                }
            }
        }
    }

    async fn check(&self) {
        let version = self.table.current();
        assert_eq!(all_rows(&self.place.storage, &version).await, expected(&self.flushed));
        for file in &version.files {
            assert_ordered(&read_file(&self.place.storage, &file.location).await.1);
        }
        if let Some((version, rows)) = &self.reader {
            assert_eq!(&all_rows(&self.place.storage, version).await, rows, "a reader of version {}", version.version);
        }
    }
}

/// Runs of the property: few by themselves, `KRONIKA_INTERLEAVINGS` for more.
fn cases() -> u32 {
    std::env::var("KRONIKA_INTERLEAVINGS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn rows_are_those_that_were_flushed(steps in prop::collection::vec(any_step(), 4..24)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("starts");
        runtime.block_on(async {
            let mut walk = Walk::new().await;
            for step in &steps {
                walk.step(step).await;
                walk.check().await;
            }
            // What another process finds is the same.
            let found = walk.place.read_only().await;
            assert_eq!(all_rows(&walk.place.storage, &found).await, expected(&walk.flushed));
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_is_canceled_leaves_what_was_committed_and_the_next_goes_on() {
    struct After(AtomicI64);
    impl Watch for After {
        fn is_cancelled(&self) -> bool {
            self.0.fetch_sub(1, Ordering::Relaxed) <= 0
        }
    }
    let mut walk = Walk::new().await;
    for at in 0..3 {
        let rows: Vec<Spec> =
            (0..8).map(|row| spec(at * 10 + row, Some(["a", "b", "c", "d"][row as usize % 4]))).collect();
        walk.step(&Step::Flush(rows)).await;
    }
    let report = walk
        .table
        .compact_watched(CompactWhich::All, Arc::new(After(AtomicI64::new(2))), |_| ())
        .await
        .expect("an end that was asked for is none by an error");
    assert_eq!((report.partitions, report.files_in), (2, 6), "two of four were merged, in one commit");
    assert_eq!(walk.table.current().version, 4);
    walk.check().await;
    assert_eq!(super::races::walk(&walk.place.table_dir()), 12 + 2, "nothing half written stays");
    let rest = walk.table.compact(CompactWhich::All, |_| ()).await.expect("goes on");
    assert_eq!((rest.partitions, rest.files_in, walk.table.current().files.len()), (2, 6, 4));
    walk.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_leaves_off_for_whoever_waits_and_does_one_thing_at_least() {
    struct Wanted;
    impl Watch for Wanted {
        fn is_wanted(&self) -> bool {
            true
        }
    }
    let mut walk = Walk::new().await;
    for at in 0..3 {
        let rows: Vec<Spec> = (0..3).map(|row| spec(at * 10 + row, Some(["a", "b", "c"][row as usize % 3]))).collect();
        walk.step(&Step::Flush(rows)).await;
    }
    for left in [true, true, true, false] {
        let report = walk.table.compact_watched(CompactWhich::All, Arc::new(Wanted), |_| ()).await.expect("compacts");
        assert_eq!((report.left_off, report.partitions), (left, u64::from(left)));
        walk.check().await;
    }
    assert_eq!(walk.table.current().files.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vacuum_leaves_the_files_of_whoever_took_the_table_over() {
    let place = Place::new();
    let now_ms = Arc::new(AtomicI64::new(chrono::Utc::now().timestamp_millis()));
    let (old, new) = (Uuid::new_v4(), Uuid::new_v4());
    let first = open_at(&place, old, &now_ms).await;
    flush(&first, 1, &[spec(1, None)]).await.expect("flushes");
    let second = open_at(&place, new, &now_ms).await;
    flush(&second, 10, &[spec(2, None)]).await.expect("takes over");
    // Two days later the first still thinks that the table is its own.
    now_ms.fetch_add(2 * DAY / 1_000, Ordering::Relaxed);
    let error = first.vacuum(Duration::ZERO).await.expect_err("is fenced");
    assert_eq!(crate::error::Report::code(&error), "table_fenced");
    assert_eq!(place.read_only().await.rows(), 2);
    assert_eq!(super::races::walk(&place.table_dir()), 2, "no file is gone");
}
