use super::*;

#[test]
fn units_are_read_and_written_back() {
    for (text, bytes) in [("1B", 1), ("64KiB", 65_536), ("16MiB", 16 << 20), ("4GiB", 4 << 30)] {
        assert_eq!(text.parse::<ByteCount>(), Ok(ByteCount(bytes)));
        assert_eq!(ByteCount(bytes).to_string(), text);
    }
    for (text, ms) in [("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("24h", 86_400_000 / 24 * 24)] {
        assert_eq!(text.parse::<Span>().map(|span| span.0.as_millis()), Ok(ms));
    }
    for bad in ["", "10", "MiB", "1.5GiB", "-1B", "99999999999TiB"] {
        assert!(bad.parse::<ByteCount>().is_err(), "{bad}");
    }
    assert_eq!("10".parse::<Span>(), Err("duration `10` needs one of the units ms, d, h, m, s".to_string()));
}

#[test]
fn a_file_sets_values_and_an_unknown_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kronika.toml");
    std::fs::write(&file, "[ingest]\nline_max = \"1MiB\"\n[flush]\ninterval = \"1s\"\n").unwrap();
    let config = Config::load(Some(&file)).unwrap();
    assert_eq!((config.ingest.line_max, config.flush.interval), (ByteCount::mib(1), Span::secs(1)));
    assert_eq!(config.ingest.body_max, Ingest::default().body_max);
    std::fs::write(&file, "[ingest]\nline_maximum = \"1MiB\"\n").unwrap();
    let error = Config::load(Some(&file)).unwrap_err();
    assert!(format!("{:?}", error).contains("line_maximum"), "{error:?}");
}

#[test]
fn contradictions_name_both_numbers() {
    let mut config = Config::default();
    assert!(config.check().is_ok());
    config.ingest.line_max = ByteCount::mib(65);
    assert_eq!(config.check().unwrap_err().to_string(), "ingest.line_max 65MiB is larger than ingest.body_max 64MiB");
}

#[test]
fn other_machines_are_served_over_tls_or_on_somebodys_word() {
    let check = |change: fn(&mut Server)| {
        let mut config = Config::default();
        config.server.listen = SocketAddr::from(([0, 0, 0, 0], 7700));
        change(&mut config.server);
        config.check()
    };
    let refused = check(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("0.0.0.0:7700") && refused.contains("--behind-proxy"), "{refused}");
    assert!(check(|server| server.behind_proxy = true).is_ok());
    assert!(check(|server| server.insecure = true).is_ok());
    assert!(check(|server| server.listen = SocketAddr::from(([127, 0, 0, 9], 7700))).is_ok());
    assert!(check(|server| (server.tls_cert, server.tls_key) = (Some("c".into()), Some("k".into()))).is_ok());
    assert!(check(|server| (server.tls_cert, server.insecure) = (Some("c".into()), true)).is_err());
}

#[test]
fn limits_of_the_audit_journal_hold_at_their_borders() {
    let check = |change: &dyn Fn(&mut Audit)| {
        let mut config = Config::default();
        change(&mut config.audit);
        config.check().map_err(|error| error.to_string())
    };
    type Case<'a> = (&'a dyn Fn(&mut Audit), bool);
    let cases: &[Case<'_>] = &[
        (&|audit| audit.retention = Span::secs(90 * 86_400), true),
        (&|audit| audit.retention = Span::secs(90 * 86_400 - 1), false),
        (&|audit| audit.group_interval = audit.rollup_interval, true),
        (&|audit| audit.group_interval = Span(audit.rollup_interval.0 + std::time::Duration::from_millis(1)), false),
        (&|audit| audit.group_interval = Span::secs(0), false),
        (&|audit| audit.rollup_interval = Span::secs(86_400), true),
        (&|audit| audit.rollup_interval = Span::secs(86_401), false),
        (&|audit| audit.queue_max = 8, true),
        (&|audit| audit.queue_max = 7, false),
        (&|audit| audit.queue_max = 100_000, true),
        (&|audit| audit.queue_max = 100_001, false),
        (&|audit| audit.reserve = ByteCount::mib(1), true),
        (&|audit| audit.reserve = ByteCount((1 << 20) - 1), false),
        (&|audit| audit.statement_max = ByteCount(64), true),
        (&|audit| audit.statement_max = ByteCount(63), false),
        (&|audit| audit.statement_max = ByteCount(1 << 20), true),
        (&|audit| audit.statement_max = ByteCount((1 << 20) + 1), false),
    ];
    for (at, (change, fits)) in cases.iter().enumerate() {
        assert_eq!(check(*change).is_ok(), *fits, "case {at}: {:?}", check(*change));
    }
    let refused = check(&|audit| audit.retention = Span::secs(86_400)).unwrap_err();
    assert_eq!(refused, "audit.retention 1d must be at least 90d");
}

#[test]
fn the_log_holds_three_segments_one_of_them_for_the_journal() {
    let check = |segment: u64| {
        let mut config = Config::default();
        config.wal.segment_size = ByteCount(segment);
        config.check().map_err(|error| error.to_string())
    };
    let third = Wal::default().size_max.0 / 3;
    assert!(check(third).is_ok() && check(third + 1).unwrap_err().contains("three segments"));
    let reserve = |reserve: u64, segment: u64, size: u64| {
        let audit = Audit { reserve: ByteCount(reserve), ..Audit::default() };
        audit.log_reserve(&Wal { segment_size: ByteCount(segment), size_max: ByteCount(size) })
    };
    assert_eq!((reserve(10, 1, 1_000), reserve(500, 1, 1_000), reserve(10, 200, 1_000)), (10, 125, 200));
}
