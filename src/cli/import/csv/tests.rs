use std::io::Cursor;

use super::*;

fn options(delimiter: Option<u8>, skip_empty: bool) -> Options {
    Options { record_max: 70, delimiter, skip_empty }
}

fn read(text: &[u8], options: &Options) -> Result<Vec<Result<String, &'static str>>, String> {
    let input = Box::new(Cursor::new(text.to_vec()));
    let mut records = CsvRecords::new(input, Position::default(), options).map_err(|error| error.to_string())?;
    let mut all = vec![];
    let mut out = vec![];
    while let Some(taken) = records.next(&mut out).map_err(|error| error.to_string())? {
        all.push(match taken {
            Taken::Record => Ok(String::from_utf8(std::mem::take(&mut out)).unwrap()),
            Taken::Fault(fault) => Err(fault.code),
        });
        assert!(out.is_empty());
    }
    Ok(all)
}

#[test]
fn cells_are_text_exactly() {
    let text = "id,name,note\n007,\"Zażółć, \"\"x\"\"\",\"two\nlines\\\t\"\r\n9223372036854775808,, \n";
    let want = [
        Ok(r#"{"id":"007","name":"Zażółć, \"x\"","note":"two\nlines\\\t"}"#.to_owned()),
        Ok(r#"{"id":"9223372036854775808","name":"","note":" "}"#.to_owned()),
    ];
    assert_eq!(read(text.as_bytes(), &options(None, false)).unwrap(), want);
    let sparse = read(b"a,b,c\n1,,3\n,,\n", &options(None, true)).unwrap();
    assert_eq!(sparse, [Ok(r#"{"a":"1","c":"3"}"#.to_owned()), Ok("{}".to_owned())]);
}

#[test]
fn the_delimiter_is_seen_in_the_header() {
    for (text, options) in [
        (&b"a;b\n1,5;2\n"[..], options(None, false)),
        (b"a\tb\n1,5\t2\n", options(None, false)),
        (b"a|b\n1,5|2\n", options(None, false)),
        (b"a!b\n1,5!2\n", options(Some(b'!'), false)),
    ] {
        assert_eq!(read(text, &options).unwrap(), [Ok(r#"{"a":"1,5","b":"2"}"#.to_owned())]);
    }
    assert_eq!(
        read(b"\"a;b;c\",d\n1,2\n", &options(None, false)).unwrap(),
        [Ok(r#"{"a;b;c":"1","d":"2"}"#.to_owned())]
    );
    assert_eq!(read(b"a\n1\n", &options(None, false)).unwrap(), [Ok(r#"{"a":"1"}"#.to_owned())]);
}

#[test]
fn rows_that_do_not_fit_are_left_out() {
    let long = "x".repeat(80);
    let text = [b"a,b\n1\n1,2,3\n\xff,2\n", long.as_bytes(), b",2\n5,6\n"].concat();
    let want = vec![
        Err("csv_cells"),
        Err("csv_cells"),
        Err("invalid_utf8"),
        Err("line_too_long"),
        Ok(r#"{"a":"5","b":"6"}"#.to_owned()),
    ];
    assert_eq!(read(&text, &options(None, false)).unwrap(), want);
}

#[test]
fn a_header_must_name_each_column_once() {
    assert_eq!(read(b"", &options(None, false)), Ok(vec![]));
    assert_eq!(read(b"a,b\n", &options(None, false)), Ok(vec![]));
    assert_eq!(
        read(b"a,b,a\n1,2,3\n", &options(None, false)),
        Err("the header names columns 1 and 3 both \"a\"".into())
    );
    assert_eq!(read(b"a,\xff\n1,2\n", &options(None, false)), Err("the header is not UTF-8 in column 2".into()));
}
