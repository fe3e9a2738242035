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

/// Settings of a file with this text and of these variables.
fn given(text: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kronika.toml");
    std::fs::write(&file, text).unwrap();
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Settings::read_with(Some(&file), variables)
}

/// What is said of bad settings, without the directory of the file.
fn refused(text: &str, variables: &[(&str, &str)]) -> String {
    let error = given(text, variables).and_then(|settings| settings.resolve()).expect_err(text).to_string();
    let file = error.find("/kronika.toml").map(|at| error[..at].rfind(['(', ' ']).map_or(0, |start| start + 1)..=at);
    match file {
        Some(dir) => error.replace(&error[dir.clone()], ""),
        None => error,
    }
}

#[test]
fn file_environment_and_flags_win_in_this_order_and_say_so() {
    let text = "[ingest]\nline_max = \"1MiB\"\nbody_max = \"2MiB\"\n[flush]\ninterval = \"1s\"\n";
    let variables = [
        ("KRONIKA__FLUSH__INTERVAL", "2s"),
        ("KRONIKA__SERVER__INSECURE", "true"),
        ("KRONIKA__QUERY__GUARD__PLANNERS", "7"),
        ("KRONIKA__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
        ("KRONIKA__SERVER__QUERIES_DIR", "1234"),
        ("KRONIKA_CONFIG", "is no setting"),
        ("PATH", "neither"),
    ];
    let mut settings = given(text, &variables).unwrap();
    settings.flag("--listen", "server.listen", "127.0.0.1:1").unwrap();
    let config = settings.resolve().unwrap();
    assert_eq!((config.ingest.line_max, config.ingest.body_max), (ByteCount::mib(1), ByteCount::mib(2)));
    assert_eq!((config.flush.interval, config.server.insecure, config.query.guard.planners), (Span::secs(2), true, 7));
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.server.queries_dir, Some("1234".into()), "a text that looks like a number");
    assert_eq!(config.ingest.events_max, Ingest::default().events_max);
    let origin = |key: &str| {
        let entry = settings.entries().into_iter().find(|entry| entry.key == key).unwrap();
        entry.origin.to_string().rsplit('/').next().unwrap().to_owned()
    };
    assert_eq!(origin("ingest.body_max"), "kronika.toml:3");
    assert_eq!(origin("flush.interval"), "environment KRONIKA__FLUSH__INTERVAL");
    assert_eq!(origin("server.listen"), "flag --listen");
    assert_eq!(origin("ingest.events_max"), "default");
}

#[test]
fn bad_settings_are_refused_with_their_place_and_what_is_allowed() {
    let cases: &[(&str, &str)] = &[
        (
            "[ingest]\n\nline_maximum = \"1MiB\"",
            "kronika.toml:3: there is no setting `ingest.line_maximum`; did you mean `ingest.line_max`?",
        ),
        (
            "[server]\nline_max = \"1MiB\"",
            "kronika.toml:2: there is no setting `server.line_max`; did you mean `ingest.line_max`?",
        ),
        ("[ingst]\na = 1", "kronika.toml:1: there is no setting `ingst`; did you mean `ingest`?"),
        ("zzz = 1", "kronika.toml:1: there is no setting `zzz`"),
        ("ingest = 3", "kronika.toml:1: `ingest`: this is a section: its settings stand below it"),
        (
            "[ingest]\nline_max = 10",
            "kronika.toml:2: `ingest.line_max`: 10 of what? Write a size such as \"16MiB\" (B, KiB, MiB, GiB, TiB); allowed is 1KiB to 1GiB",
        ),
        (
            "[flush]\ninterval = \"10\"",
            "kronika.toml:2: `flush.interval`: duration `10` needs one of the units ms, d, h, m, s; allowed is 10ms to 1d",
        ),
        (
            "[flush]\nsize = \"-1B\"",
            "kronika.toml:2: `flush.size`: `-1B` is no size: write a whole number and one of the units TiB, GiB, MiB, KiB, B; allowed is 64KiB to 1TiB",
        ),
        (
            "[server]\nconnections_max = -1",
            "kronika.toml:2: `server.connections_max`: invalid value: integer `-1`, expected usize; allowed is 1 to 1000000",
        ),
        (
            "[server]\nconnections_max = \"many\"",
            "kronika.toml:2: `server.connections_max`: invalid type: string \"many\", expected usize; allowed is 1 to 1000000",
        ),
        (
            "[server]\nconnections_max = 0",
            "server.connections_max 0 is out of range: it must be 1 to 1000000 (server.connections_max: kronika.toml:2)",
        ),
        (
            "[ingest]\nhot_max = \"1024TiB\"",
            "ingest.hot_max 1024TiB is out of range: it must be 1MiB to 1TiB (ingest.hot_max: kronika.toml:2)",
        ),
        (
            "[ingest]\nline_max = \"65MiB\"",
            "ingest.line_max 65MiB is larger than ingest.body_max 64MiB (ingest.line_max: kronika.toml:2; ingest.body_max: default)",
        ),
        (
            "[flush]\nsize = \"1GiB\"",
            "flush.size 1GiB is larger than ingest.hot_max 512MiB (ingest.hot_max: default; flush.size: kronika.toml:2)",
        ),
        (
            "[log]\nformat = \"xml\"",
            "kronika.toml:2: `log.format`: unknown variant `xml`, expected one of `auto`, `text`, `json`",
        ),
        ("[server]\ntls_cert.x = \"a\"", "kronika.toml:2: `server.tls_cert`: invalid type: map, expected path string"),
    ];
    for (text, want) in cases {
        assert_eq!(refused(text, &[]), *want, "{text}");
    }
    let twice = refused("[flush]\nsize = \"1MiB\"\nsize = \"2MiB\"", &[]);
    assert!(twice.starts_with("kronika.toml:3: duplicate key"), "{twice}");
    let broken = refused("[flush]\nsize =", &[]);
    assert!(broken.starts_with("kronika.toml:2: "), "{broken}");
    assert_eq!(
        refused("", &[("KRONIKA__INGEST__LINE_MAXX", "1MiB")]),
        "environment KRONIKA__INGEST__LINE_MAXX: there is no setting `ingest.line_maxx`; did you mean `ingest.line_max`?"
    );
    let error = Settings::read(Some(Path::new("/nowhere/kronika.toml"))).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the settings file `/nowhere/kronika.toml`");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "s3cret\n").unwrap();
    let path = file.to_str().unwrap();
    let secret = "KRONIKA__STORAGE__OPTIONS__AWS_SECRET_ACCESS_KEY";
    let from_file = format!("{secret}_FILE");
    let text = "[storage]\nurl = \"https://u:pw@host/b?sig=abc\"\n[storage.options]\naws_region = \"eu\"\n";
    let settings = given(text, &[(&from_file, path)]).unwrap();
    let config = settings.resolve().unwrap();
    assert_eq!(config.storage.options["aws_secret_access_key"], "s3cret");
    let shown = format!("{:?} {config:?}", settings.entries());
    assert!(!shown.contains("s3cret") && !shown.contains("pw@") && !shown.contains("sig=abc"), "{shown}");
    assert!(shown.contains("https://u:***@host/b?***") && shown.contains("\"eu\""), "{shown}");

    let missing = given("", &[(&from_file, "/nowhere/s")]).unwrap_err().to_string();
    assert_eq!(missing, format!("cannot read the file that {from_file} names, `/nowhere/s`"));
    let both = given("", &[(secret, "a"), (&from_file, path)]).unwrap_err().to_string();
    assert_eq!(both, format!("{secret} and {from_file} set the same: unset one of them"));
    // A setting whose own name ends so is no such file, and neither is an option that names one.
    let own =
        [("KRONIKA__SERVER__ADMIN_KEY_FILE", path), ("KRONIKA__STORAGE__OPTIONS__AWS_WEB_IDENTITY_TOKEN_FILE", path)];
    let config = given("", &own).unwrap().resolve().unwrap();
    assert_eq!(config.server.admin_key_file, Some(file.clone()));
    assert_eq!(config.storage.options["aws_web_identity_token_file"], path);
    // Any other setting can stand in a file, too.
    std::fs::write(&file, "2s").unwrap();
    let config = given("", &[("KRONIKA__FLUSH__INTERVAL_FILE", path)]).unwrap().resolve().unwrap();
    assert_eq!(config.flush.interval, Span::secs(2));
}

/// Lines of `kronika.toml`: the key of each setting, the comment above it, whether it is set.
fn annotated() -> Vec<(String, String, bool)> {
    let (mut found, mut section, mut comment) = (Vec::new(), String::new(), String::new());
    for line in Config::ANNOTATED.lines() {
        let bare = line.trim_start_matches("# ");
        let setting =
            bare.split_once(" = ").filter(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((name, _)) = setting {
            found.push((format!("{section}.{name}"), std::mem::take(&mut comment), !line.starts_with('#')));
            continue;
        } else if line.starts_with('#') {
            comment.push_str(bare);
            comment.push(' ');
            continue;
        }
        comment.clear();
    }
    found
}

#[test]
fn the_annotated_file_is_the_defaults() {
    assert_eq!(given(Config::ANNOTATED, &[]).unwrap().resolve().unwrap(), Config::default());
    assert_eq!(Config::default().check().err().map(|error| error.to_string()), None);
}

#[test]
fn the_annotated_file_has_every_setting_with_its_meaning_and_range() {
    let defaults = serde_json::to_value(Config::default()).unwrap();
    let lines = annotated();
    let open = ["storage.options", "redaction.projects"];
    let keys = settings::leaves(&defaults).into_iter().filter(|key| !open.contains(&key.as_str()));
    let keys: Vec<String> = keys.collect();
    let found: Vec<String> = lines.iter().map(|(key, ..)| key.clone()).collect();
    assert_eq!(found, keys, "kronika.toml has other settings, or another order, than the code");
    for (key, comment, is_set) in &lines {
        assert!(comment.len() > 15, "{key}: no meaning");
        let default = key.split('.').try_fold(&defaults, |tree, name| tree.get(name)).unwrap();
        assert_eq!(*is_set, !default.is_null(), "{key}: a default is set, what has none is a comment");
        let range = ranges::Range::of(key).map(|range| format!("Range: {}.", range.text()));
        let is_number = default.is_number()
            || default.as_str().is_some_and(|text| text.parse::<ByteCount>().is_ok() || text.parse::<Span>().is_ok());
        // What has no default may be a number all the same.
        assert!(range.is_some() == is_number || default.is_null(), "{key} has no line in `ranges`, or one too many");
        assert!(range.as_ref().is_none_or(|range| comment.contains(range)), "{key}: not `{range:?}` in `{comment}`");
    }
    for range in ranges::RANGES {
        assert!(keys.iter().any(|key| key == range.key), "{} is no setting", range.key);
    }
}

#[test]
fn numbers_are_taken_at_both_ends_of_their_range_and_refused_beyond() {
    let set = |key: &str, value: serde_json::Value| {
        let mut settings = given("", &[]).unwrap();
        let taken = settings.flag("--x", key, value);
        // Contradictions with other settings are another matter.
        taken
            .and_then(|()| settings.resolve())
            .err()
            .map(|error| error.to_string())
            .filter(|text| text.contains("out of range"))
    };
    for range in ranges::RANGES {
        for (value, fits) in range.ends() {
            let refused = set(range.key, value.clone());
            assert_eq!(refused.is_none(), fits, "{} = {value}: {refused:?}", range.key);
        }
    }
}

#[test]
fn contradictions_name_both_numbers() {
    let mut config = Config::default();
    assert!(config.check().is_ok());
    config.ingest.line_max = ByteCount::mib(65);
    assert_eq!(config.check().unwrap_err().to_string(), "ingest.line_max 65MiB is larger than ingest.body_max 64MiB");
}

#[test]
fn files_that_go_before_the_longest_query_ends_are_worth_a_warning() {
    let mut config = Config::default();
    assert!(config.warnings().is_empty(), "the defaults are meant");
    config.compaction.keep_replaced = config.exports.query_timeout;
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
    config.compaction.keep_replaced = Span(config.exports.query_timeout.0 - std::time::Duration::from_millis(1));
    assert_eq!(config.warnings().len(), 1);
    (config.compaction.keep_replaced, config.exports.query_timeout) = (Span::secs(50), Span::secs(10));
    let said = config.warnings().join(" ");
    assert!(said.contains("keep_replaced 50s") && said.contains("query.timeout 1m"), "{said}");
    assert!(config.check().is_ok(), "it may be meant");
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
    assert_eq!(refused, "audit.retention 1d is out of range: it must be 90d to 36500d");
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
