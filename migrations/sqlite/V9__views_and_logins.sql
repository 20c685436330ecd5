-- The views for the sqlite3 shell show what agents wrote, and a terminal obeys what it is sent: control characters, and those
-- that are invisible or turn the direction of a text, are shown as JSON writes them, such as \u001b. JSON stays the same JSON.
--
-- A text that holds any of them is rewritten code by code: controls but tab and newline, 061C, 200B to 200F, 2028 to 202E, 2060 to 2069
-- and FEFF. SQLite and the shell end a text at a NUL: a text that has one is shown as it stands in JSON, or quoted so.

DROP VIEW v_pending;

CREATE VIEW v_pending AS
SELECT i.request_id,
       i.kind,
       i.conversation_id,
       i.registered_by,
       CASE WHEN i.tool_name GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(i.tool_name AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(i.tool_name AS BLOB), x'00') > 0 THEN json_quote(i.tool_name) ELSE i.tool_name END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE i.tool_name END AS tool_name,
       CASE WHEN i.subject GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(i.subject AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(i.subject AS BLOB), x'00') > 0 THEN json_quote(i.subject) ELSE i.subject END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE i.subject END AS subject,
       json_extract(i.body, '$.riskLevel') AS risk_level,
       strftime('%Y-%m-%dT%H:%M:%S', i.created_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.created_at_ms % 1000) AS created_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.expires_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.expires_at_ms % 1000) AS expires_at
FROM (SELECT i.*, b.body, coalesce(CASE WHEN instr(b.body -> '$.subject', '\u0000') > 0 THEN b.body -> '$.subject' ELSE json_extract(b.body, '$.subject') END,
                      CASE WHEN instr(b.body -> '$.label', '\u0000') > 0 THEN b.body -> '$.label' ELSE json_extract(b.body, '$.label') END,
                      CASE WHEN instr(b.body -> '$.entries[0].text', '\u0000') > 0 THEN b.body -> '$.entries[0].text' ELSE json_extract(b.body, '$.entries[0].text') END) AS subject
      FROM interactions AS i
      JOIN interaction_bodies AS b USING (interaction_id)
      WHERE i.status = 'pending') AS i
ORDER BY i.interaction_id DESC;

DROP VIEW v_decisions;

CREATE VIEW v_decisions AS
SELECT i.request_id,
       i.kind,
       i.status,
       i.conversation_id,
       i.registered_by,
       CASE WHEN i.tool_name GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(i.tool_name AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(i.tool_name AS BLOB), x'00') > 0 THEN json_quote(i.tool_name) ELSE i.tool_name END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE i.tool_name END AS tool_name,
       CASE WHEN i.subject GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(i.subject AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(i.subject AS BLOB), x'00') > 0 THEN json_quote(i.subject) ELSE i.subject END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE i.subject END AS subject,
       coalesce(i.resolved_by_principal, 'rule ' || i.resolved_by_rule, 'system ' || i.resolved_by_system) AS resolved_by,
       CASE WHEN i.comment GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(i.comment AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(i.comment AS BLOB), x'00') > 0 THEN json_quote(i.comment) ELSE i.comment END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE i.comment END AS comment,
       strftime('%Y-%m-%dT%H:%M:%S', i.created_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.created_at_ms % 1000) AS created_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.resolved_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.resolved_at_ms % 1000) AS resolved_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.claim_expires_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.claim_expires_at_ms % 1000) AS claim_expires_at,
       i.withdrawn_by,
       strftime('%Y-%m-%dT%H:%M:%S', i.withdrawn_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.withdrawn_at_ms % 1000) AS withdrawn_at
FROM (SELECT i.*, b.body, coalesce(CASE WHEN instr(b.body -> '$.subject', '\u0000') > 0 THEN b.body -> '$.subject' ELSE json_extract(b.body, '$.subject') END,
                      CASE WHEN instr(b.body -> '$.label', '\u0000') > 0 THEN b.body -> '$.label' ELSE json_extract(b.body, '$.label') END,
                      CASE WHEN instr(b.body -> '$.entries[0].text', '\u0000') > 0 THEN b.body -> '$.entries[0].text' ELSE json_extract(b.body, '$.entries[0].text') END) AS subject, json_extract(i.resolution, '$.comment') AS comment, c.withdrawn_by, c.withdrawn_at_ms
      FROM interactions AS i
      JOIN interaction_bodies AS b USING (interaction_id)
      LEFT JOIN claims AS c USING (interaction_id)
      WHERE i.status <> 'pending') AS i
ORDER BY i.interaction_id DESC;

DROP VIEW v_trust_rules;

CREATE VIEW v_trust_rules AS
SELECT r.rule_id,
       r.name,
       r.revision,
       r.kind,
       r.status,
       CASE WHEN r.tool_name GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(r.tool_name AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(r.tool_name AS BLOB), x'00') > 0 THEN json_quote(r.tool_name) ELSE r.tool_name END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE r.tool_name END AS tool_name,
       CASE WHEN r.pattern GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(r.pattern AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(r.pattern AS BLOB), x'00') > 0 THEN json_quote(r.pattern) ELSE r.pattern END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE r.pattern END AS pattern,
       CASE WHEN r.scope GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(r.scope AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(r.scope AS BLOB), x'00') > 0 THEN json_quote(r.scope) ELSE r.scope END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE r.scope END AS scope,
       r.decision,
       r.allow_high_risk,
       r.created_by,
       r.created_from,
       r.use_count,
       r.max_uses,
       strftime('%Y-%m-%dT%H:%M:%S', r.created_at_ms / 1000, 'unixepoch') || printf('.%03dZ', r.created_at_ms % 1000) AS created_at,
       strftime('%Y-%m-%dT%H:%M:%S', r.expires_at_ms / 1000, 'unixepoch') || printf('.%03dZ', r.expires_at_ms % 1000) AS expires_at,
       strftime('%Y-%m-%dT%H:%M:%S', r.last_used_at_ms / 1000, 'unixepoch') || printf('.%03dZ', r.last_used_at_ms % 1000) AS last_used_at,
       r.revoked_by,
       strftime('%Y-%m-%dT%H:%M:%S', r.revoked_at_ms / 1000, 'unixepoch') || printf('.%03dZ', r.revoked_at_ms % 1000) AS revoked_at
FROM trust_rules AS r
ORDER BY r.rule_number DESC;

DROP VIEW v_rule_hits;

-- A line for each rule that took part: several rules may allow one command line together. Decisions made before rules had
-- revisions were made by one rule each.
CREATE VIEW v_rule_hits AS
SELECT r.rule_id,
       r.name,
       r.revision,
       CASE WHEN r.pattern GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(r.pattern AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(r.pattern AS BLOB), x'00') > 0 THEN json_quote(r.pattern) ELSE r.pattern END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE r.pattern END AS pattern,
       CASE WHEN r.scope GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(r.scope AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(r.scope AS BLOB), x'00') > 0 THEN json_quote(r.scope) ELSE r.scope END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE r.scope END AS scope,
       r.decision,
       r.created_by,
       i.request_id,
       i.registered_by,
       CASE WHEN i.tool_name GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(i.tool_name AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(i.tool_name AS BLOB), x'00') > 0 THEN json_quote(i.tool_name) ELSE i.tool_name END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE i.tool_name END AS tool_name,
       CASE WHEN i.subject GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(i.subject AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(i.subject AS BLOB), x'00') > 0 THEN json_quote(i.subject) ELSE i.subject END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE i.subject END AS subject,
       strftime('%Y-%m-%dT%H:%M:%S', i.resolved_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.resolved_at_ms % 1000) AS hit_at
FROM (SELECT i.*, b.body, CASE WHEN instr(b.body -> '$.subject', '\u0000') > 0 THEN b.body -> '$.subject' ELSE json_extract(b.body, '$.subject') END AS subject
      FROM interactions AS i
      JOIN interaction_bodies AS b USING (interaction_id)
      WHERE i.resolved_by_rule IS NOT NULL) AS i
JOIN json_each(coalesce(json_extract(i.resolution, '$.trustRules'), json_array(json_object('ruleId', i.resolved_by_rule)))) AS took_part
JOIN trust_rules AS r ON r.rule_id = json_extract(took_part.value, '$.ruleId')
ORDER BY i.interaction_id DESC, took_part.key;

DROP VIEW v_events;

CREATE VIEW v_events AS
SELECT e.seq,
       strftime('%Y-%m-%dT%H:%M:%S', e.at_ms / 1000, 'unixepoch') || printf('.%03dZ', e.at_ms % 1000) AS at,
       e.event,
       e.request_id,
       e.rule_id,
       e.principal,
       CASE WHEN e.detail GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(e.detail AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(e.detail AS BLOB), x'00') > 0 THEN json_quote(e.detail) ELSE e.detail END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE e.detail END AS detail,
       lower(hex(e.hash)) AS hash
FROM audit_events AS e
ORDER BY e.seq DESC;

DROP VIEW v_unclaimed;

-- Approved and never run, or run and never reported. What was withdrawn is neither.
CREATE VIEW v_unclaimed AS
SELECT i.request_id,
       i.registered_by,
       CASE WHEN i.tool_name GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(i.tool_name AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(i.tool_name AS BLOB), x'00') > 0 THEN json_quote(i.tool_name) ELSE i.tool_name END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE i.tool_name END AS tool_name,
       CASE WHEN i.subject GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(i.subject AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(i.subject AS BLOB), x'00') > 0 THEN json_quote(i.subject) ELSE i.subject END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE i.subject END AS subject,
       CASE WHEN i.claimed_at_ms IS NULL THEN 'never claimed' ELSE 'claimed, outcome unknown' END AS story,
       i.claim_id,
       strftime('%Y-%m-%dT%H:%M:%S', i.resolved_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.resolved_at_ms % 1000) AS approved_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.claim_expires_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.claim_expires_at_ms % 1000) AS claim_expires_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.claimed_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.claimed_at_ms % 1000) AS claimed_at
FROM (SELECT i.*, b.body, CASE WHEN instr(b.body -> '$.subject', '\u0000') > 0 THEN b.body -> '$.subject' ELSE json_extract(b.body, '$.subject') END AS subject, c.claim_id, c.claimed_at_ms
      FROM interactions AS i
      JOIN interaction_bodies AS b USING (interaction_id)
      LEFT JOIN claims AS c USING (interaction_id)
      WHERE i.status = 'approved' AND c.outcome IS NULL AND c.withdrawn_at_ms IS NULL) AS i
ORDER BY i.interaction_id DESC;

DROP VIEW v_waiting_times;

-- How long agents waited for an answer, by kind, tool and how it ended.
CREATE VIEW v_waiting_times AS
SELECT i.kind,
       CASE WHEN i.tool_name GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(i.tool_name AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(i.tool_name AS BLOB), x'00') > 0 THEN json_quote(i.tool_name) ELSE i.tool_name END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE i.tool_name END AS tool_name,
       i.status,
       count(*) AS interactions,
       round(min(i.resolved_at_ms - i.created_at_ms) / 1000.0, 3) AS shortest_s,
       round(avg(i.resolved_at_ms - i.created_at_ms) / 1000.0, 3) AS average_s,
       round(max(i.resolved_at_ms - i.created_at_ms) / 1000.0, 3) AS longest_s
FROM interactions AS i
WHERE i.status <> 'pending'
GROUP BY i.kind, i.tool_name, i.status
ORDER BY i.kind, i.tool_name, i.status;

-- What has expired, by the time of the last event, may be deleted: auditors, too, make links and begin sessions. The history
-- tells of all of them for ever.

DROP TRIGGER login_links_never_deleted;

CREATE TRIGGER login_links_never_deleted BEFORE DELETE ON login_links
WHEN OLD.expires_at_ms > (SELECT coalesce(max(at_ms), 0) FROM (SELECT at_ms FROM audit_events ORDER BY seq DESC LIMIT 1))
BEGIN
    SELECT RAISE(ABORT, 'login links are used up, and never deleted before they expire');
END;

DROP TRIGGER sessions_never_deleted;

CREATE TRIGGER sessions_never_deleted BEFORE DELETE ON sessions
WHEN OLD.expires_at_ms > (SELECT coalesce(max(at_ms), 0) FROM (SELECT at_ms FROM audit_events ORDER BY seq DESC LIMIT 1))
BEGIN
    SELECT RAISE(ABORT, 'sessions end, and are never deleted before they expire');
END;
