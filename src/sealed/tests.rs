use super::*;

#[test]
fn every_flipped_bit_is_noticed_or_leaves_no_json() {
    let text = br#"{"project": "shop", "sha256": "00ff", "revoked_at": 17}"#;
    let sealed = seal(text.to_vec());
    assert_eq!(unseal(&sealed).expect("is whole"), text);
    let (mut refused, mut no_json) = (0, 0);
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match unseal(&flipped) {
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                refused += 1;
            }
            // The mark itself is hit: what is left is JSON and something behind it.
            Ok(left) => {
                assert!(serde_json::from_slice::<serde_json::Value>(left).is_err(), "bit {bit}");
                no_json += 1;
            }
        }
    }
    assert!(refused > 500 && no_json >= 64, "{refused} {no_json}");
}

#[test]
fn files_without_a_checksum_are_taken_as_they_are() {
    for text in [&b"[]"[..], b"", b"{\"a\": 1}\n", b"\n#crc32c=", b"#crc32c=12345678\n"] {
        assert_eq!(unseal(text).expect("is unsealed"), text);
    }
}
