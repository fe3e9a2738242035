use super::*;

#[test]
fn names_are_made_safe() {
    let long = "ż".repeat(300);
    let cases: &[(&str, &str)] = &[
        ("faktura 12.pdf", "faktura 12.pdf"),
        ("Zażółć.json", "Zażółć.json"),
        ("../../etc/passwd", "_._etc_passwd"),
        ("..", "file"),
        ("", "file"),
        ("a\r\nSet-Cookie: x=1", "a__Set-Cookie_ x=1"),
        ("\"quoted\";x.txt", "_quoted__x.txt"),
        ("C:\\temp\\x", "C__temp_x"),
        ("photo\u{202e}gpj.exe", "photo_gpj.exe"),
        ("nul.txt", "_nul.txt"),
        ("COM1", "_COM1"),
        ("console.log", "console.log"),
        (" . trailing. ", "trailing"),
        ("100%.txt", "100_.txt"),
    ];
    for (sent, want) in cases {
        assert_eq!(safe_name(sent), *want, "{sent:?}");
    }
    let short = safe_name(&format!("{long}.pdf"));
    assert!(short.len() <= 150 && short.ends_with("ż.pdf"), "{short}");
    assert!(safe_name(&long).len() <= 150);
}

#[test]
fn a_disposition_cannot_be_broken_out_of() {
    assert_eq!(Disposition("a.txt").to_string(), "attachment; filename=\"a.txt\"");
    let cases = ["a\"; x=\"b.txt", "a\r\nX: y", "żółw.txt", "\\\"", "%0d%0aX: y", "€ rates.csv"];
    for name in cases {
        let header = Disposition(name).to_string();
        assert!(header.is_ascii() && !header.contains(['\r', '\n', '\\']), "{header}");
        assert_eq!(header.matches('"').count(), 2, "{header}");
    }
    assert_eq!(
        Disposition("żółw.txt").to_string(),
        "attachment; filename=\"___w.txt\"; filename*=UTF-8''%C5%BC%C3%B3%C5%82w.txt"
    );
}

#[test]
fn types_that_are_none_become_bytes() {
    for good in ["application/json", "text/plain; charset=utf-8", "application/vnd.x+xml"] {
        assert_eq!(content_type(Some(good)), good);
    }
    for bad in ["", "json", "a/b\r\nX: y", "text/ html", "/", "a/", "text/plain;\u{7f}"] {
        assert_eq!(content_type(Some(bad)), "application/octet-stream", "{bad:?}");
    }
    assert_eq!(content_type(None), "application/octet-stream");
    for (kind, want) in [
        ("application/json; charset=utf-8", "json"),
        ("application/vnd.api+json", "json"),
        ("TEXT/HTML", "html"),
        ("text/x-log", "txt"),
        ("video/mp4", "bin"),
    ] {
        assert_eq!(extension_of(kind), want, "{kind}");
    }
}

#[test]
fn a_look_up_names_only_what_the_caller_may_see() {
    let wanted = || Wanted { event_id: "1".into(), dataset: Some("logs".into()), ..Wanted::default() };
    let crate::journal::Statement { sql, params } = Bodies::new(BodyOf::Response, wanted(), &[]).statement();
    assert!(sql.contains("response_body") && sql.contains(", attachments FROM") && sql.contains("dataset = $dataset"));
    assert_eq!(params.len(), 2, "{params:?}");
    let sql = Bodies::new(BodyOf::Request, wanted(), &["attachments".to_owned()]).statement().sql;
    assert!(!sql.contains("attachments"), "{sql}");
}
