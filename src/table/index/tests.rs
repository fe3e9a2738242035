use super::*;

#[test]
fn a_section_comes_back() {
    for (blocks, body) in [(0, &b""[..]), (2, b"some blocks")] {
        let bytes = Bytes::from(encode(blocks, body));
        assert_eq!(decode(&bytes), Some(Section { blocks, body: Bytes::copy_from_slice(body) }));
    }
    // The format of version 1, byte for byte.
    assert_eq!(encode(0, b"")[..12], *b"KRNX\x01\0\0\0\0\0\0\0");
    assert_eq!(encode(0, b"").len(), HEADER_LEN);
}

#[test]
fn a_damaged_or_later_section_is_none() {
    let whole = encode(2, b"some blocks");
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert_eq!(decode(&damaged.into()), None, "byte {at}");
        assert_eq!(decode(&Bytes::copy_from_slice(&whole[..at])), None, "cut at {at}");
    }
}

#[test]
fn its_place_is_in_the_metadata() {
    let place = Place { offset: 4_096, len: 16 };
    assert_eq!(Place::find(Some(&vec![place.entry()])), Some(place));
    assert_eq!(Place::find(Some(&vec![])), None);
    assert_eq!(Place::find(None), None);
    let broken = KeyValue { key: KEY.to_owned(), value: Some("12;7".to_owned()) };
    assert_eq!(Place::find(Some(&vec![broken])), None);
}
