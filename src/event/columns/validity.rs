//! Which values of a column are there: a bitmap that exists only once something is missing.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

/// Validity of the values of one column; most columns in use have a value in every row.
#[derive(Debug, Default)]
pub(super) struct Validity {
    len: usize,
    nulls: usize,
    /// One bit a value, lowest first; empty while there are no nulls. Bits behind `len` are zero.
    words: Vec<u64>,
}

impl Validity {
    /// Appends one value that is there.
    #[inline]
    pub(super) fn push_valid(&mut self) {
        if self.nulls > 0 {
            let (word, bit) = (self.len / 64, self.len % 64);
            if bit == 0 {
                self.words.push(1);
            } else {
                self.words[word] |= 1 << bit;
            }
        }
        self.len += 1;
    }

    /// Appends `count` values that are missing.
    pub(super) fn push_nulls(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        self.materialize();
        self.nulls += count;
        self.len += count;
        self.words.resize(self.len.div_ceil(64), 0);
    }

    fn materialize(&mut self) {
        if self.nulls == 0 {
            self.words.clear();
            self.words.resize(self.len / 64, u64::MAX);
            if !self.len.is_multiple_of(64) {
                self.words.push((1 << (self.len % 64)) - 1);
            }
        }
    }

    /// Appends the bits of another column.
    pub(super) fn append(&mut self, other: &Self) {
        if self.nulls == 0 && other.nulls == 0 {
            self.len += other.len;
            return;
        }
        self.materialize();
        let shift = self.len % 64;
        self.words.resize((self.len + other.len).div_ceil(64), 0);
        for at in 0..other.len.div_ceil(64) {
            let bits = other.word(at);
            let word = self.len / 64 + at;
            self.words[word] |= bits << shift;
            if shift > 0 && bits >> (64 - shift) != 0 {
                self.words[word + 1] |= bits >> (64 - shift);
            }
        }
        self.len += other.len;
        self.nulls += other.nulls;
    }

    fn word(&self, at: usize) -> u64 {
        if self.nulls > 0 {
            return self.words[at];
        }
        let rest = self.len - at * 64;
        if rest >= 64 { u64::MAX } else { (1 << rest) - 1 }
    }

    /// Takes back all values from `len` on.
    pub(super) fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        self.len = len;
        if self.nulls > 0 {
            self.words.truncate(len.div_ceil(64));
            if let Some(last) = self.words.last_mut().filter(|_| !len.is_multiple_of(64)) {
                *last &= (1 << (len % 64)) - 1;
            }
            let valid: u32 = self.words.iter().map(|word| word.count_ones()).sum();
            self.nulls = len - valid as usize;
        }
    }

    /// Whether value `at` is there.
    pub(super) fn is_valid(&self, at: usize) -> bool {
        at < self.len && (self.nulls == 0 || self.words[at / 64] >> (at % 64) & 1 == 1)
    }

    /// Arrow's form of it.
    pub(super) fn finish(self) -> Option<NullBuffer> {
        if self.nulls == 0 {
            return None;
        }
        Some(NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(self.words), 0, self.len)))
    }
}

#[cfg(test)]
mod tests {
    use super::Validity;

    /// Pushes, appends and truncates at every border of a word, against plain booleans.
    #[test]
    fn bits_are_those_of_a_plain_list() {
        let build = |len: usize, every: usize| {
            let (mut validity, mut plain) = (Validity::default(), Vec::new());
            for at in 0..len {
                if every > 0 && at % every == every - 1 {
                    validity.push_nulls(1);
                    plain.push(false);
                } else {
                    validity.push_valid();
                    plain.push(true);
                }
            }
            (validity, plain)
        };
        for len in [0, 1, 63, 64, 65, 130] {
            for (left, right) in [(0, 0), (0, 3), (3, 0), (3, 7), (1, 0), (0, 1)] {
                for other_len in [0, 1, 63, 64, 65, 129] {
                    let (mut validity, mut plain) = build(len, left);
                    let (other, other_plain) = build(other_len, right);
                    validity.append(&other);
                    plain.extend(other_plain);
                    for cut in [plain.len(), plain.len().saturating_sub(1), len] {
                        validity.truncate(cut);
                        plain.truncate(cut);
                        assert!(
                            (0..plain.len()).all(|at| validity.is_valid(at) == plain[at]),
                            "{len} {other_len} {cut}"
                        );
                        validity.push_valid();
                        validity.push_nulls(2);
                        plain.extend([true, false, false]);
                    }
                    assert!((0..plain.len()).all(|at| validity.is_valid(at) == plain[at]));
                    let nulls = plain.iter().filter(|valid| !**valid).count();
                    let finished = validity.finish().unwrap();
                    assert_eq!((finished.len(), finished.null_count()), (plain.len(), nulls));
                    assert!((0..plain.len()).all(|at| finished.is_valid(at) == plain[at]));
                }
            }
        }
    }
}
