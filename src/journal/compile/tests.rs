use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::journal::{Selection, Values};

fn now() -> DateTime<Utc> {
    "2025-03-04T12:00:00Z".parse().unwrap()
}

/// The condition of URL parameters, with the values in their places.
fn of(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let selection = match Selection::from_pairs(&mut pairs, now()) {
        Ok(selection) if pairs.is_empty() => selection,
        Ok(_) => return format!("left: {pairs:?}"),
        Err(error) => return error.to_string(),
    };
    // The JSON form means the same.
    let again = Selection::from_json(&selection.to_json(), now()).unwrap();
    assert_eq!(shown(&again, &[]), shown(&selection, &[]), "{query}");
    shown(&selection, &[])
}

fn shown(selection: &Selection, hidden: &[String]) -> String {
    let mut values = Values::default();
    match selection.condition(&mut values, hidden) {
        Ok(text) => {
            let shown =
                |text: String, (name, value): (&String, &Value)| text.replace(&format!("${name}~"), &value.to_string());
            // Placeholders get an end, so that $p1 is not the beginning of $p12.
            let text = text.split('$').enumerate().fold(String::new(), |mut all, (at, part)| {
                let digits = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len());
                all += &if at == 0 { part.to_owned() } else { format!("${}~{}", &part[..digits], &part[digits..]) };
                all
            });
            let text = values.into_map().iter().fold(text, shown);
            text.replace(" AND (visibility IS DISTINCT FROM 'object')", "")
                .replace("(visibility IS DISTINCT FROM 'object')", "")
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn keys_and_values_become_conditions() {
    let check = |query: &str, expected: &str| assert_eq!(of(query), expected, "{query}");
    check("", "");
    check("module=couriers", r#"module = "couriers""#);
    check("module=couriers&module=payments", r#"module IN ("couriers", "payments")"#);
    check("module!=couriers&module!=x", r#"(module IN ("couriers", "x")) IS NOT TRUE"#);
    check("http_status>=400&http_status<=499", "http_status >= 400 AND http_status <= 499");
    check("http_status=404", "http_status = 404");
    check(
        "http_status=4xx&http_status=500-503",
        "(http_status BETWEEN 400 AND 499 OR http_status BETWEEN 500 AND 503)",
    );
    check("message~=label", r#"contains_text("label", message)"#);
    check("event_type^=order.", r#"starts_with(event_type, "order.")"#);
    check("group=order", r#"(event_type = "order" OR starts_with(event_type, "order."))"#);
    check("actor=kasia", r#"(actor_id = "kasia" OR actor_email = "kasia" OR actor_name = "kasia")"#);
    check(
        "actor_kind=system&kind=update",
        "actor_type IN ('system', 'integration') AND action IN ('update', 'complete', 'reopen')",
    );
    check("level>=warn&level!=fatal", "severity_number >= 13 AND (severity_number BETWEEN 21 AND 24) IS NOT TRUE");
    check("errors=true", "(outcome = 'failure' OR severity_number >= 17)");
    check(
        "ip=10.0.0.0/8&ip=192.0.2.7",
        r#"(in_network(client_address, "10.0.0.0/8") OR client_address = "192.0.2.7")"#,
    );
    check("pattern=Order * paid", r#"text_pattern(coalesce(message, error_message)) = "Order * paid""#);
    check("pattern^=Order", r#"starts_with(text_pattern(coalesce(message, error_message)), "Order")"#);
    check("has=pattern", "(text_pattern(coalesce(message, error_message)) IS NOT NULL)");
    check("duration>=1.5s", "duration_ns >= 1500000000");
    check("object=order:1042", r#"array_has(object_refs, "order:1042")"#);
    check(
        "hour=9-10&tz=Europe/Warsaw",
        r#"((local_part('minute', event_time, "Europe/Warsaw") >= 540 AND local_part('minute', event_time, "Europe/Warsaw") < 660))"#,
    );
    check(
        "hour=22-5",
        "((local_part('minute', event_time, event_timezone) >= 1320 OR local_part('minute', event_time, event_timezone) < 360))",
    );
    check("weekday=1-5", "local_part('weekday', event_time, event_timezone) BETWEEN 1 AND 5");
    check("has=request&has!=error_code", "(request_body IS NOT NULL) AND ((error_code IS NOT NULL)) IS NOT TRUE");
    check("attributes.cart.value>=100", r#"json_get_float(attributes, 'cart', 'value') >= 100"#);
    check("attributes.stage=picking", r#"json_as_text(attributes, 'stage') = "picking""#);
    check("labels.env=prod", r#"map_extract(labels, 'env')[1] = "prod""#);
    check("changed=price", r#"(array_has(changed_fields, "price"))"#);
    check("changed=price&after=5000", r#"(has_change(changes, "price", NULL, "5000"))"#);
    check("changed=offer*&before=on", r#"(has_change(changes, "offer*", "on", NULL))"#);
    check("session_active=true", "session_active = true");
    check(
        "period=2025-03-04&tz=Europe/Warsaw",
        r#"event_time >= "2025-03-03T23:00:00Z" AND event_time < "2025-03-04T23:00:00Z""#,
    );
    check(
        r#"filter={"any":[{"module":"a"},{"http_status>":500}],"not":{"source":"x"}}"#,
        r#"((module = "a") OR (http_status >= 500)) AND (source = "x") IS NOT TRUE"#,
    );
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_would_do() {
    let check = |query: &str, expected: &str| {
        let got = of(query);
        assert!(got.contains(expected), "{query}: {got}");
    };
    check("modul=couriers", r#"left: [("modul", "couriers")]"#);
    check("http_status=abc", "`http_status`: `abc` is no number; write 404, 400-499 or 4xx");
    check("http_status~=4", "`http_status~`: is compared with `=`, `!=`, `>=`, `<=`");
    check("kind=change", "`kind`: `change` is none of create, delete, update, other");
    check("level=bad", "none of trace, debug, info, warn, error, fatal");
    check("hour=25", "write 9, 9-17, 09:00-17:30 or 22-5");
    check("weekday=8", "write 1 (Monday) to 7");
    check("duration>=5", "write 250ms or 1.5s");
    check("tz=Mars/Base", "`tz`: `Mars/Base` is no time zone");
    check("period=today&from=now", "`period`: cannot stand beside `from` or `to`");
    check("period=today&period=all", "`period`: is given twice");
    check("q=%20", "`q`: holds at least one word");
    check("has=nothing", "no column of the model");
    check("filter={", "`filter`: is no JSON");
    check(r#"filter={"any":[]}"#, "`any`: is a list of at least one filter");
    check(r#"filter={"module":{}}"#, "`module`: takes a text, a number, true or false, or a list of them");
    check(r#"filter={"modul":"x"}"#, "no filter `modul`");
    check("now=soon", "`now`: `soon` is no time");
    check("session_active=yes", "is `true` or `false`");
    check("event_time>=yesterday", "is no time");
}

#[test]
fn free_text_is_words_of_which_all_stand_somewhere_the_reader_sees() {
    let selection = Selection::from_json(&json!({"q": "dpd \"no label\""}), now()).unwrap();
    let all = shown(&selection, &[]);
    assert!(
        all.starts_with(r#"(contains_text("dpd", event_id, "#)
            && all.contains(r#"AND contains_text("no label", event_id"#),
        "{all}"
    );
    assert!(all.contains("request_body"));
    let masked = shown(&selection, &["request_body".to_owned(), "attributes".to_owned()]);
    assert!(!masked.contains("request_body") && !masked.contains("attributes"), "{masked}");
}

#[test]
fn events_that_only_their_object_shows_are_left_out_unless_asked_for() {
    let hides = |query: &str| {
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let selection = Selection::from_pairs(&mut pairs, now()).unwrap();
        let mut values = Values::default();
        selection.condition(&mut values, &[]).unwrap().contains("visibility IS DISTINCT FROM")
    };
    assert!(hides(""));
    assert!(hides("object_id=6001"));
    assert!(!hides("object=process:6001"));
    assert!(!hides("visibility=object"));
    assert!(hides("object!=process:6001"));
}
