use std::time::Duration;

use super::*;
use crate::config::Compaction;
use crate::table::FileStats;

const MIB: u64 = 1 << 20;
const HOUR_MS: i64 = 3_600_000;

/// A table without files: only what the plan looks at.
struct Model {
    settings: TableSettings,
    now_ms: i64,
    files: Files,
    flushed: u64,
    rewritten: u64,
    made: u64,
    /// Most files of one date and module that there ever were, and that were left after a compaction.
    most: usize,
    most_left: usize,
    /// Size of a merged file in percent of its inputs.
    shrink: u64,
}

impl Model {
    fn new() -> Self {
        let settings = TableSettings::new(&Compaction::default());
        let (now_ms, files) = (20_000 * DAY_MS, Files::new());
        Self { settings, now_ms, files, flushed: 0, rewritten: 0, made: 0, most: 0, most_left: 0, shrink: 100 }
    }

    fn today(&self) -> i32 {
        i32::try_from(self.now_ms / DAY_MS).unwrap()
    }

    fn add(&mut self, date: i32, module: &str, size: u64, work: Work) -> Arc<DataFile> {
        self.made += 1;
        let path = format!("{}.parquet", self.made);
        let file = Arc::new(DataFile {
            location: object_store::path::Path::from(path.as_str()),
            path,
            size,
            rows: 1,
            date,
            module: Some(module.to_owned()),
            modified_ms: self.now_ms,
            ordered: true,
            work,
            stats: FileStats::default(),
            sums: None,
        });
        self.files.push(Arc::clone(&file));
        file
    }

    fn flush(&mut self, date: i32, module: &str, size: u64) {
        self.add(date, module, size, Work::of_flush(size));
        self.flushed += size;
        self.most = self.most.max(self.largest_partition());
    }

    fn compact(&mut self, which: CompactWhich) -> usize {
        let mut merges = 0;
        loop {
            let groups = plan(&self.files, Policy { which, settings: &self.settings, now_ms: self.now_ms });
            if groups.is_empty() {
                self.most_left = self.most_left.max(self.largest_partition());
                return merges;
            }
            for group in groups {
                merges += 1;
                let sum: u64 = group.iter().map(|file| file.size).sum();
                assert!(group.len() <= FAN_IN && sum <= self.settings.target_size * 5 / 4);
                let size = sum * self.shrink / 100;
                self.files.retain(|file| !group.iter().any(|of| Arc::ptr_eq(of, file)));
                self.rewritten += size;
                self.add(group[0].date, group[0].module.as_deref().unwrap(), size, Work::sum(&group).and(size));
            }
        }
    }

    fn largest_partition(&self) -> usize {
        let mut counts: BTreeMap<(i32, Option<&str>), usize> = BTreeMap::new();
        for file in &self.files {
            *counts.entry((file.date, file.module.as_deref())).or_default() += 1;
        }
        counts.values().copied().max().unwrap_or(0)
    }

    /// Bytes that were rewritten for each that was flushed.
    fn amplification(&self) -> f64 {
        self.rewritten as f64 / self.flushed as f64
    }

    /// A day of flushes every so often to `modules`, with a compaction every ten minutes.
    fn day(&mut self, every: Duration, modules: &[&str], size: impl Fn(usize) -> u64) {
        let every = i64::try_from(every.as_millis()).unwrap();
        let compact_every = 600_000.max(every);
        let (mut next, end) = (self.now_ms + compact_every, self.now_ms + DAY_MS);
        let mut at = 0;
        while self.now_ms < end {
            for module in modules {
                self.flush(self.today(), module, size(at));
            }
            at += 1;
            self.now_ms += every;
            if self.now_ms >= next {
                self.compact(CompactWhich::Due);
                next += compact_every;
            }
        }
        self.now_ms = end;
    }
}

#[test]
fn a_day_of_flushes_every_five_minutes_ends_in_one_file() {
    let mut model = Model::new();
    model.day(Duration::from_secs(300), &["a", "b"], |_| 300_000);
    assert!(model.files.len() > 2, "nothing is closed before its time");
    assert!(model.most <= 24, "{}", model.most);
    model.now_ms += 2 * HOUR_MS;
    model.compact(CompactWhich::Due);
    assert_eq!(model.files.len(), 2);
    assert!(model.amplification() <= 3.0, "{}", model.amplification());
    assert_eq!(model.compact(CompactWhich::Due), 0, "and stays as it is");
}

#[test]
fn every_pace_stays_within_bounds() {
    for (every, size, shrink) in [
        (10_u64, 20_000_u64, 100),
        (10, 20_000, 40),
        (60, 200_000, 100),
        (60, 3 * MIB, 95),
        (300, 50_000, 100),
        (300, 20 * MIB, 100),
        (3_600, 100 * MIB, 100),
    ] {
        let mut model = Model::new();
        model.shrink = shrink;
        for _ in 0..3 {
            // By day ten times as much as by night.
            let night = |at: usize| at as u64 * every / 3_600 % 24 < 8;
            model.day(Duration::from_secs(every), &["a"], |at| if night(at) { size / 10 } else { size });
        }
        model.now_ms += DAY_MS;
        model.compact(CompactWhich::Due);
        let name = format!("every {every} s, {size} bytes, {shrink} %");
        assert!(model.amplification() <= 3.0, "{name}: {}", model.amplification());
        let whole = model.flushed * shrink / 100 / model.settings.target_size;
        assert!(model.files.len() as u64 <= 3 + 2 * whole, "{name}: {} files", model.files.len());
        assert!(model.most_left as u64 <= 40 + whole, "{name}: {} at once", model.most_left);
        println!(
            "{name}: {:.2} rewritten, {} files at most, {} left",
            model.amplification(),
            model.most,
            model.files.len()
        );
    }
}

#[test]
fn late_files_are_not_worth_the_large_one_each_time() {
    let mut model = Model::new();
    let day = model.today();
    model.day(Duration::from_secs(300), &["a"], |_| 800_000);
    model.now_ms += 2 * HOUR_MS;
    model.compact(CompactWhich::Due);
    assert_eq!(model.files.len(), 1);
    for _ in 0..365 {
        model.flush(day, "a", 5_000);
        model.now_ms += DAY_MS;
        model.compact(CompactWhich::Due);
    }
    assert!(model.amplification() <= 3.0, "{}", model.amplification());
    assert!(model.files.len() <= 30, "{}", model.files.len());
}

#[test]
fn a_backfill_of_old_days_waits_until_it_is_over() {
    let mut model = Model::new();
    let day = model.today() - 400;
    for _ in 0..100 {
        model.flush(day, "a", MIB);
        model.now_ms += 60_000;
        model.compact(CompactWhich::Due);
        assert!(model.files.len() <= 24, "{}", model.files.len());
    }
    assert!(model.files.len() > 1);
    model.now_ms += 2 * HOUR_MS;
    model.compact(CompactWhich::Due);
    assert_eq!(model.files.len(), 1);
    assert!(model.amplification() <= 3.0, "{}", model.amplification());
}

#[test]
fn too_many_small_files_are_merged_whatever_it_costs() {
    let mut model = Model::new();
    let today = model.today();
    for _ in 0..FILES_MAX {
        model.add(today, "a", 1_000, Work { flushed: 1_000, rewritten: 3_000 });
    }
    assert_eq!(model.compact(CompactWhich::Due), 0, "the budget is spent");
    model.add(today, "a", 1_000, Work { flushed: 1_000, rewritten: 3_000 });
    assert!(model.compact(CompactWhich::Due) > 0);
    assert!(model.files.len() <= FILES_MAX);
    // An operator gets one file all the same.
    model.compact(CompactWhich::All);
    assert_eq!(model.files.len(), 1);
}

#[test]
fn files_of_others_and_large_ones_are_left_alone() {
    let mut model = Model::new();
    let today = model.today();
    for size in [1_000, 2_000, 300 * MIB, 256 * MIB, 256 * MIB - 1] {
        model.flush(today, "a", size);
    }
    let mut foreign = model.files[1].as_ref().clone();
    foreign.ordered = false;
    model.files[1] = Arc::new(foreign);
    let policy = Policy { which: CompactWhich::All, settings: &model.settings, now_ms: model.now_ms };
    let groups = plan(&model.files, policy);
    let sizes: Vec<Vec<u64>> = groups.iter().map(|group| group.iter().map(|file| file.size).collect()).collect();
    assert_eq!(sizes, [[1_000, 256 * MIB - 1]]);
}

#[test]
fn many_small_files_of_one_date_and_module_are_a_crowd() {
    let mut model = Model::new();
    let day = model.today();
    for file in 0..CROWD - 1 {
        model.flush(day, "orders", MIB);
        model.flush(day, &format!("m{file}"), MIB);
        model.flush(day - 1, "orders", MIB);
    }
    let crowded = |model: &Model| is_crowded(&model.files, &model.settings);
    assert!(!crowded(&model));
    let large = model.settings.target_size;
    model.flush(day, "orders", large);
    assert!(!crowded(&model), "a large file is no trouble");
    model.flush(day, "orders", MIB);
    assert!(crowded(&model));
}
