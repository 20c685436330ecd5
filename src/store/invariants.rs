//! What the tables say of each other, which no constraint can hold: each with the query for what breaks it, in words that SQLite and
//! PostgreSQL have in common.

/// The events that are an interaction's beginning or end.
macro_rules! begins_or_ends {
    () => {
        "event LIKE 'interaction.%' AND event NOT IN ('interaction.claimed', 'interaction.outcome_reported', 'interaction.approval_withdrawn', 'interaction.forgotten')"
    };
}

/// A token that is revoked by SQL is obeyed at once, and the history cannot tell of it.
const TOKENS_AS_TOLD: &str = "every token, and whether it is revoked, is as the history says";

/// The checks that only a row breaks which another program has changed by SQL.
pub(super) const ROWS_OF_OTHERS: &[&str] = &[TOKENS_AS_TOLD];

/// What is to hold, and what does not where it does not: one column.
pub(super) const INVARIANTS: &[(&str, &str)] = &[
    (
        "an interaction is registered once and resolved at most once",
        concat!(
            "SELECT request_id FROM audit_events WHERE ",
            begins_or_ends!(),
            " GROUP BY request_id, event = 'interaction.registered' HAVING count(*) > 1"
        ),
    ),
    (
        "the last event of an interaction before its claim is its status",
        concat!(
            "SELECT request_id FROM interactions AS i WHERE (SELECT event FROM audit_events AS a WHERE a.request_id = i.request_id AND ",
            begins_or_ends!(),
            " ORDER BY seq DESC LIMIT 1) IS DISTINCT FROM CASE WHEN status = 'pending' THEN 'interaction.registered' ELSE 'interaction.' || status END"
        ),
    ),
    (
        "an interaction was resolved when the history says",
        "SELECT request_id FROM interactions AS i WHERE status NOT IN ('pending', 'expired') AND NOT EXISTS (SELECT 1 FROM audit_events AS a \
         WHERE a.request_id = i.request_id AND a.event = 'interaction.' || i.status AND a.at_ms = i.resolved_at_ms)",
    ),
    (
        "the history tells of no interaction that is not there",
        "SELECT request_id FROM audit_events WHERE request_id IS NOT NULL AND request_id NOT IN (SELECT request_id FROM interactions)",
    ),
    (
        "every event of an interaction is its owner's, and no other event is anybody's, as far as they are entered",
        "SELECT 'event ' || seq FROM audit_events AS a JOIN interactions AS i USING (request_id) \
         WHERE seq <= (SELECT number FROM kept_through WHERE what = 'own_events') AND NOT EXISTS \
         (SELECT 1 FROM own_events WHERE owner = i.registered_by AND event_seq = a.seq) \
         UNION ALL SELECT 'event ' || event_seq FROM own_events AS o WHERE NOT EXISTS \
         (SELECT 1 FROM audit_events AS a JOIN interactions AS i USING (request_id) WHERE a.seq = o.event_seq AND i.registered_by = o.owner) \
         OR event_seq > (SELECT number FROM kept_through WHERE what = 'own_events')",
    ),
    (
        "every interaction has its body, or is forgotten",
        "SELECT request_id FROM interactions WHERE interaction_id NOT IN (SELECT interaction_id FROM interaction_bodies) \
         AND interaction_id NOT IN (SELECT interaction_id FROM forgettings)",
    ),
    (
        "what is forgotten is wiped",
        "SELECT request_id FROM forgettings AS f JOIN interactions AS i USING (interaction_id) WHERE status = 'pending' \
         OR EXISTS (SELECT 1 FROM interaction_bodies AS b WHERE b.interaction_id = f.interaction_id AND (b.body <> '{}' OR b.metadata <> '{}' \
           OR b.origin IS NOT NULL OR b.traceparent IS NOT NULL OR b.content_sha256 <> f.content_sha256)) \
         OR EXISTS (SELECT 1 FROM texts AS t WHERE t.interaction_id = f.interaction_id AND (t.text IS NOT NULL OR t.unshown IS NOT NULL)) \
         OR EXISTS (SELECT 1 FROM sealed_secrets AS s WHERE s.interaction_id = f.interaction_id AND (s.sealed IS NOT NULL OR s.service <> '' OR s.field <> ''))",
    ),
    (
        "nothing is wiped of what is not forgotten",
        "SELECT request_id FROM interaction_bodies JOIN interactions USING (interaction_id) \
         WHERE body = '{}' AND interaction_id NOT IN (SELECT interaction_id FROM forgettings) \
         UNION ALL SELECT coalesce(request_id, 'event ' || seq) FROM audit_events AS a LEFT JOIN texts ON told_in = seq \
         WHERE text_digest IS NOT NULL AND text IS NULL AND NOT EXISTS \
         (SELECT 1 FROM forgettings JOIN interactions AS i USING (interaction_id) WHERE i.request_id = a.request_id) \
         UNION ALL SELECT request_id FROM texts JOIN interactions USING (interaction_id) \
         WHERE text IS NULL AND unshown IS NULL AND interaction_id NOT IN (SELECT interaction_id FROM forgettings)",
    ),
    (
        "every forgetting is in the history, once",
        "SELECT request_id FROM interactions AS i LEFT JOIN forgettings AS f USING (interaction_id) WHERE (SELECT count(*) FROM audit_events AS a \
         WHERE a.request_id = i.request_id AND a.event = 'interaction.forgotten' AND a.at_ms = f.forgotten_at_ms AND a.principal IS NOT DISTINCT FROM f.forgotten_by) \
         <> CASE WHEN f.interaction_id IS NULL THEN 0 ELSE 1 END OR (SELECT count(*) FROM audit_events AS a \
         WHERE a.request_id = i.request_id AND a.event = 'interaction.forgotten') <> CASE WHEN f.interaction_id IS NULL THEN 0 ELSE 1 END",
    ),
    (
        "every text is told of in the history",
        "SELECT told_in FROM texts LEFT JOIN audit_events ON seq = told_in WHERE seq IS NULL OR (text IS NOT NULL AND text_digest IS NULL)",
    ),
    (
        "only an approved confirmation is claimed or withdrawn, and the history tells of it",
        "SELECT request_id FROM claims JOIN interactions AS i USING (interaction_id) WHERE status <> 'approved' OR NOT EXISTS \
         (SELECT 1 FROM audit_events AS a WHERE a.request_id = i.request_id AND a.at_ms = coalesce(claimed_at_ms, withdrawn_at_ms) \
         AND a.event = CASE WHEN claim_id IS NULL THEN 'interaction.approval_withdrawn' ELSE 'interaction.claimed' END)",
    ),
    (
        "every claim that the history tells of is there, once",
        "SELECT request_id FROM audit_events AS a WHERE event IN ('interaction.claimed', 'interaction.approval_withdrawn') GROUP BY request_id HAVING count(*) > 1 OR NOT EXISTS \
         (SELECT 1 FROM claims JOIN interactions AS i USING (interaction_id) WHERE i.request_id = a.request_id)",
    ),
    (
        "no approval was claimed past its deadline",
        "SELECT request_id FROM claims JOIN interactions USING (interaction_id) WHERE claimed_at_ms >= claim_expires_at_ms",
    ),
    (
        "the outcome of a claim is the one that was reported",
        "SELECT request_id FROM claims JOIN interactions AS i USING (interaction_id) WHERE outcome IS DISTINCT FROM (SELECT json_extract(detail, '$.outcome') \
         FROM audit_events AS a WHERE a.request_id = i.request_id AND a.event = 'interaction.outcome_reported')",
    ),
    (
        "the resolver of an interaction is the one in the history",
        "SELECT i.request_id FROM interactions AS i JOIN audit_events AS a ON a.request_id = i.request_id AND a.event = 'interaction.' || i.status \
         WHERE a.principal IS DISTINCT FROM i.resolved_by_principal OR a.rule_id IS DISTINCT FROM i.resolved_by_rule",
    ),
    (
        "the agent that registered an interaction is the one in the history",
        "SELECT i.request_id FROM interactions AS i JOIN audit_events AS a ON a.request_id = i.request_id AND a.event = 'interaction.registered' \
         WHERE a.principal <> i.registered_by OR a.at_ms <> i.created_at_ms",
    ),
    (
        "every answered secret has its value, sealed or wiped, and nothing else has one",
        "SELECT request_id FROM interactions WHERE (kind = 'secret' AND status = 'answered') <> \
         (interaction_id IN (SELECT interaction_id FROM sealed_secrets))",
    ),
    (
        "every value that a person wiped is wiped in the history, too",
        "SELECT request_id FROM sealed_secrets AS s JOIN interactions AS i USING (interaction_id) WHERE wiped_at_ms IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM audit_events AS a WHERE a.request_id = i.request_id AND a.event = 'secret.wiped' AND a.principal = s.wiped_by \
         AND a.at_ms = s.wiped_at_ms)",
    ),
    (
        "what a rule decided is what the rule says",
        "SELECT request_id FROM interactions JOIN trust_rules ON rule_id = resolved_by_rule \
         WHERE interactions.status <> CASE WHEN decision = 'allow' THEN 'approved' ELSE 'rejected' END OR decision = 'ask'",
    ),
    (
        "the history tells of the making of every rule",
        "SELECT rule_id FROM trust_rules WHERE rule_id NOT IN (SELECT rule_id FROM audit_events WHERE event = 'trust_rule.created' AND rule_id IS NOT NULL)",
    ),
    (
        "a rule says what the history says that it says",
        "SELECT r.rule_id FROM trust_rules AS r JOIN audit_events AS a ON a.rule_id = r.rule_id AND a.event = 'trust_rule.created' \
         WHERE json_extract(a.detail, '$.toolName') <> r.tool_name OR json_extract(a.detail, '$.pattern') <> r.pattern \
         OR json_extract(a.detail, '$.scope') <> r.scope OR json_extract(a.detail, '$.decision') <> r.decision \
         OR (CAST(json_extract(a.detail, '$.allowHighRisk') AS TEXT) IN ('1', 'true')) <> (r.allow_high_risk = 1) OR a.principal <> r.created_by \
         OR coalesce(json_extract(a.detail, '$.members'), '{}') <> json_extract(r.members, '$') OR json_extract(a.detail, '$.agent') IS DISTINCT FROM r.agent \
         OR json_extract(a.detail, '$.executionTarget') IS DISTINCT FROM r.execution_target OR json_extract(a.detail, '$.reason') IS DISTINCT FROM r.reason",
    ),
    (
        "a rule has ended where the history says so",
        "WITH ended AS MATERIALIZED (SELECT rule_id, substr(event, 12) AS how, row_number() OVER (PARTITION BY rule_id ORDER BY seq DESC) AS place \
         FROM audit_events WHERE event IN ('trust_rule.revoked', 'trust_rule.expired', 'trust_rule.exhausted')) \
         SELECT r.rule_id FROM trust_rules AS r LEFT JOIN ended AS e ON e.rule_id = r.rule_id AND e.place = 1 \
         WHERE e.how IS DISTINCT FROM nullif(status, 'active')",
    ),
    (
        TOKENS_AS_TOLD,
        "WITH told AS MATERIALIZED (SELECT CAST(json_extract(detail, '$.tokenId') AS TEXT) AS token_id, event, principal FROM audit_events \
         WHERE event IN ('token.created', 'token.revoked')) \
         SELECT t.token_id FROM tokens AS t LEFT JOIN told ON told.token_id = t.token_id GROUP BY t.token_id \
         HAVING count(*) FILTER (WHERE told.event = 'token.created' AND told.principal = t.principal) = 0 \
         OR (t.revoked_at_ms IS NULL) = (count(*) FILTER (WHERE told.event = 'token.revoked') > 0)",
    ),
    (
        "a principal has the role that the history says",
        "WITH told AS MATERIALIZED (SELECT principal, json_extract(detail, '$.role') AS role FROM audit_events \
         WHERE event = 'token.created' AND principal IS NOT NULL) \
         SELECT name FROM principals AS p LEFT JOIN told ON told.principal = p.name GROUP BY name \
         HAVING count(*) FILTER (WHERE told.role = p.role) = 0",
    ),
    (
        "every channel is there, turned off or removed as the history says",
        "WITH told AS MATERIALIZED (SELECT CAST(json_extract(detail, '$.channelId') AS TEXT) AS channel_id, event FROM audit_events \
         WHERE event IN ('channel.added', 'channel.disabled', 'channel.removed')) \
         SELECT c.channel_id FROM channels AS c LEFT JOIN told ON told.channel_id = c.channel_id GROUP BY c.channel_number \
         HAVING count(*) FILTER (WHERE told.event = 'channel.added') <> 1 \
         OR (c.disabled_at_ms IS NOT NULL) <> (count(*) FILTER (WHERE told.event = 'channel.disabled') > 0) \
         OR (c.removed_at_ms IS NOT NULL) <> (count(*) FILTER (WHERE told.event = 'channel.removed') > 0)",
    ),
    (
        "time does not run backwards in the history",
        "SELECT 'event ' || seq FROM (SELECT seq, at_ms, lag(at_ms) OVER (ORDER BY seq) AS before FROM audit_events) AS e WHERE at_ms < before",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::in_memory::steps;

    /// Whether a step reads all of the history.
    fn reads_all(detail: &str) -> bool {
        let mut words = detail.split(' ');
        words.next() == Some("SCAN") && matches!(words.next(), Some("audit_events" | "a" | "told" | "ended"))
    }

    #[test]
    fn no_check_reads_the_history_through_once_for_each_row_of_a_table() {
        for (name, query) in INVARIANTS {
            let steps = steps(query);
            for step in steps.iter().filter(|step| reads_all(&step.detail)) {
                let outer = steps.iter().find(|outer| outer.id == step.parent).map_or("", |outer| &outer.detail);
                assert!(!outer.starts_with("CORRELATED"), "{name}: {} in {outer}", step.detail);
                let first = steps.iter().find(|first| first.parent == step.parent);
                assert!(first.is_some_and(|first| first.id == step.id), "{name}: {} is an inner loop", step.detail);
            }
        }
    }
}
