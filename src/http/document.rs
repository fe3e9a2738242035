//! The OpenAPI document: what the routes describe, and the event model as a schema.

use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use crate::event::model::{COLUMNS, Column, Kind, Origin};
use crate::event::schema::{ATTACHMENT_FIELDS, CHANGE_FIELDS, RELATED_FIELDS};

#[derive(OpenApi)]
#[openapi(info(title = "Kronika", description = "A columnar event journal: events in, SQL out."))]
struct Document;

/// The document before the routes are added.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    let components = document.components.get_or_insert_default();
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "An API key. A browser that signed in (POST /api/v1/session) sends the cookie of its session instead.",
    ));
    let key = SecurityScheme::Http(key.build());
    components.add_security_scheme("key", key);
    components.schemas.insert("Event".to_string(), event().into());
    document
}

/// The document with what every operation may answer besides: the statuses of [`super::problem`].
///
/// Routes name what they give when all is well; refusals depend on what a request has, and are added here.
pub(super) fn finished(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for (path, item) in &mut document.paths.paths {
        let PathItem { get, put, post, delete, .. } = item;
        for operation in [get, put, post, delete].into_iter().flatten() {
            add_refusals(path, operation);
            add_examples(operation);
        }
    }
    document
}

fn add_refusals(path: &str, operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let asks = |part: &str| id.contains(part);
    let parameters = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    let (body, keyed) =
        (operation.request_body.is_some(), path.starts_with("/api/v1/") || id == "metrics" || id == "readyz");
    let query = asks("query");
    let statuses = [
        (400, parameters || body || keyed, "The request is wrong"),
        (401, keyed, "No valid key"),
        (403, keyed, "The key may not do this"),
        (404, keyed && id != "info", "What the request names does not exist"),
        (406, query, "None of the formats asked for can be made"),
        (408, body || query, "The body came too slowly, or the query took too long"),
        (409, keyed && id != "info", "The request contradicts what is stored"),
        (413, body || query, "Larger than a limit"),
        (415, body, "The body's type or encoding is not understood"),
        (429, keyed, "Over a budget for now; see `Retry-After`"),
        (499, query, "The query was stopped"),
        (500, true, "A fault of ours"),
        (503, true, "Cannot be done now"),
    ];
    let responses = &mut operation.responses.responses;
    for range in ["4XX", "5XX"] {
        responses.remove(range);
    }
    for (status, may, description) in statuses {
        if may {
            responses.entry(status.to_string()).or_insert_with(|| refusal(status, description).into());
        }
    }
}

/// Bodies that work as they stand, for the routes where most begin.
fn add_examples(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let (kind, example) = match operation.operation_id.as_deref() {
        Some("append_events") => {
            let event = serde_json::json!({
                "module": "orders", "event_type": "order.paid", "object_type": "order", "object_id": "55042", "amount": 249.90,
            });
            let content =
                ContentBuilder::new().schema(Some(Ref::from_schema_name("Event"))).example(Some(event.clone()));
            body.content.insert("application/json".to_owned(), content.into());
            ("application/x-ndjson", serde_json::Value::String(format!("{event}\n")))
        }
        Some("query") => (
            "application/json",
            serde_json::json!({"sql": "SELECT module, count(*) AS events FROM events GROUP BY module"}),
        ),
        Some("create_project") => ("application/json", serde_json::json!({"name": "shop"})),
        Some("create_key") => (
            "application/json",
            serde_json::json!({"name": "dashboards", "scopes": ["query"], "project": "shop", "expires_in": "90d"}),
        ),
        _ => return,
    };
    if let Some(RefOr::T(content)) = body.content.get_mut(kind) {
        content.example = Some(example);
    }
}

/// A problem document of this status.
fn refusal(status: u16, description: &str) -> Response {
    let example = serde_json::json!({
        "type": super::catalogue::type_of("internal"), "title": "internal", "status": status, "code": "internal",
        "detail": description, "instance": "/api/v1/query", "request_id": "019ac0de0000700080000000000000aa",
    });
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// An event in the model's words; any other fields are kept in `attributes`.
fn event() -> Schema {
    let sent = COLUMNS.iter().filter(|column| matches!(column.origin, Origin::Wire | Origin::WireOrDerived));
    let object = sent.fold(ObjectBuilder::new(), |object, column| object.property(column.name, property(column)));
    let any = AdditionalProperties::FreeForm(true);
    object
        .description(Some("One event. Fields that are not listed are kept in `attributes`."))
        .additional_properties(Some(any))
        .into()
}

fn property(column: &Column) -> Schema {
    let of = |kind| ObjectBuilder::new().schema_type(kind).description(Some(column.meaning));
    let list = |fields: &[&str]| {
        let item = fields.iter().fold(ObjectBuilder::new(), |item, field| {
            let kind = if *field == "size" { Type::Integer } else { Type::String };
            item.property(*field, ObjectBuilder::new().schema_type(kind))
        });
        ArrayBuilder::new().items(item).description(Some(column.meaning)).into()
    };
    match column.kind {
        Kind::Text => of(Type::String).into(),
        Kind::Json => ObjectBuilder::new()
            .description(Some(column.meaning))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into(),
        Kind::Time => of(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).into(),
        Kind::Int32 => of(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32))).into(),
        Kind::Int64 => of(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64))).into(),
        Kind::Float32 => of(Type::Number).format(Some(SchemaFormat::KnownFormat(KnownFormat::Float))).into(),
        Kind::Bool => of(Type::Boolean).into(),
        Kind::TextList => ArrayBuilder::new()
            .items(ObjectBuilder::new().schema_type(Type::String))
            .description(Some(column.meaning))
            .into(),
        Kind::TextMap => {
            of(Type::Object).additional_properties(Some(ObjectBuilder::new().schema_type(Type::String))).into()
        }
        Kind::Related => list(&RELATED_FIELDS),
        Kind::Changes => list(&CHANGE_FIELDS),
        Kind::Attachments => list(&ATTACHMENT_FIELDS),
    }
}
