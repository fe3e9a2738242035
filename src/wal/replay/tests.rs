//! The decision table, walked; what it does to files is tested in `wal/tests/recovery.rs`.

use super::*;

#[test]
fn every_combination_has_the_verdict_of_the_table() {
    let gap = Damage::Gap { expected: 1, found: 2 };
    let damages = [Damage::Head, Damage::Foreign, Damage::CutShort, Damage::Payload, Damage::Project];
    let behinds = [Behind::Nothing, Behind::TornGroup, Behind::LaterGroup];
    for behind in behinds {
        assert_eq!(judge(false, Stop::Zeros, behind), Verdict::NextSegment);
        for damage in damages {
            assert_eq!(judge(false, Stop::Damaged(damage), behind), Verdict::Corrupt(damage));
        }
        for tail in [false, true] {
            assert_eq!(judge(tail, Stop::Damaged(gap), behind), Verdict::Corrupt(gap));
        }
    }
    assert_eq!(judge(true, Stop::Zeros, Behind::Nothing), Verdict::CleanEnd);
    assert_eq!(judge(true, Stop::Zeros, Behind::TornGroup), Verdict::Cut);
    assert_eq!(judge(true, Stop::Zeros, Behind::LaterGroup), Verdict::Corrupt(Damage::Head));
    for damage in damages {
        assert_eq!(judge(true, Stop::Damaged(damage), Behind::Nothing), Verdict::Cut);
        assert_eq!(judge(true, Stop::Damaged(damage), Behind::TornGroup), Verdict::Cut);
        assert_eq!(judge(true, Stop::Damaged(damage), Behind::LaterGroup), Verdict::Corrupt(damage));
    }
}
