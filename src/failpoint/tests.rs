use super::*;

#[test]
fn what_is_armed_acts_at_its_calls_only() {
    let armed = parse("wal.written=error:28@2; state.write=error:5@2+; wal.write=error:1@2-3").expect("is well formed");
    let codes = |name: &str| -> Vec<Option<i32>> {
        (0..4).map(|_| act(&armed, name).err().and_then(|error| error.raw_os_error())).collect()
    };
    assert_eq!(codes("wal.written"), [None, Some(28), None, None]);
    assert_eq!(codes("state.write"), [None, Some(5), Some(5), Some(5)]);
    assert_eq!(codes("wal.write"), [None, Some(1), Some(1), None]);
    assert_eq!(codes("flush.ids"), [None; 4]);
    assert!(parse("").expect("nothing is nothing").is_empty());
}

#[test]
fn what_arms_nothing_is_refused_with_the_names() {
    for text in [
        "wal.written",
        "no.such=abort",
        "wal.written=die",
        "wal.written=error:x",
        "wal.written=abort@x",
        "wal.written=error:",
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.contains("table.committed") && error.contains(text), "{error}");
    }
}

/// Every point of the list stands in the sources, once, and every one there is in the list.
#[test]
fn the_list_is_what_the_sources_have() {
    fn walk(dir: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).expect("sources are there") {
            let path = entry.expect("is listed").path();
            if path.is_dir() {
                walk(&path, found);
            } else if !path.to_string_lossy().contains("failpoint") {
                let text = std::fs::read_to_string(&path).expect("is text");
                for call in ["failpoint::pass(\"", "failpoint::at(\""] {
                    found.extend(text.split(call).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort_unstable();
    let mut known: Vec<String> = POINTS.iter().map(|name| (*name).to_owned()).collect();
    known.sort_unstable();
    assert_eq!(found, known);
}
