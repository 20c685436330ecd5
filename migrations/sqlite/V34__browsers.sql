-- Which browser a session is of, as it named itself: so that a person knows which of theirs to end. Null for one that did not say, or
-- that began before.
ALTER TABLE sessions ADD COLUMN browser TEXT CHECK (length(browser) BETWEEN 1 AND 60);

DROP TRIGGER sessions_end_for_ever;

CREATE TRIGGER sessions_end_for_ever BEFORE UPDATE ON sessions
WHEN OLD.ended_at_ms IS NOT NULL OR NEW.session_id <> OLD.session_id OR NEW.session_sha256 <> OLD.session_sha256
    OR NEW.token_id <> OLD.token_id OR NEW.created_at_ms <> OLD.created_at_ms OR NEW.expires_at_ms <> OLD.expires_at_ms
    OR NEW.browser IS NOT OLD.browser
BEGIN
    SELECT RAISE(ABORT, 'a session never changes, and one that has ended stays so');
END;
