use std::io::Write;

use super::*;

const TEXT: &[u8] = b"{\"a\":1}\n{\"a\":2}\n";

fn file(dir: &Path, name: &str, bytes: &[u8]) -> Source {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    Source::open(&path, dir).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn unpacked(source: &Source) -> Vec<u8> {
    let mut bytes = vec![];
    source.text().unwrap().0.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn packing_is_told_by_content() {
    let dir = tempfile::tempdir().unwrap();
    let zstd = |bytes| zstd::encode_all(bytes, 1).unwrap();
    let two = |pack: &dyn Fn(&'static [u8]) -> Vec<u8>| [pack(&TEXT[..8]), pack(&TEXT[8..])].concat();
    let cases = [
        ("plain", TEXT.to_vec()),
        ("one.gz", gzip(TEXT)),
        // Files joined with `cat`.
        ("two.gz", two(&|part| gzip(part))),
        ("two.zst", two(&|part| zstd(part))),
        ("misnamed.gz", zstd(TEXT)),
        ("bom", [b"\xef\xbb\xbf", TEXT].concat()),
    ];
    for (name, bytes) in cases {
        let source = file(dir.path(), name, &bytes);
        assert_eq!(unpacked(&source), TEXT, "{name}");
        assert_eq!(source.len(), bytes.len() as u64);
        let mut again = vec![];
        source.seekable().unwrap().read_to_end(&mut again).unwrap();
        assert!(again.ends_with(TEXT), "{name}");
    }
}

#[test]
fn the_hash_names_the_content() {
    let dir = tempfile::tempdir().unwrap();
    let (one, same, other) = (file(dir.path(), "a", TEXT), file(dir.path(), "b", TEXT), file(dir.path(), "c", b"x"));
    assert_eq!(one.hash(), same.hash());
    assert_ne!(one.hash(), other.hash());
    assert_eq!(one.hash().len(), 32);
    assert_eq!(file(dir.path(), "empty", b"").hash(), "99aa06d3014798d86001c324468d497f");
}

#[test]
fn what_is_appended_later_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let source = file(dir.path(), "log", TEXT);
    std::fs::OpenOptions::new().append(true).open(dir.path().join("log")).unwrap().write_all(b"more\n").unwrap();
    assert_eq!(unpacked(&source), TEXT);
}

#[test]
fn damaged_and_missing_files_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let mut cut = gzip(&TEXT.repeat(100));
    cut.truncate(cut.len() / 2);
    let (mut reader, _) = file(dir.path(), "cut.gz", &cut).text().unwrap();
    assert!(reader.read_to_end(&mut vec![]).is_err());
    assert!(Source::open(&dir.path().join("none"), dir.path()).is_err());
    assert!(Source::open(dir.path(), dir.path()).is_err(), "a directory");
}
