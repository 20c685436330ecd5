-- Notices leave the machine: where they go, and those that are to be sent. A notice is written in the transaction of what it
-- tells of, and says nothing itself: what is sent is read from the interaction, right before it is sent. With no channel nothing
-- here is written.

CREATE TABLE channels (
    channel_number  INTEGER PRIMARY KEY,
    channel_id      TEXT    NOT NULL UNIQUE CHECK (length(channel_id) BETWEEN 1 AND 128),
    -- What its owner calls it.
    name            TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    owner           TEXT    NOT NULL REFERENCES principals (name),
    kind            TEXT    NOT NULL
        CHECK (kind IN ('webhook', 'ntfy', 'gotify', 'slack', 'mattermost', 'teams', 'email', 'webpush')),
    -- What may be shown of its address.
    host            TEXT    NOT NULL,
    -- What its owner wants to hear of, as JSON.
    wishes          TEXT    NOT NULL CHECK (json_valid(wishes)),
    -- Its address and secrets, sealed. Null once it is removed.
    key_id          TEXT,
    sealed          BLOB,
    -- The session of the browser that has subscribed, with which the subscription ends where the person logs out. Null for
    -- every other channel.
    session_id      TEXT,
    created_at_ms   INTEGER NOT NULL,
    -- When something was last on its way to it. Null before the first time.
    spoke_at_ms     INTEGER,
    -- When something last arrived. Null before the first time.
    sent_at_ms      INTEGER,
    -- When something last failed, and why. Null while nothing has.
    failed_at_ms    INTEGER,
    failure         TEXT,
    -- When and why it was turned off. Null while it is on.
    disabled_at_ms  INTEGER,
    disabled_why    TEXT,
    -- When and by whom it was removed. Null while it is there.
    removed_at_ms   INTEGER,
    removed_by      TEXT,
    CHECK ((removed_at_ms IS NULL) = (sealed IS NOT NULL)),
    CHECK ((sealed IS NULL) = (key_id IS NULL)),
    CHECK ((removed_at_ms IS NULL) = (removed_by IS NULL)),
    CHECK ((disabled_at_ms IS NULL) = (disabled_why IS NULL)),
    CHECK ((failed_at_ms IS NULL) = (failure IS NULL))
) STRICT;

CREATE UNIQUE INDEX channels_by_name ON channels (owner, name) WHERE removed_at_ms IS NULL;

CREATE TRIGGER channels_stay_whose_they_are BEFORE UPDATE ON channels
WHEN OLD.removed_at_ms IS NOT NULL OR NEW.channel_id <> OLD.channel_id OR NEW.owner <> OLD.owner OR NEW.kind <> OLD.kind
    OR (OLD.disabled_at_ms IS NOT NULL AND NEW.disabled_at_ms IS NOT OLD.disabled_at_ms)
BEGIN
    SELECT RAISE(ABORT, 'a channel stays whose it is, and one that is removed or turned off stays so');
END;

CREATE TRIGGER channels_never_deleted BEFORE DELETE ON channels
BEGIN
    SELECT RAISE(ABORT, 'channels are removed, never deleted');
END;

-- INSERT OR REPLACE deletes the row in its way without asking the trigger above.
CREATE TRIGGER channels_never_replaced BEFORE INSERT ON channels
WHEN EXISTS (SELECT 1 FROM channels WHERE channel_id = NEW.channel_id OR channel_number = NEW.channel_number)
BEGIN
    SELECT RAISE(ABORT, 'channels are removed, never replaced');
END;

CREATE TABLE notices (
    notice_number   INTEGER PRIMARY KEY,
    -- What receivers know it by: the same in every repetition.
    notice_id       TEXT    NOT NULL CHECK (length(notice_id) BETWEEN 1 AND 128),
    channel_number  INTEGER NOT NULL REFERENCES channels (channel_number),
    about           TEXT    NOT NULL CHECK (about = 'pending' OR about = 'resolved' OR about = 'waiting'),
    -- Null where it is about several.
    interaction_id  INTEGER REFERENCES interactions (interaction_id),
    -- The risk of a confirmation. Null for what has none.
    risk_level      TEXT    CHECK (risk_level = 'low' OR risk_level = 'medium' OR risk_level = 'high'),
    status          TEXT    NOT NULL
        CHECK (status = 'waiting' OR status = 'gathered' OR status = 'sent' OR status = 'dropped' OR status = 'failed'),
    -- The notice that tells of several, and of this one. Null where it is told by itself.
    gathered_in     INTEGER,
    created_at_ms   INTEGER NOT NULL,
    -- From when on it may be sent.
    next_at_ms      INTEGER NOT NULL,
    -- Until when one sender has it. Null while nobody has.
    held_until_ms   INTEGER,
    -- When it was first on its way. Null before.
    tried_at_ms     INTEGER,
    failures        INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    -- Why the last attempt failed. Null where none has.
    failure         TEXT,
    -- Null while it waits.
    ended_at_ms     INTEGER,
    CHECK ((interaction_id IS NULL) = (about = 'waiting')),
    CHECK ((status = 'waiting') = (ended_at_ms IS NULL)),
    CHECK ((status = 'gathered') = (gathered_in IS NOT NULL)),
    CHECK (held_until_ms IS NULL OR status = 'waiting')
) STRICT;

-- What is to be sent for the first time, and what again.
CREATE INDEX notices_new ON notices (channel_number, next_at_ms) WHERE status = 'waiting' AND tried_at_ms IS NULL;
CREATE INDEX notices_again ON notices (channel_number, next_at_ms) WHERE status = 'waiting' AND tried_at_ms IS NOT NULL;
CREATE INDEX notices_of_interaction ON notices (interaction_id) WHERE interaction_id IS NOT NULL;
CREATE INDEX notices_gathered ON notices (gathered_in) WHERE gathered_in IS NOT NULL;

CREATE TRIGGER notices_end_once BEFORE UPDATE ON notices
WHEN OLD.status <> 'waiting' OR NEW.notice_id <> OLD.notice_id OR NEW.channel_number <> OLD.channel_number
    OR NEW.about <> OLD.about OR NEW.interaction_id IS NOT OLD.interaction_id
BEGIN
    SELECT RAISE(ABORT, 'a notice that has ended stays so, and is about what it was about');
END;

-- The key that push services know this server by, made for the first browser that subscribes: browsers are bound to it.
CREATE TABLE push_keys (
    push_key_number  INTEGER PRIMARY KEY CHECK (push_key_number = 1),
    public_key       BLOB    NOT NULL CHECK (length(public_key) = 65),
    key_id           TEXT    NOT NULL,
    sealed           BLOB    NOT NULL,
    created_at_ms    INTEGER NOT NULL
) STRICT;

CREATE VIEW v_channels AS
SELECT channel_id,
       name,
       owner,
       kind,
       host,
       CASE WHEN removed_at_ms IS NOT NULL THEN 'removed' WHEN disabled_at_ms IS NOT NULL THEN 'disabled' ELSE 'active' END AS status,
       strftime('%Y-%m-%dT%H:%M:%S', created_at_ms / 1000, 'unixepoch') || printf('.%03dZ', created_at_ms % 1000) AS created_at,
       strftime('%Y-%m-%dT%H:%M:%S', sent_at_ms / 1000, 'unixepoch') || printf('.%03dZ', sent_at_ms % 1000) AS sent_at,
       strftime('%Y-%m-%dT%H:%M:%S', failed_at_ms / 1000, 'unixepoch') || printf('.%03dZ', failed_at_ms % 1000) AS failed_at,
       failure
FROM channels
ORDER BY channel_number DESC;

CREATE VIEW v_notices AS
SELECT n.notice_id,
       c.name AS channel,
       c.owner,
       n.about,
       i.request_id,
       n.status,
       n.failures,
       n.failure,
       strftime('%Y-%m-%dT%H:%M:%S', n.created_at_ms / 1000, 'unixepoch') || printf('.%03dZ', n.created_at_ms % 1000) AS created_at,
       strftime('%Y-%m-%dT%H:%M:%S', n.ended_at_ms / 1000, 'unixepoch') || printf('.%03dZ', n.ended_at_ms % 1000) AS ended_at
FROM notices AS n
JOIN channels AS c USING (channel_number)
LEFT JOIN interactions AS i USING (interaction_id)
ORDER BY n.notice_number DESC;
