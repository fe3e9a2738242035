use super::*;

fn identity() -> Identity {
    Identity {
        server: "http://localhost:7700/".into(),
        whose: "project shop".into(),
        hash: "00".repeat(16),
        mapping: Some("windows".into()),
        recipe: "ndjson 16777216".into(),
    }
}

fn state(next: u64) -> State {
    State { next, done: next > 100, totals: Totals { accepted: next - 1, duplicates: 0, rejected: 0 } }
}

#[test]
fn a_state_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let (mut file, found) = StateFile::open(dir.path(), identity()).unwrap();
    assert_eq!(found, None);
    for next in [5, 101] {
        file.save(&state(next)).unwrap();
    }
    drop(file);
    assert_eq!(StateFile::open(dir.path(), identity()).unwrap().1, Some(state(101)));
}

#[test]
fn every_part_of_the_identity_counts() {
    let dir = tempfile::tempdir().unwrap();
    StateFile::open(dir.path(), identity()).unwrap().0.save(&state(5)).unwrap();
    let others = [
        Identity { server: "http://other/".into(), ..identity() },
        Identity { whose: "project demo".into(), ..identity() },
        Identity { hash: "01".repeat(16), ..identity() },
        Identity { mapping: None, ..identity() },
        Identity { recipe: "json 16777216".into(), ..identity() },
    ];
    for other in others {
        assert_eq!(StateFile::open(dir.path(), other.clone()).unwrap().1, None, "{other:?}");
    }
    assert_eq!(StateFile::open(dir.path(), identity()).unwrap().1, Some(state(5)));
}

/// Torn at every byte, with every bit changed, of another version, of another import: never trusted.
#[test]
fn a_state_that_cannot_be_trusted_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let (mut file, _) = StateFile::open(dir.path(), identity()).unwrap();
    file.save(&state(5)).unwrap();
    let good = fs::read(&file.path).unwrap();
    for len in 0..good.len() {
        fs::write(&file.path, &good[..len]).unwrap();
        assert_eq!(file.read().unwrap(), None, "cut at {len}");
    }
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&file.path, &bad).unwrap();
        assert!(file.read().unwrap().is_none_or(|found| found == state(5)), "bit of byte {at}");
    }
    let text = String::from_utf8(good.clone()).unwrap();
    for (from, to) in [("\"version\":1", "\"version\":2"), ("\"next\":5", "\"next\":6"), ("shop", "demo")] {
        fs::write(&file.path, text.replace(from, to)).unwrap();
        assert_eq!(file.read().unwrap(), None, "{to}");
    }
    fs::write(&file.path, &good).unwrap();
    assert_eq!(file.read().unwrap(), Some(state(5)));
}

#[test]
fn two_runs_of_one_file_do_not_race() {
    let dir = tempfile::tempdir().unwrap();
    let first = StateFile::open(dir.path(), identity()).unwrap();
    assert!(matches!(StateFile::open(dir.path(), identity()), Err(CliError::Usage(_))));
    assert!(StateFile::open(dir.path(), Identity { mapping: None, ..identity() }).is_ok());
    drop(first);
    assert!(StateFile::open(dir.path(), identity()).is_ok());
}
