//! Mapping files by chance: refused with a reason, or usable and the same once written down.

use super::{LIMITS, RECEIVED_AT};
use crate::event::interpretation::{Definition, Interpretation};
use crate::event::mapping::{MappingFile, MappingName};
use crate::event::parse::{BodyFormat, Context, parse};
use crate::event::redact::RedactRules;
use crate::fuzz::Target;

const SEED: &str = r#"title = "Orders"
source = "shop"
zone = "Europe/Warsaw"
wrapper = "orders"
keep_raw = true
attributes = "more"

[columns]
event_id = "id"
event_time = { path = "created", formats = ["%d.%m.%Y %H:%M", "rfc3339"] }
module = { constant = "orders" }
event_type = { concat = ["kind", "state"], separator = "." }
actor_id = { first_of = ["user.id", { path = "user.login", lower = true }] }
severity_number = { path = "level", values = { info = 9, error = 17 }, only_listed = true }
duration_ns = { path = "took_ms", scale = 1000000 }
object_before = { path = "before", parse_json = true }
client_address = ["http.client", "ip"]

[[related]]
type = "customer"
id = "customer.id"
role = "customer"
"#;

const WORDS: &[&str] = &[
    "=",
    "\"",
    "{",
    "}",
    "[",
    "]",
    "\n",
    ".",
    "''",
    "path = ",
    "constant = ",
    "first_of = [",
    "concat = [",
    "values = {",
    "default = \"x\"",
    "otherwise = 1",
    "scale = 1e308",
    "scale = 0",
    "scale = -1",
    "formats = [\"%Q\"]",
    "formats = [\"epoch_ns\"]",
    "\"%\"",
    "zone = \"Mars\"",
    "items = {",
    "lower = true",
    "parse_json = true",
    "only_listed = true",
    "module",
    "attributes",
    "raw = ",
    "event_time",
    "related",
    "changes = ",
    "labels = ",
    "\"\"",
    "\"..\"",
    "\"a..b\"",
    "1970-01-01",
    "inf",
    "nan",
    "9223372036854775808",
    "[columns]\n",
    "[[related]]\n",
    "\\u0000",
    "ż",
];

const BODY: &str = r#"{"orders":[{"id":1,"created":"04.03.2025 08:00","kind":"a","state":"b","user":{"id":7,"login":"X"},"level":"info",
"took_ms":1.5,"before":"{\"a\":1}","http.client":{"ip":"::1"},"customer":{"id":"c"},"more":{"x":1}},{}],"of":"all"}"#;

#[test]
fn mappings_by_chance_are_refused_or_usable() {
    let shipped = ["windows", "cloudtrail", "voucherify", "idosell"].map(|name| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("mappings/{name}.toml"));
        std::fs::read(path).unwrap()
    });
    let seeds = shipped.into_iter().chain([SEED.as_bytes().to_vec()]).collect();
    Target { name: "mapping", seeds, words: WORDS }.run(|input| {
        let text = String::from_utf8_lossy(input);
        let _ = MappingName::try_from(text.lines().next().unwrap_or(""));
        let file = match MappingFile::parse(&text) {
            Ok(file) => file,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return;
            }
        };
        let Ok(plan) = file.compile() else { return };
        let canonical = file.canonical();
        let again = MappingFile::parse(&canonical).unwrap_or_else(|error| panic!("{error}\n{canonical}"));
        assert_eq!(again.canonical(), canonical);
        let definition =
            Definition { mapping_toml: Some(canonical), ..Definition::native("x", RedactRules::default()) };
        let interpretation = Interpretation::new(plan, definition);
        let context = Context { project: "test", received_at: RECEIVED_AT, mint: None };
        for format in [BodyFormat::Json, BodyFormat::Ndjson] {
            if let Ok(mut parsed) =
                parse(BODY.replace('\n', "").as_bytes(), format, &interpretation, &context, &LIMITS, None)
            {
                parsed.rows.number(1);
                drop(parsed.rows.finish());
            }
        }
    });
}
