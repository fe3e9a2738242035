use std::io::BufReader;

use super::*;

fn read(text: &[u8], buffer: usize, record_max: usize) -> Vec<Result<String, &'static str>> {
    let mut lines = Lines::new(BufReader::with_capacity(buffer, text), Position::default(), record_max);
    let mut all = vec![];
    let mut out = b"before".to_vec();
    while let Some(taken) = lines.next(&mut out).unwrap() {
        all.push(match taken {
            Taken::Record => Ok(String::from_utf8(out.split_off(6)).unwrap()),
            Taken::Fault(fault) => Err(fault.code),
        });
        assert_eq!(out, b"before");
    }
    all
}

#[test]
fn lines_end_at_line_breaks_only() {
    let ok = |texts: &[&str]| texts.iter().map(|text| Ok((*text).to_owned())).collect::<Vec<_>>();
    for buffer in [1, 2, 3, 7, 1024] {
        assert_eq!(read(b"", buffer, 10), ok(&[]));
        assert_eq!(read(b"a\nbc\n", buffer, 10), ok(&["a", "bc"]));
        assert_eq!(read(b"a\r\n\nbc", buffer, 10), ok(&["a", "", "bc"]));
        assert_eq!(read(b"\n\n", buffer, 10), ok(&["", ""]));
        assert_eq!(read("ż\u{2028}x\n".as_bytes(), buffer, 10), ok(&["ż\u{2028}x"]));
    }
}

#[test]
fn long_lines_are_left_out_and_the_next_is_found() {
    for buffer in [1, 3, 1024] {
        let text = b"1234\n12345\n123456789\r\n1234\r\n12345";
        let want = vec![
            Ok("1234".into()),
            Err("line_too_long"),
            Err("line_too_long"),
            Ok("1234".into()),
            Err("line_too_long"),
        ];
        assert_eq!(read(text, buffer, 4), want);
    }
}
