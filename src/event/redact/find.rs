//! The first look: most bodies hold no secrets, and learn so at the speed of memory.

use super::text::may_be_parameter;

/// What the first look looks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signs<'a> {
    /// Keys that end in `headers`.
    pub(super) headers: bool,
    /// Parameters of these names, folded.
    pub(super) parameters: &'a [Vec<u8>],
}

/// Offset of the next sign at or behind `at`: `headers"` in any case, also within a text (`headers\"`); `=`
/// behind the name of a parameter; an escape `\u00XX` by which either could hide.
pub(super) fn next_sign(body: &[u8], at: usize, signs: Signs<'_>) -> Option<usize> {
    let mut from = at;
    loop {
        let found = next(body, from)?;
        let is_sign = match body[found] {
            b'=' => may_be_parameter(signs.parameters, body, found),
            b'\\' => is_escape(&body[found..]),
            _ => signs.headers && is_header_key(&body[found..]),
        };
        if is_sign {
            return Some(found);
        }
        from = found + 1;
    }
}

fn is_header_key(text: &[u8]) -> bool {
    text.len() >= 8 && text[..7].eq_ignore_ascii_case(b"headers") && matches!(text[7], b'"' | b'\\')
}

/// An escape of an ASCII character that a key may need: a letter, a digit, a hyphen, an equals sign.
fn is_escape(text: &[u8]) -> bool {
    text.len() >= 6 && text.starts_with(b"\\u00") && matches!(text[4], b'2'..=b'7')
}

fn next(body: &[u8], at: usize) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { next_avx2(body, at) };
    }
    next_scalar(body, at)
}

fn next_scalar(body: &[u8], at: usize) -> Option<usize> {
    let mut from = at;
    loop {
        let found = from + memchr::memchr3(b'"', b'\\', b'=', body.get(from..)?)?;
        // A key that ends in `headers` is known by what closes it.
        if body[found] != b'=' && found >= at + 7 && is_header_key(&body[found - 7..]) {
            return Some(found - 7);
        }
        if body[found] == b'=' || body[found..].starts_with(b"\\u00") {
            return Some(found);
        }
        from = found + 1;
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn next_avx2(body: &[u8], mut at: usize) -> Option<usize> {
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_set1_epi8,
    };
    const REACH: usize = 32 + 8;
    let all = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
    let (small, h, s, quote) = (all(0x20), all(b'h'), all(b's'), all(b'"'));
    let (backslash, u, zero, equals) = (all(b'\\'), all(b'u'), all(b'0'), all(b'='));
    while at + REACH <= body.len() {
        // SAFETY: `at + offset + 32 <= body.len()` for the offsets below; loads need no alignment.
        let load = |offset: usize| unsafe { _mm256_loadu_si256(body.as_ptr().add(at + offset).cast::<__m256i>()) };
        let (first, eighth) = (load(0), load(7));
        let closed = _mm256_or_si256(_mm256_cmpeq_epi8(eighth, quote), _mm256_cmpeq_epi8(eighth, backslash));
        let header = _mm256_and_si256(
            _mm256_and_si256(
                _mm256_cmpeq_epi8(_mm256_or_si256(first, small), h),
                _mm256_cmpeq_epi8(_mm256_or_si256(load(6), small), s),
            ),
            closed,
        );
        let escape = _mm256_and_si256(
            _mm256_and_si256(_mm256_cmpeq_epi8(first, backslash), _mm256_cmpeq_epi8(load(1), u)),
            _mm256_and_si256(_mm256_cmpeq_epi8(load(2), zero), _mm256_cmpeq_epi8(load(3), zero)),
        );
        let sign = _mm256_or_si256(_mm256_or_si256(header, escape), _mm256_cmpeq_epi8(first, equals));
        let mask = _mm256_movemask_epi8(sign);
        if mask != 0 {
            return Some(at + mask.trailing_zeros() as usize);
        }
        at += 32;
    }
    next_scalar(body, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_looking_find_the_same() {
        let parameters = [b"api-key".to_vec(), b"token".to_vec()];
        let signs = Signs { headers: true, parameters: &parameters };
        let texts = [
            ("headers\"", Some(0)),
            ("headers\\\"", Some(0)),
            ("request_HeAders\"", Some(8)),
            ("\\u0041", Some(0)),
            ("?API_KEY=x", Some(8)),
            ("xtoken=x", Some(6)),
            ("?api%5Fkey=x", Some(10)),
            ("?x=y", None),
            ("headers", None),
            ("h.....s\"", None),
            ("\\u0430", None),
            ("\\\\u00", None),
            ("x", None),
        ];
        for (sign, want) in texts {
            for pad in 0..80 {
                let text = format!("{}{sign}{}", "~".repeat(pad), "~".repeat(pad / 2));
                let want = want.map(|at| at + pad);
                assert_eq!(next_sign(text.as_bytes(), 0, signs), want, "{text}");
                let mut at = 0;
                let slow = loop {
                    match next_scalar(text.as_bytes(), at) {
                        Some(found) if next_sign(text.as_bytes(), found, signs) == Some(found) => {
                            break Some(found);
                        }
                        Some(found) => at = found + 1,
                        None => break None,
                    }
                };
                assert_eq!(slow, want, "{text}");
            }
        }
    }
}
