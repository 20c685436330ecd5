-- What a search passes over: for each 64 interactions that follow one another, a signature of what words can be looked up in. A
-- word whose pieces are not all in a signature is in none of them, and they need not be read. What a signature says can be found
-- out from the rows, only slowly: so it is written some time after them, and a search reads what has none.

CREATE TABLE search_blocks (
    -- The interactions from 64 times this on.
    block      INTEGER PRIMARY KEY CHECK (block >= 0),
    -- A Bloom filter of the pieces of their texts and names. It keeps its size, so that its row stays where it is: what is
    -- forgotten is then in no copy of it.
    signature  BLOB    NOT NULL CHECK (length(signature) >= 8 AND length(signature) % 8 = 0)
) STRICT;

CREATE TRIGGER search_blocks_keep_their_size BEFORE UPDATE ON search_blocks
WHEN NEW.block <> OLD.block OR length(NEW.signature) <> length(OLD.signature)
BEGIN
    SELECT RAISE(ABORT, 'a signature keeps its size');
END;

-- A search reads the interactions that have no signature: it is slower without them, and right.
CREATE TRIGGER search_blocks_never_deleted BEFORE DELETE ON search_blocks
BEGIN
    SELECT RAISE(ABORT, 'signatures are never deleted');
END;

-- INSERT OR REPLACE deletes the row in its way without asking the trigger above.
CREATE TRIGGER search_blocks_never_replaced BEFORE INSERT ON search_blocks
WHEN EXISTS (SELECT 1 FROM search_blocks WHERE block = NEW.block)
BEGIN
    SELECT RAISE(ABORT, 'signatures are never replaced');
END;

-- The queries that a person has kept under a name.
CREATE TABLE saved_views (
    -- Grows: the order in which they were made.
    view_number    INTEGER PRIMARY KEY,
    owner          TEXT    NOT NULL REFERENCES principals (name),
    name           TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    -- As the query is written in one way.
    query          TEXT    NOT NULL CHECK (query <> ''),
    created_at_ms  INTEGER NOT NULL,
    UNIQUE (owner, name)
) STRICT;
