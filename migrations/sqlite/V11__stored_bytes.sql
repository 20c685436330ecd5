-- How much each principal has stored on the day on which it last registered something: kept here so that the limit costs one
-- row, not a sum, and a restart forgets nothing.

-- Days since 1970, in UTC.
ALTER TABLE principals ADD COLUMN stored_day INTEGER NOT NULL DEFAULT 0;

ALTER TABLE principals ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0 CHECK (stored_bytes >= 0);
