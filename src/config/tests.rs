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
