-- How far a table that is kept behind others has come. What such a table says could be found out from the others, only
-- slowly: so it is written for many of their rows at once, with the commit of the last of them, and what is newer than the number
-- here is looked through. A page in every commit becomes one in a hundred.

CREATE TABLE kept_through (
    -- 'own_events': the last event, by its seq, whose owner own_events tells. 'stored_bytes': the last interaction that
    -- principals.stored_bytes counts.
    what    TEXT    NOT NULL PRIMARY KEY CHECK (what IN ('own_events', 'stored_bytes')),
    number  INTEGER NOT NULL CHECK (number >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO kept_through (what, number) SELECT 'own_events', coalesce(max(seq), 0) FROM audit_events;

CREATE TRIGGER kept_through_only_grows BEFORE UPDATE ON kept_through WHEN NEW.what <> OLD.what OR NEW.number < OLD.number
BEGIN
    SELECT RAISE(ABORT, 'kept_through only grows');
END;

CREATE TRIGGER kept_through_never_deleted BEFORE DELETE ON kept_through
BEGIN
    SELECT RAISE(ABORT, 'kept_through only grows');
END;

-- INSERT OR REPLACE deletes the row in its way without asking the trigger above.
CREATE TRIGGER kept_through_never_replaced BEFORE INSERT ON kept_through
WHEN EXISTS (SELECT 1 FROM kept_through WHERE what = NEW.what)
BEGIN
    SELECT RAISE(ABORT, 'kept_through only grows');
END;
