-- Three roles, so that the server is not even granted the changes that the triggers refuse. The program never runs this file: an
-- administrator runs it with psql in the database of the server, as a superuser or as a role that may create roles.
--
--     psql -d DATABASE -f roles.sql
--
-- Run it after the server has made its tables, and again after each update that brings new tables or views. It can be run any number
-- of times. The roles get no passwords here: choose how each of them logs in (a password, a certificate, pg_hba.conf).
--
-- - countersign_owner owns the schema. Update the schema as this role while all servers are stopped. Servers do not use it, since an
--   owner can turn triggers off.
-- - countersign is the role of the servers. It adds rows, changes the columns that are meant to change, and deletes the rows that are
--   meant to go. To the history it can only add.
-- - countersign_auditor reads the views and nothing else. No view shows a secret, sealed or not, or the digest of a token.

BEGIN;

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['countersign_owner', 'countersign', 'countersign_auditor'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role);
        END IF;
    END LOOP;
    -- A role that is no superuser can hand things over only to a role of which it is a member.
    IF NOT pg_has_role('countersign_owner', 'MEMBER') THEN
        GRANT countersign_owner TO CURRENT_USER;
    END IF;
END
$$;

-- The role of the first start has made the schema and owns it until now.
DO $$
DECLARE
    thing text;
BEGIN
    ALTER SCHEMA countersign OWNER TO countersign_owner;
    FOR thing IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'countersign'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO countersign_owner', thing);
    END LOOP;
    FOR thing IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'countersign'::regnamespace AND relkind = 'v' LOOP
        EXECUTE format('ALTER VIEW %s OWNER TO countersign_owner', thing);
    END LOOP;
    FOR thing IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'countersign'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO countersign_owner', thing);
    END LOOP;
    -- So that people can write the names of views without the schema.
    EXECUTE format('ALTER ROLE countersign_auditor IN DATABASE %I SET search_path = countersign', current_database());
END
$$;

-- Grants from before that are no longer listed below are taken back.
REVOKE ALL ON SCHEMA countersign FROM PUBLIC, countersign, countersign_auditor;
REVOKE ALL ON ALL TABLES IN SCHEMA countersign FROM PUBLIC, countersign, countersign_auditor;
GRANT USAGE ON SCHEMA countersign TO countersign, countersign_auditor;

SET LOCAL search_path = countersign;

-- The servers read everything and add to every table but the two that are made once.
GRANT SELECT ON ALL TABLES IN SCHEMA countersign TO countersign;
GRANT INSERT ON audit_events, channels, claims, forgettings, interaction_bodies, interactions, login_links, notices, own_events,
    principals, push_keys, saved_views, sealed_secrets, search_blocks, secret_takings, sessions, snoozes, texts, tokens, tool_call_joins,
    tool_calls, trust_rules TO countersign;

-- Resolutions and their consequences.
GRANT UPDATE (key_id) ON about TO countersign;
GRANT UPDATE (status, resolved_at_ms, resolved_by_principal, resolved_by_rule, resolved_by_system, resolution)
    ON interactions TO countersign;
GRANT UPDATE (outcome, outcome_at_ms) ON claims TO countersign;
GRANT UPDATE (kept_at_ms, taken_at_ms) ON tool_calls TO countersign;
GRANT UPDATE (interaction_id) ON tool_call_joins TO countersign;
GRANT UPDATE (status, use_count, last_used_at_ms, revoked_at_ms, revoked_by) ON trust_rules TO countersign;

-- Wiping, and sealing anew under another key.
GRANT UPDATE (body, metadata, origin, traceparent, tool_use_sha256) ON interaction_bodies TO countersign;
GRANT UPDATE (salt, text, unshown) ON texts TO countersign;
GRANT UPDATE (service, field, key_id, sealed, take_id, taken_at_ms, wipe_at_ms, wiped_by, wiped_at_ms) ON sealed_secrets TO countersign;
GRANT UPDATE (key_id, sealed) ON push_keys TO countersign;

-- Tokens, links and sessions end.
GRANT UPDATE (revoked_at_ms) ON tokens TO countersign;
GRANT UPDATE (used_at_ms) ON login_links TO countersign;
GRANT UPDATE (ended_at_ms) ON sessions TO countersign;

-- Notices.
GRANT UPDATE (name, host, wishes, key_id, sealed, spoke_at_ms, sent_at_ms, failed_at_ms, failure, disabled_at_ms, disabled_why,
    removed_at_ms, removed_by) ON channels TO countersign;
GRANT UPDATE (status, gathered_in, next_at_ms, held_until_ms, tried_at_ms, failures, failure, ended_at_ms) ON notices TO countersign;

-- Counts, signatures, views and snoozes.
GRANT UPDATE (stored_day, stored_bytes) ON principals TO countersign;
GRANT UPDATE (number) ON kept_through TO countersign;
GRANT UPDATE (signature) ON search_blocks TO countersign;
GRANT UPDATE (query) ON saved_views TO countersign;
GRANT UPDATE (until_ms) ON snoozes TO countersign;

-- Log-ins that have expired, notices that ended long ago, emptied rows, views and snoozes are deleted; triggers refuse the rest. TRUNCATE
-- is granted to neither role.
GRANT DELETE ON interaction_bodies, login_links, notices, saved_views, sessions, snoozes, texts TO countersign;

-- The auditor has no rights on tables: a view reads with the rights of its owner.
GRANT SELECT ON v_channels, v_decisions, v_events, v_notices, v_pending, v_rule_hits, v_trust_rules, v_unclaimed, v_waiting_times
    TO countersign_auditor;

COMMIT;
