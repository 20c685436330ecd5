//! The tables against what the oracle knows, row by row.

use serde_json::{Value, json};

use super::oracle::{By, Interaction, Oracle, Rule};
use crate::harness::TestServer;

/// What each table says, and what it is to say.
pub(super) fn compare(server: &TestServer, oracle: &Oracle) -> Result<(), String> {
    let interactions = "SELECT request_id, kind, status, conversation_id, tool_name, registered_by, created_at_ms, \
         expires_at_ms, resolved_at_ms, resolved_by_principal, resolved_by_rule, resolved_by_system \
         FROM interactions ORDER BY interaction_id";
    same(server, interactions, oracle.interactions.iter().map(interaction))?;
    let rules = "SELECT rule_id, status, tool_name, pattern, scope, decision, allow_high_risk, agent, members, created_at_ms, \
         created_by, created_from, expires_at_ms, max_uses, use_count, last_used_at_ms, revoked_at_ms, revoked_by \
         FROM trust_rules ORDER BY rule_number";
    same(server, rules, oracle.rules.iter().map(rule))?;
    let claims = "SELECT request_id, claim_id, claimed_at_ms, outcome, json_extract(text, '$.detail'), outcome_at_ms, withdrawn_by, withdrawn_at_ms \
         FROM claims JOIN interactions USING (interaction_id) \
         LEFT JOIN texts ON texts.interaction_id = claims.interaction_id AND about = 'outcome' ORDER BY interactions.interaction_id";
    same(server, claims, oracle.interactions.iter().filter_map(claim))?;
    let secrets = "SELECT request_id, service, field, delivery, sealed IS NOT NULL, take_id, taken_at_ms \
         FROM sealed_secrets JOIN interactions USING (interaction_id) ORDER BY interaction_id";
    same(server, secrets, oracle.interactions.iter().filter_map(secret))?;
    let counts = "SELECT registered_by, count(*) FROM interactions WHERE status = 'pending' GROUP BY 1 ORDER BY 1";
    let mut pending = std::collections::BTreeMap::new();
    for interaction in oracle.interactions.iter().filter(|interaction| interaction.end.is_none()) {
        *pending.entry(interaction.by).or_insert(0) += 1;
    }
    same(server, counts, pending.iter().map(|(name, count)| vec![json!(name), json!(count)]))
}

fn same(server: &TestServer, query: &str, expected: impl Iterator<Item = Vec<Value>>) -> Result<(), String> {
    let (stored, expected) = (server.sql(query), expected.collect::<Vec<_>>());
    let mut rows = stored.iter().zip(&expected);
    if let Some((stored, expected)) = rows.find(|(stored, expected)| stored != expected) {
        return Err(format!("{query}\nsays       {stored:?}\nand not as {expected:?}"));
    }
    if stored.len() != expected.len() {
        return Err(format!("{query}\nhas {} rows, and not {}", stored.len(), expected.len()));
    }
    Ok(())
}

fn interaction(interaction: &Interaction) -> Vec<Value> {
    let end = interaction.end.as_ref();
    let by = end.map(|end| match &end.by {
        By::Principal(name) => [json!(name), Value::Null, Value::Null],
        By::Rule(id) => [Value::Null, json!(id), Value::Null],
        By::Deadline => [Value::Null, Value::Null, json!("expired")],
    });
    let tool = interaction.says("toolName").clone();
    let mut row = vec![json!(interaction.id), json!(interaction.kind), json!(interaction.status())];
    row.extend([interaction.conversation.clone(), tool, json!(interaction.by), json!(interaction.created)]);
    row.extend([json!(interaction.expires), json!(end.map(|end| end.at))]);
    row.extend(by.unwrap_or_default());
    row
}

fn rule(rule: &Rule) -> Vec<Value> {
    let terms = &rule.terms;
    let revoked = (rule.revoked.map(|(at, _)| at), rule.revoked.map(|(_, by)| by));
    let mut row = vec![json!(rule.id), json!(rule.status), json!(terms.tool), json!(terms.pattern)];
    row.extend([json!(terms.scope), json!(terms.decision), json!(u8::from(terms.allow_high_risk))]);
    row.extend([json!(terms.agent), json!("{}")]);
    row.extend([json!(rule.created), json!(rule.by), rule.from.clone(), json!(rule.expires), json!(terms.max_uses)]);
    row.extend([json!(rule.uses), json!(rule.last_used), json!(revoked.0), json!(revoked.1)]);
    row
}

fn claim(interaction: &Interaction) -> Option<Vec<Value>> {
    if let Some((by, at)) = interaction.withdrawn {
        let mut row = vec![Value::Null; 8];
        (row[0], row[6], row[7]) = (json!(interaction.id), json!(by), json!(at));
        return Some(row);
    }
    let claim = interaction.claim.as_ref()?;
    let report = match &claim.report {
        Some((outcome, detail, at)) => [json!(outcome), detail.clone(), json!(at)],
        None => Default::default(),
    };
    let mut row = vec![json!(interaction.id), json!(claim.id), json!(claim.at)];
    row.extend(report);
    row.extend([Value::Null, Value::Null]);
    Some(row)
}

fn secret(interaction: &Interaction) -> Option<Vec<Value>> {
    let given = interaction.given.as_ref()?;
    let (take_id, at) = given.taken.as_ref().map_or((Value::Null, Value::Null), |(id, at)| (json!(id), json!(at)));
    let mut row = vec![json!(interaction.id), interaction.says("service").clone(), interaction.says("field").clone()];
    row.extend([json!(given.delivery), json!(u8::from(!given.is_wiped)), take_id, at]);
    Some(row)
}
