use super::*;
use crate::access::Restrictions;
use crate::error::Report;

const DAY: i64 = 86_400;

fn project(name: &str) -> ProjectName {
    ProjectName::try_from(name).unwrap()
}

fn key(scopes: &[Scope], of: Option<&str>) -> NewKey {
    NewKey::plain("test", scopes, of.map(project))
}

fn days(count: u64) -> Option<Span> {
    Some(Span::secs(count * 86_400))
}

struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("keys.json")
    }

    fn open(&self) -> KeyStore {
        KeyStore::open(&self.path(), &config::Access::default()).unwrap()
    }
}

#[test]
fn a_key_opens_until_it_is_revoked_also_after_a_restart() {
    let home = Home::new();
    let store = home.open();
    assert!(!store.has_admin(7));
    let (info, secret) = store.create(key(&[Scope::Ingest], Some("shop")), 7).unwrap();
    let again = home.open();
    let caller = again.authenticate(secret.reveal(), None, 8).unwrap();
    assert_eq!((caller.key.as_str(), caller.project.clone().unwrap().as_str()), (info.id.as_str(), "shop"));
    assert!(caller.scopes == [Scope::Ingest] && caller.still_valid().is_ok());
    again.revoke(&info.id, 9).unwrap();
    assert!(again.authenticate(secret.reveal(), None, 9).is_err());
    assert!(caller.ended.is_cancelled() && caller.still_valid().is_err());
    // Once more changes nothing; the key stays in the list.
    again.revoke(&info.id, 10).unwrap();
    let third = home.open();
    assert!(third.authenticate(secret.reveal(), None, 10).is_err());
    let shown = third.get(&info.id, 10).unwrap();
    assert_eq!((shown.state, shown.revoked_at), (KeyState::Revoked, Some(9)));
    assert!(matches!(third.revoke(&KeyId::from("nobody"), 10), Err(AccessError::UnknownKey(_))));
}

#[test]
fn what_is_stored_and_shown_holds_no_secret() {
    let home = Home::new();
    let store = home.open();
    let (info, first) = store.create(key(&[Scope::Admin], None), 7).unwrap();
    let (_, second) = store.rotate(&info.id, None, None, 8).unwrap();
    for secret in [first, second] {
        let random = secret.reveal().split('_').nth(3).unwrap().to_string();
        assert!(!std::fs::read_to_string(home.path()).unwrap().contains(&random));
        assert!(!format!("{secret:?} {store:?}").contains(&random));
        assert!(!serde_json::to_string(&store.list(9)).unwrap().contains(&random));
    }
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.open().create(key(&[Scope::Admin], None), 7).unwrap();
    for (mode, fits) in [(0o604, false), (0o640, false), (0o644, false), (0o600, true), (0o400, true)] {
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        match KeyStore::open(&home.path(), &config::Access::default()) {
            Ok(_) => assert!(fits, "{mode:o}"),
            Err(error) => assert!(!fits && error.code() == "key_file_exposed", "{mode:o}: {error}"),
        }
    }
}

#[test]
fn wrong_keys_are_refused_alike() {
    let home = Home::new();
    let store = home.open();
    let (_, secret) = store.create(key(&[Scope::Admin], None), 7).unwrap();
    let other = Secret::generate('a').unwrap();
    let same_id = Secret::again('a', &secret.id()).unwrap();
    let mistyped = secret.reveal().replace("krn_a_", "krn_q_");
    let wrong = ["", "krn", "krn_a_b_c_d", other.reveal(), same_id.reveal(), &mistyped, &secret.reveal()[1..]];
    for wrong in wrong {
        let error = store.authenticate(wrong, None, 7).unwrap_err();
        assert_eq!(error.to_string(), "a valid API key is required", "{wrong}");
    }
    assert!(store.authenticate(secret.reveal(), None, 7).unwrap().may(Scope::Query));
    assert!(!store.authenticate(secret.reveal(), None, 7).unwrap().may(Scope::AuditRead));
}

#[test]
fn keys_that_cannot_exist_are_refused() {
    let home = Home::new();
    let store = home.open();
    let restricted = |scopes: &[Scope], restrictions: &str| {
        let of = (!scopes.contains(&Scope::Admin)).then_some("a");
        NewKey { restrictions: serde_json::from_str(restrictions).unwrap(), ..key(scopes, of) }
    };
    let many: Vec<String> = (0..=1_000).map(|n| format!("\"t{n}\"")).collect();
    let wrong = [
        key(&[], Some("a")),
        key(&[Scope::Admin], Some("a")),
        key(&[Scope::Query], None),
        NewKey { name: " ".into(), ..key(&[Scope::Query], Some("a")) },
        NewKey { name: "x".repeat(201), ..key(&[Scope::Query], Some("a")) },
        restricted(&[Scope::Admin], r#"{"modules": ["a"]}"#),
        restricted(&[Scope::Ingest], r#"{"lookback_days": 3}"#),
        restricted(&[Scope::Ingest], r#"{"masked_columns": ["message"]}"#),
        key(&[Scope::Query], Some("_audit")),
        key(&[Scope::AuditRead, Scope::Ingest], Some("_audit")),
        restricted(&[Scope::Query], r#"{"modules": []}"#),
        restricted(&[Scope::Query], r#"{"lookback_days": 0}"#),
        restricted(&[Scope::Query], r#"{"masked_columns": ["event_time"]}"#),
        restricted(&[Scope::Query], r#"{"masked_columns": ["no_such_column"]}"#),
        restricted(&[Scope::Query], &format!(r#"{{"tenant_ids": [{}]}}"#, many.join(","))),
        restricted(&[Scope::Query], &format!(r#"{{"unit_ids": [{}]}}"#, many.join(","))),
        restricted(&[Scope::Query], r#"{"datasets": []}"#),
        restricted(&[Scope::Query], r#"{"object_types": []}"#),
        restricted(&[Scope::Query], r#"{"objects": ["order"]}"#),
        restricted(&[Scope::Query], r#"{"objects": ["order:"]}"#),
        restricted(&[Scope::Query], r#"{"objects": [":1"]}"#),
        restricted(&[Scope::Ingest], r#"{"objects": ["order:1"]}"#),
        restricted(&[Scope::Ingest], r#"{"object_types": ["order"]}"#),
        restricted(&[Scope::Ingest], r#"{"general_only": true}"#),
        restricted(&[Scope::Admin], r#"{"unit_ids": ["1"]}"#),
        restricted(&[Scope::Admin], r#"{"general_only": true}"#),
        NewKey { expires_in: days(366), ..key(&[Scope::Query], Some("a")) },
        NewKey { expires_in: days(0), ..key(&[Scope::Ingest], Some("a")) },
    ];
    for wrong in wrong {
        assert!(matches!(store.create(wrong.clone(), 7), Err(AccessError::BadKey(_))), "{wrong:?}");
    }
    let right = [
        restricted(&[Scope::Admin], r#"{"sources": ["10.0.0.0/8"]}"#),
        restricted(&[Scope::Ingest], r#"{"modules": ["a"], "tenant_ids": ["b"]}"#),
        restricted(&[Scope::Ingest], r#"{"datasets": ["a"], "unit_ids": ["b"], "general_only": false}"#),
        restricted(&[Scope::Query], r#"{"objects": ["order:a:b"], "object_types": ["x"], "general_only": true}"#),
        restricted(&[Scope::Query], &format!(r#"{{"objects": [{}]}}"#, many[1..].join(",").replace('t', "t:"))),
        restricted(&[Scope::AuditRead], r#"{"tenant_ids": ["a"], "masked_columns": ["message"]}"#),
        key(&[Scope::AuditRead], Some("_audit")),
        key(&[Scope::AuditRead, Scope::Query], Some("a")),
        restricted(&[Scope::Query], r#"{"lookback_days": 1, "masked_columns": ["message"]}"#),
        restricted(&[Scope::Query], &format!(r#"{{"tenant_ids": [{}]}}"#, many[1..].join(","))),
        NewKey { expires_in: days(365), ..key(&[Scope::Query], Some("a")) },
        NewKey { expires_in: days(3_650), ..key(&[Scope::Ingest], Some("a")) },
        NewKey { name: "x".repeat(200), ..key(&[Scope::Query], Some("a")) },
    ];
    for right in right {
        assert!(store.create(right.clone(), 7).is_ok(), "{right:?}");
    }
    for unknown in [r#"{"module": ["a"]}"#, r#"{"sources": ["example.com"]}"#, r#"{"modules": [""]}"#] {
        assert!(serde_json::from_str::<Restrictions>(unknown).is_err(), "{unknown}");
    }
}

#[test]
fn keys_expire_to_the_second() {
    let home = Home::new();
    let store = home.open();
    let cases = [
        (key(&[Scope::Query], Some("a")), Some(365 * DAY)),
        (key(&[Scope::Ingest, Scope::Query], Some("a")), Some(365 * DAY)),
        (key(&[Scope::Admin], None), Some(365 * DAY)),
        (key(&[Scope::Ingest], Some("a")), None),
        (NewKey { expires_in: days(2), ..key(&[Scope::Ingest], Some("a")) }, Some(2 * DAY)),
    ];
    for (new, want) in cases {
        let (info, secret) = store.create(new, 100).unwrap();
        assert_eq!(info.expires_at, want.map(|seconds| seconds + 100));
        let Some(expires_at) = info.expires_at else { continue };
        let caller = store.authenticate(secret.reveal(), None, expires_at - 1).unwrap();
        store.end_expired(expires_at - 1);
        assert!(!caller.ended.is_cancelled());
        assert!(store.authenticate(secret.reveal(), None, expires_at).is_err());
        store.end_expired(expires_at);
        assert!(caller.ended.is_cancelled());
        assert_eq!(store.get(&info.id, expires_at).unwrap().state, KeyState::Expired);
        assert!(matches!(store.rotate(&info.id, None, None, expires_at), Err(AccessError::NotActive(_))));
    }
}

#[test]
fn both_secrets_open_until_the_overlap_ends() {
    let home = Home::new();
    let store = home.open();
    let (info, first) = store.create(key(&[Scope::Query], Some("a")), 0).unwrap();
    let old = store.authenticate(first.reveal(), None, 1).unwrap();
    let (rotated, second) = store.rotate(&info.id, Some(Span::secs(60)), None, 100).unwrap();
    assert_eq!((rotated.state, rotated.previous_secret_until), (KeyState::Rotating, Some(160)));
    assert_eq!((second.id(), rotated.expires_at), (info.id.clone(), Some(100 + 365 * DAY)));
    for store in [&store, &home.open()] {
        assert!(store.authenticate(first.reveal(), None, 159).is_ok());
        assert!(store.authenticate(first.reveal(), None, 160).is_err());
        assert!(store.authenticate(second.reveal(), None, 160).is_ok());
    }
    let new = store.authenticate(second.reveal(), None, 150).unwrap();
    store.end_expired(160);
    assert!(old.ended.is_cancelled() && !new.ended.is_cancelled());
    assert_eq!(store.get(&info.id, 160).unwrap().state, KeyState::Active);
    // A third secret ends the first, whatever its overlap; `0s` ends the second as well.
    let (_, third) = store.rotate(&info.id, Some(Span::secs(0)), None, 170).unwrap();
    assert!(store.authenticate(second.reveal(), None, 170).is_err() && new.ended.is_cancelled());
    assert!(store.authenticate(third.reveal(), None, 170).is_ok());
    store.revoke(&info.id, 180).unwrap();
    assert!(store.authenticate(third.reveal(), None, 180).is_err());
}

#[test]
fn an_old_secret_does_not_outlive_its_key() {
    let home = Home::new();
    let store = home.open();
    let new = NewKey { expires_in: Some(Span::secs(10)), ..key(&[Scope::Query], Some("a")) };
    let (info, first) = store.create(new, 0).unwrap();
    let (rotated, _) = store.rotate(&info.id, Some(Span::secs(1_000)), None, 5).unwrap();
    assert_eq!(rotated.previous_secret_until, Some(10));
    assert!(store.authenticate(first.reveal(), None, 9).is_ok());
    assert!(store.authenticate(first.reveal(), None, 10).is_err());
}

#[test]
fn the_last_admin_key_cannot_be_revoked() {
    let home = Home::new();
    let store = home.open();
    let first = store.create_first("first", 0).unwrap();
    assert_eq!(store.get(&first.id(), 0).unwrap().expires_at, None);
    store.create(key(&[Scope::Query], Some("a")), 0).unwrap();
    assert!(matches!(store.revoke(&first.id(), 1), Err(AccessError::LastAdmin(_))));
    let (second, _) = store.create(key(&[Scope::Admin], None), 1).unwrap();
    // One that has expired counts for nothing.
    assert!(matches!(store.revoke(&first.id(), 1 + 365 * DAY), Err(AccessError::LastAdmin(_))));
    store.revoke(&first.id(), 2).unwrap();
    assert!(matches!(store.revoke(&second.id, 3), Err(AccessError::LastAdmin(_))));
    assert!(store.has_admin(3) && !store.has_admin(1 + 365 * DAY));
}

#[test]
fn a_key_opens_from_its_networks_only() {
    let home = Home::new();
    let store = home.open();
    let restrictions: Restrictions = serde_json::from_str(r#"{"sources": ["10.0.0.0/8", "::1"]}"#).unwrap();
    let (_, secret) = store.create(NewKey { restrictions, ..key(&[Scope::Query], Some("a")) }, 0).unwrap();
    let from = |address: Option<&str>| {
        store.authenticate(secret.reveal(), address.map(|address| address.parse().unwrap()), 1).is_ok()
    };
    assert!(from(Some("10.1.1.1")) && from(Some("::1")) && from(Some("::ffff:10.0.0.1")));
    assert!(!from(Some("11.1.1.1")) && !from(Some("::2")) && !from(None));
}

#[test]
fn the_last_use_is_known_to_the_minute_and_kept() {
    let home = Home::new();
    let store = home.open();
    let (info, secret) = store.create(key(&[Scope::Query], Some("a")), 0).unwrap();
    let used = |store: &KeyStore| store.get(&info.id, 0).unwrap().last_used_at;
    assert_eq!(used(&store), None);
    store.authenticate(secret.reveal(), None, 3_599).unwrap();
    assert_eq!(used(&store), Some(3_540));
    assert_eq!(used(&home.open()), None);
    store.save_uses().unwrap();
    assert_eq!(used(&home.open()), Some(3_540));
    // A refused key is not used.
    store.revoke(&info.id, 3_600).unwrap();
    assert!(store.authenticate(secret.reveal(), None, 7_200).is_err());
    assert_eq!(used(&store), Some(3_540));
}

#[test]
fn keys_of_an_earlier_release_are_read() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let secret = Secret::generate('a').unwrap();
    let file = serde_json::json!([{"id": secret.id(), "name": "first admin key", "scopes": ["admin"], "project": null,
        "mapping": null, "source": null, "created_at": 7, "sha256": hex(&secret.hash())}]);
    std::fs::write(home.path(), file.to_string()).unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let store = home.open();
    assert!(store.has_admin(i64::MAX - 1));
    assert!(store.authenticate(secret.reveal(), None, 1 << 40).unwrap().may(Scope::Admin));
}

#[test]
fn the_keys_of_a_deleted_project_are_revoked() {
    let home = Home::new();
    let store = home.open();
    let (gone, secret) = store.create(key(&[Scope::Query], Some("a")), 0).unwrap();
    let (kept, _) = store.create(key(&[Scope::Query], Some("b")), 0).unwrap();
    let caller = store.authenticate(secret.reveal(), None, 1).unwrap();
    store.revoke_project(&project("a"), 2).unwrap();
    assert!(caller.ended.is_cancelled());
    assert_eq!(store.get(&gone.id, 2).unwrap().state, KeyState::Revoked);
    assert_eq!(store.get(&kept.id, 2).unwrap().state, KeyState::Active);
}

#[test]
fn the_journal_learns_what_was_wrong_with_a_key() {
    let home = Home::new();
    let store = home.open();
    let sources = serde_json::from_str(r#"{"sources": ["10.0.0.0/8"]}"#).unwrap();
    let new = NewKey { restrictions: sources, expires_in: days(1), ..key(&[Scope::Query], Some("a")) };
    let (info, secret) = store.create(new, 0).unwrap();
    let (wrong, unknown) = (Secret::again('q', &info.id).unwrap(), Secret::generate('q').unwrap());
    let inside = Some("10.0.0.1".parse().unwrap());
    let reason = |text: &str, source, now_s| store.authenticate(text, source, now_s).unwrap_err();
    assert_eq!(reason("krn_q", inside, 1), Denied::new(Reason::Malformed));
    let denied = reason(unknown.reveal(), inside, 1);
    assert_eq!((denied.key, denied.name, denied.reason), (Some(unknown.id()), None, Reason::Unknown));
    let named = |reason| Denied { key: Some(info.id.clone()), name: Some("test".into()), reason };
    assert_eq!(reason(wrong.reveal(), inside, 1), named(Reason::WrongSecret));
    assert_eq!(reason(secret.reveal(), None, 1), named(Reason::WrongSource));
    assert_eq!(reason(secret.reveal(), inside, DAY), named(Reason::Expired));
    store.revoke(&info.id, 2).unwrap();
    assert_eq!(reason(secret.reveal(), inside, 3), named(Reason::Revoked));
}

#[test]
fn of_the_journal_a_projects_key_sees_what_is_about_its_project() {
    let home = Home::new();
    let store = home.open();
    let caller = |scopes: &[Scope], of: Option<&str>| {
        let (_, secret) = store.create(key(scopes, of), 1).unwrap();
        store.authenticate(secret.reveal(), None, 1).unwrap()
    };
    let shop = caller(&[Scope::AuditRead, Scope::Query], Some("shop"));
    let restriction = shop.reader(&ProjectName::audit()).restriction.unwrap();
    assert!(
        restriction.rows().admits_tenant("shop")
            && !restriction.rows().admits_tenant("_audit")
            && !restriction.rows().admits_tenant("other")
    );
    assert!(shop.reader(&project("shop")).restriction.is_none());
    assert!(caller(&[Scope::AuditRead], Some("_audit")).reader(&ProjectName::audit()).restriction.is_none());
    let admin = caller(&[Scope::AuditRead, Scope::Admin], None);
    assert!(admin.reader(&ProjectName::audit()).restriction.is_none() && admin.may(Scope::AuditRead));
}

#[test]
fn a_session_opens_what_its_key_opens_and_as_long() {
    let home = Home::new();
    let store = home.open();
    let sources = Restrictions { sources: Some(vec!["10.0.0.0/8".parse().unwrap()]), ..Restrictions::default() };
    let new = NewKey { restrictions: sources, expires_in: days(1), ..key(&[Scope::Query], Some("shop")) };
    let (info, _) = store.create(new, 0).unwrap();
    let (token, expires_at) = store.begin_session(&info.id, 7).unwrap();
    assert_eq!(expires_at, 7 + 12 * 3_600);
    let inside: Option<IpAddr> = Some("10.0.0.1".parse().unwrap());
    let reason = |store: &KeyStore, source, now_s| store.signed_in(token.reveal(), source, now_s).unwrap_err().reason;
    let signed_in = store.signed_in(token.reveal(), inside, 8).unwrap();
    assert_eq!((signed_in.caller.key.clone(), signed_in.expires_at), (info.id.clone(), expires_at));
    assert_eq!(signed_in.caller.scopes, [Scope::Query]);
    assert_eq!(reason(&store, None, 8), Reason::WrongSource);
    assert_eq!(reason(&store, inside, expires_at), Reason::SessionUnknown);
    // No longer than the key.
    assert_eq!(store.begin_session(&info.id, DAY - 9).unwrap().1, DAY);
    assert!(matches!(store.begin_session(&info.id, DAY), Err(AccessError::NotActive(_))));
    // The key gets another secret: the session goes on, also when the older one is over.
    store.rotate(&info.id, Some(Span::secs(0)), None, 9).unwrap();
    assert!(store.signed_in(token.reveal(), inside, 10).is_ok() && !signed_in.caller.ended.is_cancelled());
    let again = home.open();
    assert!(again.signed_in(token.reveal(), inside, 10).is_ok(), "after a restart");
    again.revoke_project(&project("shop"), 11).unwrap();
    assert_eq!(reason(&again, inside, 11), Reason::SessionUnknown);
    assert_eq!(reason(&home.open(), inside, 11), Reason::Revoked);
    assert!(matches!(again.make_link(&info.id, 11), Err(AccessError::NotActive(_))));
}

#[test]
fn what_runs_in_a_session_ends_with_it_or_with_its_key() {
    let home = Home::new();
    let store = home.open();
    let (admin, _) = store.create(key(&[Scope::Admin], None), 0).unwrap();
    let (info, _) = store.create(key(&[Scope::Query], Some("shop")), 0).unwrap();
    let begin = |id: &KeyId| {
        let (token, _) = store.begin_session(id, 1).unwrap();
        let ended = store.signed_in(token.reveal(), None, 1).unwrap().caller.ended;
        (token, ended)
    };
    let (token, out) = begin(&info.id);
    assert!(store.end_session(token.reveal()).unwrap() && out.is_cancelled());
    let (_, over) = begin(&info.id);
    store.end_expired(12 * 3_600);
    assert!(!over.is_cancelled());
    store.end_expired(1 + 12 * 3_600);
    assert!(over.is_cancelled(), "its time is over");
    let ((_, revoked), (_, other)) = (begin(&info.id), begin(&admin.id));
    store.revoke(&info.id, 2).unwrap();
    assert!(revoked.is_cancelled() && !other.is_cancelled());
    let link = store.make_link(&admin.id, 2).unwrap().0;
    assert_eq!(store.redeem_link(link.reveal(), None, 3).unwrap().key, admin.id);
    assert_eq!(store.redeem_link(link.reveal(), None, 3).unwrap_err().reason, Reason::LinkUnknown);
    assert_eq!(store.end_sessions(&admin.id).unwrap(), 1);
    assert!(other.is_cancelled());
}
