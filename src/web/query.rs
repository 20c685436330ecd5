//! The queries of pages: what a form of filters sends, and links that say the same.

use std::str::FromStr;

use crate::http::error::Problem;

/// What is typed into the field `name`, read; a form sends what is left empty, too.
pub(super) fn given<T>(name: &str, typed: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr,
    T::Err: Into<String>,
{
    let typed = typed.map(str::trim).filter(|text| !text.is_empty());
    typed.map(str::parse).transpose().map_err(|error: T::Err| Problem::malformed_field(name, error))
}

/// A link to `path` with those parameters that have a value.
pub(super) fn link(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
