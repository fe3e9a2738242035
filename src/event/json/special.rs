//! The innermost loop of the scanner: where a string ends, or does something special.

/// Offset of the next `"`, `\` or control character at or after `at`, or the length of `body`.
#[inline(always)]
pub(super) fn special(body: &[u8], at: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        special_sse2(body, at)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        special_scalar(body, at)
    }
}

fn special_scalar(body: &[u8], at: usize) -> usize {
    let rest = body.get(at..).unwrap_or_default();
    rest.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20).map_or(body.len(), |found| at + found)
}

/// Looks at 32 bytes in one step: most strings of events are shorter, so that the loop's one branch is
/// foreseen well.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn special_sse2(body: &[u8], mut at: usize) -> usize {
    const STEP: usize = 32;
    while at + STEP <= body.len() {
        // SAFETY: SSE2 is part of x86-64; both halves of the 32 bytes at `at` lie inside `body`.
        let mask = unsafe { mask16(body.as_ptr().add(at)) | mask16(body.as_ptr().add(at + STEP / 2)) << 16 };
        if mask != 0 {
            return at + mask.trailing_zeros() as usize;
        }
        at += STEP;
    }
    special_scalar(body, at)
}

/// One bit for each special byte among 16.
///
/// # Safety
/// 16 bytes can be read at `bytes`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn mask16(bytes: *const u8) -> u32 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };
    // SAFETY: the caller vouches for the bytes; the load needs no alignment, and SSE2 is part of x86-64.
    unsafe {
        let block = _mm_loadu_si128(bytes.cast());
        let control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
        let quote = _mm_cmpeq_epi8(block, _mm_set1_epi8(b'"'.cast_signed()));
        let backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8(b'\\'.cast_signed()));
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control)).cast_unsigned()
    }
}
