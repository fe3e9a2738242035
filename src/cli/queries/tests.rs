use super::*;

#[test]
fn a_list_shows_names_titles_and_what_is_needed() {
    let queries: Vec<Listed> = serde_json::from_str(
        r#"[{"name":"actor_activity","title":"What one actor did","description":"…","own":false,
            "parameters":[{"name":"actor","type":"text","required":true},{"name":"from","type":"timestamp"}]},
            {"name":"mine","title":"Own"}]"#,
    )
    .unwrap();
    insta::assert_snapshot!(table(&queries).render(None), @r"
    ┌────────────────┬────────────────────┬───────────────────────┐
    │ name           ┆ title              ┆ parameters (* needed) │
    ╞════════════════╪════════════════════╪═══════════════════════╡
    │ actor_activity ┆ What one actor did ┆ actor* from           │
    │ mine           ┆ Own                ┆                       │
    └────────────────┴────────────────────┴───────────────────────┘
    ");
}
