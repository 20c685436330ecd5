-- INSERT OR REPLACE deletes the row in its way without asking the triggers of DELETE, unless the connection says otherwise:
-- in the history nothing is ever in the way.
CREATE TRIGGER audit_events_never_replaced BEFORE INSERT ON audit_events
WHEN EXISTS (SELECT 1 FROM audit_events WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit_events only grows');
END;
