use super::*;

fn globs(patterns: &[&str]) -> ModuleGlobs {
    let globs: Vec<ModuleGlob> = patterns.iter().map(|text| ModuleGlob::try_from(*text).unwrap()).collect();
    ModuleGlobs::new(&globs).unwrap()
}

#[test]
fn patterns_match_whole_names() {
    let cases: &[(&[&str], &str, bool)] = &[
        (&["orders"], "orders", true),
        (&["orders"], "orders2", false),
        (&["orders"], "my-orders", false),
        (&["orders"], "Orders", false),
        (&["pay*"], "payments", true),
        (&["pay*"], "pay", true),
        (&["pay*"], "xpay", false),
        (&["*_logs"], "sms_logs", true),
        (&["a?c"], "abc", true),
        (&["a?c"], "ac", false),
        (&["a?c"], "aжc", true),
        (&["a.c"], "abc", false),
        (&["a.c"], "a.c", true),
        (&["(a|b)"], "a", false),
        (&["(a|b)"], "(a|b)", true),
        (&[r"\*"], "*", true),
        (&[r"\*"], "x", false),
        (&[r"a\\b"], r"a\b", true),
        (&["a|b"], "a", false),
        (&["orders", "pay*"], "payments", true),
        (&["orders", "pay*"], "orders", true),
        (&["orders", "pay*"], "users", false),
        (&["*"], "anything at all", true),
    ];
    for (patterns, module, want) in cases {
        assert_eq!(globs(patterns).matches(module), *want, "{patterns:?} {module}");
    }
}

#[test]
fn bad_patterns_are_refused() {
    let long = "a".repeat(ModuleGlob::MAX_LEN + 1);
    let cases = [
        ("", GlobError::Empty),
        (long.as_str(), GlobError::TooLong(long.len())),
        ("a\\", GlobError::DanglingEscape),
        ("a\\\\\\", GlobError::DanglingEscape),
    ];
    for (text, want) in cases {
        assert_eq!(ModuleGlob::try_from(text), Err(want), "{text}");
    }
    assert!(ModuleGlob::try_from(&long[1..]).is_ok());
    assert!(ModuleGlob::try_from("a\\\\").is_ok());
}
