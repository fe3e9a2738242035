//! What a route does, in the journal's words.

use axum::http::Method;

use crate::access::Secret;

/// Longest path that the journal takes, in characters.
const PATH_MAX: usize = 512;

/// What a call is, as the columns of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) module: &'static str,
    pub(super) event_type: &'static str,
    pub(super) action: &'static str,
}

/// Operations by method and route; a route that is not here is an `admin.call`.
const OPERATIONS: &[(&str, &str, &str, &str, &str)] = &[
    ("POST", "/api/v1/session", "access", "session.begin", "login"),
    ("DELETE", "/api/v1/session", "access", "session.end", "other"),
    ("POST", "/api/v1/session/links", "access", "session.link", "create"),
    ("GET", "/api/v1/keys", "keys", "key.list", "read"),
    ("POST", "/api/v1/keys", "keys", "key.create", "create"),
    ("GET", "/api/v1/keys/{id}", "keys", "key.read", "read"),
    ("DELETE", "/api/v1/keys/{id}", "keys", "key.revoke", "delete"),
    ("POST", "/api/v1/keys/{id}/rotate", "keys", "key.rotate", "update"),
    ("PUT", "/api/v1/keys/{id}/quota", "keys", "key.quota", "update"),
    ("GET", "/api/v1/projects", "projects", "project.list", "read"),
    ("POST", "/api/v1/projects", "projects", "project.create", "create"),
    ("DELETE", "/api/v1/projects/{name}", "projects", "project.delete", "delete"),
    ("GET", "/api/v1/projects/{name}/quota", "projects", "project.read", "read"),
    ("PUT", "/api/v1/projects/{name}/quota", "projects", "project.quota", "update"),
    ("GET", "/api/v1/projects/{name}/storage", "projects", "project.read", "read"),
    ("PUT", "/api/v1/mappings/{name}", "mappings", "mapping.put", "update"),
    ("DELETE", "/api/v1/mappings/{name}", "mappings", "mapping.delete", "delete"),
    ("POST", "/api/v1/objects/{type}/{id}/restore", "objects", "object.restore", "restore"),
    ("GET", "/api/v1/projects/{name}/webhooks", "webhooks", "webhook.list", "read"),
    ("PUT", "/api/v1/projects/{name}/webhooks/{source}", "webhooks", "webhook.put", "update"),
    ("DELETE", "/api/v1/projects/{name}/webhooks/{source}", "webhooks", "webhook.delete", "delete"),
    ("GET", "/api/v1/webhooks/deliveries", "webhooks", "delivery.list", "read"),
    ("GET", "/api/v1/webhooks/deliveries/{id}", "webhooks", "delivery.read", "read"),
    ("POST", "/api/v1/webhooks/deliveries/{id}/retry", "webhooks", "delivery.retry", "update"),
    ("POST", "/api/v1/exports", "exports", "export.create", "export"),
    ("DELETE", "/api/v1/exports/{id}", "exports", "export.delete", "delete"),
    ("GET", "/api/v1/exports/{id}/file", "exports", "export.download", "read"),
    ("GET", "/api/v1/retention", "retention", "retention.list", "read"),
    ("GET", "/api/v1/retention/{project}", "retention", "retention.read", "read"),
    ("PUT", "/api/v1/retention/{project}", "retention", "retention.set", "update"),
    ("GET", "/api/v1/retention/{project}/plan", "retention", "retention.dry_run", "read"),
    ("POST", "/api/v1/retention/{project}/run", "retention", "retention.call", "delete"),
    ("GET", "/api/v1/holds", "retention", "hold.list", "read"),
    ("GET", "/api/v1/holds/{id}", "retention", "hold.read", "read"),
    ("POST", "/api/v1/holds", "retention", "hold.place", "create"),
    ("POST", "/api/v1/holds/{id}/lift", "retention", "hold.lift", "update"),
    ("GET", "/api/v1/erasures", "retention", "erasure.list", "read"),
    ("GET", "/api/v1/erasures/{id}", "retention", "erasure.read", "read"),
    ("POST", "/api/v1/erasures/preview", "retention", "erasure.preview", "read"),
    ("POST", "/api/v1/erasures", "retention", "erasure.create", "create"),
    ("DELETE", "/api/v1/erasures/{id}", "retention", "erasure.cancel", "update"),
    ("GET", "/api/v1/jobs", "jobs", "job.list", "read"),
    ("GET", "/api/v1/jobs/{id}", "jobs", "job.read", "read"),
    ("POST", "/api/v1/jobs/{id}/cancel", "jobs", "job.cancel", "update"),
    ("POST", "/api/v1/admin/flush", "admin", "admin.flush", "other"),
    ("POST", "/api/v1/admin/compact", "admin", "admin.compact", "other"),
];

/// What a route does.
pub(super) fn of(method: &Method, route: &str) -> Operation {
    let known = OPERATIONS.iter().find(|(with, to, ..)| method == with && route == *to);
    let (module, event_type, action) = known
        .map_or(("admin", "admin.call", "other"), |(_, _, module, event_type, action)| (module, event_type, action));
    Operation { module, event_type, action }
}

/// Type and id of what a path is about, by its route: `/api/v1/keys/{id}/rotate` is about a `key`.
pub(super) fn object_of(route: &str, path: &str) -> (Option<&'static str>, Option<String>) {
    let kind = match route.split('/').nth(3) {
        Some("keys") => Some("key"),
        Some("projects") => Some("project"),
        Some("mappings") => Some("mapping"),
        Some("exports") => Some("export"),
        Some("jobs") => Some("job"),
        Some("queries" | "query") => Some("query"),
        Some("events" | "ingest") => Some("project"),
        Some("objects") => Some("object"),
        Some("retention") => Some("project"),
        Some("holds") => Some("hold"),
        Some("erasures") => Some("erasure"),
        Some("webhooks") => Some("delivery"),
        _ => None,
    };
    let at = route.split('/').position(|part| part.starts_with('{'));
    let id = at.and_then(|at| path.split('/').nth(at)).map(without_secrets);
    (kind, id)
}

/// A path or text of a request; a whole key in it, put there by mistake, is cut to its public part.
pub(super) fn without_secrets(path: &str) -> String {
    let mut out = String::new();
    for part in path.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        let word = part.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        // Also one that is mistyped or cut: its beginning says what it is.
        match word.starts_with("krn_") {
            true => {
                let id = Secret::parse(word).map(|secret| secret.id().to_string()).unwrap_or_default();
                out.push_str(&format!("krn_{id}_hidden"));
                out.push_str(&part[word.len()..]);
            }
            false => out.push_str(part),
        }
    }
    out.chars().take(PATH_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_have_words_and_objects() {
        let operation = of(&Method::POST, "/api/v1/keys/{id}/rotate");
        assert_eq!((operation.module, operation.event_type, operation.action), ("keys", "key.rotate", "update"));
        assert_eq!(of(&Method::POST, "/api/v1/admin/new").event_type, "admin.call");
        assert_eq!(of(&Method::POST, "").event_type, "admin.call");
        let cases: &[(&str, &str, Option<&str>, Option<&str>)] = &[
            ("/api/v1/keys/{id}/rotate", "/api/v1/keys/abc/rotate", Some("key"), Some("abc")),
            ("/api/v1/keys", "/api/v1/keys", Some("key"), None),
            ("/api/v1/admin/flush", "/api/v1/admin/flush", None, None),
            ("", "/favicon.ico", None, None),
        ];
        for (route, path, kind, id) in cases {
            assert_eq!(object_of(route, path), (*kind, id.map(str::to_owned)), "{path}");
        }
    }

    #[test]
    fn keys_in_a_path_lose_their_secret() {
        let secret = Secret::generate('q').unwrap();
        let id = secret.id();
        let key = secret.reveal();
        assert_eq!(
            without_secrets(&format!("/api/v1/keys/{key}/rotate")),
            format!("/api/v1/keys/krn_{id}_hidden/rotate")
        );
        assert_eq!(without_secrets(&key[..40]), "krn__hidden");
        assert_eq!(without_secrets("/api/v1/keys/abc?x=1"), "/api/v1/keys/abc?x=1");
        assert_eq!(without_secrets(&"ж".repeat(600)).chars().count(), PATH_MAX);
    }
}
