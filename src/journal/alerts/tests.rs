use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::access::{Caller, KeyId, Meter, Scope};
use crate::config::{self, Quota, Span};
use crate::error::Report;
use crate::event::names::ProjectName;
use crate::query::{Restriction, RowRules};

/// A minute in ms.
const MINUTE: i64 = 60_000;

fn new(more: Value) -> NewAlert {
    let mut all = json!({"name": "Many failures", "filter": {"outcome": "failure"}, "by": ["module"], "condition": {"op": ">=", "value": 3},
        "channels": [{"type": "webhook", "url": "https://hooks.example.com/x", "secret": "0123456789abcdef"}]});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn rule(more: Value) -> AlertRule {
    let alert = new(more);
    AlertRule {
        id: "r".into(),
        owner: "k".into(),
        owner_name: "key".into(),
        revision: 1,
        created_ms: 0,
        updated_ms: 0,
        alert,
    }
}

fn group(module: &str) -> Map<String, Value> {
    json!({"module": module}).as_object().unwrap().clone()
}

fn measured(values: &[(&str, f64)]) -> Measured {
    values.iter().map(|(module, value)| (group(module), Some(*value))).collect()
}

/// Kinds of what changed, and the modules that it changed for.
fn kinds(changes: &[Change]) -> Vec<(NoticeKind, &str)> {
    changes
        .iter()
        .map(|change| (change.kind, change.group.get("module").and_then(Value::as_str).unwrap_or("")))
        .collect()
}

#[test]
fn an_episode_fires_once_and_is_resolved_once() {
    let (rule, mut state) = (rule(json!({})), RuleState::default());
    let mut at = |minute: i64, values: &[(&str, f64)]| advance(&rule, &mut state, minute * MINUTE, &measured(values));
    assert!(at(1, &[("orders", 2.0)]).is_empty(), "one below the line");
    let fired = at(2, &[("orders", 3.0), ("couriers", 9.0)]);
    assert_eq!(kinds(&fired), [(NoticeKind::Firing, "orders"), (NoticeKind::Firing, "couriers")]);
    assert!(at(3, &[("orders", 5.0), ("couriers", 9.0)]).is_empty(), "it is told already");
    let resolved = at(4, &[("orders", 0.0), ("couriers", 9.0)]);
    assert_eq!(kinds(&resolved), [(NoticeKind::Resolved, "orders")]);
    assert_eq!(resolved[0].episode, fired[0].episode);
    assert_eq!(kinds(&at(5, &[])), [(NoticeKind::Resolved, "couriers")], "a group that is gone is resolved");
    let again = at(6, &[("orders", 3.0)]);
    assert_eq!(kinds(&again), [(NoticeKind::Firing, "orders")]);
    assert_ne!(again[0].episode, fired[0].episode, "another episode");
    assert_eq!(state.status(true), Status::Firing);
    assert_eq!(state.history.len(), 5);
    let ids: std::collections::BTreeSet<&str> =
        state.history.iter().map(|line| line["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 5, "each line has an id of its own");
}

#[test]
fn what_is_worked_out_again_has_the_same_ids() {
    let rule = rule(json!({"repeat": "1m"}));
    let (mut one, mut other) = (RuleState::default(), RuleState::default());
    for minute in 1..4 {
        for state in [&mut one, &mut other] {
            advance(&rule, state, minute * MINUTE, &measured(&[("orders", 3.0)]));
        }
    }
    assert_eq!(one, other);
    assert!(!one.notices.is_empty());
}

#[test]
fn a_line_must_be_crossed_for_so_long() {
    let (rule, mut state) = (rule(json!({"for": "2m"})), RuleState::default());
    let mut at =
        |minute: i64, value: f64| kinds(&advance(&rule, &mut state, minute * MINUTE, &measured(&[("a", value)]))).len();
    assert_eq!([at(1, 3.0), at(2, 3.0)], [0, 0]);
    assert_eq!([at(3, 2.0), at(4, 3.0), at(5, 3.0), at(6, 3.0)], [0, 0, 0, 1], "it begins anew after a pause");
    assert_eq!(at(7, 3.0), 0);
}

#[test]
fn what_goes_on_is_told_again_where_that_is_wanted() {
    let (rule, mut state) = (rule(json!({"repeat": "2m"})), RuleState::default());
    let mut told = Vec::new();
    for minute in 1..=6 {
        told.extend(
            advance(&rule, &mut state, minute * MINUTE, &measured(&[("a", 3.0)])).iter().map(|change| change.kind),
        );
        state.notices.clear();
    }
    assert_eq!(told, [NoticeKind::Firing, NoticeKind::Repeat, NoticeKind::Repeat]);
    assert_eq!(state.history.len(), 1, "repeats are no history");
}

#[test]
fn an_answer_without_a_value_means_what_the_rule_says() {
    let nothing: Measured = vec![(Map::new(), None)];
    let some: Measured = vec![(Map::new(), Some(9.0))];
    for (no_data, want) in [
        ("ok", vec![NoticeKind::Firing, NoticeKind::Resolved]),
        ("keep", vec![NoticeKind::Firing]),
        ("alert", vec![NoticeKind::Firing, NoticeKind::Resolved, NoticeKind::NoData]),
    ] {
        let rule = rule(json!({"by": [], "metric": "avg", "of": "duration_ns", "no_data": no_data}));
        let mut state = RuleState::default();
        let mut seen: Vec<NoticeKind> = Vec::new();
        for (minute, found) in [(1, &some), (2, &nothing), (3, &nothing)] {
            seen.extend(advance(&rule, &mut state, minute * MINUTE, found).iter().map(|change| change.kind));
        }
        assert_eq!(seen, want, "{no_data}");
        let status = [("ok", Status::Ok), ("keep", Status::Firing), ("alert", Status::NoData)];
        assert_eq!(state.status(true), status.iter().find(|(name, _)| *name == no_data).unwrap().1);
        let back = advance(&rule, &mut state, 4 * MINUTE, &vec![(Map::new(), Some(1.0))]);
        assert_eq!(back.len(), usize::from(no_data != "ok"), "{no_data}: {back:?}");
    }
}

#[test]
fn a_group_that_has_too_few_events_goes_on_when_it_has_none() {
    let (rule, mut state) = (rule(json!({"condition": {"op": "<", "value": 2}})), RuleState::default());
    let mut at =
        |minute: i64, values: &[(&str, f64)]| advance(&rule, &mut state, minute * MINUTE, &measured(values)).len();
    assert_eq!(at(1, &[("a", 5.0)]), 0);
    assert_eq!(at(2, &[("a", 1.0)]), 1);
    assert_eq!(at(3, &[]), 0, "0 is below 2 as well");
    assert_eq!(at(4, &[("a", 2.0)]), 1);
}

#[test]
fn what_nobody_was_told_of_is_not_resolved_either() {
    let rule = rule(json!({}));
    let mut state = RuleState::default();
    advance(&rule, &mut state, MINUTE, &measured(&[("a", 3.0)]));
    assert_eq!(state.notices.len(), 1);
    advance(&rule, &mut state, 2 * MINUTE, &measured(&[]));
    assert!(state.notices.is_empty(), "held back over the whole episode");
    assert_eq!(state.history.len(), 2, "history has it all the same");
    // Told: then its end is told as well.
    advance(&rule, &mut state, 3 * MINUTE, &measured(&[("a", 3.0)]));
    state.notices.clear();
    advance(&rule, &mut state, 4 * MINUTE, &measured(&[]));
    assert_eq!(state.notices.iter().map(|notice| notice.kind).collect::<Vec<_>>(), [NoticeKind::Resolved]);
}

#[test]
fn ticks_are_made_up_for_up_to_a_bound() {
    let every = Span::secs(60);
    assert_eq!(due_ticks(every, None, 90_000), [60_000], "a new rule begins with the last tick");
    assert_eq!(due_ticks(every, Some(60_000), 119_999), [0_i64; 0]);
    assert_eq!(due_ticks(every, Some(60_000), 120_000), [120_000]);
    assert_eq!(due_ticks(every, Some(60_000), 250_000), [120_000, 180_000, 240_000]);
    let long = due_ticks(every, Some(0), 1_000 * 60_000);
    assert_eq!((long.len(), long[0], long[99]), (100, 901 * 60_000, 1_000 * 60_000));
    assert!(due_ticks(every, Some(600_000), 120_000).is_empty(), "a clock that went back asks nothing twice");
}

fn ms(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

#[test]
fn quiet_hours_follow_the_clocks_of_their_zone() {
    let night: Quiet = serde_json::from_value(json!({"tz": "Europe/Warsaw", "from": "22:00", "to": "07:00"})).unwrap();
    night.check().unwrap();
    let cases = [
        ("2025-01-15T20:59:59Z", false),
        ("2025-01-15T21:00:00Z", true),
        ("2025-01-16T05:59:59Z", true),
        ("2025-01-16T06:00:00Z", false),
        // In summer everything is an hour earlier in UTC.
        ("2025-07-15T19:59:59Z", false),
        ("2025-07-15T20:00:00Z", true),
        ("2025-07-16T05:00:00Z", false),
        // The night to 30 March 2025 has no 02:00 to 03:00: it is quiet for eight hours.
        ("2025-03-29T21:00:00Z", true),
        ("2025-03-30T04:59:59Z", true),
        ("2025-03-30T05:00:00Z", false),
        // The night to 26 October 2025 has that hour twice: ten hours.
        ("2025-10-25T20:00:00Z", true),
        ("2025-10-26T00:30:00Z", true),
        ("2025-10-26T01:30:00Z", true),
        ("2025-10-26T05:59:59Z", true),
        ("2025-10-26T06:00:00Z", false),
    ];
    for (at, quiet) in cases {
        assert_eq!(night.holds(ms(at)), quiet, "{at}");
    }
    // The days are those on which it begins: Friday's night ends on Saturday.
    let fridays = Quiet { days: Some(vec![5]), ..night.clone() };
    assert!(fridays.holds(ms("2025-01-17T22:00:00Z")) && fridays.holds(ms("2025-01-18T03:00:00Z")));
    assert!(!fridays.holds(ms("2025-01-17T03:00:00Z")) && !fridays.holds(ms("2025-01-18T22:00:00Z")));
    let lunch = Quiet { from: "12:00".into(), to: "13:00".into(), ..night.clone() };
    assert!(lunch.holds(ms("2025-01-15T11:30:00Z")) && !lunch.holds(ms("2025-01-15T12:00:00Z")));
    for wrong in [
        json!({"tz": "Europe/Atlantis", "from": "22:00", "to": "07:00"}),
        json!({"tz": "UTC", "from": "25:00", "to": "07:00"}),
        json!({"tz": "UTC", "from": "07:00", "to": "07:00"}),
        json!({"tz": "UTC", "from": "22:00", "to": "07:00", "days": []}),
        json!({"tz": "UTC", "from": "22:00", "to": "07:00", "days": [8]}),
    ] {
        let quiet: Quiet = serde_json::from_value(wrong.clone()).unwrap();
        assert_eq!(quiet.check().unwrap_err().code(), "invalid_alert", "{wrong}");
    }
}

#[test]
fn questions_look_at_their_window_and_not_at_alerts() {
    let question = Question::new(&rule(json!({"window": "10m"})), 20 * MINUTE, 7, &[]).unwrap();
    assert!(
        question.sql.contains("GROUP BY \"module\" LIMIT 8") && question.sql.contains("count(*) AS value"),
        "{}",
        question.sql
    );
    assert!(question.sql.contains("observed_time >= $alert_from") && question.sql.contains("dataset = 'alerts'"));
    assert_eq!((question.from.as_str(), question.to.as_str()), ("1970-01-01T00:10:00Z", "1970-01-01T00:20:00Z"));
    let by_event = Question::new(&rule(json!({"clock": "event", "by": []})), MINUTE, 7, &[]).unwrap();
    assert!(by_event.sql.contains("event_time >= $alert_from") && !by_event.sql.contains("GROUP BY"));
    let of = rule(json!({"metric": "sum", "of": "attributes.cart.it's"}));
    let sum = Question::new(&of, MINUTE, 7, &[]).unwrap();
    assert!(sum.sql.contains("sum(TRY_CAST((attributes->'cart'->>'it''s') AS DOUBLE))"), "{}", sum.sql);
    let mut own = rule(json!({}));
    (own.alert.filter, own.alert.sql) =
        (None, Some("SELECT 1 AS value WHERE $to > '2020' AND '$from' <> $from_day".into()));
    let own = Question::new(&own, MINUTE, 7, &[]).unwrap();
    assert!(own.values.keys().all(|name| ["from", "to"].contains(&name.as_str())), "{:?}", own.values);
    assert!(own.values.contains_key("to"));
}

fn mailer(host: Option<&str>) -> Mailer {
    let from = Some("Kronika <kronika@shop.example>".to_owned());
    Mailer::new(&config::Smtp {
        host: host.map(str::to_owned),
        from,
        tls: config::SmtpTls::None,
        ..config::Smtp::default()
    })
    .unwrap()
}

#[test]
fn alerts_that_cannot_be_are_refused() {
    let (settings, mailer) = (config::Alerts::default(), mailer(Some("localhost")));
    let limits = Limits { settings: &settings, mailer: &mailer };
    let check = |more: Value| new(more).check(limits, 0);
    check(json!({})).unwrap();
    check(json!({"every": "10s", "window": "10s", "for": "31d", "repeat": "10s"})).unwrap();
    check(json!({"metric": "distinct", "of": "actor_id"})).unwrap();
    check(json!({"metric": "max", "of": "attributes.cart_value"})).unwrap();
    check(json!({"channels": [{"type": "email", "to": ["a@b.example", "Anna <anna@b.example>"]}]})).unwrap();
    for (wrong, part) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "a\nb"}), "name"),
        (json!({"name": "n".repeat(201)}), "name"),
        (json!({"sql": "SELECT 1 AS value"}), "filter"),
        (json!({"by": ["attributes"]}), "by"),
        (json!({"by": ["changes"]}), "by"),
        (json!({"by": ["module", "source", "action", "dataset", "outcome"]}), "by"),
        (json!({"metric": "sum"}), "of"),
        (json!({"of": "duration_ns"}), "of"),
        (json!({"metric": "sum", "of": "attributes."}), "of"),
        (json!({"every": "9999ms"}), "every"),
        (json!({"every": "6m"}), "window"),
        (json!({"window": "32d"}), "window"),
        (json!({"repeat": "59s"}), "repeat"),
        (json!({"quiet": {"tz": "Nowhere", "from": "1:00", "to": "2:00"}}), "quiet"),
        (json!({"channels": [{"type": "webhook", "url": "https://a.example", "secret": "short"}]}), "secret"),
        (json!({"channels": [{"type": "email", "to": []}]}), "to"),
        (json!({"channels": [{"type": "email", "to": ["a@b.example\r\nBcc: c@d.example"]}]}), "to"),
        (json!({"channels": vec![json!({"type": "email", "to": ["a@b.example"]}); 11]}), "channels"),
    ] {
        let error = check(wrong.clone()).expect_err(&wrong.to_string());
        assert!(matches!(&error, AlertError::Invalid { part: found, .. } if *found == part), "{wrong}: {error}");
    }
    assert_eq!(check(json!({"filter": {"modul": "x"}})).unwrap_err().code(), "unknown_filter");
    let none = self::mailer(None);
    let limits = Limits { settings: &settings, mailer: &none };
    let error = new(json!({"channels": [{"type": "email", "to": ["a@b.example"]}]})).check(limits, 0).unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("smtp.host")), ("mail_not_set_up", true));
}

#[test]
fn templates_are_alerts() {
    let (settings, mailer) = (config::Alerts::default(), mailer(None));
    for template in templates() {
        let asked = json!({"template": template.id, "name": "Mine"}).as_object().unwrap().clone();
        let made = with_template(asked).unwrap();
        let alert: NewAlert =
            serde_json::from_value(Value::Object(made)).unwrap_or_else(|error| panic!("{}: {error}", template.id));
        assert_eq!(alert.name, "Mine");
        alert
            .check(Limits { settings: &settings, mailer: &mailer }, 0)
            .unwrap_or_else(|error| panic!("{}: {error}", template.id));
    }
    let wrong = json!({"template": "nothing"}).as_object().unwrap().clone();
    assert!(with_template(wrong).unwrap_err().to_string().contains("task_failed"));
    let other = json!({"template": "task_failed", "sql": "SELECT 1 AS value"}).as_object().unwrap().clone();
    let other = with_template(other).unwrap();
    assert!(!other.contains_key("filter") && !other.contains_key("by") && other.contains_key("condition"));
}

#[test]
fn notices_say_what_they_are_about_on_lines_of_their_own() {
    let rule = rule(json!({"name": "Failures"}));
    let mut state = RuleState::default();
    let sly: Measured =
        vec![(json!({"module": "x\r\nBcc: everybody@b.example"}).as_object().unwrap().clone(), Some(4.0))];
    advance(&rule, &mut state, MINUTE, &sly);
    let notice = &state.notices[0];
    assert!(!notice.subject(&rule).contains(['\r', '\n']), "{}", notice.subject(&rule));
    assert!(notice.text(&rule, "shop").lines().all(|line| !line.starts_with("Bcc")));
    let document = notice.document(&rule, "shop");
    assert_eq!(document["status"], "firing");
    assert_eq!((&document["value"], &document["condition"]["op"]), (&json!(4.0), &json!(">=")));
    assert!(!document.to_string().contains("0123456789abcdef"), "no secret");
}

fn caller(key: &str, scope: Scope, restricted: bool) -> Caller {
    let restriction = restricted.then(|| {
        Arc::new(Restriction::new(RowRules { tenant_ids: Some(vec!["a".into()]), ..RowRules::default() }, &[]))
    });
    Caller {
        key: KeyId::from(key),
        name: key.into(),
        project: None,
        scopes: vec![scope],
        mapping: None,
        source: None,
        restriction,
        meter: Arc::new(Meter::new(crate::access::Whose::Key, Quota::default())),
        ended: CancellationToken::new(),
    }
}

#[test]
fn rules_are_kept_with_their_state() {
    let dir = tempfile::tempdir().unwrap();
    let settings = config::Alerts { rules_max: 2, delay: Span::secs(0), ..config::Alerts::default() };
    let store = Alerts::new(dir.path(), &settings);
    let (anna, boris, restricted, admin) = (
        caller("anna", Scope::Query, false),
        caller("boris", Scope::Query, false),
        caller("rita", Scope::Query, true),
        caller("root", Scope::Admin, false),
    );
    let project = ProjectName::try_from("shop").unwrap();
    let without_secret = json!({"channels": [{"type": "webhook", "url": "https://hooks.example.com/x"}]});
    let made = store.create(&project, Reader(&anna), new(without_secret.clone()), MINUTE).unwrap();
    let Channel::Webhook { secret: Some(secret), .. } = &made.rule.alert.channels[0] else { panic!("{made:?}") };
    assert_eq!(secret.len(), 64, "a secret is made");
    assert!(
        !serde_json::to_string(&made.info()).unwrap().contains(secret.as_str())
            && !format!("{made:?}").contains(secret.as_str())
    );
    assert_eq!(store.list(&project, Reader(&boris)).unwrap().len(), 1);
    assert!(store.list(&project, Reader(&restricted)).unwrap().is_empty());
    assert_eq!(store.delete(&project, Reader(&boris), &made.rule.id).unwrap_err().code(), "not_your_alert");
    assert_eq!(store.delete(&project, Reader(&restricted), &made.rule.id).unwrap_err().code(), "alert_not_found");
    store.create(&project, Reader(&restricted), new(json!({})), MINUTE).unwrap();
    assert_eq!(store.create(&project, Reader(&anna), new(json!({})), MINUTE).unwrap_err().code(), "too_many_alerts");

    let due = store.due(&project, 10 * MINUTE).unwrap();
    let mine = due.iter().find(|due| due.rule.id == made.rule.id).unwrap();
    assert_eq!(mine.ticks, [10 * MINUTE]);
    let changes = store.note(&project, &mine.rule, 10 * MINUTE, Ok(&measured(&[("a", 3.0)]))).unwrap();
    assert_eq!(kinds(&changes), [(NoticeKind::Firing, "a")]);
    assert_eq!(store.untold(&project, 0).unwrap().len(), 1);
    // A restart in the middle of an episode: it is neither told again nor forgotten.
    let store = Alerts::new(dir.path(), &settings);
    let mine = store.due(&project, 11 * MINUTE).unwrap().into_iter().find(|due| due.rule.id == made.rule.id).unwrap();
    assert!(store.note(&project, &mine.rule, 11 * MINUTE, Ok(&measured(&[("a", 3.0)]))).unwrap().is_empty());
    let (rule, notice) = store.untold(&project, 0).unwrap().remove(0);
    store.told(&project, &rule, &Notice { left: vec![], ..notice }).unwrap();
    assert!(store.untold(&project, 0).unwrap().is_empty());
    let lines = store.history(&project).unwrap();
    store.recorded(&project, &lines).unwrap();
    assert_eq!((lines.len(), store.history(&project).unwrap().len()), (1, 0));
    // A change of its channels goes on with the episode and keeps the secret; another question begins anew.
    let kept = store.replace(&project, Reader(&anna), &made.rule.id, new(without_secret.clone()), 12 * MINUTE).unwrap();
    assert_eq!(kept.rule.alert.channels, made.rule.alert.channels);
    assert_eq!(kept.state.groups.len(), 1);
    // What was asked before the change does not count after it.
    assert!(store.note(&project, &rule, 13 * MINUTE, Ok(&measured(&[]))).unwrap().is_empty());
    assert_eq!(store.get(&project, Reader(&anna), &made.rule.id).unwrap().state.groups.len(), 1);
    let mut other = without_secret.as_object().unwrap().clone();
    other.insert("window".into(), json!("6m"));
    let anew = store.replace(&project, Reader(&admin), &made.rule.id, new(Value::Object(other)), 14 * MINUTE).unwrap();
    assert_eq!((anew.state.groups.len(), anew.rule.owner.as_str(), anew.info().status), (0, "root", Status::New));
    store.stop(&project, &anew.rule, "the key has ended", 15 * MINUTE).unwrap();
    let stopped = store.get(&project, Reader(&anna), &made.rule.id).unwrap().info();
    assert_eq!((stopped.status, stopped.problem.as_deref()), (Status::Stopped, Some("the key has ended")));
    assert!(store.due(&project, 20 * MINUTE).unwrap().iter().all(|due| due.rule.id != made.rule.id));
    store.forget(&project).unwrap();
    assert!(store.list(&project, Reader(&admin)).unwrap().is_empty());
}

#[test]
fn quiet_rules_are_held_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = Alerts::new(dir.path(), &config::Alerts::default());
    let key = caller("k", Scope::Query, false);
    let project = ProjectName::try_from("shop").unwrap();
    let quiet = json!({"quiet": {"tz": "UTC", "from": "22:00", "to": "07:00"}});
    let made = store.create(&project, Reader(&key), new(quiet), 0).unwrap();
    let at = ms("2025-01-15T23:00:00Z");
    store.note(&project, &made.rule, at, Ok(&measured(&[("a", 3.0)]))).unwrap();
    assert!(store.untold(&project, at).unwrap().is_empty());
    assert_eq!(store.untold(&project, ms("2025-01-16T07:00:00Z")).unwrap().len(), 1);
}

#[test]
fn what_the_mailer_cannot_use_is_named() {
    let settings = |host: &str, from: &str| config::Smtp {
        host: Some(host.into()),
        from: Some(from.into()),
        ..config::Smtp::default()
    };
    assert!(Mailer::new(&settings("mail.example", "no address")).unwrap_err().to_string().starts_with("smtp.from"));
    assert!(Mailer::new(&settings("mail.example", "kronika@shop.example")).is_ok());
}
