//! The OpenAPI document: what the routes describe, and the event model as a schema.

use utoipa::OpenApi;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::event::model::{COLUMNS, Column, Kind, Origin};
use crate::event::schema::{ATTACHMENT_FIELDS, CHANGE_FIELDS, RELATED_FIELDS};

#[derive(OpenApi)]
#[openapi(info(title = "Kronika", description = "A columnar event journal: events in, SQL out."))]
struct Document;

/// The document before the routes are added.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    let components = document.components.get_or_insert_default();
    let key = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    components.add_security_scheme("key", key);
    components.schemas.insert("Event".to_string(), event().into());
    document
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
