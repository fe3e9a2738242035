use super::*;
use crate::cli::import::input::Fault;

fn batch() -> Batch {
    Batch { first: 101, last: 110, body: vec![], faults: vec![(104, Fault::too_long(9))], position: 0 }
}

fn receipt() -> Receipt {
    serde_json::from_str(
        r#"{"batch":"b","accepted":5,"rejected":3,"duplicates":1,"remarks":{},"error_counts":{"invalid_json":2,"bad_id":1},
            "errors":[{"line":2,"code":"invalid_json","message":"no"},{"line":9,"code":"bad_id","message":"other"}]}"#,
    )
    .unwrap()
}

#[test]
fn totals_count_what_became_of_each_record() {
    let mut totals = Totals::default();
    totals.add(&batch(), &receipt());
    assert_eq!(totals, Totals { accepted: 5, duplicates: 1, rejected: 4 });
    // An answer given a second time stored nothing.
    totals.add(&batch(), &Receipt { replayed: true, ..receipt() });
    assert_eq!(totals, Totals { accepted: 5, duplicates: 7, rejected: 8 });
    assert_eq!(totals.to_string(), "5 accepted, 7 duplicates, 8 rejected");
}

#[test]
fn refusals_are_named_by_their_line_in_the_file() {
    let mut refusals = Refusals::default();
    refusals.add(&batch(), &receipt());
    let lines: Vec<_> = refusals.first.iter().map(|refusal| (refusal.line, refusal.code.as_str())).collect();
    assert_eq!(lines, [(102, "invalid_json"), (104, "line_too_long"), (109, "bad_id")]);
    let counts: Vec<_> = refusals.by_code.iter().map(|(code, count)| (code.as_str(), *count)).collect();
    assert_eq!(counts, [("bad_id", 1), ("invalid_json", 2), ("line_too_long", 1)]);
    for _ in 0..10 {
        refusals.add(&batch(), &receipt());
    }
    assert_eq!(refusals.first.len(), SHOWN_MAX);
}
