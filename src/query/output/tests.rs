//! Which format a request gets.

use super::Format;
use crate::error::Report;

#[test]
fn formats_are_negotiated() {
    let cases = [
        (None, None, Ok(Format::Json)),
        (Some("*/*"), None, Ok(Format::Json)),
        (Some(""), None, Ok(Format::Json)),
        (Some("text/csv"), None, Ok(Format::Csv)),
        (Some("text/csv;q=0.5, application/x-ndjson"), None, Ok(Format::Ndjson)),
        (Some("image/png, application/vnd.apache.parquet;q=0.1"), None, Ok(Format::Parquet)),
        (Some("APPLICATION/VND.APACHE.ARROW.STREAM"), None, Ok(Format::Arrow)),
        (Some("text/html,application/xhtml+xml,*/*;q=0.8"), None, Ok(Format::Json)),
        (Some("text/csv;q=0"), None, Err("not_acceptable")),
        (Some("image/png"), None, Err("not_acceptable")),
        (Some("image/png"), Some("csv"), Ok(Format::Csv)),
        (None, Some("xml"), Err("unknown_format")),
    ];
    for (accept, format, wanted) in cases {
        let got = Format::negotiate(accept, format);
        assert_eq!(got.as_ref().map_err(Report::code), wanted.as_ref().map_err(|code| *code), "{accept:?} {format:?}");
    }
}
