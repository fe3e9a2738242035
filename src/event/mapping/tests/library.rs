//! The library: shipped mappings, a directory of the user's, and what wins.

use std::fs;

use super::super::shipped::SHIPPED;
use super::super::{MappingError, MappingLibrary, Origin};
use crate::error::{Kind, Report};

const OWN: &str = "title = \"mine\"\n[columns]\nactor_id = \"who\"\n";

fn library() -> (tempfile::TempDir, MappingLibrary) {
    let dir = tempfile::tempdir().unwrap();
    let library = MappingLibrary::open(&dir.path().join("mappings")).unwrap();
    (dir, library)
}

#[test]
fn shipped_mappings_are_there_and_compile() {
    let (_dir, library) = library();
    let listed = library.list().unwrap();
    assert_eq!(listed.len(), SHIPPED.len());
    for entry in &listed {
        assert_eq!((entry.origin, &entry.problem), (Origin::Shipped, &None), "{}", entry.name);
        library.get(entry.name.as_str()).unwrap().compile().unwrap();
    }
    let names: Vec<&str> = listed.iter().map(|entry| entry.name.as_str()).collect();
    for source in
        ["cloudtrail", "windows", "kronika-bench", "idosell", "expertsender", "remonline", "getcourse", "voucherify"]
    {
        assert!(names.contains(&source), "{source}");
    }
}

#[test]
fn a_users_mapping_takes_the_place_of_a_shipped_one_until_it_is_deleted() {
    let (dir, library) = library();
    let before = library.generation();
    library.put("windows", OWN).unwrap();
    assert!(library.generation() > before);
    assert_eq!(library.get("windows").unwrap().title, "mine");
    assert_eq!(library.text("windows").unwrap(), OWN);
    let entry = library.list().unwrap().into_iter().find(|entry| entry.name.as_str() == "windows").unwrap();
    assert_eq!((entry.title.as_str(), entry.origin.to_string()), ("mine", "user".to_string()));
    // A later start finds it.
    let again = MappingLibrary::open(&dir.path().join("mappings")).unwrap();
    assert_eq!(again.get("windows").unwrap().title, "mine");
    assert_eq!(fs::read_dir(dir.path().join("mappings")).unwrap().count(), 1, "no temporary file stays behind");
    library.delete("windows").unwrap();
    assert_eq!(library.get("windows").unwrap().title, "Windows event log");
    let error = library.delete("windows").unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Conflict, "mapping_is_shipped"));
}

#[test]
fn a_wrong_mapping_changes_nothing() {
    let (_dir, library) = library();
    library.put("own", OWN).unwrap();
    for wrong in ["[columns]\nactor = \"x\"", "not toml", "[columns]\nmessage = { path = \"a\", scale = 2 }"] {
        assert_eq!(library.put("own", wrong).unwrap_err().code(), "invalid_mapping");
    }
    assert!(matches!(library.put("../own", OWN), Err(MappingError::Name(_))));
    assert_eq!(library.text("own").unwrap(), OWN);
}

#[test]
fn unknown_names_are_told_with_the_nearest() {
    let (_dir, library) = library();
    library.put("my_shop", OWN).unwrap();
    for (asked, nearest) in [("cloud-trail", Some("cloudtrail")), ("my_shops", Some("my_shop")), ("zzz", None)] {
        match library.get(asked).unwrap_err() {
            MappingError::NotFound { name, nearest: found } => {
                assert_eq!((name.as_str(), found.as_deref()), (asked, nearest))
            }
            other => panic!("{other}"),
        }
        assert_eq!(library.delete(asked).unwrap_err().code(), "mapping_not_found");
    }
}

#[test]
fn files_written_by_hand_are_found_and_faults_in_them_shown() {
    let (dir, library) = library();
    let own = dir.path().join("mappings");
    fs::create_dir_all(&own).unwrap();
    let before = library.generation();
    fs::write(own.join("hand.toml"), OWN).unwrap();
    fs::write(own.join("broken.toml"), "[columns]\nactr_id = \"a\"").unwrap();
    fs::write(own.join("README.md"), "no mapping").unwrap();
    assert_eq!(library.get("hand").unwrap().title, "mine");
    std::thread::sleep(std::time::Duration::from_millis(1_050));
    assert!(library.generation() > before, "the directory is looked at again after a second");
    let listed = library.list().unwrap();
    let broken = listed.iter().find(|entry| entry.name.as_str() == "broken").unwrap();
    assert_eq!(broken.problem.as_deref(), Some("columns.actr_id: the event model has no such column"));
    assert_eq!(listed.len(), SHIPPED.len() + 2);
}
