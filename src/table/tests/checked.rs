//! Files read with their checksums: any ranges give the bytes that are there, and any flipped bit is noticed.

use std::sync::Arc;

use object_store::ObjectStoreExt;

use super::support::*;
use crate::table::*;

/// A stored file of some blocks, and its bytes.
async fn stored(place: &Place) -> (Arc<DataFile>, Vec<u8>) {
    let table = place.open().await;
    let mut value = 7_u64;
    let mut text = || {
        value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{value:016x}")
    };
    let specs: Vec<Spec> = (0..9_000).map(|at| Spec { text: Some(text() + &text()), ..spec(at, Some("a")) }).collect();
    flush(&table, 1, &specs).await.expect("flushes");
    let file = Arc::clone(&place.read_only().await.files[0]);
    let bytes = place.storage.store().get(&file.location).await.expect("is there").bytes().await.expect("reads");
    assert!(bytes.len() > 300_000, "{} bytes are a few blocks only", bytes.len());
    (file, bytes.to_vec())
}

#[tokio::test]
async fn any_ranges_give_the_bytes_that_are_there() {
    let place = Place::new();
    let (file, bytes) = stored(&place).await;
    let size = bytes.len() as u64;
    let tail = file.sums.as_ref().expect("our files have checksums").tail;
    let (mut ranges, mut seed) = (vec![0..size, 0..0, tail - 5..tail + 5, size - 8..size, tail..size, 0..tail], 1_u64);
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % (size + 1)
    };
    for _ in 0..300 {
        let (a, b) = (next(), next());
        ranges.push(a.min(b)..a.max(b));
        ranges.push(a..(a + b % 100).min(size));
    }
    let slice = |range: &std::ops::Range<u64>| &bytes[range.start as usize..range.end as usize];
    // All at once, a few at a time, and each with nothing known before.
    for step in [ranges.len(), 7, 1] {
        for some in ranges.chunks(step) {
            let checked = Checked::new(place.storage.store(), Arc::clone(&file));
            let read = checked.ranges(some).await.expect("reads");
            assert!(read.iter().zip(some).all(|(read, range)| read == slice(range)), "{some:?}");
        }
    }
    let checked = Arc::new(Checked::new(place.storage.store(), Arc::clone(&file)));
    let whole = checked.get(&file.location).await.expect("reads").bytes().await.expect("reads");
    assert!(whole == bytes);
    assert_eq!(checked.get_range(&file.location, 5..9).await.expect("reads"), bytes[5..9]);
    assert!(checked.put(&file.location, "x".into()).await.is_err(), "it is for reading");
}

#[tokio::test]
async fn every_flipped_bit_is_noticed_and_no_merge_takes_it() {
    let place = Place::new();
    let (file, bytes) = stored(&place).await;
    let path = place.table_dir().join(&file.path);
    for at in (0..bytes.len()).step_by(4_801).chain([bytes.len() - 1, bytes.len() - 300]) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(&path, &flipped).expect("writes");
        // A file that is known anew, as after a start.
        let file = Arc::clone(&place.read_only().await.files[0]);
        let checked = Checked::new(place.storage.store(), Arc::clone(&file));
        let error = checked.ranges(&[0..file.size]).await.expect_err("is damaged");
        let found = FileDamage::behind(&error).unwrap_or_else(|| panic!("byte {at}: {error}"));
        assert_eq!((&found.path, Some(found)), (&file.path, checked.damage()));
        assert!(check_file(place.storage.store(), &file, true).await.is_err());
    }
    for wrong in [&bytes[..0], &bytes[..bytes.len() / 2], &bytes[..bytes.len() - 1]] {
        std::fs::write(&path, wrong).expect("writes");
        let checked = Checked::new(place.storage.store(), Arc::clone(&file));
        let error = checked.ranges(&[0..file.size]).await.expect_err("is short");
        assert!(FileDamage::behind(&error).is_some_and(|found| found.what.contains("bytes")), "{error}");
    }
    std::fs::write(&path, &bytes).expect("writes");
    assert!(check_file(place.storage.store(), &file, true).await.is_ok());

    let table = place.open().await;
    flush(&table, 20_000, &[spec(5, Some("a"))]).await.expect("flushes");
    let mut flipped = bytes.clone();
    flipped[50_000] ^= 1;
    std::fs::write(&path, &flipped).expect("writes");
    let report = table.compact(CompactWhich::All, |_| ()).await.expect("leaves it alone");
    assert_eq!((report, table.damaged_files()), (CompactReport::default(), 1));
    assert_eq!(place.read_only().await.files.len(), 2, "nothing was replaced");
}

#[tokio::test]
async fn a_table_is_looked_at_without_a_change() {
    let place = Place::new();
    let (file, bytes) = stored(&place).await;
    let look = async |deep| place.storage.check_table(&project(), None, deep).await.expect("the store is well");
    let found = look(true).await;
    assert_eq!((found.files, found.rows, found.unchecked, found.damage.len()), (1, 9_000, 0, 0), "{found:?}");
    // A commit with another number in it, and then a file in the place of another.
    let commit = place.table_dir().join("_delta_log/00000000000000000001.json");
    let text = std::fs::read_to_string(&commit).expect("reads");
    std::fs::write(&commit, text.replace("\"size\":", "\"size\":1")).expect("writes");
    let found = look(false).await;
    assert!(found.damage.iter().any(|damage| damage.what.contains("checksum")), "{found:?}");
    std::fs::write(&commit, &text).expect("writes");
    let path = place.table_dir().join(&file.path);
    std::fs::remove_file(&path).expect("removes");
    assert_eq!(look(false).await.damage[0].what, "is missing");
    std::fs::write(&path, &bytes).expect("writes");
    std::fs::write(path.with_file_name("nobody.parquet"), b"x").expect("writes");
    let found = look(true).await;
    assert_eq!((found.damage.len(), found.orphans.len()), (0, 1), "{found:?}");
}
