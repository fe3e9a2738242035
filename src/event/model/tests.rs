use super::*;

/// The table of `docs/model.md`, made of [`COLUMNS`].
fn document() -> String {
    let mut text = String::from(
        "# The table `events`\n\n\
         One row per event: these columns, then `date` (UTC date of `event_time`) and `_seq` (place in the total order).\n\
         Made from `src/event/model.rs`; `UPDATE_DOCS=1 cargo test --lib event::model` writes it anew.\n\n\
         | # | column | type | null | origin | meaning |\n|--:|---|---|---|---|---|\n",
    );
    for (at, column) in COLUMNS.iter().enumerate() {
        let origin = match column.origin {
            Origin::Wire => "sent",
            Origin::System => "set by the engine",
            Origin::Derived => "derived",
            Origin::WireOrDerived => "sent or derived",
        };
        let null = if column.nullable { "yes" } else { "no" };
        let (kind, meaning) = (column.kind.name(), column.meaning.replace('|', "\\|"));
        text += &format!("| {} | `{}` | {kind} | {null} | {origin} | {meaning} |\n", at + 1, column.name);
    }
    text
}

#[test]
fn the_document_is_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/model.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), document(), "run it with UPDATE_DOCS=1");
}

#[test]
fn the_columns_are_those_of_the_catalogue() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/catalog/model.json");
    let Ok(text) = std::fs::read(&path) else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the catalogue is not there");
        println!("SKIPPED: the catalogue is not there");
        return;
    };
    let catalogue: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let theirs = catalogue["columns"].as_array().unwrap();
    assert_eq!(theirs.len(), COLUMNS.len());
    for (ours, theirs) in COLUMNS.iter().zip(theirs) {
        assert_eq!(theirs["name"], ours.name);
        assert_eq!(theirs["nullable"], ours.nullable, "{}", ours.name);
        assert_eq!(theirs["group"], ours.group, "{}", ours.name);
        let arrow = theirs["arrow"].as_str().unwrap();
        assert_eq!(arrow.starts_with("Dict<"), ours.repeats, "{}", ours.name);
        let kind = match arrow {
            "Utf8 (JSON)" => Kind::Json,
            "Timestamp(us,UTC)" => Kind::Time,
            "Int32" => Kind::Int32,
            "Int64" => Kind::Int64,
            "Float32" => Kind::Float32,
            "Boolean" => Kind::Bool,
            "List<Utf8>" => Kind::TextList,
            "Map<Utf8,Utf8>" => Kind::TextMap,
            list if list.starts_with("List<Struct{type") => Kind::Related,
            list if list.starts_with("List<Struct{path") => Kind::Changes,
            list if list.starts_with("List<Struct{role") => Kind::Attachments,
            _ => Kind::Text,
        };
        assert_eq!(kind, ours.kind, "{}", ours.name);
    }
}
