-- A rule that is kept in a file has a name. Its terms never change: when the file says something else, another row with
-- the same name and the next revision takes its place, so that every decision names for ever what decided it.

-- Null for a rule that was made through the interface.
ALTER TABLE trust_rules ADD COLUMN name TEXT CHECK (length(name) BETWEEN 1 AND 128 AND name NOT GLOB '*[^A-Za-z0-9._:-]*');

ALTER TABLE trust_rules ADD COLUMN revision INTEGER NOT NULL DEFAULT 1 CHECK (revision >= 1 AND (name IS NOT NULL OR revision = 1));

CREATE UNIQUE INDEX trust_rules_by_name ON trust_rules (name, revision) WHERE name IS NOT NULL;

CREATE TRIGGER trust_rules_terms_for_ever
BEFORE UPDATE OF rule_id, kind, tool_name, pattern, scope, decision, allow_high_risk, created_at_ms, created_by, created_from, expires_at_ms, max_uses, name, revision ON trust_rules
BEGIN
    SELECT RAISE(ABORT, 'what a trust rule says never changes');
END;

CREATE TRIGGER trust_rules_ended_for_ever BEFORE UPDATE ON trust_rules WHEN OLD.status <> 'active'
BEGIN
    SELECT RAISE(ABORT, 'a trust rule that has ended never changes');
END;

CREATE TRIGGER trust_rules_never_deleted BEFORE DELETE ON trust_rules
BEGIN
    SELECT RAISE(ABORT, 'trust rules are never deleted');
END;

-- INSERT OR REPLACE deletes the row in its way without asking the trigger above: nothing is ever in the way of a new rule.
CREATE TRIGGER trust_rules_never_replaced BEFORE INSERT ON trust_rules
WHEN EXISTS (SELECT 1 FROM trust_rules WHERE rule_number = NEW.rule_number OR rule_id = NEW.rule_id)
  OR EXISTS (SELECT 1 FROM trust_rules WHERE name = NEW.name AND revision = NEW.revision)
BEGIN
    SELECT RAISE(ABORT, 'trust rules are never replaced');
END;

CREATE TRIGGER trust_rules_uses_only_grow BEFORE UPDATE ON trust_rules
WHEN NEW.use_count < OLD.use_count OR NEW.rule_number <> OLD.rule_number
BEGIN
    SELECT RAISE(ABORT, 'the uses of a trust rule only grow');
END;

-- Nor is anything in the way of a new interaction.
CREATE TRIGGER interactions_never_replaced BEFORE INSERT ON interactions
WHEN EXISTS (SELECT 1 FROM interactions WHERE interaction_id = NEW.interaction_id)
  OR EXISTS (SELECT 1 FROM interactions WHERE request_id = NEW.request_id)
BEGIN
    SELECT RAISE(ABORT, 'interactions are never replaced');
END;

CREATE TRIGGER interaction_bodies_never_replaced BEFORE INSERT ON interaction_bodies
WHEN EXISTS (SELECT 1 FROM interaction_bodies WHERE interaction_id = NEW.interaction_id)
BEGIN
    SELECT RAISE(ABORT, 'what was asked is never replaced');
END;

DROP VIEW v_trust_rules;

CREATE VIEW v_trust_rules AS
SELECT rule_id,
       name,
       revision,
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

DROP VIEW v_rule_hits;

-- A line for each rule that took part: several rules may allow one command line together. Decisions made before rules had
-- revisions were made by one rule each.
CREATE VIEW v_rule_hits AS
SELECT r.rule_id,
       r.name,
       r.revision,
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
JOIN json_each(coalesce(json_extract(i.resolution, '$.trustRules'), json_array(json_object('ruleId', i.resolved_by_rule)))) AS took_part
JOIN trust_rules AS r ON r.rule_id = json_extract(took_part.value, '$.ruleId')
WHERE i.resolved_by_rule IS NOT NULL
ORDER BY i.interaction_id DESC, took_part.key;
