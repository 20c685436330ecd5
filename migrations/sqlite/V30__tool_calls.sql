-- A client's call of a tool finds its interaction again: the same call whatever became of it, and a new call of the same in the
-- same conversation one that is pending, or answered and not yet used.

-- The interactions that clients' calls have registered.
CREATE TABLE tool_calls (
    interaction_id  INTEGER PRIMARY KEY REFERENCES interactions (interaction_id),
    -- SHA-256 of who asks what, in which conversation and where it is to run.
    asked_sha256    BLOB    NOT NULL CHECK (length(asked_sha256) = 32),
    -- When the client was told that the answer is kept for it. Null where it never was.
    kept_at_ms      INTEGER,
    -- When the answers to a question were first handed out. Null where they were not; of a confirmation the claim tells.
    taken_at_ms     INTEGER
) STRICT;

CREATE INDEX tool_calls_asked ON tool_calls (asked_sha256);

-- Calls that go by an interaction which has another id than theirs.
CREATE TABLE tool_call_joins (
    -- SHA-256 of the call.
    call_sha256     BLOB    NOT NULL PRIMARY KEY CHECK (length(call_sha256) = 32),
    interaction_id  INTEGER NOT NULL REFERENCES interactions (interaction_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER tool_calls_for_ever BEFORE UPDATE OF interaction_id, asked_sha256 ON tool_calls
BEGIN
    SELECT RAISE(ABORT, 'what a call of a tool has asked never changes');
END;

CREATE TRIGGER tool_calls_never_deleted BEFORE DELETE ON tool_calls
BEGIN
    SELECT RAISE(ABORT, 'calls of tools are never deleted');
END;

-- INSERT OR REPLACE deletes the row in its way without asking the trigger above.
CREATE TRIGGER tool_calls_never_replaced BEFORE INSERT ON tool_calls
WHEN EXISTS (SELECT 1 FROM tool_calls WHERE interaction_id = NEW.interaction_id)
BEGIN
    SELECT RAISE(ABORT, 'calls of tools are never replaced');
END;
