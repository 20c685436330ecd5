-- Which events are about interactions that a principal has registered itself: an agent follows and lists these, and should not
-- have to look through those of all the others. Kept by the program with each event. A row says nothing but its key, so one that is
-- replaced is the same; and the owner is one of `interactions`, so that is not looked up once more for each event.

CREATE TABLE own_events (
    owner      TEXT    NOT NULL,
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
