//! Mappings that cannot work are refused with the key concerned and what would do.

use super::super::{KeyPath, MappingFile, MappingName};
use crate::error::{Kind, Report};

/// The error of `text`, with its hint behind an arrow.
#[track_caller]
fn refusal(text: &str) -> String {
    let Err(error) = MappingFile::parse(text).and_then(|file| file.compile()) else { panic!("was accepted:\n{text}") };
    assert_eq!((error.kind(), error.code()), (Kind::Invalid, "invalid_mapping"), "{text}");
    match error.hint() {
        Some(hint) => format!("{error} -> {hint}"),
        None => error.to_string(),
    }
}

#[track_caller]
fn check(rule: &str, want: &str) {
    assert_eq!(refusal(&format!("[columns]\n{rule}\n")), want, "{rule}");
}

#[test]
fn wrong_form_is_named_by_line_and_key() {
    let cases = [
        ("title = 5", "line 1, title: invalid type: integer `5`, expected a string"),
        (
            "titel = \"x\"",
            "line 1: unknown field `titel`, expected one of `title`, `description`, `source`, `dataset`, `tenant_id`, `zone`, `wrapper`, `keep_raw`, `columns`, `related`",
        ),
        (
            "[columns]\nactor_id = { path = \"a\", pth = 1 }",
            "line 2, columns.actor_id: unknown field `pth`, expected one of `path`, `first_of`, `concat`, `separator`, `constant`, `default`, `values`, `otherwise`, `only_listed`, `lower`, `parse_json`, `scale`, `formats`, `zone`, `items`",
        ),
        (
            "[columns]\nactor_id = 5",
            "line 2, columns.actor_id: invalid type: integer `5`, expected a path (\"a.b\" or [\"a\", \"b\"]) or a table such as { path = \"a.b\", default = \"x\" }",
        ),
        (
            "[columns]\nactor_id = \"a..b\"",
            "line 2, columns.actor_id: the path `a..b` has an empty key; for keys that contain dots write a list: [\"a.b\", \"c\"]",
        ),
        ("[columns]\nactor_id = []", "line 2, columns.actor_id: a path needs at least one key"),
        (
            "[columns]\nduration_ns = { path = \"a\", scale = \"x\" }",
            "line 2, columns.duration_ns.scale: invalid type: string \"x\", expected i64",
        ),
        ("[[related]]\nid = \"x\"", "line 1, related: missing field `type`"),
    ];
    for (text, want) in cases {
        assert_eq!(refusal(text), want);
    }
    assert!(refusal("[columns\n").starts_with("line 1: "), "{}", refusal("[columns\n"));
}

#[test]
fn columns_must_exist_and_be_the_senders() {
    check("actor_idd = \"a\"", "columns.actor_idd: the event model has no such column -> did you mean `actor_id`?");
    check(
        "zzz = \"a\"",
        "columns.zzz: the event model has no such column -> fields without a column need no rule: they are kept in attributes",
    );
    for column in ["observed_time", "object_refs", "changed_fields"] {
        let want =
            format!("columns.{column}: the engine fills this column itself; a value sent for it is kept in attributes");
        check(&format!("{column} = \"a\""), &want);
    }
}

#[test]
fn functions_must_fit_the_column() {
    let cases = [
        ("message = { path = \"a\", scale = 2 }", "columns.message: a column of text has no `scale`"),
        ("message = { path = \"a\", parse_json = true }", "columns.message: a column of text has no `parse_json`"),
        ("message = { path = \"a\", formats = [\"epoch\"] }", "columns.message: a column of text has no `formats`"),
        ("message = { path = \"a\", items = { id = \"x\" } }", "columns.message: a column of text has no `items`"),
        ("http_status = { path = \"a\", lower = true }", "columns.http_status: a column of integers has no `lower`"),
        ("http_status = { concat = [\"a\"] }", "columns.http_status: a column of integers has no `concat`"),
        ("object_after = { path = \"a\", default = \"x\" }", "columns.object_after: a column of JSON has no `default`"),
        ("event_time = { constant = \"x\" }", "columns.event_time: a column of time has no `constant`"),
        ("labels = { path = \"a\", values = { a = \"b\" } }", "columns.labels: a column of maps has no `values`"),
        (
            "changes = { path = \"a\", parse_json = true }",
            "columns.changes: a column of lists of objects has no `parse_json`",
        ),
        ("task_progress = { path = \"a\", scale = 2 }", "columns.task_progress: a column of floats has no `scale`"),
        (
            "session_active = { path = \"a\", scale = 2 }",
            "columns.session_active: a column of truth values has no `scale`",
        ),
    ];
    for (rule, want) in cases {
        check(rule, want);
    }
}

#[test]
fn rules_must_make_sense() {
    let cases = [
        ("message = {}", "nothing says where the value comes from: give path, first_of, concat or constant"),
        ("message = { path = \"a\", constant = \"b\" }", "both `path` and `constant` say where the value comes from"),
        ("message = { first_of = [{ constant = \"b\" }] }", "`constant` cannot stand inside first_of"),
        (
            "message = { first_of = [{ lower = true }] }",
            "nothing says where the value comes from: give path, first_of, concat or constant",
        ),
        ("message = { concat = [\"a\"], lower = true }", "`lower` does nothing to a concat"),
        ("message = { constant = \"a\", default = \"b\" }", "`default` does nothing to a constant"),
        ("message = { path = \"a\", separator = \"-\" }", "`separator` needs `concat`"),
        ("message = { path = \"a\", only_listed = true }", "`only_listed` needs `values`"),
        (
            "message = { path = \"a\", values = { a = \"b\" }, otherwise = \"c\", only_listed = true }",
            "`otherwise` and `only_listed` contradict each other",
        ),
        (
            "message = { path = \"a\", lower = true, values = { A = \"b\", a = \"c\" } }",
            "`values` gives two replacements for \"a\", which are the same once letters are small",
        ),
        ("duration_ns = { path = \"a\", scale = 0 }", "scale is 0: it must be 1 or more"),
        ("http_status = { path = \"a\", default = \"x\" }", "the column cannot hold \"x\": it takes 32-bit integers"),
        (
            "http_status = { path = \"a\", values = { a = 3_000_000_000 } }",
            "the column cannot hold \"3000000000\": it takes 32-bit integers",
        ),
        ("session_active = { constant = 1 }", "the column cannot hold \"1\": it takes true and false"),
        ("module = { constant = \"\" }", "the column cannot hold \"\": it takes names of modules"),
        (
            "event_id = { path = \"a\", default = \"x\" }",
            "the column cannot hold \"x\": an id that many events share tells no event",
        ),
        (
            "related = { path = \"a\", items = { nme = \"x\" } }",
            "items of this column have no field `nme`; they have type, id, name, role",
        ),
        (
            "attributes = { path = \"a\", parse_json = true }",
            "attributes takes a path only, and one that no other rule uses",
        ),
    ];
    for (rule, want) in cases {
        let column = rule.split_once(' ').unwrap().0;
        check(rule, &format!("columns.{column}: {want}"));
    }
    check(
        "attributes = \"a\"\nactor_id = \"a\"",
        "columns.attributes: attributes takes a path only, and one that no other rule uses",
    );
    check(
        "attributes = \"a\"\nactor_id = { first_of = [\"a\"] }",
        "columns.attributes: attributes takes a path only, and one that no other rule uses",
    );
    check(
        "related = \"a\"\n[[related]]\ntype = \"t\"\nid = \"b\"",
        "related: `related` comes either from columns.related or from [[related]]",
    );
}

#[test]
fn times_name_known_zones_and_forms() {
    let format =
        "is no time format: rfc3339, epoch, epoch_s, epoch_ms, epoch_us, epoch_ns, or a pattern such as %d.%m.%Y %H:%M";
    check("event_time = { path = \"a\", formats = [\"iso\"] }", &format!("columns.event_time: \"iso\" {format}"));
    check("event_time = { path = \"a\", formats = [\"%Q\"] }", &format!("columns.event_time: \"%Q\" {format}"));
    check(
        "event_time = { path = \"a\", formats = [\"%H:%M\"] }",
        "columns.event_time: the pattern \"%H:%M\" does not give a full date",
    );
    check(
        "event_time = { path = \"a\", zone = \"Europe/Warszawa\" }",
        "columns.event_time: there is no time zone \"Europe/Warszawa\" -> did you mean `Europe/Warsaw`?",
    );
    assert_eq!(refusal("zone = \"Mars\""), "zone: there is no time zone \"Mars\"");
    for good in ["%Y-%m-%d", "%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %H:%M:%S%.f", "%s"] {
        let text = format!("[columns]\nevent_time = {{ path = \"a\", formats = [\"{good}\"] }}");
        MappingFile::parse(&text).unwrap().compile().unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn what_stands_above_the_columns_is_checked() {
    assert_eq!(refusal("wrapper = \"[]\""), "wrapper: must not be empty");
    assert_eq!(refusal("dataset = \"\""), "dataset: must not be empty");
    assert_eq!(refusal("[[related]]\ntype = \"\"\nid = \"x\""), "related[0].type: must not be empty");
    for text in ["wrapper = \"Records\"", "wrapper = \"Records[]\""] {
        assert_eq!(MappingFile::parse(text).unwrap().compile().unwrap().wrapper.unwrap(), b"Records");
    }
}

#[test]
fn a_mapping_has_a_largest_size() {
    let long = format!("description = \"{}\"", "x".repeat(MappingFile::MAX_LEN));
    let error = MappingFile::parse(&long).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::TooLarge, "mapping_too_large"));
    let many: String =
        (0..5_000).fold("[columns]\nmessage = { first_of = [".to_string(), |text, at| text + &format!("\"k{at}\","));
    let error = MappingFile::parse(&(many + "] }")).unwrap().compile().unwrap_err();
    assert_eq!(error.to_string(), "the mapping names 5000 paths, more than 4096");
}

#[test]
fn names_leave_no_room_for_paths() {
    let long = "a".repeat(64);
    for bad in ["", "-a", "_a", "A", "a.b", "a/b", "..", "ż", &long] {
        assert!(MappingName::try_from(bad).is_err(), "{bad:?}");
    }
    for good in ["a", "0", "kronika-bench", "a_b-c", &long[1..]] {
        assert_eq!(MappingName::try_from(good).unwrap().as_str(), good);
    }
}

#[test]
fn paths_have_at_most_so_many_keys() {
    let keys = |count: usize| vec!["k".to_string(); count];
    assert!(KeyPath::try_from(keys(KeyPath::MAX_DEPTH)).is_ok());
    assert!(KeyPath::try_from(keys(KeyPath::MAX_DEPTH + 1)).is_err());
    for bad in ["", ".", "a.", ".a", "a..b"] {
        assert!(KeyPath::try_from(bad).is_err(), "{bad:?}");
    }
}
