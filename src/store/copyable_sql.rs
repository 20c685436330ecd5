//! Queries for people who read the database with the `sqlite3` shell: each shows the rows that a page shows.
//!
//! They are copied into terminals: values are quoted, and invisible characters are written by their numbers.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::query_sql::{Compared, contained_in};
use super::{Filter, Page};
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::{PrincipalName, RequestId, RuleId};
use crate::domain::interaction::Status;
use crate::domain::query::{Name, NameField, Query, What, folded};
use crate::domain::visible::{Piece, pieces};

/// The columns of a list of interactions.
const INTERACTIONS: &str = "SELECT request_id, status, kind, tool_name, registered_by, conversation_id,
       datetime(created_at_ms / 1000, 'unixepoch') AS created_at,
       datetime(resolved_at_ms / 1000, 'unixepoch') AS resolved_at,
       coalesce(resolved_by_principal, 'rule ' || resolved_by_rule, 'system ' || resolved_by_system) AS resolved_by
FROM interactions AS i";

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
    /// The query as SQL that can be pasted into a shell.
    pub fn sql(&self) -> String {
        match self {
            Self::Interactions(filter, page) => {
                let mut conditions = conditions(&[
                    ("kind", filter.kind.map(Kind::as_str)),
                    ("tool_name", filter.tool_name.as_ref().map(|name| name.as_str())),
                    ("registered_by", filter.registered_by.as_ref().map(|name| name.as_str())),
                    ("conversation_id", filter.conversation_id.as_ref().map(|id| id.as_str())),
                ]);
                conditions.extend(status_condition(&filter.statuses));
                conditions.extend(filter.since.map(|since| format!("created_at_ms >= {}", since.as_millis())));
                conditions.extend(filter.until.map(|until| format!("created_at_ms < {}", until.as_millis())));
                let ends = filter.expires_before.map(|end| format!("expires_at_ms < {}", end.as_millis()));
                conditions.extend(ends);
                conditions.extend(filter.resolved_by.as_ref().map(resolver_condition));
                conditions.extend(filter.risk.map(risk_condition));
                conditions.extend(of_query(&filter.query));
                conditions.extend(page.before.map(|cursor| format!("interaction_id < {}", cursor.row())));
                let tail = format!("ORDER BY interaction_id DESC\nLIMIT {}", page.limit);
                query(INTERACTIONS, &conditions, &tail)
            }
            Self::EventsOf(request_id) => {
                query(EVENTS, &conditions(&[("request_id", Some(request_id.as_str()))]), "ORDER BY seq")
            }
            Self::HitsOf(rule_id) => {
                query(HITS, &conditions(&[("rule_id", Some(rule_id.as_str()))]), "ORDER BY hit_at DESC")
            }
        }
    }
}

/// A text as an expression of SQL.
fn literal(text: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut plain = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Plain(text) | Piece::Gap(text) => plain.push_str(&text.replace('\'', "''")),
            Piece::Lookalike(c) => plain.push(c),
            Piece::Unseen(c) => {
                if !plain.is_empty() {
                    parts.push(format!("'{}'", std::mem::take(&mut plain)));
                }
                parts.push(format!("char({})", u32::from(c)));
            }
        }
    }
    if !plain.is_empty() || parts.is_empty() {
        parts.push(format!("'{plain}'"));
    }
    parts.join(" || ")
}

/// `None` where any status matches.
fn status_condition(statuses: &[Status]) -> Option<String> {
    let words: Vec<String> = statuses.iter().map(|status| literal(status.as_str())).collect();
    match words.as_slice() {
        [] => None,
        [word] => Some(format!("status = {word}")),
        words => Some(format!("status IN ({})", words.join(", "))),
    }
}

fn resolver_condition(name: &PrincipalName) -> String {
    format!("{} IN (resolved_by_principal, resolved_by_rule)", literal(name.as_str()))
}

fn risk_condition(risk: RiskLevel) -> String {
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
fn of_query(query: &Query) -> Vec<String> {
    let Compared { conditions, values } = Compared::of(query, RISK);
    let mut values = values.iter().map(|value| literal(value));
    let written = conditions.iter().map(|condition| {
        let mut parts = condition.split('?');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |written, part| written + &values.next().unwrap_or_default() + part)
    });
    let words = query.terms().iter().filter_map(|term| match &term.what {
        What::Text(text) => Some((if term.is_negated { "NOT " } else { "" }, has_word(text))),
        What::Is(_) | What::Kind(_) | What::Risk(_) | What::Name(..) => None,
        What::Rule(_) | What::Since(_) | What::Until(_) | What::Expires(_) => None,
    });
    let (unwanted, wanted) = tools_beyond_ascii(query);
    let tools = [("", wanted), ("NOT ", unwanted)].map(|(not, tools)| (not, tools.join(" OR ")));
    let tools = tools.into_iter().filter(|(_, tools)| !tools.is_empty());
    written.chain(words.chain(tools).map(|(not, has)| format!("{not}({has})"))).collect()
}

/// The tools that are not compared in SQL elsewhere, since one of their group has letters beyond ASCII: those that are not wanted, and
/// those that are.
fn tools_beyond_ascii(query: &Query) -> (Vec<String>, Vec<String>) {
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
            .map(|(_, name)| alike("coalesce(tool_name, '')", "", &name.text, if name.is_whole { "" } else { "%" }))
            .collect()
    };
    (compared(unwanted), compared(wanted))
}

/// That a column has a text in it, capitals or not, with what a `%` says before and after it. LIKE knows the letters of ASCII alone:
/// for others GLOB is told how each of them is spelled.
fn alike(column: &str, before: &str, text: &str, after: &str) -> String {
    if text.is_ascii() {
        return format!("{column} LIKE {} ESCAPE '\\'", literal(&format!("{before}{}{after}", contained_in(text))));
    }
    let any = |mark: &str| if mark.is_empty() { "" } else { "*" };
    let letters: String = folded(text).chars().map(glob_of).collect();
    format!("{column} GLOB {}", literal(&format!("{}{letters}{}", any(before), any(after))))
}

/// A letter as GLOB compares it: all its spellings, and nothing that means anything else.
fn glob_of(letter: char) -> String {
    match (SPELLINGS.get(&letter), letter) {
        (Some(spellings), _) => format!("[{}]", spellings.iter().collect::<String>()),
        (None, '*' | '?' | '[') => format!("[{letter}]"),
        (None, _) => letter.to_string(),
    }
}

/// The letters that are not written in one way alone, as [`folded`] writes them, with all their spellings.
static SPELLINGS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut spellings: HashMap<char, Vec<char>> = HashMap::new();
    for spelling in ('\u{0}'..=char::MAX).filter(|c| !c.is_whitespace() && !c.is_control()) {
        let mut letters = folded(spelling.encode_utf8(&mut [0; 4])).chars().collect::<Vec<_>>().into_iter();
        if let (Some(letter), None) = (letters.next(), letters.next())
            && letter != spelling
        {
            spellings.entry(letter).or_insert_with(|| vec![letter]).push(spelling);
        }
    }
    spellings
});

/// That a word is in the texts of an interaction, or begins one of its names.
fn has_word(text: &str) -> String {
    let within = |column: &str| alike(column, "%", text, "%");
    let begins = |column: &str| alike(column, "", text, "%");
    let names = ["request_id", "registered_by", "coalesce(conversation_id, '')"].map(begins).join(" OR ");
    format!(
        "{names} OR {}
    OR EXISTS (SELECT 1 FROM interaction_bodies AS b, json_tree(b.body) AS part WHERE b.interaction_id = i.interaction_id
      AND part.key IN ('subject', 'reason', 'workingDir', 'service', 'field', 'label', 'description', 'purpose', 'header', 'text')
      AND (part.path = '$' OR part.path GLOB '$.entries*[0-9]]') AND {})
    OR EXISTS (SELECT 1 FROM interaction_bodies AS b, json_each(b.origin) AS part WHERE b.interaction_id = i.interaction_id
      AND {})
    OR EXISTS (SELECT 1 FROM texts AS t WHERE t.interaction_id = i.interaction_id AND t.about = 'resolution'
      AND {})",
        within("coalesce(tool_name, '')"),
        within("substr(part.value, 1, 512)"),
        within("part.value"),
        within("substr(json_extract(t.text, '$.comment'), 1, 512)"),
    )
}

/// A condition `column = value` for each column that has a value.
fn conditions(equal: &[(&str, Option<&str>)]) -> Vec<String> {
    let given = equal.iter().filter_map(|(column, value)| Some((column, (*value)?)));
    given.map(|(column, value)| format!("{column} = {}", literal(value))).collect()
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
    use crate::store::sqlite::in_memory;

    #[test]
    fn a_value_stays_a_value_and_hides_nothing() {
        assert_eq!(literal("it's'; DROP TABLE x --"), "'it''s''; DROP TABLE x --'");
        assert_eq!(literal("\u{202e}a\u{200b}b"), "char(8238) || 'a' || char(8203) || 'b'");
        assert_eq!(literal(""), "''");
    }

    /// What is copied finds what the page shows, whatever letters it is written in.
    #[test]
    fn letters_beyond_ascii_are_compared_in_all_their_spellings() {
        let conn = in_memory::database();
        let is_alike = |text: &str, value: &str| {
            let sql = format!("SELECT {} FROM (SELECT ?1 AS v)", alike("v", "", text, "%"));
            conn.query_row(&sql, [value], |row| row.get::<_, bool>(0)).unwrap()
        };
        for (text, value, is_it) in [
            ("über", "ÜBERSICHT", true),
            ("ÜBER", "übersicht", true),
            ("über", "Uber", false),
            ("ночь", "НОЧЬ", true),
            ("ς", "Σ", true),
            ("ü*", "ÜX", false),
            ("ü*[?", "Ü*[?x", true),
            ("ß", "ẞ", true),
            ("k\u{e9}", "\u{212a}É", true),
            ("日本", "日本語", true),
            ("plain_", "PLAINx", false),
            ("plain_", "PLAIN_x", true),
        ] {
            assert_eq!(is_alike(text, value), is_it, "{text} {value}");
        }
    }

    #[test]
    fn a_tool_beyond_ascii_is_not_left_out() {
        let filter = Filter { query: "tool:übersicht tool:bash -tool:é".parse().unwrap(), ..Filter::default() };
        let sql = CopyableQuery::Interactions(&filter, Page { before: None, limit: 5 }).sql();
        let wanted = "(coalesce(tool_name, '') GLOB '[üÜ][bB][eE][rR][sS][iI][cC][hH][tT]*' OR coalesce(tool_name, '') LIKE 'bash%' ESCAPE '\\')";
        assert!(sql.contains(&format!("AND {wanted}")) || sql.contains(&format!("WHERE {wanted}")), "{sql}");
        assert!(sql.contains("NOT (coalesce(tool_name, '') GLOB '[éÉ]*')"), "{sql}");
    }
}
