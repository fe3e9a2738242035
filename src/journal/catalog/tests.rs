use std::collections::BTreeSet;

use super::explain::{common, sms_errors, statuses};
use super::*;
use crate::event::model::COLUMNS;

/// Whether `field` is a column of the model, or a path of one that holds JSON.
fn in_model(field: &str) -> bool {
    let (column, path) = field.split_once('.').unwrap_or((field, ""));
    COLUMNS.iter().any(|known| known.name == column) && (path.is_empty() || column == "attributes")
}

#[track_caller]
fn unique<'a>(what: &str, ids: impl Iterator<Item = &'a str>) -> usize {
    let all: Vec<&str> = ids.collect();
    let mut seen = BTreeSet::new();
    for id in &all {
        assert!(!id.is_empty() && seen.insert(*id), "{what}: `{id}` stands twice, or is empty");
    }
    all.len()
}

fn titled(title: &Title) -> bool {
    !title.original.trim().is_empty() && !title.en.trim().is_empty()
}

fn told(words: &Words) -> bool {
    [&words.pl, &words.ru, &words.en].iter().all(|text| !text.trim().is_empty())
}

const ACTIONS: [&str; 15] = [
    "create", "update", "delete", "restore", "read", "login", "send", "receive", "import", "export", "start", "stop",
    "complete", "reopen", "other",
];

#[test]
fn every_row_of_every_catalogue_is_consistent() {
    let counts: Vec<(&str, usize, usize)> = catalogs().iter().map(check).collect();
    // The documents' own: 16 modules and a pseudo-module; 73 events and the restore button; …
    let known = [
        ("idosell", 17, 60),
        ("expertsender", 5, 14),
        ("remonline", 11, 74),
        ("getcourse", 12, 43),
        ("voucherify", 4, 35),
    ];
    assert_eq!(counts, known);
}

fn check(catalog: &'static Catalog) -> (&'static str, usize, usize) {
    let source = catalog.source.as_str();
    let datasets: BTreeSet<&str> = catalog.datasets.iter().map(|dataset| dataset.id.as_str()).collect();
    unique(source, catalog.datasets.iter().map(|dataset| dataset.id.as_str()));
    let modules = unique(source, catalog.modules.iter().map(|module| module.id.as_str()));
    let events = unique(source, catalog.modules.iter().flat_map(|m| m.event_types.iter().map(|e| e.id.as_str())));
    for module in &catalog.modules {
        assert!(titled(&module.title), "{source} {}", module.id);
        check_module(catalog, module);
    }
    unique(source, catalog.screens.iter().map(|screen| screen.id.as_str()));
    for screen in &catalog.screens {
        assert!(datasets.contains(screen.dataset.as_str()), "{source} {}", screen.id);
        check_screen(source, screen);
    }
    let shown: BTreeSet<&str> = catalog.screens.iter().map(|screen| screen.dataset.as_str()).collect();
    assert_eq!(shown, datasets, "{source}: a log without a screen");
    let of_modules = |named: &[String]| named.iter().all(|module| catalog.module(module).is_some());
    for value in &catalog.values {
        assert!(of_modules(&value.modules) && told(&value.meaning), "{source} {value:?}");
    }
    let keys = catalog.values.iter().map(|value| format!("{:?} {} {}", value.modules, value.field, value.value));
    let keys: Vec<String> = keys.collect();
    unique(source, keys.iter().map(String::as_str));
    for key in &catalog.keys {
        assert!(of_modules(&key.modules) && titled(&key.title), "{source} {key:?}");
    }
    for status in &catalog.status_codes {
        assert!(datasets.contains(status.dataset.as_str()) && told(&status.meaning), "{source} {status:?}");
        assert_eq!(status.outcome == "failure", status.code >= 400, "{source} {status:?}");
    }
    for alias in &catalog.aliases {
        assert!(in_model(&alias.column) && !in_model(&alias.sent), "{source} {alias:?}");
    }
    (source, modules, events)
}

fn check_module(catalog: &Catalog, module: &Module) {
    let submodules: BTreeSet<&str> = module.submodules.iter().map(|entry| entry.id.as_str()).collect();
    for event in &module.event_types {
        let at = format!("{} {}", catalog.source, event.id);
        assert!(titled(&event.title) && ACTIONS.contains(&event.action.as_str()), "{at}");
        assert!(!event.object_type.is_empty() && !event.fields.is_empty(), "{at}");
        for field in &event.fields {
            assert!(in_model(field), "{at}: `{field}` is no column");
        }
        assert!(event.submodule.as_deref().is_none_or(|name| submodules.contains(name)), "{at}");
        assert!(event.variant_of.as_deref().is_none_or(|of| catalog.event_type(of).is_some()), "{at}");
        assert!(event.outcome.as_deref().is_none_or(|outcome| outcome == "failure"), "{at}");
        assert!(event.visibility.as_deref().is_none_or(|visibility| visibility == "object"), "{at}");
        assert_eq!(known(&catalog.source, Some(&module.id), &event.id), Known::EventType, "{at}");
    }
}

fn check_screen(source: &str, screen: &Screen) {
    let at = format!("{source} {}", screen.id);
    assert!(crate::query::views().iter().any(|view| view.name == screen.view), "{at}: no view");
    unique(&at, screen.columns.iter().map(|column| column.id.as_str()));
    unique(&at, screen.filters.iter().map(|filter| filter.id.as_str()));
    for column in &screen.columns {
        assert!(titled(&column.title) && !column.of.is_empty(), "{at} {}", column.id);
        assert!(column.of.iter().all(|of| in_model(of)), "{at} {}: {:?}", column.id, column.of);
    }
    for filter in &screen.filters {
        let fits = |field: &String| in_model(field) || ["period", "hours"].contains(&field.as_str());
        assert!(titled(&filter.title) && filter.fields.iter().all(fits), "{at} {}", filter.id);
        assert!(!filter.operators.is_empty(), "{at} {}", filter.id);
    }
}

#[test]
fn the_dictionaries_are_whole() {
    let statuses = statuses();
    for status in &statuses.codes {
        assert!(told(&status.meaning) && !status.name.is_empty(), "{status:?}");
    }
    // Every status that the registry of HTTP statuses has, but those marked as unused.
    let registered = [100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304]
        .into_iter()
        .chain([305, 307, 308])
        .chain(400..=417)
        .chain([421, 422, 423, 424, 425, 426, 428, 429, 431, 451])
        .chain(500..=508)
        .chain([510, 511]);
    for code in registered {
        assert!(statuses.codes.iter().any(|status| status.code == code), "{code} is missing");
    }
    let codes: Vec<String> = statuses.codes.iter().map(|status| status.code.to_string()).collect();
    unique("statuses", codes.iter().map(String::as_str));
    for known in &sms_errors().codes {
        assert!(told(&known.meaning) && !known.codes.is_empty(), "{known:?}");
        assert!(sms_errors().schemes.iter().any(|scheme| scheme.id == known.scheme), "{known:?}");
    }
    let in_scheme = |id: &str| {
        let all = sms_errors().codes.iter().filter(|known| known.scheme == id);
        unique(id, all.flat_map(|known| known.codes.iter().map(String::as_str)))
    };
    assert_eq!(["gsm", "smpp", "receipt"].map(in_scheme), [23, 60, 8]);
    for value in &common().values {
        assert!(told(&value.meaning) && (in_model(&value.field) || value.field == "op"), "{value:?}");
    }
    for action in ACTIONS {
        assert!(explain_value("", None, "action", action, Language::Pl).is_some(), "{action}");
    }
}

#[test]
fn statuses_are_explained_in_general_and_by_the_source() {
    let of = |dataset: &str, code, language| explain_status("expertsender", dataset, code, language).unwrap();
    let found = of("panel_logs", 302, Language::En);
    assert_eq!((found.name, found.meaning), (Some("Found"), "A redirect for now."));
    assert_eq!(found.source_meaning, Some("Redirected: the target page is temporarily unavailable."));
    // Spelled as the product spells it.
    assert_eq!(of("api_logs", 401, Language::Ru).source_name, Some("Unathorized"));
    assert_eq!(of("api_logs", 404, Language::Original).source_meaning, Some("Nie ma takich danych."));
    assert_eq!(of("panel_logs", 404, Language::Pl).source_meaning, None);
    assert_eq!(of("api_logs", 429, Language::Ru).meaning, "Слишком много запросов за короткое время.");
    let unregistered = explain_status("elsewhere", "x", 599, Language::Original).unwrap();
    assert_eq!((unregistered.name, unregistered.meaning), (None, "A fault of the server."));
    for no_status in [0, 99, 600, -200] {
        assert_eq!(explain_status("idosell", "event_log", no_status, Language::En), None, "{no_status}");
    }
}

#[test]
fn sms_errors_are_explained_by_the_standards_that_have_them() {
    let of = |code: &str| -> Vec<&str> {
        explain_sms("expertsender", code, Language::En).iter().map(|known| known.meaning).collect()
    };
    assert_eq!(of("27"), ["The receiver's phone cannot be reached."]);
    assert_eq!(of(" esme_rthrottled "), ["Too many messages in a short time."]);
    assert_eq!(of("0x0000000B"), ["The receiver's number is not valid."]);
    assert_eq!(of("UNDELIV"), ["Cannot be delivered."]);
    // A gateway's own: only its text says what it is.
    assert!(of("102").is_empty() && of("").is_empty());
    let polish = explain_sms("expertsender", "EXPIRED", Language::Original);
    assert_eq!((polish[0].scheme, polish[0].meaning), ("receipt", "Minął termin ważności wiadomości."));
}

#[test]
fn values_are_explained_where_they_have_a_meaning() {
    let check = |module: &str, path: &str, value: &str, wanted: Option<&str>| {
        let found = explain_value("getcourse", Some(module), path, value, Language::En);
        assert_eq!(found.as_deref(), wanted, "{module} {path} {value}");
    };
    check("webinars", "access_type", "2", Some("only people who are logged in"));
    check("webinars", "broadcast_type", "\"3\"", Some("browser"));
    check("autowebinars", "access_type", "3", None);
    check("products", "access_type", "\"groups\"", Some("membership of a group"));
    check("process_blocks", "params.runBlockParams.class", "\"warning\"", Some("neutral"));
    check("process_blocks", "children.0.children.1.inverted", "1", Some("NOT"));
    check("process_blocks", "timeResults.77.weekday", "-1", Some("any weekday"));
    check("users", "rights", r#"["partner:me","other"]"#, Some("may view the own partner cabinet, other"));
    check("users", "rights", r#"["other"]"#, None);
    // Switches, but not numbers that happen to be 0 or 1.
    check("trainings", "lessons.5.hide_until_available", "1", Some("on"));
    check("trainings", "lessons.5.delay", "1", None);
    check("offers", "price", "0", None);
    // A module of the same field name elsewhere, a longer name that ends alike, no module at all.
    check("offers", "access_type", "2", None);
    check("webinars", "last_broadcast_type", "3", None);
    assert_eq!(explain_value("getcourse", None, "broadcast_type", "3", Language::En), None);
    // Sources without switches keep their numbers.
    assert_eq!(explain_value("remonline", Some("orders"), "urgent", "1", Language::En), None);
    assert_eq!(explain_value("nobody", None, "outcome", "failure", Language::Ru).as_deref(), Some("неудача"));
    let polish = explain_value("voucherify", Some("exports"), "status", "ERROR", Language::Pl);
    assert_eq!(polish.as_deref(), Some("błąd"));
    assert_eq!(
        explain_key("getcourse", Some("payment_module"), "offer_credit", Language::En),
        Some("may be switched in single offers")
    );
    assert_eq!(
        explain_key("getcourse", Some("process_blocks"), "params.Coord", Language::Original),
        Some("координаты блока")
    );
    assert_eq!(explain_key("getcourse", Some("users"), "params", Language::En), None);
}

#[test]
fn what_no_catalogue_has_is_told_from_what_one_has() {
    assert_eq!(known("nobody", Some("orders"), "order.created"), Known::Nothing);
    assert_eq!(known("remonline", Some("orders"), "order.created"), Known::EventType);
    assert_eq!(known("remonline", Some("orders"), "order.painted"), Known::Module);
    assert_eq!(known("remonline", None, "order.painted"), Known::Source);
    assert_eq!(restorable("remonline", "cashbox"), Restorable::Yes);
    assert!(matches!(restorable("remonline", "order"), Restorable::No(reason) if reason.en.contains("support")));
    assert_eq!(restorable("remonline", "sale"), Restorable::Unknown);
    assert_eq!(restorable("nobody", "order"), Restorable::Unknown);
}

#[test]
fn search_finds_ids_titles_keys_and_values() {
    let find = |text: &str| search(&Search::new(text, Language::Original, None).unwrap());
    let broadcast = find("broadcast_type");
    let values: Vec<(&str, &str)> = broadcast
        .hits
        .iter()
        .filter(|hit| hit["kind"] == "value")
        .map(|hit| (hit["id"].as_str().unwrap(), hit["meaning"]["ru"].as_str().unwrap()))
        .collect();
    assert_eq!(values, [("2", "видеокодер"), ("3", "браузер")]);
    assert!(broadcast.hits.iter().any(|hit| hit["kind"] == "key"), "{broadcast:?}");
    assert_eq!(find("ВИДЕОКОДЕР").total, 1);
    let deleted = find("Удаление пользователя");
    assert_eq!((deleted.total, deleted.hits[0]["id"].as_str()), (1, Some("user.deleted")));
    assert_eq!(deleted.hits[0]["title"]["text"], "Удаление пользователя");
    assert!(find("esme_rthrottled").total == 1 && find("teapot").total == 1 && find("Pobierz plik").total == 1);
    assert_eq!(find("zzzz").total, 0);
    let few = search(&Search::new("task", Language::En, Some(3)).unwrap());
    assert!(few.hits.len() == 3 && few.total > 20, "{}", few.total);
    for (text, limit) in [("", None), (" \t", None), ("x", Some(0)), ("x", Some(501))] {
        assert!(Search::new(text, Language::En, limit).is_err(), "{text:?} {limit:?}");
    }
    assert!(Search::new(&"ż".repeat(200), Language::En, Some(500)).is_ok());
    assert!(Search::new(&"ż".repeat(201), Language::En, None).is_err());
}

#[test]
fn texts_come_in_the_language_asked_for() {
    let title = |source: &str, language| {
        let document = of(source).unwrap().document(language).unwrap();
        document["modules"][0]["title"]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(title("remonline", Language::Original), "Задачи");
    assert_eq!(title("remonline", Language::Ru), "Задачи");
    assert_eq!(title("remonline", Language::En), "Tasks");
    // There is no Polish name: the English one.
    assert_eq!(title("remonline", Language::Pl), "Tasks");
    let values = of("getcourse").unwrap().document(Language::Pl).unwrap()["values"].clone();
    assert_eq!(values[0]["meaning"]["text"], "może przeglądać własny gabinet partnera");
    let overview = overview(Language::En);
    assert_eq!(overview["sources"].as_array().unwrap().len(), 5);
    assert_eq!(overview["sources"][0]["modules"], 16);
    let error = of("idosel").unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::NotFound, "catalog_not_found"));
    assert!(error.hint().unwrap().starts_with("did you mean `idosell`?"), "{:?}", error.hint());
    assert!(language(Some("de")).unwrap_err().to_string().contains("original, pl, ru, en"));
}
