use super::*;

/// An event: time, action, before, after, changes as (path, op, before, after).
fn step(time_us: i64, action: &str, before: &str, after: &str, changes: &[(&str, &str, &str, &str)]) -> Step {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let changes = changes
        .iter()
        .map(|(path, op, before, after)| Change::of_column(path, op, some(before).as_deref(), some(after).as_deref()));
    Step {
        time_us,
        event_id: format!("e{time_us}"),
        action: action.into(),
        failed: false,
        before: Node::parse(before),
        after: Node::parse(after),
        changes: changes.collect(),
    }
}

fn text(state: &State) -> String {
    Node::Object(state.object.clone()).text()
}

/// Paths with the time of the event that tells of them; `<` marks those known from a later one.
fn origins(state: &State, steps: &[Step]) -> Vec<String> {
    let told = |(path, origin): (&String, &Origin)| {
        format!("{path}{}{}", if origin.later { "<" } else { "=" }, steps[origin.step].time_us)
    };
    state.fields.iter().map(told).collect()
}

#[test]
fn a_life_is_folded_to_each_of_its_moments() {
    let steps = [
        step(10, "create", "", r#"{"id":7,"name":"A","tags":[1]}"#, &[]),
        step(20, "update", r#"{"name":"A"}"#, r#"{"name":"B","note":"x"}"#, &[]),
        step(30, "update", "", "", &[("price", "add", "", "12345678901234567890"), ("note", "remove", "\"x\"", "")]),
        step(40, "delete", r#"{"id":7,"name":"B","tags":[1],"price":12345678901234567890}"#, "", &[]),
        step(50, "restore", "", r#"{"id":7,"name":"B"}"#, &[]),
    ];
    let at = |time| fold(&steps, time);
    assert_eq!((at(9).status, text(&at(9)).as_str()), (Status::NotYet, "{}"));
    assert_eq!(
        (at(10).status, at(10).whole, text(&at(10)).as_str()),
        (Status::Exists, true, r#"{"id":7,"name":"A","tags":[1]}"#)
    );
    let second = at(29);
    assert_eq!(text(&second), r#"{"id":7,"name":"B","tags":[1],"note":"x"}"#);
    assert_eq!(origins(&second, &steps), ["id=10", "name=20", "note=20", "tags=10"]);
    let third = at(30);
    assert_eq!(text(&third), r#"{"id":7,"name":"B","tags":[1],"price":12345678901234567890}"#);
    assert!(third.whole && third.reasons.is_empty());
    let deleted = at(40);
    assert_eq!((deleted.status, deleted.whole), (Status::Deleted, true));
    assert_eq!(
        origins(&deleted, &steps),
        ["id=10", "name=20", "price=30", "tags=10"],
        "a snapshot that repeats a value tells nothing new"
    );
    let restored = at(99);
    assert_eq!((restored.status, text(&restored).as_str()), (Status::Exists, r#"{"id":7,"name":"B"}"#));
}

#[test]
fn what_is_not_known_is_filled_from_what_later_events_say_was_before() {
    let steps = [
        step(10, "update", "", "", &[("status", "set", "", "\"new\"")]),
        step(
            20,
            "update",
            "",
            "",
            &[("status", "replace", "\"new\"", "\"done\""), ("engineer", "replace", "\"I\"", "\"S\"")],
        ),
        step(30, "update", "", "", &[("engineer", "replace", "\"S\"", "\"T\""), ("total", "add", "", "5")]),
        step(40, "update", r#"{"phone":"1","total":5}"#, r#"{"phone":"2","total":5}"#, &[]),
    ];
    let first = fold(&steps, 10);
    assert_eq!((first.status, first.whole), (Status::Exists, false));
    assert_eq!(text(&first), r#"{"status":"new","engineer":"I","phone":"1"}"#);
    assert_eq!(origins(&first, &steps), ["engineer<20", "phone<40", "status=10"]);
    assert_eq!(first.reasons, ["no event up to this moment holds the whole object"]);
    let before = fold(&steps, 0);
    assert_eq!((before.status, text(&before).as_str()), (Status::Exists, r#"{"engineer":"I","phone":"1"}"#));
    assert_eq!(text(&fold(&steps, 30)), r#"{"status":"done","engineer":"T","total":5,"phone":"1"}"#);
}

#[test]
fn a_later_deletion_tells_the_whole_unless_something_happened_in_between() {
    let deletion = step(40, "delete", r#"{"a":2,"b":1}"#, "", &[]);
    let changed = step(20, "update", "", "", &[("a", "replace", "1", "2")]);
    let steps = [changed.clone(), deletion.clone()];
    let state = fold(&steps, 10);
    assert_eq!((state.whole, text(&state).as_str()), (true, r#"{"a":1,"b":1}"#));
    let silent = [changed, step(30, "update", "", "", &[]), deletion];
    let state = fold(&silent, 20);
    assert_eq!((state.whole, text(&state).as_str()), (false, r#"{"a":2,"b":1}"#));
    let state = fold(&silent, 30);
    assert_eq!((state.whole, state.reasons.len()), (false, 1), "{:?}", state.reasons);
}

#[test]
fn events_that_failed_or_say_nothing_do_not_pass_for_changes() {
    let mut failed = step(20, "update", "", r#"{"a":2}"#, &[]);
    failed.failed = true;
    let mut undeleted = step(30, "delete", r#"{"a":1}"#, "", &[]);
    undeleted.failed = true;
    let steps = [
        step(10, "create", "", r#"{"a":1}"#, &[]),
        failed,
        undeleted,
        step(40, "read", "", "", &[]),
        step(50, "update", "", "", &[]),
    ];
    let state = fold(&steps, 40);
    assert_eq!((state.status, state.whole, text(&state).as_str()), (Status::Exists, true, r#"{"a":1}"#));
    let state = fold(&steps, 50);
    assert_eq!((state.whole, state.reasons), (false, vec!["e50 changed it without saying what".to_owned()]));
    assert_eq!(fold(&[], 0).status, Status::Unknown);
    let bare = fold(&[step(1, "create", "", "", &[])], 1);
    assert_eq!(
        (bare.status, bare.whole, bare.reasons),
        (Status::Exists, false, vec!["the creation e1 has no snapshot".to_owned()])
    );
}

#[test]
fn changes_find_their_place_in_what_is_nested() {
    let whole = r#"{"params":{"run.block":{"amount":500}},"times":[{"id":17,"weekday":1},{"id":"x","weekday":2}],"list":[1,2]}"#;
    let steps = [
        step(1, "create", "", whole, &[]),
        step(
            2,
            "update",
            "",
            "",
            &[
                ("params.run.block.amount", "replace", "500", "100"),
                ("times.17.weekday", "replace", "1", "7"),
                ("times.x.weekday", "replace", "2", "0"),
                ("list.1", "replace", "2", "3"),
                ("list.2", "add", "", "4"),
                ("new.deep.path", "set", "", "true"),
            ],
        ),
        step(3, "update", "", "", &[("list.0", "remove", "1", ""), ("times.99.weekday", "set", "", "1")]),
    ];
    let state = fold(&steps, 2);
    let want = r#"{"params":{"run.block":{"amount":100}},"times":[{"id":17,"weekday":7},{"id":"x","weekday":0}],"list":[1,3,4],"new":{"deep":{"path":true}}}"#;
    assert_eq!((text(&state).as_str(), state.whole), (want, true));
    let state = fold(&steps, 3);
    assert!(text(&state).contains(r#""list":[3,4]"#), "{}", text(&state));
    assert_eq!(state.reasons, ["`times.99.weekday` has no place in the object that is known"]);
}
