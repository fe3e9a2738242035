use proptest::prelude::*;

use super::*;

#[test]
fn module_name_rejects_bad_input() {
    let long = "a".repeat(ModuleName::MAX_LEN + 1);
    let cases: &[(&str, &str, ModuleNameError)] = &[
        ("no characters", "", ModuleNameError::Empty),
        ("one byte too long", &long, ModuleNameError::TooLong(129)),
        ("NUL", "a\0b", ModuleNameError::ControlChar { found: '\0', at: 1 }),
        ("every byte escaped", &"%".repeat(ModuleName::MAX_LEN), ModuleNameError::TooLongEscaped),
        ("directory of no module", NULL_PARTITION, ModuleNameError::Reserved),
    ];
    for (what, input, want) in cases {
        assert_eq!(ModuleName::try_from(*input).as_ref(), Err(want), "{what}: {input:?}");
    }
    for input in ["a", "Zażółć gęślą", "a/../b", &long[1..], &"ж".repeat(64)] {
        assert!(ModuleName::try_from(input).is_ok(), "{input:?}");
    }
}

#[test]
fn project_name_rejects_bad_input() {
    let long = "a".repeat(ProjectName::MAX_LEN + 1);
    let cases: &[(&str, ProjectNameError)] = &[
        ("", ProjectNameError::Empty),
        (&long, ProjectNameError::TooLong(64)),
        ("-a", ProjectNameError::BadChar { found: '-', at: 0 }),
        ("A", ProjectNameError::BadChar { found: 'A', at: 0 }),
        ("a/b", ProjectNameError::BadChar { found: '/', at: 1 }),
        ("_other", ProjectNameError::BadChar { found: '_', at: 0 }),
    ];
    for (input, want) in cases {
        assert_eq!(ProjectName::try_from(*input).as_ref(), Err(want), "{input:?}");
    }
    for input in ["a", "0-a", "default", "_audit", &long[1..]] {
        assert!(ProjectName::try_from(input).is_ok(), "{input:?}");
    }
}

proptest! {
    #[test]
    fn directories_come_back_as_the_names_they_were_made_of(name in "\\PC{1,40}") {
        let dir = partition_dir("module", Some(&name));
        prop_assert!(!dir["module=".len()..].contains(['/', '=']));
        prop_assert_eq!(partition_value("module", &dir), Some(Some(name)));
    }

    #[test]
    fn two_names_never_share_a_directory(a in "[%2Fa/=\\PC]{1,6}", b in "[%2Fa/=\\PC]{1,6}") {
        prop_assume!(a != b);
        prop_assert_ne!(partition_dir("module", Some(&a)), partition_dir("module", Some(&b)));
    }
}

#[test]
fn names_by_chance_have_directories_of_their_own() {
    let seeds = [
        "orders",
        "a/b=c%25",
        "..",
        "Zażółć gęślą jaźń",
        "%2F",
        "date=2025-01-01",
        NULL_PARTITION,
        "_audit",
        "e\u{301}é",
    ];
    let words =
        ["/", "%", "=", "\\", ".", "\u{0}", "\u{85}", "%2F", "😀", "\u{202e}", "module=", "{}[]^'\"#*:?", "A", " "];
    let known = std::cell::RefCell::new(std::collections::HashMap::<String, String>::new());
    let seeds = seeds.iter().map(|name| name.as_bytes().to_vec()).collect();
    crate::fuzz::Target { name: "names", seeds, words: &words }.run(|input| {
        let name = String::from_utf8_lossy(input);
        let dir = partition_dir("module", Some(&name));
        assert!(!dir.contains('/') && !dir.contains('\0'), "{dir:?}");
        assert_eq!(ModuleName::check(&name).is_ok(), ModuleName::try_from(&*name).is_ok());
        if ModuleName::check(&name).is_ok() {
            assert!(dir.len() <= ModuleName::MAX_DIRECTORY_LEN);
            assert_eq!(partition_value("module", &dir), Some(Some(name.to_string())));
            let mut known = known.borrow_mut();
            if known.len() > 100_000 {
                known.clear();
            }
            let first = known.entry(dir).or_insert_with(|| name.to_string());
            assert_eq!(*first, name, "two names share a directory");
        }
        let _ = partition_value("module", &name);
        if let Ok(project) = ProjectName::try_from(&*name) {
            assert_eq!(project.as_str(), name);
            assert!(!name.contains(['/', '.', '\\', '\0']) && name.len() <= ProjectName::MAX_LEN);
        }
    });
}
