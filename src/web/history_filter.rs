//! The filters of the history: what is typed into each field, what is wrong with it, and the links that keep it.

use serde::Deserialize;

use super::forms::{Field, link};
use crate::clock::Timestamp;
use crate::domain::enums::{Kind, Outcome, RiskLevel};
use crate::domain::interaction::Status;
use crate::domain::moment::moment;
use crate::domain::query::Query;
use crate::http::api::page::check_times;
use crate::http::extract::{Repeatable, Repeated};
use crate::store::Filter;

/// `status`, as it is sent: it may be given more than once.
pub(super) struct StatusWord;

/// A word that is read later, so that what is wrong with it can be said beside its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word(String);

impl std::str::FromStr for Word {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl Repeatable for StatusWord {
    const NAME: &str = "status";
    type Value = Word;
}

/// The query of the history's pages.
pub(super) type Sent = Repeated<StatusWord, Parameters>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Parameters {
    q: Option<String>,
    kind: Option<String>,
    tool_name: Option<String>,
    principal: Option<String>,
    conversation_id: Option<String>,
    risk: Option<String>,
    by: Option<String>,
    since: Option<String>,
    until: Option<String>,
    pub(super) cursor: Option<String>,
}

/// The fields of the filters.
#[derive(Debug, Default)]
pub(super) struct HistoryFilter {
    pub(super) q: Field,
    statuses: Vec<String>,
    /// What is wrong with the statuses.
    pub(super) status: Field,
    pub(super) kind: Field,
    pub(super) tool_name: Field,
    pub(super) principal: Field,
    pub(super) conversation_id: Field,
    pub(super) risk: Field,
    pub(super) by: Field,
    pub(super) since: Field,
    pub(super) until: Field,
}

impl HistoryFilter {
    /// What was sent; a form sends empty fields, too.
    pub(super) fn sent(statuses: Vec<Word>, query: &Parameters) -> Self {
        let field = |typed: &Option<String>| Field::typed(typed.as_deref().unwrap_or_default().trim());
        Self {
            q: field(&query.q),
            statuses: statuses.into_iter().map(|Word(word)| word).filter(|word| !word.is_empty()).collect(),
            status: Field::default(),
            kind: field(&query.kind),
            tool_name: field(&query.tool_name),
            principal: field(&query.principal),
            conversation_id: field(&query.conversation_id),
            risk: field(&query.risk),
            by: field(&query.by),
            since: field(&query.since),
            until: field(&query.until),
        }
    }

    /// What is to be listed, where every field can be read; the others then have their fault.
    pub(super) fn read(&mut self, now: Timestamp) -> Option<Filter> {
        let query = self.q.read_if_any(str::parse::<Query>);
        let statuses = self.statuses.iter().map(|word| word.parse::<Status>()).collect::<Result<Vec<_>, _>>();
        let statuses = statuses.map_err(|fault| self.status.fault = Some(fault)).ok();
        let kind = self.kind.read_if_any(str::parse);
        let tool_name = self.tool_name.read_if_any(str::parse);
        let registered_by = self.principal.read_if_any(str::parse);
        let conversation_id = self.conversation_id.read_if_any(str::parse);
        let risk = self.risk.read_if_any(str::parse);
        let resolved_by = self.by.read_if_any(str::parse);
        let since = self.since.read_if_any(|text| moment(text, now));
        let until = self.until.read_if_any(|text| moment(text, now));
        if let (Some(since), Some(until)) = (since, until)
            && let Err(problem) = check_times(since, until)
        {
            self.until.fault = Some(problem.sentence().to_owned());
            return None;
        }
        let filter = Filter {
            statuses: statuses?,
            kind: kind?,
            tool_name: tool_name?,
            registered_by: registered_by?,
            conversation_id: conversation_id?,
            risk: risk?,
            resolved_by: resolved_by?,
            since: since?,
            until: until?,
            ..Filter::default()
        };
        Some(filter.narrowed_by(query?.unwrap_or_default(), now))
    }

    /// Whether anything is chosen beside the query.
    pub(super) fn is_narrowed(&self) -> bool {
        let fields = self.fields();
        let mut others = fields.iter().filter(|(name, _)| *name != "q");
        self.status.fault.is_some() || !self.statuses.is_empty() || others.any(|(_, field)| !field.typed.is_empty())
    }

    /// A link to `path` with these filters, as they were typed.
    pub(super) fn link(&self, path: &str, cursor: Option<&str>) -> String {
        let statuses = self.statuses.iter().map(|word| ("status", Some(word.as_str())));
        let fields = self.fields();
        let fields =
            fields.iter().map(|(name, field)| (*name, Some(field.typed.as_str()).filter(|text| !text.is_empty())));
        let parameters = statuses.chain(fields).chain([("cursor", cursor)]).collect::<Vec<_>>();
        link(path, &parameters)
    }

    /// The fields that are given once, by their names in the query.
    const fn fields(&self) -> [(&'static str, &Field); 9] {
        [
            ("q", &self.q),
            ("kind", &self.kind),
            ("toolName", &self.tool_name),
            ("principal", &self.principal),
            ("conversationId", &self.conversation_id),
            ("risk", &self.risk),
            ("by", &self.by),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }

    /// The first that is wrong: its name, and why.
    pub(super) fn fault(&self) -> Option<(&'static str, &str)> {
        let all = std::iter::once(("status", &self.status)).chain(self.fields());
        all.filter_map(|(name, field)| Some((name, field.fault.as_deref()?))).next()
    }

    /// What may be chosen as a status, and whether it is.
    pub(super) fn statuses(&self) -> Vec<(&'static str, bool)> {
        let all = Outcome::ALL.iter().map(|outcome| Status::Resolved(*outcome).as_str());
        let all = std::iter::once(Status::Pending.as_str()).chain(all);
        all.map(|word| (word, self.statuses.iter().any(|chosen| chosen == word))).collect()
    }

    /// What may be chosen as a kind, and whether it is.
    pub(super) fn kinds(&self) -> Vec<(&'static str, bool)> {
        Kind::ALL.iter().map(|kind| (kind.as_str(), self.kind.typed == kind.as_str())).collect()
    }

    /// What may be chosen as a risk, and whether it is.
    pub(super) fn risks(&self) -> Vec<(&'static str, bool)> {
        RiskLevel::ALL.iter().map(|risk| (risk.as_str(), self.risk.typed == risk.as_str())).collect()
    }
}
