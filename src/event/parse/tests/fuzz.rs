//! Bodies by chance: redaction, the parser, dead letters, and what replay makes of the same bytes.

use super::*;
use crate::config::{RedactLists, Redaction};
use crate::event::mapping::MappingFile;
use crate::fuzz::Target;

const SECRET: &str = "s3cr3t-canary";

fn interpretations() -> Vec<Interpretation> {
    let paths = ["card.number", "*.pin", "request_body.card", "a.*", "ключ"].map(String::from).to_vec();
    let rules = RedactRules::new(RedactLists { paths, ..Redaction::default().lists() }).unwrap();
    let wrapped = "wrapper = \"Records\"\nkeep_raw = true\n[columns]\nmodule = \"area\"\nevent_time = \"when\"\n\
                   object_before = { path = \"before\", parse_json = true }\nactor_id = { first_of = [\"user.id\", \"user.login\"] }\n";
    let file = MappingFile::parse(wrapped).unwrap();
    let mapped = crate::event::interpretation::Definition {
        redact: rules.clone(),
        ..crate::event::interpretation::Definition::native("m", rules.clone())
    };
    vec![Interpretation::native("test", rules), Interpretation::new(file.compile().unwrap(), mapped)]
}

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"event_id":"1","event_time":"2025-03-04T08:00:00Z","module":"orders","x":{"y":[1,2.5e3,null,true,"a\n"]}}"#,
        r#"{"request_headers":{"Authorization":"Bearer s3cr3t-canary","Accept":"*/*"},"card":{"number":"s3cr3t-canary"}}"#,
        r#"{"url":"/a?api_key=s3cr3t-canary&b=c","request_body":"{\"headers\":{\"cookie\":\"s3cr3t-canary\"},\"card\":1}"}"#,
        r#"{"headers":[{"name":"Cookie","value":"s3cr3t-canary"}],"rawHeaders":["x-api-key","s3cr3t-canary"]}"#,
        "{\"a\":1}\r\n{\"a\":{\"b\":2}}\r{\"\\u0061\":3}\n[1]\n42\n{broken cookie: s3cr3t-canary\n",
        r#"[{"object_before":{"a":1,"b":[1]},"object_after":{"a":2},"labels":{"a":"b"},"related":[{"type":"t","id":"1"}]},{}]"#,
        r#"{"Records":[{"area":"a","when":1741075200,"user":{"id":"7"},"before":"{\"a\":1}","pin":{"pin":"s3cr3t-canary"}}],"a":{"x":1}}"#,
        r#"{"attachments":[{"role":"r","name":"n","size":1}],"changes":[{"path":"p","op":"set","after":1}],"attributes":{"module":"x"}}"#,
        r#"{"sequence":9223372036854775807,"task_progress":12.5,"session_active":true,"http_status":"200","ключ":"s3cr3t-canary"}"#,
    ];
    texts.iter().flat_map(|text| [b'0', b'1', b'2', b'3'].map(|kind| [&[kind], text.as_bytes()].concat())).collect()
}

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\n",
    "\r",
    "\0",
    "null",
    "true",
    "-0",
    "1e400",
    "\\u0000",
    "\\ud800",
    "\\ud83d\\ude00",
    "\"headers\":",
    "\\\"headers\\\":",
    "\"cookie\":\"s3cr3t-canary\"",
    "?token=s3cr3t-canary",
    "&password=",
    "\"$redacted\":",
    "$redacted_",
    "\"card\":{\"number\":",
    "\"pin\":",
    "\"Records\":[",
    "\"attributes\":{",
    "\"event_id\":\"1\"",
    "\"module\":\"\"",
    "\u{feff}",
    "ż",
    "😀",
    "\"name\":\"Cookie\",\"value\":",
    "\"event_time\":",
    "99999-12-31T23:59:60Z",
    "{}\n",
    "[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
];

#[test]
fn bodies_by_chance_are_parsed_alike_twice_and_hide_their_secrets() {
    let interpretations = interpretations();
    let target = Target { name: "body", seeds: seeds(), words: WORDS };
    target.run(|input| {
        let (kind, body) = input.split_first().map_or((0, &[][..]), |(kind, body)| (*kind, body));
        let format = if kind & 1 == 0 { BodyFormat::Ndjson } else { BodyFormat::Json };
        one(&interpretations[usize::from(kind >> 1 & 1)], format, body);
    });
}

/// Whether the body, or each of its lines, is JSON.
fn is_json(body: &[u8], format: BodyFormat) -> bool {
    let parses = |text: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    match format {
        BodyFormat::Json => parses(body),
        BodyFormat::Ndjson => {
            body.split(|byte| *byte == b'\n').all(|line| line.trim_ascii().is_empty() || parses(line))
        }
    }
}

fn one(interpretation: &Interpretation, format: BodyFormat, sent: &[u8]) {
    let redactor = interpretation.redactor();
    let mut body = sent.to_vec();
    let redacted = redactor.redact(&mut body, format);
    assert!(body.len() <= sent.len() * 5 + 100, "{} bytes became {}", sent.len(), body.len());
    if is_json(sent, format) {
        let again = body.clone();
        assert_eq!((redactor.redact(&mut body, format), &body), (Default::default(), &again), "after {redacted:?}");
    }
    let limits = Limits { line_max: 10_000, events_max: 1_000 };
    let read =
        |body: &[u8], verdicts: Option<&Verdicts>| parse(body, format, interpretation, &context(), &limits, verdicts);
    let Ok(first) = read(&body, None) else { return };
    for rejected in first.rejected.iter().filter(|rejected| rejected.broken) {
        redactor.blank(&mut body[rejected.span.clone()], format);
    }
    let Ok(parsed) = read(&body, None) else { panic!("blanking made the body unreadable") };
    assert_eq!(parsed.records as usize, parsed.rows.len() + parsed.rejected.len());
    assert_eq!(parsed.row_records.len(), parsed.rows.len());
    let lines: Vec<_> = parsed.rejected.iter().map(|rejected| &body[rejected.span.clone()]).collect();
    for row in 0..parsed.rows.len() {
        if let Some(text) = Row(&parsed.rows, row).text("attributes") {
            serde_json::from_str::<serde::de::IgnoredAny>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        }
    }
    // What replay reads: every third record was refused, the rest comes back as it was.
    let mut verdicts = Verdicts::all_accepted();
    for rejected in &parsed.rejected {
        verdicts.set(rejected.record, Verdict::Rejected);
    }
    for record in parsed.row_records.iter().filter(|record| **record % 3 == 1) {
        verdicts.set(*record, Verdict::Duplicate);
    }
    let replayed = read(&body, Some(&verdicts)).unwrap();
    let kept: Vec<usize> = (0..parsed.rows.len()).filter(|row| parsed.row_records[*row] % 3 != 1).collect();
    assert_eq!(replayed.rows.len(), kept.len(), "{lines:?}");
    for (row, before) in kept.into_iter().enumerate() {
        for column in 0..crate::event::model::COLUMNS.len() {
            assert_eq!(Row(&replayed.rows, row).cell(column), Row(&parsed.rows, before).cell(column));
        }
    }
}

/// The secret in its places survives no change of what stands around it, as long as the whole is JSON.
#[test]
fn secrets_in_their_places_are_hidden_whatever_stands_around_them() {
    let interpretation = &interpretations()[0];
    let places = [
        format!(r#""request_headers":{{"Authorization":"{SECRET}"}}"#),
        format!(r#""x":{{"h\u0065aders":[{{"value":"{SECRET}","name":"c\u006fokie"}}]}}"#),
        format!(r#""card":{{"number":["{SECRET}"]}}"#),
        format!(r#""url":"/?a=b&api%5fkey={SECRET}""#),
        format!(r#""request_body":"{{\"headers\":{{\"x_api_key\":\"{SECRET}\"}}}}""#),
    ];
    let target = Target {
        name: "redact",
        seeds: seeds().into_iter().filter(|seed| !seed.windows(6).any(|part| part == b"s3cr3t")).collect(),
        words: WORDS,
    };
    target.run(|input| {
        let around: Vec<u8> = input.iter().copied().filter(|byte| *byte != b'\n').collect();
        let around = String::from_utf8_lossy(&around[1.min(around.len())..]).replace(SECRET, "");
        for place in &places {
            let (before, after) = around.split_at(around.floor_char_boundary(around.len() / 2));
            for body in [
                format!("{{{place},\"z\":{around}}}"),
                format!("{{\"z\":{around},{place}}}"),
                format!("{before}{place}{after}"),
            ] {
                let in_place = serde_json::from_str::<serde_json::Value>(&body).is_ok_and(|value| value.is_object());
                let mut bytes = body.clone().into_bytes();
                interpretation.redactor().redact(&mut bytes, BodyFormat::Ndjson);
                let text = String::from_utf8_lossy(&bytes);
                if in_place && !body.starts_with(before) {
                    assert!(!text.contains(SECRET), "{body}");
                    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
                }
            }
        }
    });
}
