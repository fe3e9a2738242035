//! Frame codec: round trip, borders, and no panic on any bytes.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::wal::tests::frame;

fn encoded(frame: &Frame, mark: u64, group: u64, seq: u64, prev_end: u64) -> Vec<u8> {
    let head = Head::of(frame, payload_crc(frame), mark, group).at(seq, prev_end);
    [&head.encode()[..], frame.project.as_str().as_bytes(), &frame.meta, &frame.body].concat()
}

fn decoded(bytes: &[u8]) -> Option<(Head, Result<Frame, Damage>)> {
    let Decoded::Head(head) = Head::decode(bytes.first_chunk()?) else { return None };
    let payload = bytes.get(HEAD..HEAD + head.payload_len() as usize)?;
    Some((head, head.frame(Bytes::copy_from_slice(payload))))
}

proptest! {
    #[test]
    fn a_frame_comes_back_as_it_was(
        name in "[a-z0-9][a-z0-9-]{0,62}", rows: u32, meta: Vec<u8>, body: Vec<u8>, mark: u64, group: u64,
        seq in 0..=SEQ_MAX, skipped in 0..1000u64,
    ) {
        let project = ProjectName::try_from(name).unwrap();
        let frame = Frame { project, rows, meta: meta.into(), body: body.into() };
        let prev_end = seq.saturating_sub(skipped);
        let bytes = encoded(&frame, mark, group, seq, prev_end);
        prop_assert_eq!(bytes.len() as u64, len_of(&frame));
        let (head, back) = decoded(&bytes).unwrap();
        prop_assert_eq!(back, Ok(frame));
        prop_assert_eq!((head.mark, head.group, head.seq, head.prev_end), (mark, group, seq, prev_end));
        prop_assert_eq!(head.end(), seq + u64::from(rows.max(1)));
    }

    #[test]
    fn any_bytes_decode_without_panic(bytes: Vec<u8>, head: [u8; HEAD]) {
        decoded(&bytes);
        Head::decode(&head);
    }

    /// With a valid checksum too, no field may ask for a panic or for memory.
    #[test]
    fn any_fields_decode_without_panic(mut bytes: [u8; HEAD], payload: Vec<u8>) {
        bytes[..4].copy_from_slice(&MAGIC);
        let crc = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        if let Decoded::Head(head) = Head::decode(&bytes) {
            prop_assert!(head.len() <= FRAME_MAX && head.end() > head.seq && head.prev_end <= head.seq);
            let _ = head.frame(payload.into());
        }
    }

    #[test]
    fn one_flipped_bit_is_seen(bit in 0..8 * 100usize) {
        let mut bytes = encoded(&frame("shop", 3, vec![7; 25]), 1, 4096, 10, 9);
        prop_assert_eq!(bytes.len(), 97);
        let bit = bit % (8 * bytes.len());
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!matches!(decoded(&bytes), Some((_, Ok(_)))));
    }
}

#[test]
fn the_format_is_what_the_header_says() {
    let bytes = encoded(&frame("shop", 3, "{}"), 0x0102_0304_0506_0708, 4096, 10, 9);
    let want: [&[u8]; 15] = [
        b"KFr1",
        &crc32c::crc32c(&bytes[8..64]).to_le_bytes(),
        &[8, 7, 6, 5, 4, 3, 2, 1],
        &10u64.to_le_bytes(),
        &9u64.to_le_bytes(),
        &4096u64.to_le_bytes(),
        &3u32.to_le_bytes(),
        &4u32.to_le_bytes(),
        &2u32.to_le_bytes(),
        &crc32c::crc32c(b"shopmeta{}").to_le_bytes(),
        &4u16.to_le_bytes(),
        &[0; 6],
        b"shop",
        b"meta",
        b"{}",
    ];
    assert_eq!(bytes, want.concat());
}

#[test]
fn zeros_are_the_end_and_reserved_bytes_are_refused() {
    assert_eq!(Head::decode(&[0; HEAD]), Decoded::End);
    let mut bytes = Head::of(&frame("a", 1, ""), 0, 0, 0).at(1, 1).encode();
    bytes[60] = 1;
    let crc = crc32c::crc32c(&bytes[8..]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(Head::decode(&bytes), Decoded::Damaged);
}

#[test]
fn a_wrong_project_name_is_damage() {
    let payload = Bytes::from_static(b"Not-A-Name");
    let head = Head { payload_crc: crc32c::crc32c(&payload), project_len: 10, ..Head::of(&frame("a", 1, ""), 0, 0, 0) };
    let head = Head { meta_len: 0, body_len: 0, ..head };
    assert_eq!(head.frame(payload), Err(Damage::Project));
}
