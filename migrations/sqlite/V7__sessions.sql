-- How a person gets from a token to a browser: by a link that works once, then a session. Codes and sessions are known by
-- their SHA-256 alone, and hang on a token: where that is revoked they are nobody's.

CREATE TABLE login_links (
    code_sha256    BLOB    NOT NULL PRIMARY KEY CHECK (length(code_sha256) = 32),
    token_id       TEXT    NOT NULL REFERENCES tokens (token_id),
    created_at_ms  INTEGER NOT NULL,
    expires_at_ms  INTEGER NOT NULL CHECK (expires_at_ms > created_at_ms),
    -- Null until somebody has logged in with it.
    used_at_ms     INTEGER CHECK (used_at_ms >= created_at_ms AND used_at_ms < expires_at_ms)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER login_links_work_once BEFORE UPDATE ON login_links
WHEN OLD.used_at_ms IS NOT NULL OR NEW.code_sha256 <> OLD.code_sha256 OR NEW.token_id <> OLD.token_id
    OR NEW.expires_at_ms <> OLD.expires_at_ms
BEGIN
    SELECT RAISE(ABORT, 'a login link works once');
END;

CREATE TRIGGER login_links_never_deleted BEFORE DELETE ON login_links
BEGIN
    SELECT RAISE(ABORT, 'login links are used up, never deleted');
END;

-- INSERT OR REPLACE deletes the row in its way without asking the trigger above.
CREATE TRIGGER login_links_never_replaced BEFORE INSERT ON login_links
WHEN EXISTS (SELECT 1 FROM login_links WHERE code_sha256 = NEW.code_sha256)
BEGIN
    SELECT RAISE(ABORT, 'login links are used up, never replaced');
END;

CREATE TABLE sessions (
    session_id      TEXT    NOT NULL PRIMARY KEY,
    session_sha256  BLOB    NOT NULL UNIQUE CHECK (length(session_sha256) = 32),
    token_id        TEXT    NOT NULL REFERENCES tokens (token_id),
    created_at_ms   INTEGER NOT NULL,
    expires_at_ms   INTEGER NOT NULL CHECK (expires_at_ms > created_at_ms),
    -- Null unless somebody has logged out.
    ended_at_ms     INTEGER CHECK (ended_at_ms >= created_at_ms)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER sessions_end_for_ever BEFORE UPDATE ON sessions
WHEN OLD.ended_at_ms IS NOT NULL OR NEW.session_id <> OLD.session_id OR NEW.session_sha256 <> OLD.session_sha256
    OR NEW.token_id <> OLD.token_id OR NEW.expires_at_ms <> OLD.expires_at_ms
BEGIN
    SELECT RAISE(ABORT, 'a session never changes, and one that has ended stays so');
END;

CREATE TRIGGER sessions_never_deleted BEFORE DELETE ON sessions
BEGIN
    SELECT RAISE(ABORT, 'sessions end, and are never deleted');
END;

CREATE TRIGGER sessions_never_replaced BEFORE INSERT ON sessions
WHEN EXISTS (SELECT 1 FROM sessions WHERE session_id = NEW.session_id OR session_sha256 = NEW.session_sha256)
BEGIN
    SELECT RAISE(ABORT, 'sessions end, and are never replaced');
END;
