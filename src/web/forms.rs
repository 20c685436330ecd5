//! Forms: the fields they send, checked to come from a page of the same session, and shown again with what is wrong; and filters in a
//! query.
//!
//! Each form carries a word that only pages of its session know.

use std::borrow::Cow;
use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Request};
use zeroize::Zeroizing;

use super::session::{PageRejection, Person};
use crate::domain::text::PlainText;
use crate::http::App;
use crate::http::error::{Problem, not_a_form, wrong_form};
use crate::http::extract::{NoQuery, is_of_type, read_at_most};

/// How many bytes of a form one byte of what was typed can take: `%0A` is three.
const ENCODED: usize = 3;

/// A form of a person who has logged in.
pub(super) struct Form {
    pub(super) person: Person,
    pub(super) fields: Fields,
}

impl FromRequest<App> for Form {
    type Rejection = PageRejection;

    async fn from_request(request: Request, app: &App) -> Result<Self, PageRejection> {
        let (mut parts, body) = request.into_parts();
        let person = Person::from_request_parts(&mut parts, app).await?;
        let most_bytes = app.limits.max_body_bytes.saturating_mul(ENCODED);
        let fields = Fields::read(Request::from_parts(parts, body), most_bytes, app).await?;
        if !person.has_sent(fields.get("csrf").unwrap_or_default()) {
            return Err(wrong_form().into());
        }
        Ok(Self { person, fields })
    }
}

/// The log-in form: it comes before any authentication, so little is read of it.
pub(super) struct LogIn(pub(super) Fields);

/// Many times what a code or a token takes.
const LOG_IN_BYTES: usize = 4 * 1024;

impl FromRequest<App> for LogIn {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        Fields::read(request, LOG_IN_BYTES, app).await.map(Self)
    }
}

/// The fields of a form, in their order; lines end as everywhere else, and the memory is wiped.
pub(super) struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    /// The first field of this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The first field of this name, if anything but blanks is in it.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|text| !text.trim().is_empty())
    }

    /// What is typed as the comment, if anything but blanks is.
    ///
    /// # Errors
    ///
    /// If it is no plain text.
    pub(super) fn comment(&self) -> Result<Option<PlainText>, Problem> {
        let typed = self.filled("comment").map(str::parse).transpose();
        typed.map_err(|problem: &str| Problem::malformed_field("comment", problem))
    }

    /// Every field of this name.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl Fields {
    async fn read(request: Request, most_bytes: usize, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        NoQuery::from_request_parts(&mut parts, app).await?;
        if !is_of_type(&parts.headers, "application/x-www-form-urlencoded") {
            return Err(not_a_form());
        }
        let bytes = read_at_most(body, most_bytes, &app.limits).await?;
        let fields = form_urlencoded::parse(&bytes).map(|(name, value)| (name.into_owned(), plain_lines(value)));
        Ok(Self(fields.collect()))
    }
}

/// Browsers end lines with CR LF.
fn plain_lines(value: Cow<'_, str>) -> Zeroizing<String> {
    let value = Zeroizing::new(value.into_owned());
    if value.contains('\r') { Zeroizing::new(value.replace("\r\n", "\n")) } else { value }
}

/// A field of a form that is shown again.
#[derive(Debug, Default)]
pub(super) struct Field {
    pub(super) typed: String,
    /// What is wrong with it.
    pub(super) fault: Option<String>,
}

impl Field {
    pub(super) fn typed(text: impl Into<String>) -> Self {
        Self { typed: text.into(), fault: None }
    }

    /// What was typed, read; or its fault is kept.
    pub(super) fn read<T, E: Into<String>>(&mut self, read: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let read =
            if self.typed.is_empty() { Err("Fill this in.".to_owned()) } else { read(&self.typed).map_err(E::into) };
        read.map_err(|fault| self.fault = Some(fault)).ok()
    }

    /// The same, where it may be left empty.
    pub(super) fn read_if_any<T, E: Into<String>>(
        &mut self,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        if self.typed.trim().is_empty() { Some(None) } else { self.read(read).map(Some) }
    }
}

/// Parses what is typed into the field `name` of a filter; a form sends empty fields, too.
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
