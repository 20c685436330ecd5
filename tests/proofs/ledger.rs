//! What clients were told is done, what the database knows of it, and whether its tables agree.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use serde_json::Value;

use crate::harness::{is_postgres, sql};

/// What one answer of 2xx promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    Registered(String),
    Resolved(String, &'static str),
    Claimed(String, String),
}

impl Promise {
    /// What a 2xx promises the client that posted `body` to `path`; `None` for what promises nothing that is checked here.
    pub(crate) fn of(path: &str, body: &Value) -> Option<Self> {
        let id = |value: &Value| value["requestId"].as_str().map(str::to_owned);
        let resolved = |status| id(body).map(|id| Self::Resolved(id, status));
        match path {
            "/v1/interactions" => id(body).map(Self::Registered),
            "/v1/confirm" => resolved(if body["decision"] == "allow" { "approved" } else { "rejected" }),
            "/v1/secret" | "/v1/question-response" => resolved("answered"),
            _ => {
                let (id, verb) = path.strip_prefix("/v1/interactions/")?.split_once('/')?;
                match verb {
                    "cancel" => Some(Self::Resolved(id.to_owned(), "cancelled")),
                    "claim" => Some(Self::Claimed(id.to_owned(), body["claimId"].as_str()?.to_owned())),
                    _ => None,
                }
            }
        }
    }
}

/// All promises.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    statuses: BTreeMap<String, Option<&'static str>>,
    claims: BTreeMap<String, String>,
}

impl Ledger {
    pub(crate) fn add(&mut self, promise: Promise) {
        match promise {
            // The answer to a registration may come in after that to its resolution.
            Promise::Registered(id) => {
                self.statuses.entry(id).or_default();
            }
            Promise::Resolved(id, status) => {
                self.statuses.insert(id, Some(status));
            }
            Promise::Claimed(id, claim) => {
                self.claims.insert(id, claim);
            }
        }
    }

    /// How many promises it holds.
    pub(crate) fn len(&self) -> usize {
        self.statuses.len() + self.statuses.values().flatten().count() + self.claims.len()
    }

    /// The interactions in it, each with the status that it was given, if any.
    pub(crate) fn statuses(&self) -> impl DoubleEndedIterator<Item = (&str, Option<&'static str>)> {
        self.statuses.iter().map(|(id, status)| (id.as_str(), *status))
    }

    /// What a database does not keep of them, a line each. `rows` asks it.
    pub(crate) fn lost<E>(&self, rows: impl Fn(&str) -> Result<Rows, E>) -> Result<Vec<String>, E> {
        let statuses = pairs(rows("SELECT request_id, status FROM interactions")?);
        let claims = pairs(rows("SELECT request_id, claim_id FROM claims JOIN interactions USING (interaction_id)")?);
        let status = |(id, promised): (&String, &Option<&str>)| match (statuses.get(id), promised) {
            (None, _) => Some(format!("{id} is not there")),
            (Some(found), Some(promised)) if found != promised => Some(format!("{id} was {promised} and is {found}")),
            (Some(_), _) => None,
        };
        let claim = |(id, promised): (&String, &String)| {
            (claims.get(id) != Some(promised)).then(|| format!("{id} was claimed and is not"))
        };
        Ok(self.statuses.iter().filter_map(status).chain(self.claims.iter().filter_map(claim)).collect())
    }
}

/// What a query comes to.
type Rows = Vec<Vec<Value>>;

fn pairs(rows: Rows) -> BTreeMap<String, String> {
    // A damaged file may hold what is no text.
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    rows.iter().map(|row| (text(&row[0]), text(&row[1]))).collect()
}

/// Questions to which the answer is no row, whatever has happened to the server.
const QUESTIONS: &[(&str, &str)] = &[
    (
        "resolved or registered more than once",
        "SELECT request_id FROM audit_events WHERE event IN ('interaction.registered', 'interaction.approved', 'interaction.rejected', \
         'interaction.answered', 'interaction.expired', 'interaction.cancelled', 'interaction.superseded') \
         GROUP BY request_id, event = 'interaction.registered' HAVING count(*) > 1",
    ),
    (
        "a status that the history does not tell",
        "SELECT request_id FROM interactions AS i WHERE (status <> 'pending') <> EXISTS (SELECT 1 FROM audit_events AS a \
         WHERE a.request_id = i.request_id AND a.event = 'interaction.' || i.status AND a.at_ms = i.resolved_at_ms)",
    ),
    (
        "a history without its interaction",
        "SELECT request_id FROM audit_events WHERE request_id IS NOT NULL AND request_id NOT IN (SELECT request_id FROM interactions)",
    ),
    (
        "an interaction without its history",
        "SELECT request_id FROM interactions WHERE request_id NOT IN \
         (SELECT request_id FROM audit_events WHERE event = 'interaction.registered')",
    ),
    (
        "an interaction without its body",
        "SELECT request_id FROM interactions WHERE interaction_id NOT IN (SELECT interaction_id FROM interaction_bodies)",
    ),
    (
        "an answered secret without its value, or a value without its answer",
        "SELECT request_id FROM interactions WHERE kind = 'secret' \
         AND (status = 'answered') <> (interaction_id IN (SELECT interaction_id FROM sealed_secrets))",
    ),
    (
        "a decision without the trust rule that it made",
        "SELECT request_id FROM interactions WHERE json_extract(resolution, '$.madeRule') IS NOT NULL \
         AND json_extract(resolution, '$.madeRule') NOT IN (SELECT rule_id FROM trust_rules)",
    ),
    (
        "a trust rule without the decision that made it",
        "SELECT rule_id FROM trust_rules WHERE created_from IS NOT NULL AND created_from NOT IN \
         (SELECT request_id FROM interactions WHERE json_extract(resolution, '$.madeRule') = rule_id)",
    ),
    (
        "a trust rule without its history",
        "SELECT rule_id FROM trust_rules WHERE rule_id NOT IN (SELECT rule_id FROM audit_events WHERE rule_id IS NOT NULL)",
    ),
    (
        "a claim without its history, or a history without its claim",
        "SELECT request_id FROM interactions AS i WHERE (interaction_id IN (SELECT interaction_id FROM claims)) <> \
         EXISTS (SELECT 1 FROM audit_events AS a WHERE a.request_id = i.request_id AND a.event = 'interaction.claimed')",
    ),
    (
        "a gap in the history",
        "SELECT * FROM (SELECT count(*) AS lines, coalesce(max(seq), 0) AS last FROM audit_events) AS whole WHERE lines <> last",
    ),
];

/// Those that only a file is asked: PostgreSQL sees to both by itself.
const QUESTIONS_OF_A_FILE: &[(&str, &str)] = &[
    ("a row without the row that it names", "SELECT \"table\", rowid FROM pragma_foreign_key_check"),
    ("a damaged page", "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
];

/// What does not balance, a line each. `rows` asks the database.
pub(crate) fn unbalanced<E>(rows: impl Fn(&str) -> Result<Rows, E>) -> Result<Vec<String>, E> {
    let of_a_file = if is_postgres() { &[] } else { QUESTIONS_OF_A_FILE };
    let mut found = Vec::new();
    for (problem, query) in QUESTIONS.iter().chain(of_a_file) {
        found.extend(rows(query)?.first().map(|row| format!("{problem}: {}", row[0])));
    }
    Ok(found)
}

/// What is wrong with the database at `db`: promises that it does not keep, and tables that do not agree.
pub(crate) fn audit(db: &Path, ledger: &Ledger) -> (Vec<String>, Vec<String>) {
    let rows = |query: &str| Ok::<_, Infallible>(sql(db, query));
    let (Ok(lost), Ok(unbalanced)) = (ledger.lost(rows), unbalanced(rows));
    (lost, unbalanced)
}
