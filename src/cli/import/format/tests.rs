use super::*;
use crate::cli::import::input::Taken;

fn source(name: &str, bytes: &[u8]) -> (tempfile::TempDir, Source) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(name), bytes).unwrap();
    let source = Source::open(&dir.path().join(name), dir.path()).unwrap();
    (dir, source)
}

#[test]
fn formats_are_told_by_name_then_content() {
    let cases: &[(&str, &[u8], Option<Format>)] = &[
        ("a.ndjson", b"", Some(Format::Ndjson)),
        ("a.JSONL", b"", Some(Format::Ndjson)),
        ("a.ndjson.zst", b"", Some(Format::Ndjson)),
        ("a.csv.gz", b"", Some(Format::Csv)),
        ("a.tsv", b"", Some(Format::Csv)),
        ("a.parquet", b"", Some(Format::Parquet)),
        ("a.json", b"\n [{}]", Some(Format::Json)),
        ("a.json", b"", Some(Format::Json)),
        ("a.json", b"{\"a\":1}\n{\"a\":2}\n", Some(Format::Ndjson)),
        ("a.json", b"{\n  \"a\": 1\n}\n", Some(Format::Json)),
        ("a.json", b"{\"Records\":[]}", Some(Format::Json)),
        ("a.log", b"\xef\xbb\xbf{\"a\":1}\n", Some(Format::Ndjson)),
        ("a", b"PAR1....", Some(Format::Parquet)),
        ("a", b"a,b\n1,2\n", None),
        ("a", b"hello", None),
    ];
    for (name, bytes, want) in cases {
        let (_dir, source) = source(name, bytes);
        assert_eq!(Given::Auto.of(&source).ok(), *want, "{name} {:?}", String::from_utf8_lossy(bytes));
    }
    let (_dir, source) = source("a.ndjson", b"");
    assert_eq!(Given::Csv.of(&source).ok(), Some(Format::Csv), "what is said counts");
}

#[test]
fn every_format_goes_on_where_it_is_told() {
    let options = Options { record_max: 1 << 20, delimiter: None, skip_empty: false };
    let cases: [(&str, &[u8], Format); 3] = [
        ("a.ndjson", b"{\"n\":\"1\"}\n\n{\"n\":\"3\"}\n", Format::Ndjson),
        ("a.json", b"[{\"n\":\"1\"},2,{\"n\":\"3\"}]", Format::Json),
        ("a.csv", b"n\n1\n2\n3\n", Format::Csv),
    ];
    for (name, bytes, format) in cases {
        let (_dir, source) = source(name, bytes);
        for (next, want) in [(3, Some(Taken::Record)), (4, None), (9, None)] {
            let mut out = vec![];
            let mut records = open(&source, format, &options, next).unwrap();
            assert_eq!(records.next(&mut out).unwrap(), want, "{name} {next}");
            if want.is_some() {
                assert_eq!(String::from_utf8(out).unwrap(), "{\"n\":\"3\"}", "{name}");
            }
        }
    }
}
