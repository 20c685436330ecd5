-- The tables. Applied files never change: what is to be different comes in a new one.
-- Times are integer milliseconds since 1970-01-01T00:00:00Z, in columns ending in _ms.

-- 'CSGN': how a countersign database is told from any other SQLite file.
PRAGMA application_id = 0x4353474E;

CREATE TABLE principals (
    name           TEXT    NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128 AND name NOT GLOB '*[^A-Za-z0-9._:-]*'),
    role           TEXT    NOT NULL CHECK (role IN ('agent', 'approver', 'auditor', 'admin')),
    -- How many of this principal's interactions are pending: kept here so that the limit costs one row, not a count.
    pending_count  INTEGER NOT NULL DEFAULT 0 CHECK (pending_count >= 0),
    created_at_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    token_id       TEXT    NOT NULL PRIMARY KEY,
    token_sha256   BLOB    NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
    principal      TEXT    NOT NULL REFERENCES principals (name),
    created_at_ms  INTEGER NOT NULL,
    revoked_at_ms  INTEGER CHECK (revoked_at_ms >= created_at_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE trust_rules (
    -- Grows with time: the order of the lists.
    rule_number      INTEGER PRIMARY KEY,
    rule_id          TEXT    NOT NULL UNIQUE,
    kind             TEXT    NOT NULL CHECK (kind = 'confirmation'),
    status           TEXT    NOT NULL CHECK (status IN ('active', 'revoked', 'expired', 'exhausted')),
    tool_name        TEXT    NOT NULL CHECK (tool_name <> ''),
    pattern          TEXT    NOT NULL CHECK (pattern <> ''),
    scope            TEXT    NOT NULL CHECK (scope <> ''),
    decision         TEXT    NOT NULL CHECK (decision IN ('allow', 'deny', 'ask')),
    allow_high_risk  INTEGER NOT NULL CHECK (allow_high_risk IN (0, 1)),
    created_at_ms    INTEGER NOT NULL,
    created_by       TEXT    NOT NULL REFERENCES principals (name),
    -- The request that was pending when the rule was made from it; null for a rule of an approver's own.
    created_from     TEXT,
    -- Null: for ever.
    expires_at_ms    INTEGER CHECK (expires_at_ms > created_at_ms),
    -- Null: any number of times.
    max_uses         INTEGER CHECK (max_uses >= 1),
    use_count        INTEGER NOT NULL DEFAULT 0 CHECK (use_count >= 0 AND (max_uses IS NULL OR use_count <= max_uses)),
    last_used_at_ms  INTEGER,
    revoked_at_ms    INTEGER,
    revoked_by       TEXT    REFERENCES principals (name),
    CHECK ((use_count = 0) = (last_used_at_ms IS NULL)),
    CHECK ((status = 'revoked') = (revoked_at_ms IS NOT NULL)),
    CHECK ((revoked_at_ms IS NULL) = (revoked_by IS NULL)),
    CHECK (status <> 'exhausted' OR use_count IS max_uses),
    CHECK (status <> 'expired' OR expires_at_ms IS NOT NULL)
) STRICT;

CREATE INDEX trust_rules_active_by_tool     ON trust_rules (tool_name)     WHERE status = 'active';
CREATE INDEX trust_rules_active_by_deadline ON trust_rules (expires_at_ms) WHERE status = 'active' AND expires_at_ms IS NOT NULL;

-- The hot half of an interaction: narrow, since every change of a row rewrites its page.
CREATE TABLE interactions (
    -- Grows with time, so that new rows share their pages.
    interaction_id         INTEGER PRIMARY KEY,
    request_id             TEXT    NOT NULL UNIQUE CHECK (
        length(request_id) BETWEEN 1 AND 128 AND request_id NOT GLOB '*[^A-Za-z0-9._:-]*' AND request_id NOT IN ('.', '..')),
    kind                   TEXT    NOT NULL CHECK (kind IN ('confirmation', 'secret', 'question')),
    status                 TEXT    NOT NULL CHECK (
        status IN ('pending', 'approved', 'rejected', 'answered', 'expired', 'cancelled', 'superseded')),
    -- Null: registered outside any conversation.
    conversation_id        TEXT,
    -- Null for what is no confirmation.
    tool_name              TEXT,
    registered_by          TEXT    NOT NULL REFERENCES principals (name),
    created_at_ms          INTEGER NOT NULL,
    -- Null: waits for ever.
    expires_at_ms          INTEGER CHECK (expires_at_ms > created_at_ms),
    resolved_at_ms         INTEGER CHECK (resolved_at_ms >= created_at_ms),
    -- Exactly one of the three, once resolved.
    resolved_by_principal  TEXT    REFERENCES principals (name),
    resolved_by_rule       TEXT    REFERENCES trust_rules (rule_id),
    resolved_by_system     TEXT    CHECK (resolved_by_system = 'expired'),
    -- JSON, null when there is nothing to add: comment, updatedInput, updatedInputDigest, madeRule, responses, delivery.
    resolution             TEXT    CHECK (resolution IS NULL OR json_valid(resolution)),
    CHECK ((status = 'pending') = (resolved_at_ms IS NULL)),
    CHECK ((resolved_by_principal IS NOT NULL) + (resolved_by_rule IS NOT NULL) + (resolved_by_system IS NOT NULL) = (status <> 'pending')),
    CHECK (status <> 'pending' OR resolution IS NULL),
    CHECK (status NOT IN ('approved', 'rejected') OR kind = 'confirmation'),
    CHECK (status <> 'answered' OR kind IN ('secret', 'question')),
    CHECK (resolved_by_rule IS NULL OR status IN ('approved', 'rejected')),
    CHECK ((status = 'expired') = (resolved_by_system IS NOT NULL)),
    CHECK (status <> 'expired' OR resolved_at_ms IS expires_at_ms),
    CHECK (status IN ('pending', 'expired') OR expires_at_ms IS NULL OR resolved_at_ms < expires_at_ms),
    CHECK ((kind = 'confirmation') = (tool_name IS NOT NULL))
) STRICT;

-- Only what is pending is indexed: history is read in the order of registration. Each index is more pages in every commit.
CREATE INDEX interactions_pending             ON interactions (conversation_id, interaction_id) WHERE status = 'pending';
CREATE INDEX interactions_pending_by_deadline ON interactions (expires_at_ms)                   WHERE status = 'pending' AND expires_at_ms IS NOT NULL;

CREATE TRIGGER interactions_resolved_for_ever BEFORE UPDATE ON interactions WHEN OLD.status <> 'pending'
BEGIN
    SELECT RAISE(ABORT, 'a resolved interaction never changes');
END;

CREATE TRIGGER interactions_never_deleted BEFORE DELETE ON interactions
BEGIN
    SELECT RAISE(ABORT, 'interactions are never deleted');
END;

-- The cold half: what was asked, as it was asked. Never changes.
CREATE TABLE interaction_bodies (
    interaction_id  INTEGER PRIMARY KEY REFERENCES interactions (interaction_id),
    -- The member named after the kind, as clients see it.
    body            TEXT    NOT NULL CHECK (json_valid(body)),
    metadata        TEXT    NOT NULL CHECK (json_valid(metadata)),
    -- SHA-256 of the canonical form of what was registered: tells a repetition from a conflict.
    content_sha256  BLOB    NOT NULL CHECK (length(content_sha256) = 32)
) STRICT;

CREATE TRIGGER interaction_bodies_never_change BEFORE UPDATE ON interaction_bodies
BEGIN
    SELECT RAISE(ABORT, 'what was asked never changes');
END;

CREATE TRIGGER interaction_bodies_never_deleted BEFORE DELETE ON interaction_bodies
BEGIN
    SELECT RAISE(ABORT, 'what was asked is never deleted');
END;

-- The one-time right to act on an approved confirmation: that there is a row is the claim, that the key is primary makes it one.
CREATE TABLE claims (
    interaction_id  INTEGER PRIMARY KEY REFERENCES interactions (interaction_id),
    claim_id        TEXT    NOT NULL,
    claimed_at_ms   INTEGER NOT NULL,
    -- Null until it is reported.
    outcome         TEXT    CHECK (outcome IN ('succeeded', 'failed')),
    outcome_detail  TEXT,
    outcome_at_ms   INTEGER CHECK (outcome_at_ms >= claimed_at_ms),
    CHECK ((outcome IS NULL) = (outcome_at_ms IS NULL)),
    CHECK (outcome IS NOT NULL OR outcome_detail IS NULL)
) STRICT;

CREATE TRIGGER claims_outcome_for_ever BEFORE UPDATE ON claims WHEN OLD.outcome IS NOT NULL OR OLD.claim_id <> NEW.claim_id
BEGIN
    SELECT RAISE(ABORT, 'a claim and its outcome never change');
END;

-- Values given by people, sealed before they come here (XChaCha20-Poly1305).
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
    CHECK ((take_id IS NULL) = (taken_at_ms IS NULL)),
    CHECK (delivery = 'transient_send' OR (take_id IS NULL AND sealed IS NOT NULL)),
    CHECK (sealed IS NOT NULL OR taken_at_ms IS NOT NULL)
) STRICT;

CREATE INDEX sealed_secrets_by_service ON sealed_secrets (service, field);
CREATE INDEX sealed_secrets_to_wipe    ON sealed_secrets (wipe_at_ms) WHERE sealed IS NOT NULL AND wipe_at_ms IS NOT NULL;

CREATE TABLE audit_events (
    seq         INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    event       TEXT    NOT NULL CHECK (event <> ''),
    -- Null where the event is about no interaction, no rule, or was nobody's doing.
    request_id  TEXT,
    rule_id     TEXT,
    principal   TEXT,
    detail      TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(detail))
) STRICT;

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
