use super::*;

const DAY: i64 = 86_400 * 1_000_000;

#[test]
fn a_clock_is_believed_as_far_as_it_was_seen() {
    let now = 20_000 * DAY;
    let watch = |known_us| Watch { known_us, opened_us: now, opened: Instant::now() };
    let cases = [
        ("a new directory", watch(0), now, 0, true),
        ("seen yesterday", watch(now - DAY), now, 0, true),
        ("seen at the limit", watch(now - 30 * DAY), now, 0, true),
        ("seen long ago", watch(now - 31 * DAY), now, 0, false),
        ("seen long ago, confirmed since", watch(now - 31 * DAY), now, now, true),
        ("set ahead while it ran", watch(now), now + 31 * DAY, now - DAY, false),
        ("set ahead, confirmed since", watch(now), now + 31 * DAY, now + 31 * DAY, true),
        ("behind, within the limit", watch(now), now, now + DAY, true),
        ("behind what was found right", watch(now), now, now + DAY + 1, false),
    ];
    let limits = Limits { ahead_us: 30 * DAY, back_us: DAY };
    for (what, watch, at, trusted, fine) in cases {
        let problem = watch.problem(at, trusted, &limits);
        assert_eq!(problem.is_none(), fine, "{what}: {problem:?}");
    }
}
