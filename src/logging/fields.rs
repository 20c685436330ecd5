//! The fields of a span as JSON, written straight down: every request has a span, and few have a line in the log.

use std::fmt::{self, Debug};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FormatFields, FormattedFields};

/// Writes one JSON object.
pub(super) struct JsonObject;

impl<'w> FormatFields<'w> for JsonObject {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut members = Members { writer, before: '{', written: Ok(()) };
        fields.record(&mut members);
        members.close()
    }

    fn add_fields(&self, current: &'w mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        // The members that are there go on where their brace was.
        let before = if current.fields.len() > "{}".len() { ',' } else { '{' };
        current.fields.truncate(if before == ',' { current.fields.len() - 1 } else { 0 });
        let mut members = Members { writer: current.as_writer(), before, written: Ok(()) };
        fields.record(&mut members);
        members.close()
    }
}

/// The members that were written so far.
struct Members<'w> {
    writer: Writer<'w>,
    /// What stands before the next one.
    before: char,
    written: fmt::Result,
}

impl Members<'_> {
    fn member(&mut self, field: &Field, value: impl Serialize) {
        let json = serde_json::to_string(&value).unwrap_or_else(|_| "null".to_owned());
        let written = write!(self.writer, r#"{}"{}":{json}"#, self.before, field.name());
        self.written = self.written.and(written);
        self.before = ',';
    }

    fn close(mut self) -> fmt::Result {
        self.written?;
        self.writer.write_str(if self.before == '{' { "{}" } else { "}" })
    }
}

impl Visit for Members<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.member(field, format!("{value:?}"));
    }
}
