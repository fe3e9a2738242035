use std::collections::BTreeSet;

use super::*;
use crate::config::{ByteCount, Span};

fn letters(rules: config::DeadLetters) -> (tempfile::TempDir, DeadLetters) {
    let dir = tempfile::tempdir().unwrap();
    let letters = DeadLetters::new(dir.path().to_path_buf(), &rules);
    (dir, letters)
}

fn dead(line: u32, received_at: i64, text: &str) -> Dead {
    let text = text.to_owned();
    Dead { received_at, line, code: "invalid_json", text, key: None, mapping: None, source: None, cut: false }
}

fn ids(letters: &DeadLetters, project: &ProjectName) -> Vec<String> {
    let mut ids = Vec::new();
    letters
        .each(project, |letter, _| {
            ids.push(letter.id);
            ControlFlow::Continue(())
        })
        .unwrap();
    ids
}

fn size(dir: &Path) -> u64 {
    fs::read_dir(dir).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn lines_are_shown_until_they_are_done_with_or_too_old() {
    let rules = config::DeadLetters { retention: Span::secs(3_600), ..config::DeadLetters::default() };
    let (dir, letters) = letters(rules);
    let (project, now) = (ProjectName::default_project(), now_us());
    letters.write(
        &project,
        "a",
        &[dead(1, now, "x"), dead(2, now - 3_500_000_000, "y"), dead(3, now - 3_700_000_000, "old")],
    );
    letters.write(&project, "b", &[dead(1, now, "z")]);
    assert_eq!(ids(&letters, &project), ["a.1", "a.2", "b.1"]);
    letters.finish(&project, &["a.1".into()]).unwrap();
    assert_eq!(ids(&letters, &project), ["a.2", "b.1"]);
    // What a crash left half written hides nothing else.
    let path = dir.path().join("default.ndjson");
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"batch\":\"c\",\"rec\n").unwrap();
    assert_eq!(ids(&letters, &project), ["a.2", "b.1"]);
    assert!(letters.sweep(&project).unwrap() && !letters.sweep(&project).unwrap());
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(!text.contains("old") && !text.contains("done"), "{text}");
    assert_eq!(ids(&letters, &project), ["a.2", "b.1"]);
    letters.finish(&project, &["a.2".into(), "b.1".into()]).unwrap();
    letters.sweep(&project).unwrap();
    assert_eq!(size(dir.path()), 0);
}

#[test]
fn their_room_is_bounded_and_the_oldest_go_first() {
    let rules = config::DeadLetters { size_max: ByteCount(64 << 10), ..config::DeadLetters::default() };
    let (dir, letters) = letters(rules);
    let (project, text) = (ProjectName::default_project(), "x".repeat(1_000));
    for n in 0..200 {
        letters.write(&project, &format!("{n:03}"), &[dead(1, now_us(), &text)]);
        assert!(size(dir.path()) <= 64 << 10);
    }
    let shown = ids(&letters, &project);
    let newest: BTreeSet<String> = (0..200).rev().take(shown.len()).map(|n| format!("{n:03}.1")).collect();
    assert_eq!(shown.iter().cloned().collect::<BTreeSet<_>>(), newest);
    assert!(shown.len() > 28, "{}", shown.len());
}
