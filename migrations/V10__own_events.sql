-- Which events are about interactions that a principal has registered itself: an agent follows and lists these, and should not
-- have to look through those of all the others. Kept by the program with each event.

CREATE TABLE own_events (
    owner      TEXT    NOT NULL REFERENCES principals (name),
    event_seq  INTEGER NOT NULL,
    PRIMARY KEY (owner, event_seq)
) STRICT, WITHOUT ROWID;

INSERT INTO own_events (owner, event_seq)
SELECT i.registered_by, a.seq
FROM audit_events AS a JOIN interactions AS i USING (request_id)
ORDER BY i.registered_by, a.seq;

CREATE TRIGGER own_events_never_change BEFORE UPDATE ON own_events
BEGIN
    SELECT RAISE(ABORT, 'own_events only grows');
END;

CREATE TRIGGER own_events_never_deleted BEFORE DELETE ON own_events
BEGIN
    SELECT RAISE(ABORT, 'own_events only grows');
END;

-- INSERT OR REPLACE deletes the row in its way without asking the trigger above, unless the connection says otherwise.
CREATE TRIGGER own_events_never_replaced BEFORE INSERT ON own_events
WHEN EXISTS (SELECT 1 FROM own_events WHERE owner = NEW.owner AND event_seq = NEW.event_seq)
BEGIN
    SELECT RAISE(ABORT, 'own_events only grows');
END;
