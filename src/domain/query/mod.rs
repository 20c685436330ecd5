//! The query of every list: words to look for, and fields to compare, as in `kubectl agent:claude-* is:pending since:2h`.
//!
//! Words and phrases are found anywhere in what an interaction asks and in what was said about it, and at the beginning of its
//! ids; fields compare by prefix. Neither looks at case. All that stands in a query has to be so, except that the same field
//! twice is one or the other; a minus sign in front says that it must not be so. `&` stands between queries of which each
//! has to find it. `searched.rs` says what words are looked up in, and the store turns a query into SQL.

mod parse;
mod searched;

use std::fmt;

pub use self::parse::FIELDS;
pub use self::searched::{Beginning, Searched, folded, pieces_of};

use super::enums::{Kind, Outcome, RiskLevel};
use super::interaction::{Record, Status};
use super::moment::Moment;
use crate::clock::Timestamp;

/// The longest query, in characters.
pub const LONGEST_QUERY: usize = 1_000;

/// The most words and fields in a query.
pub const MOST_TERMS: usize = 32;

/// What a list is asked for. It is read with [`str::parse`]; its `Display` is the one way to write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
}

/// One part of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Which of the queries between `&` it stands in, from 0 on.
    pub part: usize,
    /// Whether it must not be so.
    pub is_negated: bool,
    /// What.
    pub what: What,
}

/// What one part of a query says of an interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// This word or phrase is in it.
    Text(String),
    /// Where it stands.
    Is(Standing),
    /// What it asks for.
    Kind(Kind),
    /// Its risk.
    Risk(RiskLevel),
    /// One of its names.
    Name(NameField, Name),
    /// Whether a trust rule decided it, and which.
    Rule(ByRule),
    /// It was asked then or later.
    Since(Moment),
    /// It was asked before.
    Until(Moment),
    /// Its deadline is before.
    Expires(Moment),
}

/// Where an interaction stands, as a query says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Exactly here.
    Status(Status),
    /// A person or a rule answered it: it is approved, rejected or answered.
    Decided,
}

impl Standing {
    /// The statuses that it stands for.
    #[must_use]
    pub fn statuses(self) -> Vec<Status> {
        match self {
            Self::Status(status) => vec![status],
            Self::Decided => [Outcome::Approved, Outcome::Rejected, Outcome::Answered].map(Status::Resolved).to_vec(),
        }
    }
}

/// A field that holds a name or an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameField {
    /// The agent that asked.
    Agent,
    /// The tool.
    Tool,
    /// The conversation.
    In,
    /// The principal that resolved it.
    By,
    /// The request's own id.
    Id,
}

impl NameField {
    /// Its name in a query.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Tool => "tool",
            Self::In => "in",
            Self::By => "by",
            Self::Id => "id",
        }
    }
}

/// A name, or the beginning of one; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// As it was written.
    pub text: String,
    /// Whether it is the whole name.
    pub is_whole: bool,
}

impl Name {
    /// Whether `name` is one of these, whatever its case.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        let (name, wanted) = (folded(name), folded(&self.text));
        if self.is_whole { name == wanted } else { name.starts_with(&wanted) }
    }
}

/// Which trust rule decided an interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByRule {
    /// None.
    None,
    /// Any.
    Any,
    /// One of these, by its id or its name.
    Named(Name),
}

impl Query {
    /// Whether it looks for a trust rule by what may be its name: an id has digits, letters up to f and dashes alone.
    #[must_use]
    pub fn names_rules(&self) -> bool {
        let is_id = |name: &Name| name.text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        self.terms.iter().any(|term| matches!(&term.what, What::Rule(ByRule::Named(name)) if !is_id(name)))
    }

    /// Its parts, in the order in which they were written.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether it asks for nothing in particular.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// From when on it asks for interactions, asked at `now`.
    #[must_use]
    pub fn since(&self, now: Timestamp) -> Option<Timestamp> {
        // What is before all times leaves nothing out.
        self.moments(|what| if let What::Since(moment) = what { Some(moment) } else { None })
            .map(|moment| moment.at(now).unwrap_or(Timestamp::EPOCH))
            .max()
    }

    /// Before when it asks for interactions, asked at `now`.
    #[must_use]
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.moments(|what| if let What::Until(moment) = what { Some(moment) } else { None })
            .map(|moment| moment.at(now).unwrap_or(Timestamp::EPOCH))
            .min()
    }

    /// Before when the deadlines are of what it asks for, asked at `now`.
    #[must_use]
    pub fn expires_before(&self, now: Timestamp) -> Option<Timestamp> {
        // What is after all times leaves nothing out that has a deadline.
        self.moments(|what| if let What::Expires(moment) = what { Some(moment) } else { None })
            .map(|moment| moment.ahead(now).unwrap_or(Timestamp::LAST))
            .min()
    }

    /// The moments of those of its parts that say one of this kind.
    fn moments(&self, of: fn(&What) -> Option<&Moment>) -> impl Iterator<Item = &Moment> {
        self.terms.iter().filter_map(move |term| of(&term.what))
    }

    /// Whether the content of an interaction has to be read to know whether it is found.
    #[must_use]
    pub fn reads_content(&self) -> bool {
        // SQLite compares the letters of ASCII alone without case.
        let is_beyond_ascii = |name: &Name| !name.text.is_ascii();
        self.terms.iter().any(|term| match &term.what {
            What::Text(_) => true,
            What::Name(NameField::Tool, name) => is_beyond_ascii(name),
            What::Name(..) | What::Is(_) | What::Kind(_) | What::Risk(_) => false,
            What::Rule(_) | What::Since(_) | What::Until(_) | What::Expires(_) => false,
        })
    }

    /// Whether an interaction has the words and is about the tools that this asks for: what a database cannot tell as well.
    #[must_use]
    pub fn finds(&self, record: &Record) -> bool {
        let searched = Searched::of(record);
        let tool = record.interaction.tool_name.as_ref().map(|name| name.as_str());
        let (mut wants_tools, mut has_tool, mut of_part) = (false, false, 0);
        for Term { part, is_negated, what } in &self.terms {
            if *part != of_part {
                if wants_tools && !has_tool {
                    return false;
                }
                (wants_tools, has_tool, of_part) = (false, false, *part);
            }
            match what {
                What::Text(text) => {
                    if searched.has(&folded(text)) == *is_negated {
                        return false;
                    }
                }
                What::Name(NameField::Tool, name) => {
                    let is_it = tool.is_some_and(|tool| name.covers(tool));
                    if *is_negated && is_it {
                        return false;
                    }
                    wants_tools |= !is_negated;
                    has_tool |= !is_negated && is_it;
                }
                What::Name(..) | What::Is(_) | What::Kind(_) | What::Risk(_) => {}
                What::Rule(_) | What::Since(_) | What::Until(_) | What::Expires(_) => {}
            }
        }
        !wants_tools || has_tool
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before: Option<&Term> = None;
        for term in &self.terms {
            let between = before.map_or("", |before| if before.part == term.part { " " } else { " & " });
            write!(f, "{between}{term}")?;
            before = Some(term);
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_negated { "-" } else { "" })?;
        match &self.what {
            What::Text(text) if parse::is_a_word(text) => f.write_str(text),
            What::Text(text) => f.write_str(&quoted(text)),
            What::Is(Standing::Status(status)) => write!(f, "is:{}", status.as_str()),
            What::Is(Standing::Decided) => f.write_str("is:decided"),
            What::Kind(kind) => write!(f, "kind:{kind}"),
            What::Risk(risk) => write!(f, "risk:{risk}"),
            What::Name(field, name) => write!(f, "{}:{name}", field.as_str()),
            What::Rule(ByRule::None) => f.write_str("rule:none"),
            What::Rule(ByRule::Any) => f.write_str("rule:any"),
            What::Rule(ByRule::Named(name)) if ["none", "any"].contains(&name.text.to_lowercase().as_str()) => {
                write!(f, "rule:{}{}", quoted(&name.text), if name.is_whole { "" } else { "*" })
            }
            What::Rule(ByRule::Named(name)) => write!(f, "rule:{name}"),
            What::Since(moment) => write!(f, "since:{}", value(moment.as_str())),
            What::Until(moment) => write!(f, "until:{}", value(moment.as_str())),
            What::Expires(moment) => write!(f, "expires:{}", value(moment.as_str())),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_whole {
            true => f.write_str(&quoted(&self.text)),
            false if parse::is_a_value(&self.text) => f.write_str(&self.text),
            false => write!(f, "{}*", quoted(&self.text)),
        }
    }
}

/// The value of a field, in quotation marks where it needs them.
fn value(text: &str) -> String {
    if parse::is_a_value(text) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl serde::Serialize for Query {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Query {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

super::schema::described!(
    Query,
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::Type::String)
        .max_length(Some(LONGEST_QUERY))
        .into()
);
