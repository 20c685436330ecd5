//! Queries for people who read the database with its shell, `sqlite3` or `psql`: each shows the rows that a page shows.
//!
//! They are copied into terminals: values are quoted, and invisible characters are written by their numbers.

mod shell;
mod words;

pub use self::shell::Shell;
use self::words::{alike, has_word};
use super::query_sql::Compared;
use super::{Filter, Page, postgres};
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::{PrincipalName, RequestId, RuleId};
use crate::domain::interaction::Status;
use crate::domain::query::{Name, NameField, Query, What};

/// The columns of a list of interactions.
fn interactions(shell: Shell) -> String {
    let [created_at, resolved_at] = ["created_at_ms", "resolved_at_ms"].map(|column| shell.time(column));
    format!(
        "SELECT request_id, status, kind, tool_name, registered_by, conversation_id,
       {created_at} AS created_at,
       {resolved_at} AS resolved_at,
       coalesce(resolved_by_principal, 'rule ' || resolved_by_rule, 'system ' || resolved_by_system) AS resolved_by
FROM interactions AS i"
    )
}

/// The columns of an interaction's events.
const EVENTS: &str = "SELECT seq, at, event, principal, rule_id, detail\nFROM v_events";

/// The columns of a trust rule's hits.
const HITS: &str = "SELECT request_id, registered_by, subject, hit_at\nFROM v_rule_hits";

/// Rows that a page shows.
#[derive(Clone, Copy, Debug)]
pub enum CopyableQuery<'q> {
    /// One page of a list of interactions, newest first.
    Interactions(&'q Filter, Page),
    /// The events of one interaction, in their order.
    EventsOf(&'q RequestId),
    /// The hits of one trust rule, the latest first.
    HitsOf(&'q RuleId),
}

impl CopyableQuery<'_> {
    /// The query as SQL that can be pasted into the shell.
    pub fn sql(&self, shell: Shell) -> String {
        let sql = self.written(shell);
        match shell {
            Shell::Sqlite3 => sql,
            Shell::Psql => postgres::translated(&sql),
        }
    }

    fn written(&self, shell: Shell) -> String {
        let literal = |text: &str| shell.literal(text);
        match self {
            Self::Interactions(filter, page) => {
                let mut conditions = conditions(
                    shell,
                    &[
                        ("kind", filter.kind.map(Kind::as_str)),
                        ("tool_name", filter.tool_name.as_ref().map(|name| name.as_str())),
                        ("registered_by", filter.registered_by.as_ref().map(|name| name.as_str())),
                        ("conversation_id", filter.conversation_id.as_ref().map(|id| id.as_str())),
                    ],
                );
                conditions.extend(status_condition(&filter.statuses, literal));
                conditions.extend(filter.since.map(|since| format!("created_at_ms >= {}", since.as_millis())));
                conditions.extend(filter.until.map(|until| format!("created_at_ms < {}", until.as_millis())));
                let ends = filter.expires_before.map(|end| format!("expires_at_ms < {}", end.as_millis()));
                conditions.extend(ends);
                conditions.extend(filter.resolved_by.as_ref().map(|name| resolver_condition(name, literal)));
                conditions.extend(filter.risk.map(|risk| risk_condition(risk, literal)));
                conditions.extend(of_query(&filter.query, shell));
                conditions.extend(page.before.map(|cursor| format!("interaction_id < {}", cursor.row())));
                let tail = format!("ORDER BY interaction_id DESC\nLIMIT {}", page.limit);
                query(&interactions(shell), &conditions, &tail)
            }
            Self::EventsOf(request_id) => {
                query(EVENTS, &conditions(shell, &[("request_id", Some(request_id.as_str()))]), "ORDER BY seq")
            }
            Self::HitsOf(rule_id) => {
                query(HITS, &conditions(shell, &[("rule_id", Some(rule_id.as_str()))]), "ORDER BY hit_at DESC")
            }
        }
    }
}

/// `None` where any status matches.
fn status_condition(statuses: &[Status], literal: impl Fn(&str) -> String) -> Option<String> {
    let words: Vec<String> = statuses.iter().map(|status| literal(status.as_str())).collect();
    match words.as_slice() {
        [] => None,
        [word] => Some(format!("status = {word}")),
        words => Some(format!("status IN ({})", words.join(", "))),
    }
}

fn resolver_condition(name: &PrincipalName, literal: impl Fn(&str) -> String) -> String {
    format!("{} IN (resolved_by_principal, resolved_by_rule)", literal(name.as_str()))
}

fn risk_condition(risk: RiskLevel, literal: impl Fn(&str) -> String) -> String {
    let risk = literal(risk.as_str());
    format!(
        "kind = 'confirmation' AND interaction_id IN (SELECT interaction_id FROM interaction_bodies \
         WHERE json_extract(body, '$.riskLevel') = {risk} UNION ALL SELECT interaction_id FROM forgettings WHERE risk_level = {risk})"
    )
}

/// The risk of an interaction `i` among all tables.
const RISK: &str = "(SELECT json_extract(body, '$.riskLevel') FROM interaction_bodies AS b WHERE b.interaction_id = i.interaction_id
    UNION ALL SELECT risk_level FROM forgettings AS f WHERE f.interaction_id = i.interaction_id ORDER BY 1 DESC LIMIT 1)";

/// What a query compares. Tools are grouped as every field is: one of those that are wanted, and none of the others.
fn of_query(query: &Query, shell: Shell) -> Vec<String> {
    let Compared { conditions, values } = Compared::of(query, RISK);
    let mut values = values.iter().map(|value| shell.literal(value));
    let written = conditions.iter().map(|condition| {
        let mut parts = condition.split('?');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |written, part| written + &values.next().unwrap_or_default() + part)
    });
    let words = query.terms().iter().filter_map(|term| match &term.what {
        What::Text(text) => Some((if term.is_negated { "NOT " } else { "" }, has_word(shell, text))),
        What::Is(_) | What::Kind(_) | What::Risk(_) | What::Name(..) => None,
        What::Rule(_) | What::Since(_) | What::Until(_) | What::Expires(_) => None,
    });
    let (unwanted, wanted) = tools_beyond_ascii(query, shell);
    let tools = [("", wanted), ("NOT ", unwanted)].map(|(not, tools)| (not, tools.join(" OR ")));
    let tools = tools.into_iter().filter(|(_, tools)| !tools.is_empty());
    written.chain(words.chain(tools).map(|(not, has)| format!("{not}({has})"))).collect()
}

/// The tools that are not compared in SQL elsewhere, since one of their group has letters beyond ASCII: those that are not wanted, and
/// those that are.
fn tools_beyond_ascii(query: &Query, shell: Shell) -> (Vec<String>, Vec<String>) {
    let tools = query.terms().iter().filter_map(|term| match &term.what {
        What::Name(NameField::Tool, name) => Some((term.is_negated, name)),
        What::Text(_) | What::Is(_) | What::Kind(_) | What::Risk(_) | What::Name(..) => None,
        What::Rule(_) | What::Since(_) | What::Until(_) | What::Expires(_) => None,
    });
    let (unwanted, wanted): (Vec<_>, Vec<_>) = tools.partition(|(is_negated, _)| *is_negated);
    let compared = |tools: Vec<(bool, &Name)>| {
        if tools.iter().all(|(_, name)| name.text.is_ascii()) {
            return Vec::new();
        }
        tools
            .iter()
            .map(|(_, name)| {
                alike(shell, "coalesce(tool_name, '')", "", &name.text, if name.is_whole { "" } else { "%" })
            })
            .collect()
    };
    (compared(unwanted), compared(wanted))
}

/// A condition `column = value` for each column that has a value.
fn conditions(shell: Shell, equal: &[(&str, Option<&str>)]) -> Vec<String> {
    let given = equal.iter().filter_map(|(column, value)| Some((column, (*value)?)));
    given.map(|(column, value)| format!("{column} = {}", shell.literal(value))).collect()
}

/// A query in lines: what is selected, each condition, and the order.
fn query(select: &str, conditions: &[String], tail: &str) -> String {
    if conditions.is_empty() {
        return format!("{select}\n{tail};");
    }
    format!("{select}\nWHERE {}\n{tail};", conditions.join("\n  AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_beyond_ascii_is_not_left_out() {
        let filter = Filter { query: "tool:übersicht tool:bash -tool:é".parse().unwrap(), ..Filter::default() };
        let sql = CopyableQuery::Interactions(&filter, Page { before: None, limit: 5 }).sql(Shell::Sqlite3);
        let wanted = "(coalesce(tool_name, '') GLOB '[üÜ][bB][eE][rR][sS][iI][cC][hH][tT]*' OR coalesce(tool_name, '') LIKE 'bash%' ESCAPE '\\')";
        assert!(sql.contains(&format!("AND {wanted}")) || sql.contains(&format!("WHERE {wanted}")), "{sql}");
        assert!(sql.contains("NOT (coalesce(tool_name, '') GLOB '[éÉ]*')"), "{sql}");
    }
}
