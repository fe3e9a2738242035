use super::*;
use crate::event::json::Scanner;
use crate::event::model::find;
use crate::event::plan::ValueTable;

const RECEIVED_AT: i64 = 1_750_000_000_000_000;

/// A plan in the making, in the words of a mapping.
struct Made(Plan);

impl Made {
    fn new() -> Self {
        Self(Plan::empty())
    }

    fn slot(&mut self, path: &str) -> u16 {
        self.0.slot(&path.split('.').map(String::from).collect::<Vec<_>>())
    }

    fn path(mut self, path: &str, column: &str) -> Self {
        let slot = self.slot(path);
        self.0.direct[slot as usize].push(Rule::plain(find(column).unwrap()));
        self
    }

    fn late(mut self, source: impl FnOnce(&mut Self) -> Late, column: &str) -> Self {
        let source = source(&mut self);
        self.0.late.push(LateRule { source, rule: Rule::plain(find(column).unwrap()) });
        self
    }

    /// The row of `line`: cells of text columns, `None` where empty.
    fn row(&self, line: &str, columns: &[&str]) -> (Vec<Option<String>>, Remarks) {
        let mut reader = Reader::new(&self.0);
        let record = reader.read(&mut Scanner::new(line.as_bytes(), 0), line.as_bytes()).unwrap();
        let document = Document::default();
        let around = Surroundings {
            plan: &self.0,
            project: "demo",
            source: "test",
            received_at: RECEIVED_AT,
            document: &document,
            overflow: false,
        };
        let (mut filler, mut rows) = (Filler::new(&self.0), Rows::default());
        filler.fill(&mut reader, line.as_bytes(), &record, &around, &mut rows);
        let text = |name: &&str| {
            let at = find(name).unwrap();
            rows.is_set(at).then(|| String::from_utf8(rows.current_text(at).to_vec()).unwrap())
        };
        (columns.iter().map(text).collect(), filler.remarks)
    }

    #[track_caller]
    fn check(&self, line: &str, want: &[(&str, Option<&str>)]) {
        let names: Vec<_> = want.iter().map(|(name, _)| *name).collect();
        let (cells, _) = self.row(line, &names);
        let cells: Vec<_> = names.iter().copied().zip(cells.iter().map(Option::as_deref)).collect();
        assert_eq!(cells, want, "{line}");
    }
}

#[test]
fn paths_reach_into_objects_and_leave_the_rest() {
    let plan = Made::new().path("user.id", "actor_id").path("user.name.full", "actor_name").path("x", "message");
    let line = r#"{"user":{"id":7,"age": 3,"name":{"full":"A B","nick":"a"}},"x":"m","y":{"z" : [1]}}"#;
    plan.check(
        line,
        &[
            ("actor_id", Some("7")),
            ("actor_name", Some("A B")),
            ("message", Some("m")),
            ("attributes", Some(r#"{"user":{"age":3,"name":{"nick":"a"}},"y":{"z":[1]}}"#)),
        ],
    );
    // What the columns hold leaves nothing behind; what is empty or no object stays.
    plan.check(r#"{"user":{"id":7,"name":{"full":"A"}}}"#, &[("attributes", None)]);
    plan.check(r#"{"user":{"id":7,"name":{ }}}"#, &[("attributes", Some(r#"{"user":{"name":{}}}"#))]);
    plan.check(r#"{"user":"u","x":null}"#, &[("actor_id", None), ("attributes", Some(r#"{"user":"u"}"#))]);
    plan.check(
        r#"{"user":{"id":1},"user":{"x":2}}"#,
        &[("actor_id", None), ("attributes", Some(r#"{"user":{"x":2}}"#))],
    );
}

#[test]
fn an_object_is_taken_whole_and_in_parts() {
    let plan = Made::new().path("order", "object_after").path("order.id", "object_id");
    plan.check(
        r#"{"order":{"id":"7","sum":1}}"#,
        &[("object_after", Some(r#"{"id":"7","sum":1}"#)), ("object_id", Some("7")), ("attributes", None)],
    );
    plan.check(
        r#"{"order":{"id":"7"},"order":{"sum":1}}"#,
        &[("object_after", Some(r#"{"sum":1}"#)), ("object_id", None), ("attributes", None)],
    );
}

#[test]
fn of_two_keys_for_a_column_the_first_counts_and_the_other_stays() {
    let plan = Made::new().path("a", "message").path("b", "message");
    plan.check(r#"{"b":"B","a":"A"}"#, &[("message", Some("B")), ("attributes", Some(r#"{"a":"A"}"#))]);
    plan.check(r#"{"a":"A"}"#, &[("message", Some("A")), ("attributes", None)]);
}

#[test]
fn late_rules_see_the_whole_record() {
    let first = |plan: &mut Made| Late::FirstOf(vec![plan.slot("a"), plan.slot("b")]);
    let plan = Made::new().late(first, "actor_id");
    plan.check(r#"{"b":"B","a":"A"}"#, &[("actor_id", Some("A")), ("attributes", Some(r#"{"b":"B"}"#))]);
    plan.check(r#"{"b":"B","a":null}"#, &[("actor_id", Some("B")), ("attributes", Some(r#"{"a":null}"#))]);
    plan.check(r#"{"b":"B","a":{}}"#, &[("actor_id", Some("B")), ("attributes", Some(r#"{"a":{}}"#))]);

    let joined = |plan: &mut Made| Late::Concat(vec![plan.slot("a"), plan.slot("b"), plan.slot("c")], "-".to_string());
    let plan = Made::new().late(joined, "correlation_id");
    plan.check(
        r#"{"c":3,"a":"A","b":null}"#,
        &[("correlation_id", Some("A-3")), ("attributes", Some(r#"{"c":3,"a":"A","b":null}"#))],
    );
    plan.check(r#"{"a":"","b":""}"#, &[("correlation_id", Some("-"))]);
    plan.check("{}", &[("correlation_id", None)]);

    let plan = Made::new().path("d", "dataset").late(|_| Late::Constant(b"logs".to_vec()), "dataset");
    plan.check("{}", &[("dataset", Some("logs"))]);
    plan.check(r#"{"d":"own"}"#, &[("dataset", Some("own"))]);
}

#[test]
fn related_objects_are_made_of_slots() {
    let template = |plan: &mut Made, path: &str, name: Option<&str>| RelatedTemplate {
        object_type: path.as_bytes().to_vec(),
        id: plan.slot(path),
        name: name.map_or(NONE, |name| plan.slot(name)),
        role: Some(b"parent".to_vec()),
    };
    let plan = Made::new().late(
        |plan| Late::Related(vec![template(plan, "customer", Some("customer_name")), template(plan, "site", None)]),
        "related",
    );
    plan.check(r#"{"site":9,"customer":"c","customer_name":"C","x":1}"#, &[("attributes", Some(r#"{"x":1}"#))]);
    plan.check(r#"{"customer_name":"C","site":{}}"#, &[("attributes", Some(r#"{"customer_name":"C","site":{}}"#))]);
}

#[test]
fn defaults_fill_what_is_empty_and_raw_is_the_record() {
    let mut plan = Made::new().path("t", "tenant_id").path("r", "raw");
    plan.0.defaults = vec![(TENANT_ID, b"t0".to_vec()), (MODULE, b"m0".to_vec())];
    plan.0.keep_raw = true;
    plan.check(
        r#"{"t" : null, "x":1}"#,
        &[("tenant_id", Some("t0")), ("module", Some("m0")), ("raw", Some(r#"{"t" : null, "x":1}"#))],
    );
    plan.check(r#"{"t":"own","r":"R"}"#, &[("tenant_id", Some("own")), ("raw", Some("R"))]);
}

#[test]
fn remarks_tell_what_was_unusable() {
    let mut plan = Made::new().path("t", "event_time").path("n", "sequence").path("m", "module");
    let slot = plan.slot("level");
    let mut rule = Rule::plain(find("severity_number").unwrap());
    rule.values = Some(ValueTable {
        map: [(b"info".to_vec(), b"9".to_vec())].into(),
        one_to_one: true,
        otherwise: None,
        only_listed: false,
    });
    plan.0.direct[slot as usize].push(rule);
    let remarks = |line: &str| plan.row(line, &[]).1;
    assert_eq!(remarks(r#"{"t":"2024-01-01T00:00:00Z","n":1,"m":"","level":"info"}"#), Remarks::default());
    let unusable = remarks(r#"{"t":"soon","n":1.5,"level":"odd","x":1,"x":2}"#);
    assert_eq!(
        unusable,
        Remarks { time_unusable: 1, value_unusable: 2, unknown_field: 1, duplicate_key: 1, ..Remarks::default() }
    );
    assert_eq!(remarks("{}"), Remarks { time_missing: 1, ..Remarks::default() });
    assert_eq!(unusable.by_kind().iter().map(|(_, count)| count).sum::<u64>(), 5);
}

#[test]
fn a_time_that_cannot_be_used_is_told_once_and_is_not_missing() {
    let unusable = Remarks { time_unusable: 1, ..Remarks::default() };
    let check = |plan: &Made, cases: &[(&str, Remarks)]| {
        for (line, want) in cases {
            assert_eq!(plan.row(line, &[]).1, *want, "{line}");
        }
    };
    let missing = Remarks { time_missing: 1, ..Remarks::default() };
    let keys = Made::new().path("t", "event_time").path("ts", "event_time");
    check(
        &keys,
        &[
            (r#"{"t":"soon"}"#, unusable),
            (r#"{"t":"soon","ts":"late"}"#, unusable),
            (r#"{"t":"soon","ts":"2024-01-01T00:00:00Z"}"#, unusable),
            (r#"{"t":null}"#, missing),
        ],
    );
    let first = Made::new().late(|made| Late::FirstOf(vec![made.slot("a"), made.slot("b")]), "event_time");
    check(&first, &[(r#"{"a":"soon","b":"late"}"#, unusable), (r#"{"a":null}"#, missing)]);
    let joined =
        Made::new().late(|made| Late::Concat(vec![made.slot("day"), made.slot("time")], "T".into()), "event_time");
    check(
        &joined,
        &[
            (r#"{"day":"2024-01-01","time":"00:00:00Z"}"#, Remarks::default()),
            (r#"{"day":"2024-01-01","time":"noon"}"#, unusable),
            ("{}", missing),
        ],
    );
}
