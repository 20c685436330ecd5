//! A query in SQL: the one translation that every list uses, and which pieces a signature must have for it.

use super::search_blocks::Signature;
use crate::domain::query::{Beginning, ByRule, Name, NameField, Query, Standing, Term, What, folded, pieces_of};

/// That one of the rules that decided an interaction is one of those with such an id or such a name; two places for each. The rules
/// are looked up once, not for every interaction.
fn by_rules(names: usize) -> String {
    let named = vec!["rule_id LIKE ? ESCAPE '\\' OR name LIKE ? ESCAPE '\\'"; names].join(" OR ");
    format!(
        "i.resolved_by_rule IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(coalesce(json_extract(i.resolution, '$.trustRules'), \
         '[{{\"ruleId\":\"' || i.resolved_by_rule || '\"}}]')) AS used WHERE json_extract(used.value, '$.ruleId') IN \
         (SELECT rule_id FROM trust_rules WHERE {named}))"
    )
}

/// The risk of an interaction among the tables of a record.
pub(super) const RISK_OF_RECORD: &str = "coalesce(f.risk_level, json_extract(b.body, '$.riskLevel'))";

/// What a query compares of an interaction `i`: conditions with a `?` for each value.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) conditions: Vec<String>,
    pub(super) values: Vec<String>,
}

impl Compared {
    /// What `query` compares beside times, tools beyond ASCII and words; `risk` is the column of the risk.
    pub(super) fn of(query: &Query, risk: &str) -> Self {
        let mut compared = Self::default();
        for group in groups(query) {
            let named: Vec<&Name> = group.iter().filter_map(|term| named_rule(&term.what)).collect();
            let others = group.iter().filter(|term| named_rule(&term.what).is_none());
            let conditions: Option<Vec<_>> = others.map(|term| condition(&term.what, risk)).collect();
            let Some(mut conditions) = conditions else { continue };
            if !named.is_empty() {
                let values = named.iter().flat_map(|name| [pattern(name), pattern(name)]).collect();
                conditions.push((by_rules(named.len()), values));
            }
            let (sql, values): (Vec<_>, Vec<_>) = conditions.into_iter().unzip();
            let any = format!("({})", sql.join(" OR "));
            let is_negated = group.iter().any(|term| term.is_negated);
            compared.conditions.push(if is_negated { format!("{any} IS NOT TRUE") } else { any });
            compared.values.extend(values.into_iter().flatten());
        }
        compared
    }
}

const fn named_rule(what: &What) -> Option<&Name> {
    match what {
        What::Rule(ByRule::Named(name)) => Some(name),
        What::Text(_) | What::Is(_) | What::Kind(_) | What::Risk(_) | What::Name(..) => None,
        What::Rule(_) | What::Since(_) | What::Until(_) | What::Expires(_) => None,
    }
}

/// The terms of a query, those together of which one has to hold, or none where they are negated: the same field several times
/// in one part of it.
fn groups(query: &Query) -> Vec<Vec<&Term>> {
    let mut groups: Vec<Vec<&Term>> = Vec::new();
    for term in query.terms() {
        let is_alike = |group: &&mut Vec<&Term>| {
            let is_with = |other: &&Term| other.is_negated == term.is_negated && other.part == term.part;
            group.iter().all(|other| is_with(other) && is_same_field(&other.what, &term.what))
        };
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(term),
            None => groups.push(vec![term]),
        }
    }
    groups
}

fn is_same_field(one: &What, other: &What) -> bool {
    match (one, other) {
        (What::Name(one, _), What::Name(other, _)) => one == other,
        // Each word has to be there.
        (What::Text(_), _) => false,
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

/// `None` for what is not compared in SQL.
fn condition(what: &What, risk: &str) -> Option<(String, Vec<String>)> {
    let without_value = |sql: &str| Some((sql.to_owned(), Vec::new()));
    match what {
        What::Text(_) | What::Since(_) | What::Until(_) | What::Expires(_) => None,
        What::Is(standing) => Some(one_of_statuses(*standing)),
        What::Kind(kind) => Some(("i.kind = ?".to_owned(), vec![kind.to_string()])),
        What::Risk(level) => Some((format!("i.kind = 'confirmation' AND {risk} = ?"), vec![level.to_string()])),
        What::Name(NameField::Tool, name) if !name.text.is_ascii() => None,
        What::Name(field, name) => Some((format!("{} LIKE ? ESCAPE '\\'", column(*field)), vec![pattern(name)])),
        What::Rule(ByRule::None) => without_value("i.resolved_by_rule IS NULL"),
        What::Rule(ByRule::Any) => without_value("i.resolved_by_rule IS NOT NULL"),
        // All of a group are one condition.
        What::Rule(ByRule::Named(_)) => None,
    }
}

fn one_of_statuses(standing: Standing) -> (String, Vec<String>) {
    let statuses: Vec<String> = standing.statuses().iter().map(|status| status.as_str().to_owned()).collect();
    (format!("i.status IN ({})", vec!["?"; statuses.len()].join(", ")), statuses)
}

const fn column(field: NameField) -> &'static str {
    match field {
        NameField::Agent => "i.registered_by",
        NameField::Tool => "i.tool_name",
        NameField::In => "i.conversation_id",
        NameField::By => "i.resolved_by_principal",
        NameField::Id => "i.request_id",
    }
}

/// A name as LIKE compares it.
fn pattern(name: &Name) -> String {
    contained_in(&name.text) + if name.is_whole { "" } else { "%" }
}

/// A text as LIKE compares it, with nothing in it that means anything.
pub(super) fn contained_in(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// What the signature of a block must have, for an interaction in it to be found: of each of these one, and of that all.
#[derive(Debug, Default)]
pub(super) struct Needed(Vec<Vec<Vec<u64>>>);

impl Needed {
    pub(super) fn of(query: &Query) -> Self {
        let of_group = |group: Vec<&Term>| {
            let alternatives: Option<Vec<_>> = group.iter().map(|term| pieces(term)).collect();
            alternatives.map(|alternatives| alternatives.concat())
        };
        Self(groups(query).into_iter().filter_map(of_group).collect())
    }

    /// Whether every signature has it.
    pub(super) const fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a signature may have it.
    pub(super) fn may_be_in(&self, signature: &Signature) -> bool {
        let has_all = |pieces: &Vec<u64>| pieces.iter().all(|piece| signature.may_have(*piece));
        self.0.iter().all(|alternatives| alternatives.iter().any(has_all))
    }
}

/// The alternatives of one term; `None` where no signature tells of it.
fn pieces(Term { is_negated, what, .. }: &Term) -> Option<Vec<Vec<u64>>> {
    if *is_negated {
        return None;
    }
    match what {
        What::Text(text) => {
            let word = folded(text);
            let pieces = Some(pieces_of(&word)).filter(|pieces| !pieces.is_empty())?;
            Some(vec![pieces, vec![Beginning::Name.digest(&word)]])
        }
        What::Name(NameField::By, _) => None,
        What::Name(_, name) => Some(vec![vec![Beginning::Name.digest(&folded(&name.text))]]),
        What::Kind(kind) => Some(vec![vec![Beginning::Kind.digest(kind.as_str())]]),
        What::Risk(risk) => Some(vec![vec![Beginning::Risk.digest(risk.as_str())]]),
        What::Is(_) | What::Rule(_) | What::Since(_) | What::Until(_) | What::Expires(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules that a query names are looked up once, however many it names: not for each interaction and each name again.
    #[test]
    fn the_rules_of_a_query_are_one_condition() {
        for sign in ["", "-"] {
            let terms: Vec<String> = (0..32).map(|number| format!("{sign}rule:r{number}")).collect();
            let compared = Compared::of(&terms.join(" ").parse().unwrap(), RISK_OF_RECORD);
            assert_eq!(compared.conditions.len(), 1);
            assert_eq!(compared.conditions[0].matches("json_each").count(), 1);
            assert_eq!((compared.conditions[0].matches('?').count(), compared.values.len()), (64, 64));
        }
    }
}
