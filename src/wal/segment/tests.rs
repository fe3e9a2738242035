//! Segment files: names, header, life of a file.

use super::*;

#[test]
fn a_name_is_a_segment_only_if_we_would_write_it_so() {
    assert_eq!(file_name(42), "wal-000000000042.log");
    for id in [0, 1, 42, 999_999_999_999, u64::MAX] {
        assert_eq!(id_of(&file_name(id)), Some(id));
    }
    let foreign = [
        "",
        "wal-.log",
        "wal-42.log",
        "wal-000000000042.log.bak",
        "wal-000000000042 (copy).log",
        "wal-+00000000042.log",
        "x",
    ];
    for name in foreign {
        assert_eq!(id_of(name), None, "{name}");
    }
}

fn header_of(path: &Path) -> Header {
    read_header(&File::open(path).unwrap()).unwrap()
}

#[test]
fn a_prepared_segment_is_zero_filled_and_a_recycled_one_has_a_new_mark() {
    let dir = tempfile::tempdir().unwrap();
    let first = prepare(dir.path(), 7, 16 << 10, None).unwrap();
    assert_eq!(fs::metadata(&first.path).unwrap().len(), 16 << 10);
    assert!(fs::read(&first.path).unwrap()[SEGMENT_HEAD as usize..].iter().all(|byte| *byte == 0));
    assert!(matches!(header_of(&first.path), Header::Valid { id: 7, mark } if mark == first.mark));

    let spare = set_aside(&first).unwrap().unwrap();
    assert!(!first.path.exists());
    let second = prepare(dir.path(), 8, 16 << 10, Some(&spare)).unwrap();
    assert!(!spare.exists());
    assert_ne!(first.mark, second.mark);
    assert_eq!(fs::metadata(&second.path).unwrap().len(), 16 << 10);
    assert!(matches!(header_of(&second.path), Header::Valid { id: 8, mark } if mark == second.mark));
}

#[test]
fn growing_and_removing() {
    let dir = tempfile::tempdir().unwrap();
    let segment = prepare(dir.path(), 1, 8192, None).unwrap();
    let grown = grow(&segment, 20_000).unwrap();
    assert_eq!((grown.len, fs::metadata(&grown.path).unwrap().len()), (20_000, 20_000));
    remove(&grown).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    remove(&grown).unwrap();
    assert_eq!(set_aside(&grown).unwrap(), None);
    assert!(matches!(grow(&segment, 30_000), Err(WalError::Io { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn every_flipped_bit_of_the_header_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let segment = prepare(dir.path(), 1, 8192, None).unwrap();
    let good = fs::read(&segment.path).unwrap();
    for bit in 0..8 * 36 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&segment.path, bad).unwrap();
        assert!(matches!(header_of(&segment.path), Header::Damaged), "bit {bit}");
    }
    for (content, blank) in [(vec![], true), (vec![0; 8192], true), (good[..100].to_vec(), false)] {
        fs::write(&segment.path, content).unwrap();
        assert_eq!(matches!(header_of(&segment.path), Header::Blank), blank);
    }
    let mut behind = vec![0; 8192];
    behind[8000] = 1;
    fs::write(&segment.path, behind).unwrap();
    assert!(matches!(header_of(&segment.path), Header::Damaged));
}

#[test]
fn the_header_is_what_its_description_says() {
    let page = header(0x0102, 0x0304);
    let want: [&[u8]; 5] = [b"KRONWAL\n", &[1, 0, 0, 0], &[0; 4], &[2, 1, 0, 0, 0, 0, 0, 0], &[4, 3, 0, 0, 0, 0, 0, 0]];
    assert_eq!(page[..32], want.concat());
    assert_eq!(page[32..36], crc32c::crc32c(&page[..32]).to_le_bytes());
    assert!(page.len() == 4096 && page[36..].iter().all(|byte| *byte == 0));
}
