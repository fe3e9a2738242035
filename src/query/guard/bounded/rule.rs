//! How large the result of a function can become, from the sizes of its arguments.

use super::sizes::Arg;

/// Rule of one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::query::guard) enum Rule {
    /// `repeat(text, n)`.
    Repeat,
    /// `lpad(text, n, fill)`, `rpad`.
    Pad,
    /// All arguments one behind the other.
    Sum,
    /// `concat_ws(separator, …)`.
    SumSeparated,
    /// `replace(text, from, to)`.
    Replace,
    /// `regexp_replace(text, pattern, replacement, …)`.
    RegexpReplace,
    /// So many times the bytes of all arguments.
    Times(u64),
    /// `to_char(value, format)`: so many bytes for each byte of the format.
    Format(u64),
    /// `array_repeat(item, n)`.
    ArrayRepeat,
    /// `array_resize(list, n, item)`.
    ArrayResize,
    /// `array_replace_all(list, from, to)`.
    ArrayReplace,
    /// `array_to_string(list, separator, null)`.
    ArrayToString,
    /// `string_to_array(text, separator, null)`.
    StringToArray,
    /// `range(start, stop, step)`, `generate_series`.
    Range,
    /// Makes little, but puts its constant arguments beside every row.
    Input,
    /// Makes little, and takes time for each byte.
    Hash,
    /// Time, not memory: every item or character of one with every one of the other.
    Product,
}

/// The rule of the function `name`; `None` when it makes nothing large.
pub(in crate::query::guard) fn rule_of(name: &str) -> Option<Rule> {
    Some(match name {
        "repeat" => Rule::Repeat,
        "lpad" | "rpad" => Rule::Pad,
        "concat" | "overlay" | "array_concat" | "array_append" | "array_prepend" | "array_union" | "make_array" => {
            Rule::Sum
        }
        "concat_ws" => Rule::SumSeparated,
        "replace" => Rule::Replace,
        "regexp_replace" => Rule::RegexpReplace,
        "upper" | "lower" | "initcap" => Rule::Times(3),
        "translate" => Rule::Times(4),
        "reverse" | "decode" => Rule::Times(1),
        "encode" => Rule::Times(2),
        "to_char" => Rule::Format(64),
        "array_repeat" => Rule::ArrayRepeat,
        "array_resize" => Rule::ArrayResize,
        "array_replace" | "array_replace_n" | "array_replace_all" => Rule::ArrayReplace,
        "array_to_string" => Rule::ArrayToString,
        "string_to_array" => Rule::StringToArray,
        "range" | "generate_series" => Rule::Range,
        "levenshtein" | "array_has_all" | "array_has_any" => Rule::Product,
        "contains" | "starts_with" | "ends_with" | "strpos" | "split_part" | "substr_index" | "find_in_set"
        | "btrim" | "ltrim" | "rtrim" | "left" | "right" | "substr" | "ascii" | "bit_length" | "octet_length"
        | "character_length" | "cardinality" | "cosine_distance" | "inner_product" | "empty" | "flatten"
        | "map_extract" => Rule::Input,
        "digest" | "md5" | "sha224" | "sha256" | "sha384" | "sha512" => Rule::Hash,
        name if name.starts_with("array_") || name.starts_with("regexp_") || name == "arrays_zip" => Rule::Input,
        _ => return None,
    })
}

impl Rule {
    /// Whether the bound is what is made, not only an upper limit of it.
    pub(super) fn is_exact(self) -> bool {
        match self {
            Self::Repeat
            | Self::Pad
            | Self::Sum
            | Self::SumSeparated
            | Self::ArrayRepeat
            | Self::ArrayResize
            | Self::Range => true,
            Self::Replace
            | Self::RegexpReplace
            | Self::Times(_)
            | Self::Format(_)
            | Self::ArrayReplace
            | Self::ArrayToString
            | Self::StringToArray
            | Self::Input
            | Self::Hash
            | Self::Product => false,
        }
    }

    /// Whether the bound counts steps instead of bytes.
    pub(super) fn is_work(self) -> bool {
        self == Self::Product
    }

    /// Whether what is made is measured.
    pub(super) fn is_measured(self) -> bool {
        !matches!(self, Self::Product | Self::Input | Self::Hash)
    }

    /// Bytes (or steps) of the result in `row`, or more.
    pub(super) fn bound(self, args: &[Arg], row: usize) -> u64 {
        let bytes = |at: usize| args.get(at).map_or(0, |arg| arg.bytes(row));
        let count = |at: usize| args.get(at).map_or(0, |arg| arg.count(row));
        let times = |at: usize| {
            let wanted = args.get(at).and_then(|arg| arg.int(row)).unwrap_or(0);
            u64::try_from(wanted).unwrap_or(0)
        };
        let all = || args.iter().map(|arg| arg.bytes(row)).fold(0_u64, u64::saturating_add);
        match self {
            Self::Repeat => bytes(0).saturating_mul(times(1)),
            Self::Pad => {
                let width = if args.get(2).is_none_or(|fill| fill.is_ascii(row)) { 1 } else { 4 };
                bytes(0).saturating_add(times(1).saturating_mul(width))
            }
            Self::Sum | Self::Hash => all(),
            Self::SumSeparated => all().saturating_add(bytes(0).saturating_mul(args.len() as u64)),
            Self::Replace => {
                // An empty `from` is found between all characters.
                let found = bytes(0) / bytes(1).max(1) + 1;
                bytes(0).saturating_add(found.saturating_mul(bytes(2)))
            }
            Self::RegexpReplace => {
                // Each place may match the empty text; each `\1` repeats at most what matched.
                let groups = args.get(2).map_or(0, |text| text.occurrences(row, b'\\') + text.occurrences(row, b'$'));
                let literal = bytes(0).saturating_add(1).saturating_mul(bytes(2));
                literal.saturating_add(bytes(0).saturating_mul(groups + 1))
            }
            Self::Times(factor) => all().saturating_mul(factor).saturating_add(8),
            Self::Format(factor) => bytes(1).saturating_add(1).saturating_mul(factor),
            Self::ArrayRepeat => bytes(0).saturating_add(8).saturating_mul(times(1)),
            Self::ArrayResize => {
                let item = bytes(2).max(bytes(0) / count(0).max(1)).saturating_add(8);
                bytes(0).saturating_add(item.saturating_mul(times(1)))
            }
            Self::ArrayReplace => bytes(0).saturating_add(count(0).saturating_mul(bytes(2).saturating_add(8))),
            Self::ArrayToString => {
                let item = bytes(1).saturating_add(bytes(2)).saturating_add(32);
                bytes(0).saturating_add(count(0).saturating_mul(item))
            }
            Self::StringToArray => {
                let items = bytes(0) / bytes(1).max(1) + 1;
                bytes(0).saturating_add(items.saturating_mul(16_u64.saturating_add(bytes(2))))
            }
            Self::Input => args.iter().filter(|arg| arg.is_constant()).map(|arg| arg.bytes(row)).sum(),
            Self::Range => range_items(args, row).saturating_mul(8),
            Self::Product => count(0).saturating_mul(count(1)),
        }
    }
}

/// Items from start to stop; 0 where the function makes none or refuses the arguments.
fn range_items(args: &[Arg], row: usize) -> u64 {
    let position = |at: usize| args.get(at).and_then(|arg| arg.position(row));
    let (start, stop, step) = match args.len() {
        1 => (Some(0), position(0), Some(1)),
        2 => (position(0), position(1), Some(1)),
        _ => (position(0), position(1), position(2)),
    };
    let (Some(start), Some(stop), Some(step)) = (start, stop, step) else { return 0 };
    if step == 0 || (stop > start) != (step > 0) {
        return 0;
    }
    u64::try_from((stop - start) / step).unwrap_or(u64::MAX).saturating_add(1)
}
