//! How the domain's words and texts are described to those who read the interface's description (OpenAPI).

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

/// A text of at most `longest` characters that matches `pattern`.
pub(super) fn text(pattern: &str, longest: usize) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .min_length(Some(1))
        .max_length(Some(longest))
        .into()
}

/// One of some words.
pub(crate) fn one_of(all: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(all)).into()
}

/// Gives a type that is described under its own name a schema.
macro_rules! described {
    ($name:ident, $schema:expr) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $schema
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

pub(crate) use described;
