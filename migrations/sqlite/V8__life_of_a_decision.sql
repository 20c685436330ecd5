-- What becomes of a decision: an approval is claimed by a deadline, or taken back before; a kept secret may be wiped; a call of
-- a tool that is registered twice is one.

-- How long an approval of it is good for, from the approval on. Null: forever; what is no confirmation has none.
ALTER TABLE interactions ADD COLUMN claim_within_ms INTEGER CHECK (claim_within_ms IS NULL OR (claim_within_ms >= 1 AND kind = 'confirmation'));

-- From when on an approval is no longer claimed.
ALTER TABLE interactions ADD COLUMN claim_expires_at_ms INTEGER GENERATED ALWAYS AS (CASE status WHEN 'approved' THEN resolved_at_ms + claim_within_ms END) VIRTUAL;

-- Where the agent says that it comes from: JSON. Null where it says nothing.
ALTER TABLE interaction_bodies ADD COLUMN origin TEXT CHECK (origin IS NULL OR json_valid(origin));

-- SHA-256 of who asks and of content_sha256, where it names its conversation and its use of a tool: the same again is the same call.
-- Null where it names none.
ALTER TABLE interaction_bodies ADD COLUMN tool_use_sha256 BLOB CHECK (tool_use_sha256 IS NULL OR length(tool_use_sha256) = 32);

CREATE INDEX interaction_bodies_of_tool_uses ON interaction_bodies (tool_use_sha256) WHERE tool_use_sha256 IS NOT NULL;

-- A withdrawal takes the place of the claim, so that the key lets exactly one of the two happen. What has another form is made
-- anew: a CHECK cannot be altered.
DROP VIEW v_unclaimed;
DROP VIEW v_decisions;

ALTER TABLE claims RENAME TO claims_before;

CREATE TABLE claims (
    interaction_id   INTEGER PRIMARY KEY REFERENCES interactions (interaction_id),
    -- Null where the approval was withdrawn.
    claim_id         TEXT,
    claimed_at_ms    INTEGER,
    -- Null until it is reported.
    outcome          TEXT    CHECK (outcome IN ('succeeded', 'failed')),
    outcome_detail   TEXT,
    outcome_at_ms    INTEGER CHECK (outcome_at_ms >= claimed_at_ms),
    -- Who took the approval back, and when: null where an agent claimed it.
    withdrawn_by     TEXT    REFERENCES principals (name),
    withdrawn_at_ms  INTEGER,
    CHECK ((claim_id IS NULL) = (claimed_at_ms IS NULL)),
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at_ms IS NULL)),
    CHECK ((claim_id IS NULL) = (withdrawn_by IS NOT NULL)),
    CHECK ((outcome IS NULL) = (outcome_at_ms IS NULL)),
    CHECK (outcome IS NULL OR claim_id IS NOT NULL),
    CHECK (outcome IS NOT NULL OR outcome_detail IS NULL)
) STRICT;

INSERT INTO claims (interaction_id, claim_id, claimed_at_ms, outcome, outcome_detail, outcome_at_ms)
SELECT interaction_id, claim_id, claimed_at_ms, outcome, outcome_detail, outcome_at_ms FROM claims_before;

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
       strftime('%Y-%m-%dT%H:%M:%S', i.resolved_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.resolved_at_ms % 1000) AS resolved_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.claim_expires_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.claim_expires_at_ms % 1000) AS claim_expires_at,
       c.withdrawn_by,
       strftime('%Y-%m-%dT%H:%M:%S', c.withdrawn_at_ms / 1000, 'unixepoch') || printf('.%03dZ', c.withdrawn_at_ms % 1000) AS withdrawn_at
FROM interactions AS i
JOIN interaction_bodies AS b USING (interaction_id)
LEFT JOIN claims AS c USING (interaction_id)
WHERE i.status <> 'pending'
ORDER BY i.interaction_id DESC;

-- Approved and never run, or run and never reported. What was withdrawn is neither.
CREATE VIEW v_unclaimed AS
SELECT i.request_id,
       i.registered_by,
       i.tool_name,
       json_extract(b.body, '$.subject') AS subject,
       CASE WHEN c.interaction_id IS NULL THEN 'never claimed' ELSE 'claimed, outcome unknown' END AS story,
       c.claim_id,
       strftime('%Y-%m-%dT%H:%M:%S', i.resolved_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.resolved_at_ms % 1000) AS approved_at,
       strftime('%Y-%m-%dT%H:%M:%S', i.claim_expires_at_ms / 1000, 'unixepoch') || printf('.%03dZ', i.claim_expires_at_ms % 1000) AS claim_expires_at,
       strftime('%Y-%m-%dT%H:%M:%S', c.claimed_at_ms / 1000, 'unixepoch') || printf('.%03dZ', c.claimed_at_ms % 1000) AS claimed_at
FROM interactions AS i
JOIN interaction_bodies AS b USING (interaction_id)
LEFT JOIN claims AS c USING (interaction_id)
WHERE i.status = 'approved' AND c.outcome IS NULL AND c.withdrawn_at_ms IS NULL
ORDER BY i.interaction_id DESC;

-- A person may wipe a value.
ALTER TABLE sealed_secrets RENAME TO sealed_secrets_before;

CREATE TABLE sealed_secrets (
    interaction_id  INTEGER PRIMARY KEY REFERENCES interactions (interaction_id),
    service         TEXT    NOT NULL,
    field           TEXT    NOT NULL,
    delivery        TEXT    NOT NULL CHECK (delivery IN ('store', 'transient_send')),
    -- Which key sealed it: the start of a SHA-256 of the key, in hexadecimal.
    key_id          TEXT    NOT NULL,
    -- A nonce of 24 bytes, then the ciphertext with its tag of 16. Null once it is wiped.
    sealed          BLOB    CHECK (length(sealed) > 40),
    -- Who took a transient one: null until it is taken.
    take_id         TEXT,
    taken_at_ms     INTEGER,
    -- When a taken transient one is to be wiped.
    wipe_at_ms      INTEGER,
    -- Which person wiped it, and when: null where none did.
    wiped_by        TEXT    REFERENCES principals (name),
    wiped_at_ms     INTEGER,
    CHECK ((take_id IS NULL) = (taken_at_ms IS NULL)),
    CHECK ((wiped_by IS NULL) = (wiped_at_ms IS NULL)),
    CHECK (wiped_at_ms IS NULL OR sealed IS NULL),
    CHECK (delivery = 'transient_send' OR (take_id IS NULL AND (sealed IS NOT NULL OR wiped_at_ms IS NOT NULL))),
    CHECK (sealed IS NOT NULL OR taken_at_ms IS NOT NULL OR wiped_at_ms IS NOT NULL)
) STRICT;

INSERT INTO sealed_secrets (interaction_id, service, field, delivery, key_id, sealed, take_id, taken_at_ms, wipe_at_ms)
SELECT interaction_id, service, field, delivery, key_id, sealed, take_id, taken_at_ms, wipe_at_ms FROM sealed_secrets_before;

DROP TABLE sealed_secrets_before;

CREATE INDEX sealed_secrets_by_service ON sealed_secrets (service, field);
CREATE INDEX sealed_secrets_to_wipe    ON sealed_secrets (wipe_at_ms) WHERE sealed IS NOT NULL AND wipe_at_ms IS NOT NULL;

CREATE TRIGGER sealed_secrets_never_deleted BEFORE DELETE ON sealed_secrets
BEGIN
    SELECT RAISE(ABORT, 'sealed secrets are wiped, never deleted');
END;

CREATE TRIGGER sealed_secrets_wiped_for_ever BEFORE UPDATE ON sealed_secrets WHEN OLD.sealed IS NULL
BEGIN
    SELECT RAISE(ABORT, 'what is wiped stays so');
END;

-- The takings of values that are kept: the same one again is no other.
CREATE TABLE secret_takings (
    interaction_id  INTEGER NOT NULL REFERENCES sealed_secrets (interaction_id),
    take_id         TEXT    NOT NULL CHECK (take_id <> ''),
    taken_at_ms     INTEGER NOT NULL,
    PRIMARY KEY (interaction_id, take_id)
) STRICT, WITHOUT ROWID;

INSERT INTO secret_takings (interaction_id, take_id, taken_at_ms)
SELECT s.interaction_id, json_extract(a.detail, '$.takeId'), min(a.at_ms)
FROM sealed_secrets AS s
JOIN interactions AS i USING (interaction_id)
JOIN audit_events AS a ON a.request_id = i.request_id AND a.event = 'secret.taken'
WHERE s.delivery = 'store' AND json_extract(a.detail, '$.takeId') <> ''
GROUP BY 1, 2;

CREATE TRIGGER secret_takings_never_change BEFORE UPDATE ON secret_takings
BEGIN
    SELECT RAISE(ABORT, 'takings of secrets never change');
END;

CREATE TRIGGER secret_takings_never_deleted BEFORE DELETE ON secret_takings
BEGIN
    SELECT RAISE(ABORT, 'takings of secrets are never deleted');
END;
