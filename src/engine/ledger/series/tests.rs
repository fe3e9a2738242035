use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn of(numbers: &[i64]) -> Series {
    let mut series = Series::default();
    for run in runs(numbers.to_vec()) {
        series.add(run, 100);
    }
    series
}

#[test]
fn what_is_missing_is_told_and_closed_when_it_comes() {
    let mut series = of(&[5, 6, 7, 10]);
    assert_eq!((series.span, series.gaps.clone(), series.missing()), (Some((5, 10)), vec![(8, 9)], 2));
    series.add((1, 2), 100);
    assert_eq!(series.gaps, [(3, 4), (8, 9)]);
    series.add((20, 20), 100);
    assert_eq!(series.gaps, [(3, 4), (8, 9), (11, 19)]);
    series.add((13, 15), 100);
    assert_eq!(series.gaps, [(3, 4), (8, 9), (11, 12), (16, 19)]);
    series.add((4, 17), 100);
    assert_eq!((series.gaps.clone(), series.missing()), (vec![(3, 3), (18, 19)], 3));
    // A number that comes twice changes nothing.
    let before = series.clone();
    series.add((5, 5), 100);
    assert_eq!(series, before);
}

#[test]
fn gaps_are_told_up_to_the_limit_and_counted_beyond() {
    let numbers: Vec<i64> = (0..=4).map(|n| n * 10).collect();
    for (limit, told, untold) in [(4, 4, 0), (3, 3, 9), (0, 0, 36)] {
        let mut series = Series::default();
        for run in runs(numbers.clone()) {
            series.add(run, limit);
        }
        assert_eq!((series.gaps.len(), series.untold, series.missing()), (told, untold, 36), "{limit}");
    }
}

#[test]
fn the_ends_of_the_numbers_do_no_harm() {
    let mut series = of(&[i64::MIN, i64::MAX]);
    assert_eq!(series.gaps, [(i64::MIN + 1, i64::MAX - 1)]);
    series.add((i64::MIN, i64::MAX), 100);
    assert_eq!((series.gaps.len(), series.missing()), (0, 0));
}

proptest! {
    #[test]
    fn the_gaps_are_what_a_set_says(batches in proptest::collection::vec(proptest::collection::vec(-40i64..40, 1..8), 1..12)) {
        let (mut series, mut seen) = (Series::default(), BTreeSet::new());
        for batch in batches {
            seen.extend(batch.iter().copied());
            for run in runs(batch) {
                series.add(run, 1_000);
            }
        }
        let (least, greatest) = (*seen.first().unwrap(), *seen.last().unwrap());
        let missing: Vec<i64> = (least..=greatest).filter(|number| !seen.contains(number)).collect();
        prop_assert_eq!(series.span, Some((least, greatest)));
        prop_assert_eq!(series.gaps.clone(), runs(missing.clone()));
        prop_assert_eq!(series.missing(), missing.len() as u64);
    }
}
