use super::*;

fn key(scopes: &[Scope], project: Option<&str>) -> NewKey {
    let project = project.map(|name| ProjectName::try_from(name).unwrap());
    NewKey { name: "test".into(), scopes: scopes.to_vec(), project, mapping: None, source: None }
}

#[test]
fn a_key_opens_until_it_is_revoked_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.json");
    let store = KeyStore::open(&path).unwrap();
    assert!(store.is_empty());
    let (info, secret) = store.create(key(&[Scope::Ingest], Some("shop")), 7).unwrap();
    let again = KeyStore::open(&path).unwrap();
    let caller = again.authenticate(secret.reveal()).unwrap();
    assert_eq!((caller.key.as_str(), caller.project.unwrap().as_str()), (info.id.as_str(), "shop"));
    assert!(caller.scopes == [Scope::Ingest]);
    again.revoke(&info.id).unwrap();
    assert!(again.authenticate(secret.reveal()).is_err());
    assert!(matches!(again.revoke(&info.id), Err(AccessError::UnknownKey(_))));
    assert!(KeyStore::open(&path).unwrap().is_empty());
}

#[test]
fn what_is_stored_and_shown_holds_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.json");
    let (_, secret) = KeyStore::open(&path).unwrap().create(key(&[Scope::Admin], None), 7).unwrap();
    let random = secret.reveal().split('_').nth(3).unwrap().to_string();
    assert!(!std::fs::read_to_string(&path).unwrap().contains(&random));
    assert!(!format!("{secret:?}").contains(&random));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn wrong_keys_are_refused_alike() {
    let dir = tempfile::tempdir().unwrap();
    let store = KeyStore::open(&dir.path().join("keys.json")).unwrap();
    let (_, secret) = store.create(key(&[Scope::Admin], None), 7).unwrap();
    let other = Secret::generate('a').unwrap();
    let mistyped = secret.reveal().replace("krn_a_", "krn_q_");
    for wrong in ["", "krn", "krn_a_b_c_d", other.reveal(), &mistyped, &secret.reveal()[1..]] {
        assert!(matches!(store.authenticate(wrong), Err(AccessError::Unauthenticated)), "{wrong}");
    }
    assert!(store.authenticate(secret.reveal()).unwrap().may(Scope::Query));
    assert!(!store.authenticate(secret.reveal()).unwrap().may(Scope::AuditRead));
}

#[test]
fn scopes_and_project_must_go_together() {
    let dir = tempfile::tempdir().unwrap();
    let store = KeyStore::open(&dir.path().join("keys.json")).unwrap();
    for wrong in [key(&[], Some("a")), key(&[Scope::Admin], Some("a")), key(&[Scope::Query], None)] {
        assert!(matches!(store.create(wrong, 7), Err(AccessError::BadKey(_))));
    }
}
