use super::*;

fn headers(name: &'static str, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())])
}

#[test]
fn ids_of_the_right_form_are_taken_and_others_are_not() {
    let longest = "a".repeat(ID_MAX);
    for good in ["a", "req-1_2.3:4/5+6=", longest.as_str()] {
        assert_eq!(sent_id(&headers("x-request-id", good)).as_deref(), Some(good));
    }
    let longer = "a".repeat(ID_MAX + 1);
    for bad in ["", "a b", "a\"b", "a\tb", "{}", "zażółć", longer.as_str()] {
        assert_eq!(sent_id(&headers("x-request-id", bad)), None, "{bad:?}");
    }
    assert_eq!(sent_id(&HeaderMap::new()), None);
}

#[test]
fn traces_are_continued_where_they_are_well_formed() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let good = [
        format!("00-{trace}-00f067aa0ba902b7-01"),
        format!("00-{trace}-00f067aa0ba902b7-00"),
        format!("01-{trace}-00f067aa0ba902b7-01-more"),
    ];
    for sent in good {
        assert_eq!(trace_id(&headers("traceparent", &sent)).as_deref(), Some(trace), "{sent}");
    }
    let bad = [
        String::new(),
        trace.to_owned(),
        format!("00-{trace}-00f067aa0ba902b7"),
        format!("00-{trace}-00f067aa0ba902b7-01-more"),
        format!("ff-{trace}-00f067aa0ba902b7-01"),
        format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
        format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
        format!("00-{trace}-{}-01", "0".repeat(16)),
    ];
    for sent in bad {
        assert_eq!(trace_id(&headers("traceparent", &sent)), None, "{sent}");
    }
}
