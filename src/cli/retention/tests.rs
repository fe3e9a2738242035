use super::*;

#[test]
fn a_policy_is_put_together_from_its_parts() {
    let module = |text: &str| Module::from_str(text);
    assert_eq!(module("a=b=30d"), Ok(Module("a=b".into(), "30d".into())));
    assert_eq!(module("=30d"), Ok(Module(String::new(), "30d".into())));
    assert!(module("logs").is_err());
    let made = policy(Some("400d".into()), vec![module("logs=30d").unwrap(), module("=forever").unwrap()]);
    assert_eq!(made, json!({"keep": "400d", "modules": {"logs": "30d", "": "forever"}}));
    assert_eq!(policy(None, Vec::new()), json!({"modules": {}}));
}
