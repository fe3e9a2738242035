//! Statistics of a file's columns in little memory: a large table has them of tens of thousands of files.
//!
//! ```text
//! u16 × columns   place of each column's entry from the start, by position in the row schema; 0: it has none
//! entry           flags, number of NULLs, minimum, maximum
//! ```
//!
//! Numbers are LEB128, integers of statistics are zigzagged before; a text is its length and its bytes.

use super::super::version::{ColumnStats, StatValue};
use crate::event::leb128;

const HAS_MIN: u8 = 1;
const HAS_MAX: u8 = 2;
const IS_I32: u8 = 4;
const IS_TEXT: u8 = 8;
/// Bytes of a place.
const PLACE: usize = 2;

/// Statistics of the columns that have any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileStats(Box<[u8]>);

impl FileStats {
    /// Statistics of column `at` of the row schema.
    #[must_use]
    pub fn of(&self, at: usize) -> Option<ColumnStats> {
        if at >= self.columns() {
            return None;
        }
        let place = usize::from(u16::from_le_bytes(self.0.get(at * PLACE..)?.first_chunk().copied()?));
        let mut rest = self.0.get(place..).filter(|_| place > 0)?;
        let flags = u8::try_from(leb128::take(&mut rest)?).ok()?;
        let nulls = leb128::take(&mut rest)?;
        let mut bound = |has: u8| if flags & has == 0 { Some(None) } else { value(flags, &mut rest).map(Some) };
        Some(ColumnStats { column: at, min: bound(HAS_MIN)?, max: bound(HAS_MAX)?, nulls })
    }

    /// All of them, in the order of the row schema.
    pub fn iter(&self) -> impl Iterator<Item = ColumnStats> {
        (0..self.columns()).filter_map(|at| self.of(at))
    }

    /// Number of places: the first entry stands behind the last of them.
    fn columns(&self) -> usize {
        let mut places = self.0.chunks_exact(PLACE).map(|place| usize::from(u16::from_le_bytes([place[0], place[1]])));
        places.find(|place| *place > 0).map_or(0, |first| first / PLACE)
    }
}

impl FromIterator<ColumnStats> for FileStats {
    /// What does not fit into 64 KiB is left out: bounds that are not known are never wrong.
    fn from_iter<T: IntoIterator<Item = ColumnStats>>(columns: T) -> Self {
        let mut columns: Vec<ColumnStats> = columns.into_iter().collect();
        columns.sort_by_key(|stats| stats.column);
        let Some(last) = columns.last() else { return Self::default() };
        let mut packed = vec![0; (last.column + 1) * PLACE];
        for stats in &columns {
            let Some(place) = u16::try_from(packed.len()).ok().map(u16::to_le_bytes) else { break };
            packed[stats.column * PLACE..][..PLACE].copy_from_slice(&place);
            put(&mut packed, stats);
        }
        Self(packed.into())
    }
}

fn put(packed: &mut Vec<u8>, stats: &ColumnStats) {
    let bounds = [(HAS_MIN, &stats.min), (HAS_MAX, &stats.max)];
    let kind = bounds.iter().find_map(|(_, bound)| bound.as_ref()).map_or(0, kind_of);
    // A column has one type; a bound of another is none.
    let bounds = bounds.map(|(flag, bound)| (flag, bound.as_ref().filter(|bound| kind_of(bound) == kind)));
    let flags = bounds.iter().fold(kind, |flags, (flag, bound)| flags | if bound.is_some() { *flag } else { 0 });
    leb128::put(packed, u64::from(flags));
    leb128::put(packed, stats.nulls);
    for (_, bound) in bounds {
        match bound {
            None => {}
            Some(StatValue::I64(value)) => leb128::put(packed, zigzag(*value)),
            Some(StatValue::I32(value)) => leb128::put(packed, zigzag(i64::from(*value))),
            Some(StatValue::Text(text)) => {
                leb128::put(packed, text.len() as u64);
                packed.extend_from_slice(text.as_bytes());
            }
        }
    }
}

fn kind_of(value: &StatValue) -> u8 {
    match value {
        StatValue::I64(_) => 0,
        StatValue::I32(_) => IS_I32,
        StatValue::Text(_) => IS_TEXT,
    }
}

fn value(flags: u8, rest: &mut &[u8]) -> Option<StatValue> {
    let coded = leb128::take(rest)?;
    if flags & IS_TEXT == 0 {
        let integer = (coded >> 1).cast_signed() ^ -(coded & 1).cast_signed();
        return Some(if flags & IS_I32 == 0 {
            StatValue::I64(integer)
        } else {
            StatValue::I32(integer.try_into().ok()?)
        });
    }
    let (text, after) = rest.split_at_checked(usize::try_from(coded).ok()?)?;
    *rest = after;
    Some(StatValue::Text(str::from_utf8(text).ok()?.to_owned()))
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[cfg(test)]
mod tests;
