-- The history is a chain: each event carries the SHA-256 of its canonical form, which holds the hash of the event before.
-- What is there already is chained in its order. `audit_hash` is the program's own function, there only while it migrates,
-- so that one piece of code says what the canonical form is. A changed table is made anew, since its triggers forbid changes.

DROP VIEW v_events;

ALTER TABLE audit_events RENAME TO unchained_events;

CREATE TABLE audit_events (
    seq         INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    event       TEXT    NOT NULL CHECK (event <> ''),
    -- Null where the event is about no interaction, no rule, or was nobody's doing.
    request_id  TEXT,
    rule_id     TEXT,
    principal   TEXT,
    detail      TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
    hash        BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

INSERT INTO audit_events (seq, at_ms, event, request_id, rule_id, principal, detail, hash)
SELECT seq, at_ms, event, request_id, rule_id, principal, detail,
       audit_hash(seq, at_ms, event, request_id, rule_id, principal, detail)
FROM unchained_events
ORDER BY seq;

DROP TABLE unchained_events;

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

CREATE VIEW v_events AS
SELECT seq,
       strftime('%Y-%m-%dT%H:%M:%S', at_ms / 1000, 'unixepoch') || printf('.%03dZ', at_ms % 1000) AS at,
       event,
       request_id,
       rule_id,
       principal,
       detail,
       lower(hex(hash)) AS hash
FROM audit_events
ORDER BY seq DESC;
