-- What is pending changes with every registration and every resolution, and each tree that says something about it is a page
-- in both commits. One is left: how much each principal has pending, and which deadline comes first, the server keeps in memory and
-- finds out from it at its start.

DROP INDEX interactions_pending;
DROP INDEX interactions_pending_by_deadline;
DROP INDEX interactions_pending_in_order;

-- What is pending is found without reading what is over, in the order of its rows; and what of it is in a conversation without
-- reading the other rows.
CREATE INDEX interactions_pending ON interactions (interaction_id, conversation_id) WHERE status = 'pending';

ALTER TABLE principals DROP COLUMN pending_count;

INSERT INTO kept_through (what, number) SELECT 'stored_bytes', coalesce(max(interaction_id), 0) FROM interactions;

-- SQLite compares with up to two words one after the other, and puts more of them into a table of their own first: for each row
-- that is written. So these two CHECKs say the same in other words. Nothing else of the table changes, and no row.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema
SET sql = replace(replace(sql,
        'kind IN (''confirmation'', ''secret'', ''question'')',
        'kind = ''confirmation'' OR kind = ''secret'' OR kind = ''question'''),
        'status IN (''pending'', ''approved'', ''rejected'', ''answered'', ''expired'', ''cancelled'', ''superseded'')',
        'status = ''pending'' OR status = ''approved'' OR status = ''rejected'' OR status = ''answered'' OR status = ''expired'''
            || ' OR status = ''cancelled'' OR status = ''superseded''')
WHERE type = 'table' AND name = 'interactions';

PRAGMA writable_schema = RESET;
