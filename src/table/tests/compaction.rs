//! Compaction and vacuum: no answer changes.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::layout::assert_ordered;
use super::races::walk;
use super::support::*;
use crate::config::Compaction;
use crate::table::*;

fn any_spec() -> impl Strategy<Value = Spec> {
    let module = prop_oneof![Just(None), Just(Some("a".to_owned()))];
    (0_i64..2 * DAY, module, prop::option::of("[a-z]{0,20}")).prop_map(|(time, module, text)| Spec {
        time,
        module,
        text,
        number: None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn rows_stay_and_are_in_order(flushes in prop::collection::vec(prop::collection::vec(any_spec(), 1..60), 2..7)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("starts");
        runtime.block_on(async {
            let place = Place::new();
            let table = place.open().await;
            let mut first = 1;
            let mut all = Vec::new();
            for specs in &flushes {
                flush(&table, first, specs).await.expect("flushes");
                all.push(batch(first, specs));
                first += specs.len() as i64;
            }
            let before = table.current();
            let report = table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
            let after = place.read_only().await;
            assert_eq!(all_rows(&place.storage, &after).await, expected(&all));
            assert_eq!(after.files.len() as u64, before.files.len() as u64 - report.files_in + report.files_out);
            for file in &after.files {
                assert_ordered(&read_file(&place.storage, &file.location).await.1);
            }
            let mut partitions: Vec<_> = after.files.iter().map(|file| (file.date, file.module.clone())).collect();
            partitions.dedup();
            assert_eq!(partitions.len(), after.files.len(), "one file for each partition");
            assert_eq!(table.compact(CompactWhich::All, |_| ()).await.expect("again"), CompactReport::default());
        });
    }
}

#[tokio::test]
async fn many_large_chunks_are_merged_in_order() {
    let place = Place::new();
    let table = place.open().await;
    let mut all = Vec::new();
    for at in 0..3_i64 {
        let specs: Vec<_> = (0..20_000).map(|row| spec((row * 7_919 + at * 31) % 1_000_003, Some("m"))).collect();
        flush(&table, 1 + at * 20_000, &specs).await.expect("flushes");
        all.push(batch(1 + at * 20_000, &specs));
    }
    let report = table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    assert_eq!((report.rows, report.files_in, report.files_out), (60_000, 3, 1));
    let version = table.current();
    assert_ordered(&read_file(&place.storage, &version.files[0].location).await.1);
    assert_eq!(all_rows(&place.storage, &version).await, expected(&all));
}

#[tokio::test]
async fn a_damaged_file_is_left_out_and_the_rest_is_merged() {
    let place = Place::new();
    let damage = Arc::<DamageLog>::default();
    let table = place.open().await.share_damage(Arc::clone(&damage));
    // Two files of `a`, four of `b`; one of `b` has a flipped bit, one is gone.
    let mut all = Vec::new();
    for (first, module) in (1..).zip(["a", "a", "b", "b", "b", "b"]) {
        flush(&table, first, &[spec(first, Some(module))]).await.expect("flushes");
        all.push(batch(first, &[spec(first, Some(module))]));
    }
    let before = table.current();
    let of_b: Vec<_> = before.files.iter().filter(|file| file.module.as_deref() == Some("b")).collect();
    let path = |file: &DataFile| place.table_dir().join(&file.path);
    let (rotten, lost) = (path(of_b[1]), path(of_b[2]));
    let (whole, kept) = (std::fs::read(&rotten).expect("reads"), std::fs::read(&lost).expect("reads"));
    let mut flipped = whole.clone();
    flipped[whole.len() / 3] ^= 4;
    std::fs::write(&rotten, flipped).expect("writes");
    std::fs::remove_file(&lost).expect("removes");

    let report = table.compact(CompactWhich::All, |_| ()).await.expect("goes on without them");
    assert_eq!((report.partitions, report.files_in, report.files_out, table.damaged_files()), (2, 4, 2, 2));
    let mut found: Vec<_> = damage.all().into_iter().map(|(_, damage)| (damage.path, damage.what)).collect();
    found.sort_unstable_by_key(|(path, _)| *path != of_b[1].path);
    assert_eq!((&found[0].0, &found[1].0), (&of_b[1].path, &of_b[2].path));
    assert!(found[0].1.contains("checksum"), "{found:?}");
    assert_eq!(found[1].1, "is missing");
    let live: Vec<_> = table.current().files.iter().map(|file| file.path.clone()).collect();
    assert!(live.contains(&of_b[1].path) && live.contains(&of_b[2].path), "they stay, with their names");
    let again = table.compact(CompactWhich::All, |_| ()).await.expect("has nothing to do");
    assert_eq!((again, table.damaged_files()), (CompactReport::default(), 2));

    // Restored, and known to be whole again; that one is back needs nobody to say.
    std::fs::write(&rotten, whole).expect("writes");
    std::fs::write(&lost, kept).expect("writes");
    damage.clear(&of_b[1].location);
    let report = table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    assert_eq!((report.files_in, report.files_out, table.damaged_files()), (3, 1, 0));
    assert_eq!(all_rows(&place.storage, &table.current()).await, expected(&all));
}

#[tokio::test]
async fn more_files_than_fit_into_one_merge_become_one() {
    let place = Place::new();
    let table = place.open().await;
    for first in 1..=70 {
        flush(&table, first, &[spec(first, None)]).await.expect("flushes");
    }
    let report = table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    assert_eq!((report.partitions, report.files_in, report.files_out), (1, 71, 2));
    assert_eq!((table.current().files.len(), table.current().rows()), (1, 70));
}

#[tokio::test]
async fn the_schedule_leaves_few_files_alone() {
    let place = Place::new();
    let settings = TableSettings::new(&Compaction { files_min: 3, ..Compaction::default() });
    let table =
        Table::open(&place.storage, project(), WriterId::from(uuid::Uuid::new_v4()), settings).await.expect("opens");
    for first in 1..=2 {
        flush(&table, first, &[spec(first, None)]).await.expect("flushes");
    }
    assert_eq!(table.compact(CompactWhich::Due, |_| ()).await.expect("looks").files_in, 0);
    flush(&table, 3, &[spec(3, None)]).await.expect("flushes");
    assert_eq!(table.compact(CompactWhich::Due, |_| ()).await.expect("compacts").files_in, 3);
}

#[tokio::test]
async fn a_file_that_lies_about_its_order_is_not_merged() {
    let place = Place::new();
    let table = place.open().await;
    flush(&table, 1, &[spec(1, None), spec(2, None)]).await.expect("flushes");
    flush(&table, 3, &[spec(3, None)]).await.expect("flushes");
    // Somebody puts a file with ascending times in the place of the first.
    let ours = table.current().files.iter().find(|file| file.rows == 2).expect("is there").clone();
    let rows = crate::table::order::stored(&batch(1, &[spec(1, None), spec(2, None)])).expect("the row schema");
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, rows.schema(), None).expect("starts");
    writer.write(&rows).expect("writes");
    writer.close().expect("closes");
    let commit = place.table_dir().join("_delta_log/00000000000000000001.json");
    let text = unsummed(&std::fs::read_to_string(&commit).expect("reads"));
    let (size, other) = (format!("\"size\":{}", ours.size), format!("\"size\":{}", bytes.len()));
    std::fs::write(&commit, text.replace(&size, &other)).expect("writes");
    std::fs::write(place.table_dir().join(&ours.path), bytes).expect("writes");
    let damage = Arc::<DamageLog>::default();
    let table = place.open().await.share_damage(Arc::clone(&damage));
    let report = table.compact(CompactWhich::All, |_| ()).await.expect("leaves it alone");
    assert_eq!((report, table.current().version), (CompactReport::default(), 2));
    assert_eq!(damage.all()[0].1, FileDamage { path: ours.path.clone(), what: "is not in order".into() });
}

#[tokio::test]
async fn vacuum_keeps_what_a_version_in_use_needs() {
    let place = Place::new();
    let table = place.open().await;
    for first in 1..=4 {
        flush(&table, first, &[spec(first, None)]).await.expect("flushes");
    }
    let reader = table.current();
    table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    assert_eq!(table.vacuum(Duration::ZERO).await.expect("vacuums"), 0, "a reader holds the old version");
    assert_eq!(all_rows(&place.storage, &reader).await.len(), 4);
    drop(reader);
    assert_eq!(table.vacuum(Duration::from_secs(3_600)).await.expect("vacuums"), 0, "too young");
    assert_eq!(table.vacuum(Duration::ZERO).await.expect("vacuums"), 4);
    assert_eq!(table.vacuum(Duration::ZERO).await.expect("vacuums"), 0);
    assert_eq!(walk(&place.table_dir()), 1);
    assert_eq!(all_rows(&place.storage, &place.read_only().await).await.len(), 4);
}

#[tokio::test]
async fn vacuum_takes_orphans_that_are_a_day_old() {
    let place = Place::new();
    let table = place.open().await;
    flush(&table, 1, &[spec(1, None)]).await.expect("flushes");
    let live = place.table_dir().join(&table.current().files[0].path);
    let old = std::time::SystemTime::now() - Duration::from_secs(25 * 3_600);
    let orphan = live.with_file_name("orphan.parquet");
    let fresh = live.with_file_name("fresh.parquet");
    let staged = place.dir.path().join("a store/.staging/left-behind");
    for path in [&orphan, &fresh, &staged] {
        std::fs::write(path, b"x").expect("writes");
    }
    for path in [&orphan, &staged, &live] {
        std::fs::File::open(path).expect("opens").set_modified(old).expect("ages");
    }
    assert_eq!(table.vacuum(Duration::ZERO).await.expect("vacuums"), 2);
    assert!(live.exists() && fresh.exists() && !orphan.exists() && !staged.exists());
}

#[tokio::test]
async fn a_checkpoint_comes_by_itself() {
    let place = Place::new();
    let table = place.open().await;
    for first in 1..=101 {
        flush(&table, first, &[spec(first, None)]).await.expect("flushes");
    }
    let name = place.table_dir().join("_delta_log/00000000000000000100.checkpoint.parquet");
    assert!(name.exists());
    assert_eq!(place.read_only().await.rows(), 101);
}

/// Peak of the process's memory since the last reset, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("reads");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("is told");
    line.split_whitespace().nth(1).expect("has a number").parse::<usize>().expect("is one") << 10
}

/// Bodies of 1 MiB that do not compress, many files of them. With `KRONIKA_MEMORY_FILES` (say 64), and run alone, the
/// memory of the process is measured as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_a_mebibyte_are_merged_in_little_memory() {
    let measured = std::env::var("KRONIKA_MEMORY_FILES").ok().and_then(|text| text.parse::<i64>().ok());
    let files = measured.unwrap_or(6);
    let place = Place::new();
    let table = place.open().await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut body = || {
        let mut text = String::with_capacity(1 << 20);
        while text.len() < 1 << 20 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{:016x}", state ^ (state >> 29)));
        }
        text
    };
    let mut next = 1;
    for file in 0..files {
        // The texts of a row are in four columns: 4 MiB each.
        let rows: Vec<Spec> =
            (0..2).map(|row| Spec { text: Some(body()), ..spec(row * 100 + file, Some("m")) }).collect();
        flush(&table, next, &rows).await.expect("flushes");
        next += rows.len() as i64;
    }
    let before = measured.map(|_| {
        // SAFETY: gives free memory back to the system; nothing else.
        unsafe { libc::malloc_trim(0) };
        std::fs::write("/proc/self/clear_refs", "5").expect("resets the peak");
        peak()
    });
    let report = table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    assert_eq!((report.partitions, table.current().rows()), (1, (next - 1) as u64));
    if let Some(before) = before {
        let took = (peak() - before) >> 20;
        println!("{files} files, {} MiB in, {} MiB out: {took} MiB", report.bytes_in >> 20, report.bytes_out >> 20);
        // Rows of 4 MiB; the aim of 256 MiB is for bodies of one.
        assert!(took <= 320, "{took} MiB");
    }
    let version = table.current();
    let (footer, rows, _) = read_file(&place.storage, &version.files[0].location).await;
    assert_ordered(&rows);
    assert!(measured.is_none() || footer.num_row_groups() > 1, "row groups are bounded by bytes");
}
