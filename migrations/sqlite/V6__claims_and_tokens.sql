-- A claim that is gone could be made again, a token that was revoked could speak again: so neither ever goes back. INSERT OR
-- REPLACE deletes the row in its way without asking a trigger on DELETE, unless the connection says otherwise.

CREATE TRIGGER claims_never_deleted BEFORE DELETE ON claims
BEGIN
    SELECT RAISE(ABORT, 'claims are never deleted');
END;

CREATE TRIGGER claims_never_replaced BEFORE INSERT ON claims
WHEN EXISTS (SELECT 1 FROM claims WHERE interaction_id = NEW.interaction_id)
BEGIN
    SELECT RAISE(ABORT, 'claims are never replaced');
END;

CREATE TRIGGER sealed_secrets_never_deleted BEFORE DELETE ON sealed_secrets
BEGIN
    SELECT RAISE(ABORT, 'sealed secrets are wiped, never deleted');
END;

CREATE TRIGGER principals_never_deleted BEFORE DELETE ON principals
BEGIN
    SELECT RAISE(ABORT, 'principals are never deleted');
END;

CREATE TRIGGER principals_role_for_ever BEFORE UPDATE OF name, role, created_at_ms ON principals
BEGIN
    SELECT RAISE(ABORT, 'a principal has one role');
END;

CREATE TRIGGER tokens_never_deleted BEFORE DELETE ON tokens
BEGIN
    SELECT RAISE(ABORT, 'tokens are revoked, never deleted');
END;

CREATE TRIGGER tokens_revoked_for_ever BEFORE UPDATE ON tokens
WHEN OLD.revoked_at_ms IS NOT NULL OR NEW.token_id <> OLD.token_id OR NEW.token_sha256 <> OLD.token_sha256 OR NEW.principal <> OLD.principal
BEGIN
    SELECT RAISE(ABORT, 'a token never changes, and a revoked one stays revoked');
END;
