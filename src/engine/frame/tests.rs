use proptest::prelude::*;

use super::*;

fn meta(keyed: bool, file: bool, tally: bool) -> Meta {
    Meta {
        format: BodyFormat::Ndjson,
        received_at: 1_741_074_900_000_000,
        interpretation: 42,
        verdicts: Verdicts::default(),
        file_ids: file.then_some(FileIds { hash: 7 << 100, first_line: 12 }),
        keyed: keyed.then(|| Keyed { key: 1, content: 2, receipt: Bytes::from_static(b"{\"accepted\":1}") }),
        tally: tally.then(|| Tally::untold(3)),
    }
}

#[test]
fn a_description_comes_back_as_it_was_written() {
    for at in 0..8 {
        let meta = meta(at & 1 > 0, at & 2 > 0, at & 4 > 0);
        assert_eq!(Meta::decode(meta.encode()).unwrap(), meta);
    }
}

#[test]
fn a_cut_or_newer_description_is_refused() {
    let whole = meta(true, true, true).encode();
    for len in 0..whole.len() {
        assert!(Meta::decode(whole.slice(..len)).is_err(), "{len}");
    }
    let mut newer = whole.to_vec();
    newer[0] = 2;
    assert!(matches!(Meta::decode(newer.into()), Err(MetaError::Version(2))));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Meta::decode(bytes.into());
    }
}
