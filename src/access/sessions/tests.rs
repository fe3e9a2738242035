use super::*;
use crate::config::Span;

fn rules(most: usize) -> config::Access {
    config::Access { sessions_max: most, link_lifetime: Span::secs(10), ..config::Access::default() }
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("sessions.json")
    }

    fn open(&self, most: usize) -> Sessions {
        Sessions::open(&self.path(), &rules(most)).unwrap()
    }
}

fn id(text: &str) -> KeyId {
    KeyId::from(text)
}

#[test]
fn a_session_lasts_over_a_restart_until_its_time_or_its_end() {
    let home = Home::new();
    let sessions = home.open(9);
    let token = sessions.begin(&id("a"), 100).unwrap();
    let other = sessions.begin(&id("b"), 100).unwrap();
    for sessions in [&sessions, &home.open(9)] {
        let found = sessions.find(token.reveal(), 99).unwrap();
        assert_eq!((found.key, found.expires_at), (id("a"), 100));
        assert!(sessions.find(token.reveal(), 100).is_none(), "its time is over");
        assert!(sessions.find(&token.reveal()[1..], 1).is_none() && sessions.find("", 1).is_none());
    }
    let running = sessions.find(token.reveal(), 1).unwrap().ended;
    assert!(sessions.end(token.reveal()).unwrap() && !sessions.end(token.reveal()).unwrap());
    assert!(running.is_cancelled() && sessions.find(token.reveal(), 1).is_none());
    let again = home.open(9);
    assert!(again.find(token.reveal(), 1).is_none() && again.find(other.reveal(), 1).is_some());
}

#[test]
fn the_file_holds_no_token_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let token = home.open(9).begin(&id("a"), 100).unwrap();
    let text = std::fs::read_to_string(home.path()).unwrap();
    let secret = token.reveal().strip_prefix(SESSION).unwrap();
    assert!(secret.len() == SECRET_LEN && !text.contains(secret), "{text}");
    assert!(text.contains(&hash(token.reveal())) && text.contains("#crc32c="), "{text}");
    assert!(!format!("{token:?}").contains(secret));
    let mode = |mode| std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(std::fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o600);
    mode(0o640);
    assert!(matches!(Sessions::open(&home.path(), &rules(9)), Err(AccessError::Exposed { mode: 0o640, .. })));
    mode(0o600);
    std::fs::write(home.path(), text.replace("\"a\"", "\"b\"")).unwrap();
    let damaged = Sessions::open(&home.path(), &rules(9)).unwrap_err();
    assert!(matches!(damaged, AccessError::Io { .. }), "another key in it: {damaged:?}");
}

#[test]
fn the_oldest_of_a_key_ends_for_one_too_many() {
    let home = Home::new();
    let sessions = home.open(2);
    let begin = |key| sessions.begin(&id(key), 100).unwrap();
    let (first, second, of_b) = (begin("a"), begin("a"), begin("b"));
    let running = sessions.find(first.reveal(), 1).unwrap().ended;
    assert!(!running.is_cancelled(), "at the limit");
    let third = begin("a");
    assert!(running.is_cancelled() && sessions.find(first.reveal(), 1).is_none(), "one past it");
    for token in [&second, &third, &of_b] {
        assert!(sessions.find(token.reveal(), 1).is_some());
    }
    // A smaller limit is kept from the next one on.
    let fewer = home.open(1);
    let fourth = fewer.begin(&id("a"), 100).unwrap();
    assert!([&second, &third].iter().all(|token| fewer.find(token.reveal(), 1).is_none()));
    assert!([&fourth, &of_b].iter().all(|token| fewer.find(token.reveal(), 1).is_some()));
}

#[test]
fn all_of_a_key_end_together_with_its_links() {
    let home = Home::new();
    let sessions = home.open(9);
    let tokens = [sessions.begin(&id("a"), 100).unwrap(), sessions.begin(&id("a"), 100).unwrap()];
    let other = sessions.begin(&id("b"), 100).unwrap();
    let (link, of_b) = (sessions.link(&id("a"), 1).unwrap().0, sessions.link(&id("b"), 1).unwrap().0);
    assert_eq!(sessions.end_of(&id("a")).unwrap(), 2);
    assert_eq!(sessions.end_of(&id("a")).unwrap(), 0);
    for sessions in [&sessions, &home.open(9)] {
        assert!(tokens.iter().all(|token| sessions.find(token.reveal(), 1).is_none()));
        assert!(sessions.find(other.reveal(), 1).is_some());
    }
    assert_eq!((sessions.redeem(link.reveal(), 2), sessions.redeem(of_b.reveal(), 2)), (None, Some(id("b"))));
}

#[test]
fn a_session_that_cannot_be_written_off_is_over_all_the_same() {
    let home = Home::new();
    let sessions = home.open(9);
    let token = sessions.begin(&id("a"), 100).unwrap();
    std::fs::remove_file(home.path()).unwrap();
    std::fs::create_dir(home.path()).unwrap();
    assert!(matches!(sessions.end(token.reveal()), Err(AccessError::Io { .. })));
    assert!(sessions.find(token.reveal(), 1).is_none());
    assert!(sessions.begin(&id("a"), 100).is_err(), "and none begins that would not be kept");
    assert!(sessions.open.read().is_empty());
}

#[test]
fn a_link_is_good_once_and_for_its_time() {
    let sessions = Home::new().open(2);
    let (link, until) = sessions.link(&id("a"), 100).unwrap();
    assert_eq!(until, 110);
    assert_eq!(sessions.redeem(link.reveal(), 109), Some(id("a")));
    assert_eq!(sessions.redeem(link.reveal(), 109), None, "twice");
    let late = sessions.link(&id("a"), 100).unwrap().0;
    assert_eq!(sessions.redeem(late.reveal(), 110), None, "too late");
    assert_eq!(sessions.redeem(late.reveal(), 105), None, "also for a clock that went back");
    let links: Vec<Token> = (0..3).map(|_| sessions.link(&id("a"), 100).unwrap().0).collect();
    let redeemed: Vec<bool> = links.iter().map(|link| sessions.redeem(link.reveal(), 101).is_some()).collect();
    assert_eq!(redeemed, [false, true, true], "the oldest of one too many is over");
}
