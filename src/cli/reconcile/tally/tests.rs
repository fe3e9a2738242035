use std::collections::HashSet;

use super::*;

fn row(id: &str, module: Option<&str>, content: u128) -> Row {
    Row {
        day: 20_000,
        tenant: "t".into(),
        source: "s".into(),
        dataset: "d".into(),
        module: module.map(str::to_owned),
        id: id.into(),
        key: id.bytes().fold(7, |key, byte| key * 31 + u128::from(byte)),
        content,
    }
}

fn tally(rows: &[Row]) -> Tally {
    let mut tally = Tally::default();
    rows.iter().for_each(|row| tally.take(row.clone()).unwrap());
    tally
}

/// Differences found in any number of slices.
fn found(here: &[Row], there: &[Row], slices: u64, limit: usize) -> Differences {
    let groups: HashSet<Group> = differing(&tally(here), &tally(there)).into_keys().collect();
    let mut all = Differences::default();
    for slice in 0..slices {
        let mut matcher = Matcher::new(groups.clone(), slice, slices);
        here.iter().for_each(|row| matcher.take(row.clone()).unwrap());
        let mut matcher = matcher.turn();
        there.iter().for_each(|row| matcher.take(row.clone()).unwrap());
        matcher.finish(limit, &mut all);
    }
    all
}

#[test]
fn order_does_not_matter_and_repetition_does() {
    let (a, b) = (row("a", None, 1 << 127), row("b", None, 5));
    assert!(differing(&tally(&[a.clone(), b.clone()]), &tally(&[b.clone(), a.clone()])).is_empty());
    // Twice the same would cancel out under XOR, and here nearly so.
    let twice = differing(&tally(&[a.clone(), a.clone()]), &tally(&[]));
    assert_eq!(twice.into_values().next().map(|(here, _)| (here.rows, here.content)), Some((2, 0)));
    // No module and a module of some name are two groups.
    assert_eq!(differing(&tally(&[row("a", None, 1)]), &tally(&[row("a", Some(""), 1)])).len(), 2);
}

#[test]
fn each_difference_is_found_once_in_any_number_of_slices() {
    let here = [row("same", None, 1), row("mine", None, 2), row("other", None, 3), row("again", None, 4)];
    let there = [row("same", None, 1), row("theirs", None, 2), row("other", None, 9), row("again", None, 4)];
    let there = [&there[..], &[row("again", None, 4)]].concat();
    for slices in [1, 2, 7] {
        let all = found(&here, &there, slices, 10);
        let list: Vec<(&str, Why)> = all.first.iter().map(|one| (one.id.as_str(), one.why)).collect();
        let wanted =
            [("again", Why::Repeated), ("mine", Why::OnlyHere), ("other", Why::Differs), ("theirs", Why::OnlyThere)];
        assert_eq!(list, wanted, "{slices}");
        assert_eq!(all.counts.into_values().collect::<Vec<_>>(), [1, 1, 1, 1]);
    }
    // The list ends at its limit, the counts do not.
    let few = found(&here, &there, 2, 1);
    assert_eq!((few.first.len(), few.counts.values().sum::<u64>()), (1, 4));
    // An event that moved to another module is the same event with other content.
    let moved = found(&[row("a", Some("x"), 1)], &[row("a", Some("y"), 2)], 1, 10);
    assert_eq!(moved.counts, BTreeMap::from([(Why::Differs, 1)]));
}
