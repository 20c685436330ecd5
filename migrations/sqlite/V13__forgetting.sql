-- What was asked can be forgotten; that it was asked and answered, never. Whatever people and agents wrote stands in two tables,
-- `interaction_bodies` and `texts`, and a forgetting wipes their rows. `interactions`, `claims` and `audit_events` hold facts,
-- and never change for it.
--
-- The history is chained anew: the hash of an event holds the salted digest of its text, so that the chain is whole with the
-- text and without it. `former_hash` is the hash that the event had before; the last event names the last of them. The
-- functions are the program's own, there only while it migrates.
--
-- Rows that are inserted in the order of their keys and wiped where they lie leave no copy in another page: so texts are keyed
-- by their events, and never grow.

DROP VIEW v_events;
DROP VIEW v_decisions;
DROP VIEW v_unclaimed;
DROP VIEW v_rule_hits;
DROP TRIGGER login_links_never_deleted;
DROP TRIGGER sessions_never_deleted;

-- What is known of an interaction that is forgotten.
CREATE TABLE forgettings (
    interaction_id   INTEGER PRIMARY KEY REFERENCES interactions (interaction_id),
    forgotten_at_ms  INTEGER NOT NULL,
    -- Null: the server or a command, because of its age.
    forgotten_by     TEXT    REFERENCES principals (name),
    -- As the row in interaction_bodies had it.
    content_sha256   BLOB    NOT NULL CHECK (length(content_sha256) = 32),
    -- The digest of a confirmation's input, and its risk; null for what is no confirmation.
    input_digest     TEXT,
    risk_level       TEXT
) STRICT;

CREATE TRIGGER forgettings_only_of_what_is_over BEFORE INSERT ON forgettings
WHEN NOT EXISTS (SELECT 1 FROM interactions WHERE interaction_id = NEW.interaction_id AND status <> 'pending')
BEGIN
    SELECT RAISE(ABORT, 'what is pending is not forgotten');
END;

CREATE TRIGGER forgettings_never_replaced BEFORE INSERT ON forgettings
WHEN EXISTS (SELECT 1 FROM forgettings WHERE interaction_id = NEW.interaction_id)
BEGIN
    SELECT RAISE(ABORT, 'forgettings only grow');
END;

CREATE TRIGGER forgettings_never_change BEFORE UPDATE ON forgettings
BEGIN
    SELECT RAISE(ABORT, 'forgettings only grow');
END;

CREATE TRIGGER forgettings_never_deleted BEFORE DELETE ON forgettings
BEGIN
    SELECT RAISE(ABORT, 'forgettings only grow');
END;

-- What people and agents said of an interaction after it was asked.
CREATE TABLE texts (
    -- The event that tells of it.
    told_in         INTEGER PRIMARY KEY,
    interaction_id  INTEGER NOT NULL REFERENCES interactions (interaction_id),
    about           TEXT    NOT NULL CHECK (about IN ('resolution', 'outcome')),
    -- What the digest in the event is made of: the salt, then the text. Null where there is none, or it is wiped.
    salt            BLOB    CHECK (length(salt) = 16),
    -- JSON: the comment of a resolution, the detail of an outcome.
    text            TEXT    CHECK (text IS NULL OR json_valid(text)),
    -- JSON: updatedInput and responses of a resolution, of which no event tells. Null where there are none, or they are wiped.
    unshown         TEXT    CHECK (unshown IS NULL OR json_valid(unshown)),
    CHECK ((salt IS NULL) = (text IS NULL))
) STRICT;

CREATE UNIQUE INDEX texts_of_interactions ON texts (interaction_id, about);

ALTER TABLE audit_events RENAME TO former_events;

DROP INDEX audit_events_by_request;

-- Of a history that was forged, what comes a second time stays in the event.
INSERT OR IGNORE INTO texts (told_in, interaction_id, about, salt, text, unshown)
SELECT e.seq,
       i.interaction_id,
       CASE e.event WHEN 'interaction.outcome_reported' THEN 'outcome' ELSE 'resolution' END,
       CASE WHEN audit_text(e.event, e.detail) IS NOT NULL THEN randomblob(16) END,
       audit_text(e.event, e.detail),
       CASE WHEN e.event = 'interaction.' || i.status THEN resolution_unshown(i.resolution) END
FROM former_events AS e JOIN interactions AS i USING (request_id)
WHERE audit_text(e.event, e.detail) IS NOT NULL
   OR (e.event = 'interaction.' || i.status AND resolution_unshown(i.resolution) IS NOT NULL)
ORDER BY e.seq;

CREATE TABLE audit_events (
    seq          INTEGER PRIMARY KEY,
    at_ms        INTEGER NOT NULL,
    event        TEXT    NOT NULL CHECK (event <> ''),
    -- Null where the event is about no interaction, no rule, or was nobody's doing.
    request_id   TEXT,
    rule_id      TEXT,
    principal    TEXT,
    detail       TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
    -- SHA-256 of the salt and the text that stand in `texts`; null for an event without a text.
    text_digest  BLOB    CHECK (length(text_digest) = 32),
    -- The hash that the event had before the history was chained anew; null for one that was appended since.
    former_hash  BLOB    CHECK (length(former_hash) = 32),
    hash         BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

INSERT INTO audit_events (seq, at_ms, event, request_id, rule_id, principal, detail, text_digest, former_hash, hash)
SELECT seq, at_ms, event, request_id, rule_id, principal, facts, text_digest, former_hash,
       audit_rehash(seq, at_ms, event, request_id, rule_id, principal, facts, text_digest, former_hash)
FROM (SELECT e.seq, e.at_ms, e.event, e.request_id, e.rule_id, e.principal,
             CASE WHEN t.text IS NULL THEN e.detail ELSE audit_facts(e.event, e.detail) END AS facts,
             CASE WHEN t.text IS NOT NULL THEN text_digest(t.salt, t.text) END AS text_digest,
             e.hash AS former_hash
      FROM former_events AS e LEFT JOIN texts AS t ON t.told_in = e.seq)
ORDER BY seq;

INSERT INTO audit_events (seq, at_ms, event, detail, hash)
SELECT seq + 1, at_ms, 'history.rechained', detail, audit_rehash(seq + 1, at_ms, 'history.rechained', NULL, NULL, NULL, detail, NULL, NULL)
FROM (SELECT seq, at_ms, json_object('formerHead', seq || ':' || lower(hex(former_hash))) AS detail
      FROM audit_events ORDER BY seq DESC LIMIT 1);

DROP TABLE former_events;

CREATE INDEX audit_events_by_request ON audit_events (request_id) WHERE request_id IS NOT NULL;

CREATE TRIGGER audit_events_never_change BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit_events only grows');
END;

CREATE TRIGGER audit_events_never_deleted BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit_events only grows');
END;

-- INSERT OR REPLACE deletes the row in its way without asking the trigger above, unless the connection says otherwise: in
-- the history nothing is ever in the way.
CREATE TRIGGER audit_events_never_replaced BEFORE INSERT ON audit_events
WHEN EXISTS (SELECT 1 FROM audit_events WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit_events only grows');
END;

-- What a resolution says beside its facts has gone to `texts`.
DROP TRIGGER interactions_resolved_for_ever;

UPDATE interactions SET resolution = resolution_facts(resolution) WHERE resolution IS NOT resolution_facts(resolution);

CREATE TRIGGER interactions_resolved_for_ever BEFORE UPDATE ON interactions WHEN OLD.status <> 'pending'
BEGIN
    SELECT RAISE(ABORT, 'a resolved interaction never changes');
END;

ALTER TABLE claims RENAME TO claims_before;

DROP TRIGGER claims_outcome_for_ever;
DROP TRIGGER claims_never_deleted;
DROP TRIGGER claims_never_replaced;
DROP TRIGGER claims_come_in_time;

CREATE TABLE claims (
    interaction_id   INTEGER PRIMARY KEY REFERENCES interactions (interaction_id),
    -- Null where the approval was withdrawn.
    claim_id         TEXT,
    claimed_at_ms    INTEGER,
    -- Null until it is reported.
    outcome          TEXT    CHECK (outcome IN ('succeeded', 'failed')),
    outcome_at_ms    INTEGER CHECK (outcome_at_ms >= claimed_at_ms),
    -- Who took the approval back, and when: null where an agent claimed it.
    withdrawn_by     TEXT    REFERENCES principals (name),
    withdrawn_at_ms  INTEGER,
    CHECK ((claim_id IS NULL) = (claimed_at_ms IS NULL)),
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at_ms IS NULL)),
    CHECK ((claim_id IS NULL) = (withdrawn_by IS NOT NULL)),
    CHECK ((outcome IS NULL) = (outcome_at_ms IS NULL)),
    CHECK (outcome IS NULL OR claim_id IS NOT NULL)
) STRICT;

INSERT INTO claims (interaction_id, claim_id, claimed_at_ms, outcome, outcome_at_ms, withdrawn_by, withdrawn_at_ms)
SELECT interaction_id, claim_id, claimed_at_ms, outcome, outcome_at_ms, withdrawn_by, withdrawn_at_ms FROM claims_before;

DROP TABLE claims_before;

CREATE TRIGGER claims_outcome_for_ever BEFORE UPDATE ON claims
WHEN OLD.outcome IS NOT NULL OR OLD.claim_id IS NOT NEW.claim_id OR OLD.withdrawn_by IS NOT NEW.withdrawn_by
    OR OLD.withdrawn_at_ms IS NOT NEW.withdrawn_at_ms
BEGIN
    SELECT RAISE(ABORT, 'a claim and its outcome never change');
END;

CREATE TRIGGER claims_never_deleted BEFORE DELETE ON claims
BEGIN
    SELECT RAISE(ABORT, 'claims are never deleted');
END;

-- INSERT OR REPLACE deletes the row in its way without asking the trigger above.
CREATE TRIGGER claims_never_replaced BEFORE INSERT ON claims
WHEN EXISTS (SELECT 1 FROM claims WHERE interaction_id = NEW.interaction_id)
BEGIN
    SELECT RAISE(ABORT, 'claims are never replaced');
END;

CREATE TRIGGER claims_come_in_time BEFORE INSERT ON claims
WHEN EXISTS (SELECT 1 FROM interactions WHERE interaction_id = NEW.interaction_id AND claim_expires_at_ms <= NEW.claimed_at_ms)
BEGIN
    SELECT RAISE(ABORT, 'an approval is not claimed past its deadline');
END;

CREATE TRIGGER texts_only_wiped BEFORE UPDATE ON texts
WHEN NEW.told_in <> OLD.told_in OR NEW.interaction_id <> OLD.interaction_id OR NEW.about <> OLD.about
    OR NEW.salt IS NOT NULL OR NEW.text IS NOT NULL OR NEW.unshown IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM forgettings WHERE interaction_id = OLD.interaction_id)
BEGIN
    SELECT RAISE(ABORT, 'texts never change, but that they are wiped with what is forgotten');
END;

CREATE TRIGGER texts_never_deleted BEFORE DELETE ON texts
WHEN OLD.salt IS NOT NULL OR OLD.unshown IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'texts are wiped before their rows are deleted');
END;

CREATE TRIGGER texts_never_replaced BEFORE INSERT ON texts
WHEN EXISTS (SELECT 1 FROM texts WHERE told_in = NEW.told_in OR (interaction_id = NEW.interaction_id AND about = NEW.about))
BEGIN
    SELECT RAISE(ABORT, 'texts are never replaced');
END;

CREATE TRIGGER texts_not_of_what_is_forgotten BEFORE INSERT ON texts
WHEN EXISTS (SELECT 1 FROM forgettings WHERE interaction_id = NEW.interaction_id)
BEGIN
    SELECT RAISE(ABORT, 'nothing is said of what is forgotten');
END;

DROP TRIGGER interaction_bodies_never_change;

CREATE TRIGGER interaction_bodies_never_change BEFORE UPDATE ON interaction_bodies
WHEN NEW.interaction_id <> OLD.interaction_id OR NEW.content_sha256 <> OLD.content_sha256 OR NEW.body <> '{}' OR NEW.metadata <> '{}'
    OR NEW.origin IS NOT NULL OR NEW.traceparent IS NOT NULL OR NEW.tool_use_sha256 IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM forgettings WHERE interaction_id = OLD.interaction_id)
BEGIN
    SELECT RAISE(ABORT, 'what was asked never changes, but that it is wiped when it is forgotten');
END;

DROP TRIGGER interaction_bodies_never_deleted;

CREATE TRIGGER interaction_bodies_never_deleted BEFORE DELETE ON interaction_bodies
WHEN OLD.body <> '{}' OR NOT EXISTS (SELECT 1 FROM forgettings WHERE interaction_id = OLD.interaction_id)
BEGIN
    SELECT RAISE(ABORT, 'what was asked is never deleted before it is forgotten');
END;

-- A value that is wiped stays so; the names that it is under are wiped with what is forgotten.
DROP TRIGGER sealed_secrets_wiped_for_ever;

CREATE TRIGGER sealed_secrets_wiped_for_ever BEFORE UPDATE ON sealed_secrets
WHEN OLD.sealed IS NULL AND (NEW.sealed IS NOT NULL OR NEW.service <> '' OR NEW.field <> '' OR NEW.interaction_id <> OLD.interaction_id
    OR NEW.delivery <> OLD.delivery OR NEW.key_id <> OLD.key_id OR NEW.take_id IS NOT OLD.take_id OR NEW.taken_at_ms IS NOT OLD.taken_at_ms
    OR NEW.wipe_at_ms IS NOT OLD.wipe_at_ms OR NEW.wiped_by IS NOT OLD.wiped_by OR NEW.wiped_at_ms IS NOT OLD.wiped_at_ms
    OR NOT EXISTS (SELECT 1 FROM forgettings WHERE interaction_id = OLD.interaction_id))
BEGIN
    SELECT RAISE(ABORT, 'what is wiped stays so');
END;

CREATE TRIGGER login_links_never_deleted BEFORE DELETE ON login_links
WHEN OLD.expires_at_ms > (SELECT coalesce(max(at_ms), 0) FROM (SELECT at_ms FROM audit_events ORDER BY seq DESC LIMIT 1))
BEGIN
    SELECT RAISE(ABORT, 'login links are used up, and never deleted before they expire');
END;

CREATE TRIGGER sessions_never_deleted BEFORE DELETE ON sessions
WHEN OLD.expires_at_ms > (SELECT coalesce(max(at_ms), 0) FROM (SELECT at_ms FROM audit_events ORDER BY seq DESC LIMIT 1))
BEGIN
    SELECT RAISE(ABORT, 'sessions end, and are never deleted before they expire');
END;

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
FROM (SELECT a.seq, a.at_ms, a.event, a.request_id, a.rule_id, a.principal, a.hash,
             CASE WHEN t.text IS NULL THEN a.detail ELSE json_patch(t.text, a.detail) END AS detail
      FROM audit_events AS a
      LEFT JOIN texts AS t ON t.told_in = a.seq) AS e
ORDER BY e.seq DESC;

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
       strftime('%Y-%m-%dT%H:%M:%S', i.withdrawn_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.withdrawn_at_ms % 1000) AS withdrawn_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.forgotten_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.forgotten_at_ms % 1000) AS forgotten_at
FROM (SELECT i.*, b.body, coalesce(CASE WHEN instr(b.body -> '$.subject', '\u0000') > 0 THEN b.body -> '$.subject' ELSE json_extract(b.body, '$.subject') END,
                      CASE WHEN instr(b.body -> '$.label', '\u0000') > 0 THEN b.body -> '$.label' ELSE json_extract(b.body, '$.label') END,
                      CASE WHEN instr(b.body -> '$.entries[0].text', '\u0000') > 0 THEN b.body -> '$.entries[0].text' ELSE json_extract(b.body, '$.entries[0].text') END) AS subject, json_extract(t.text, '$.comment') AS comment, c.withdrawn_by, c.withdrawn_at_ms, f.forgotten_at_ms
      FROM interactions AS i
      LEFT JOIN interaction_bodies AS b USING (interaction_id)
      LEFT JOIN claims AS c USING (interaction_id)
      LEFT JOIN texts AS t ON t.interaction_id = i.interaction_id AND t.about = 'resolution'
      LEFT JOIN forgettings AS f ON f.interaction_id = i.interaction_id
      WHERE i.status <> 'pending') AS i
ORDER BY i.interaction_id DESC;

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
      LEFT JOIN interaction_bodies AS b USING (interaction_id)
      WHERE i.resolved_by_rule IS NOT NULL) AS i
JOIN json_each(coalesce(json_extract(i.resolution, '$.trustRules'), json_array(json_object('ruleId', i.resolved_by_rule)))) AS took_part
JOIN trust_rules AS r ON r.rule_id = json_extract(took_part.value, '$.ruleId')
ORDER BY i.interaction_id DESC, took_part.key;

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
      LEFT JOIN interaction_bodies AS b USING (interaction_id)
      LEFT JOIN claims AS c USING (interaction_id)
      WHERE i.status = 'approved' AND c.outcome IS NULL AND c.withdrawn_at_ms IS NULL) AS i
ORDER BY i.interaction_id DESC;
