use super::*;

#[test]
fn the_system_tells_what_the_process_uses() {
    let now = Memory::now();
    assert!(now.resident > 1 << 20 && now.address >= now.resident, "{now:?}");
    let limits = Memory::limits(0);
    assert!(limits.resident > 100 << 20, "{limits:?}");
    assert_eq!(Memory::limits(7).resident, 7);
    assert!(now.is_over(Memory { resident: now.resident - 1, address: u64::MAX }));
    assert!(!now.is_over(Memory { resident: now.resident, address: now.address }));
}
