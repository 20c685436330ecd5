-- A rule says of every part of a request what it covers: beside the subject the other members of the input, the agent and where
-- it runs. Rules that were made before speak of no members: they cover less than their makers saw, and never more.

-- What it says of the other members: JSON pointers, each with a text pattern.
ALTER TABLE trust_rules ADD COLUMN members TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(members) AND json_type(members) = 'object');

-- Null: any agent.
ALTER TABLE trust_rules ADD COLUMN agent TEXT CHECK (length(agent) BETWEEN 1 AND 128 AND agent NOT GLOB '*[^A-Za-z0-9._:-]*');

-- Null: anywhere.
ALTER TABLE trust_rules ADD COLUMN execution_target TEXT CHECK (execution_target IN ('sandbox', 'host'));

-- Null: none was given.
ALTER TABLE trust_rules ADD COLUMN reason TEXT CHECK (reason <> '');

-- Whether it was made before members were looked at.
ALTER TABLE trust_rules ADD COLUMN is_before_parts INTEGER NOT NULL DEFAULT 1 CHECK (is_before_parts IN (0, 1));

DROP TRIGGER trust_rules_terms_for_ever;

CREATE TRIGGER trust_rules_terms_for_ever
BEFORE UPDATE OF rule_id, kind, tool_name, pattern, scope, decision, members, agent, execution_target, reason, allow_high_risk,
    created_at_ms, created_by, created_from, expires_at_ms, max_uses, name, revision, is_before_parts ON trust_rules
BEGIN
    SELECT RAISE(ABORT, 'what a trust rule says never changes');
END;

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
       CASE WHEN r.members GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(r.members AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(r.members AS BLOB), x'00') > 0 THEN json_quote(r.members) ELSE r.members END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE r.members END AS members,
       r.agent,
       r.execution_target,
       CASE WHEN r.reason GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(r.reason AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(r.reason AS BLOB), x'00') > 0 THEN json_quote(r.reason) ELSE r.reason END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE r.reason END AS reason,
       r.allow_high_risk,
       r.is_before_parts,
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
       CASE WHEN r.members GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(r.members AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(r.members AS BLOB), x'00') > 0 THEN json_quote(r.members) ELSE r.members END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE r.members END AS members,
       r.agent,
       r.execution_target,
       CASE WHEN r.reason GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159) || char(1564) || char(8203) || '-' || char(8207)
            || char(8232) || '-' || char(8238) || char(8288) || '-' || char(8297) || char(65279) || ']*'
            OR instr(CAST(r.reason AS BLOB), x'00') > 0
       THEN (WITH RECURSIVE escaped (code, text) AS (
                 SELECT 1, CASE WHEN instr(CAST(r.reason AS BLOB), x'00') > 0 THEN json_quote(r.reason) ELSE r.reason END
                 UNION ALL
                 SELECT CASE code WHEN 8 THEN 11 WHEN 31 THEN 127 WHEN 159 THEN 1564 WHEN 1564 THEN 8203 WHEN 8207 THEN 8232
                                  WHEN 8238 THEN 8288 WHEN 8297 THEN 65279 ELSE code + 1 END,
                        replace(text, char(code), printf('\u%04x', code))
                 FROM escaped WHERE code <= 65279)
             SELECT text FROM escaped WHERE code = 65280)
       ELSE r.reason END AS reason,
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
      LEFT JOIN interaction_bodies AS b USING (interaction_id)
      WHERE i.resolved_by_rule IS NOT NULL) AS i
JOIN json_each(coalesce(json_extract(i.resolution, '$.trustRules'), json_array(json_object('ruleId', i.resolved_by_rule)))) AS took_part
JOIN trust_rules AS r ON r.rule_id = json_extract(took_part.value, '$.ruleId')
ORDER BY i.interaction_id DESC, took_part.key;
