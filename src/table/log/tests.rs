use super::*;

fn file() -> Path {
    Path::from("t/_delta_log/00000000000000000007.json")
}

#[test]
fn a_commit_comes_back() {
    let values = || [("date".to_owned(), Some("2026-11-23".to_owned())), ("module".to_owned(), None)].into();
    let commit = Commit {
        adds: vec![Add {
            path: "date=2026-11-23/module=50%25 Ж \"q\"?/x.parquet".into(),
            partition_values: values(),
            size: 7,
            modification_time: 8,
            data_change: true,
            stats: Some("{}".into()),
            tags: None,
        }],
        removes: vec![Remove {
            path: "a b".into(),
            deletion_timestamp: Some(1),
            data_change: false,
            extended_file_metadata: Some(true),
            partition_values: Some(values()),
            size: Some(3),
        }],
        txns: vec![Txn { app_id: EPOCH.into(), version: 4, last_updated: None }],
        info: Some(CommitInfo { kronika_commit: Some("id".into()), ..CommitInfo::default() }),
        ..Commit::default()
    };
    let text = commit.clone().encode().expect("encodes");
    let shown = String::from_utf8(text.to_vec()).expect("is text");
    assert!(shown.contains("module=50%2525%20%D0%96%20%22q%22%3F/x.parquet"), "{shown}");
    assert!(shown.contains(r#""module":null"#), "{shown}");
    let back = Commit::decode(&file(), &text).expect("decodes");
    assert_eq!(back, commit);
    assert_eq!((back.txn(EPOCH), back.txn(HIGHEST), back.id()), (Some(4), None, Some("id")));
}

#[test]
fn unknown_actions_are_passed_over_and_damage_is_not() {
    let foreign = br#"{"domainMetadata":{"domain":"d"}}

{"add":{"path":"x","partitionValues":{},"size":1,"modificationTime":2,"dataChange":true,"baseRowId":3}}"#;
    assert_eq!(Commit::decode(&file(), foreign).expect("decodes").adds.len(), 1);
    for damaged in [&b""[..], b"\n \n", &[0; 64], b"{\"add\":{\"path\"", b"{}\nnot json"] {
        assert!(matches!(Commit::decode(&file(), damaged), Err(TableError::DamagedLog { .. })), "{damaged:?}");
    }
}

#[test]
fn names_in_the_log_directory() {
    assert_eq!(commit_path(&Path::from("a/b"), 7).as_ref(), "a/b/_delta_log/00000000000000000007.json");
    let cases = [
        ("00000000000000000007.json", Some(7), None),
        ("00000000000000000100.checkpoint.parquet", None, Some(100)),
        ("00000000000000000100.checkpoint.0000000001.0000000002.parquet", None, Some(100)),
        ("_last_checkpoint", None, None),
        ("7.json", None, None),
        ("00000000000000000007.json.tmp", None, None),
        ("00000000000000000007.crc", None, None),
    ];
    for (name, commit, checkpoint) in cases {
        assert_eq!((commit_version(name), checkpoint_version(name)), (commit, checkpoint), "{name}");
    }
}

#[test]
fn paths_become_uris_and_back() {
    for path in ["date=2026-01-01/module=a/x.parquet", "50% /ж/\u{1F600}", "%41", "a+b&c", ""] {
        let encoded = uri::encode(path);
        assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()), "{encoded}");
        assert_eq!(uri::decode(&encoded).as_deref(), Some(path));
    }
    // What careless writers leave bare is taken as it stands.
    assert_eq!(uri::decode("a b%").as_deref(), Some("a b%"));
    assert_eq!(uri::decode("%FF"), None);
}
