//! The first look: most bodies hold no headers, and learn so at the speed of memory.

/// Offset of the next `headers"` in any case (where `headers` is asked for), or of an escape `\u00XX`
/// by which a key could hide, at or behind `at`.
pub(super) fn header_key_or_escape(body: &[u8], at: usize, headers: bool) -> Option<usize> {
    let mut from = at;
    loop {
        let found = next(body, from)?;
        if is_escape(&body[found..]) || (headers && is_header_key(&body[found..])) {
            return Some(found);
        }
        from = found + 1;
    }
}

fn is_header_key(text: &[u8]) -> bool {
    text.len() >= 8 && text[..7].eq_ignore_ascii_case(b"headers") && text[7] == b'"'
}

/// An escape of an ASCII character that a key may need: a letter, a digit, a hyphen.
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
        let found = from + memchr::memchr2(b'"', b'\\', &body[from..])?;
        if body[found] == b'\\' && body[found..].starts_with(b"\\u00") {
            return Some(found);
        }
        // A key that ends in `headers` is known by its closing quote.
        if body[found] == b'"' && found >= at + 7 && is_header_key(&body[found - 7..]) {
            return Some(found - 7);
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
    let (backslash, u, zero) = (all(b'\\'), all(b'u'), all(b'0'));
    while at + REACH <= body.len() {
        // SAFETY: `at + offset + 32 <= body.len()` for the offsets below; loads need no alignment.
        let load = |offset: usize| unsafe { _mm256_loadu_si256(body.as_ptr().add(at + offset).cast::<__m256i>()) };
        let first = load(0);
        let header = _mm256_and_si256(
            _mm256_and_si256(
                _mm256_cmpeq_epi8(_mm256_or_si256(first, small), h),
                _mm256_cmpeq_epi8(_mm256_or_si256(load(6), small), s),
            ),
            _mm256_cmpeq_epi8(load(7), quote),
        );
        let escape = _mm256_and_si256(
            _mm256_and_si256(_mm256_cmpeq_epi8(first, backslash), _mm256_cmpeq_epi8(load(1), u)),
            _mm256_and_si256(_mm256_cmpeq_epi8(load(2), zero), _mm256_cmpeq_epi8(load(3), zero)),
        );
        let mask = _mm256_movemask_epi8(_mm256_or_si256(header, escape));
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
        let signs = ["headers\"", "request_HeAders\"", "\\u0041", "headers", "h.....s\"", "\\u0430", "\\\\u00", "x"];
        for sign in signs {
            for pad in 0..80 {
                let text = format!("{}{sign}{}", ".".repeat(pad), "-".repeat(pad / 2));
                let found = header_key_or_escape(text.as_bytes(), 0, true);
                let mut scalar = 0;
                let slow = loop {
                    match next_scalar(text.as_bytes(), scalar) {
                        Some(at) if is_escape(&text.as_bytes()[at..]) || is_header_key(&text.as_bytes()[at..]) => {
                            break Some(at);
                        }
                        Some(at) => scalar = at + 1,
                        None => break None,
                    }
                };
                assert_eq!(found, slow, "{text}");
                let wanted = text.to_ascii_lowercase().find("headers\"").or(text.find("\\u0041"));
                assert_eq!(found, wanted, "{text}");
            }
        }
    }
}
