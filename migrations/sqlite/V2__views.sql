-- What people read with the sqlite3 shell, version 3.40 or later: one view a question, with readable times in UTC.
-- A time is made of whole seconds and whole milliseconds, so that no rounding can shift it.

CREATE VIEW v_pending AS
SELECT i.request_id,
       i.kind,
       i.conversation_id,
       i.registered_by,
       i.tool_name,
       coalesce(json_extract(b.body, '$.subject'), json_extract(b.body, '$.label'), json_extract(b.body, '$.entries[0].text')) AS subject,
       json_extract(b.body, '$.riskLevel') AS risk_level,
       strftime('%Y-%m-%dT%H:%M:%S', i.created_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.created_at_ms % 1000) AS created_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.expires_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.expires_at_ms % 1000) AS expires_at
FROM interactions AS i
JOIN interaction_bodies AS b USING (interaction_id)
WHERE i.status = 'pending'
ORDER BY i.interaction_id DESC;

CREATE VIEW v_decisions AS
SELECT i.request_id,
       i.kind,
       i.status,
       i.conversation_id,
       i.registered_by,
       i.tool_name,
       coalesce(json_extract(b.body, '$.subject'), json_extract(b.body, '$.label'), json_extract(b.body, '$.entries[0].text')) AS subject,
       coalesce(i.resolved_by_principal, 'rule ' || i.resolved_by_rule, 'system ' || i.resolved_by_system) AS resolved_by,
       json_extract(i.resolution, '$.comment') AS comment,
       strftime('%Y-%m-%dT%H:%M:%S', i.created_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.created_at_ms % 1000) AS created_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.resolved_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.resolved_at_ms % 1000) AS resolved_at
FROM interactions AS i
JOIN interaction_bodies AS b USING (interaction_id)
WHERE i.status <> 'pending'
ORDER BY i.interaction_id DESC;

CREATE VIEW v_trust_rules AS
SELECT rule_id,
       kind,
       status,
       tool_name,
       pattern,
       scope,
       decision,
       allow_high_risk,
       created_by,
       created_from,
       use_count,
       max_uses,
       strftime('%Y-%m-%dT%H:%M:%S', created_at_ms / 1000, 'unixepoch') || printf('.%03dZ', created_at_ms % 1000) AS created_at,
       strftime('%Y-%m-%dT%H:%M:%S', expires_at_ms / 1000, 'unixepoch') || printf('.%03dZ', expires_at_ms % 1000) AS expires_at,
       strftime('%Y-%m-%dT%H:%M:%S', last_used_at_ms / 1000, 'unixepoch') || printf('.%03dZ', last_used_at_ms % 1000) AS last_used_at,
       revoked_by,
       strftime('%Y-%m-%dT%H:%M:%S', revoked_at_ms / 1000, 'unixepoch') || printf('.%03dZ', revoked_at_ms % 1000) AS revoked_at
FROM trust_rules
ORDER BY rule_number DESC;

CREATE VIEW v_rule_hits AS
SELECT i.resolved_by_rule AS rule_id,
       r.pattern,
       r.scope,
       r.decision,
       r.created_by,
       i.request_id,
       i.registered_by,
       i.tool_name,
       json_extract(b.body, '$.subject') AS subject,
       strftime('%Y-%m-%dT%H:%M:%S', i.resolved_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.resolved_at_ms % 1000) AS hit_at
FROM interactions AS i
JOIN interaction_bodies AS b USING (interaction_id)
JOIN trust_rules AS r ON r.rule_id = i.resolved_by_rule
WHERE i.resolved_by_rule IS NOT NULL
ORDER BY i.interaction_id DESC;

CREATE VIEW v_events AS
SELECT seq,
       strftime('%Y-%m-%dT%H:%M:%S', at_ms / 1000, 'unixepoch') || printf('.%03dZ', at_ms % 1000) AS at,
       event,
       request_id,
       rule_id,
       principal,
       detail
FROM audit_events
ORDER BY seq DESC;

-- Approved and never run, or run and never reported.
CREATE VIEW v_unclaimed AS
SELECT i.request_id,
       i.registered_by,
       i.tool_name,
       json_extract(b.body, '$.subject') AS subject,
       CASE WHEN c.interaction_id IS NULL THEN 'never claimed' ELSE 'claimed, outcome unknown' END AS story,
       c.claim_id,
       strftime('%Y-%m-%dT%H:%M:%S', i.resolved_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.resolved_at_ms % 1000) AS approved_at,
       strftime('%Y-%m-%dT%H:%M:%S', c.claimed_at_ms / 1000, 'unixepoch') || printf('.%03dZ', c.claimed_at_ms % 1000) AS claimed_at
FROM interactions AS i
JOIN interaction_bodies AS b USING (interaction_id)
LEFT JOIN claims AS c USING (interaction_id)
WHERE i.status = 'approved' AND c.outcome IS NULL
ORDER BY i.interaction_id DESC;

-- How long agents waited for an answer, by kind, tool and how it ended.
CREATE VIEW v_waiting_times AS
SELECT kind,
       tool_name,
       status,
       count(*) AS interactions,
       round(min(resolved_at_ms - created_at_ms) / 1000.0, 3) AS shortest_s,
       round(avg(resolved_at_ms - created_at_ms) / 1000.0, 3) AS average_s,
       round(max(resolved_at_ms - created_at_ms) / 1000.0, 3) AS longest_s
FROM interactions
WHERE status <> 'pending'
GROUP BY kind, tool_name, status
ORDER BY kind, tool_name, status;
