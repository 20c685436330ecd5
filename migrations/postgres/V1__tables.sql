-- The schema on PostgreSQL 14 or later: tables, their rules, and views for people who read with psql. Names, columns and their order are
-- those of the SQLite schema, so that statements, views and exports are equal on both. The program makes the schema `countersign`
-- and sets the search path before it runs this file. Roles and grants are not here, but in roles.sql.
--
-- The two databases differ in these points:
--
-- - Text is compared byte by byte (COLLATE "C"), as SQLite does. The collation of a database may change with the C library of its
--   machine, and indexes would then be in a wrong order.
-- - JSON is stored as text that is checked, not as `json` or `jsonb`. Its bytes come back as they came in, and the operators of both
--   types refuse a whole document that has a \u0000 anywhere in it.
-- - A CHECK on an id compares its length and looks for one character that is not allowed. A bounded repetition such as {1,128}
--   would cost a quarter of the work of a write.
-- - The database numbers no rows: the writer does, without gaps, and the lists rely on that.
-- - Triggers that guard an UPDATE fire after it. A trigger that fires before an UPDATE locks each row first, which is one more
--   record in the write-ahead log.
-- - TRUNCATE fires no triggers of rows, so each table has a trigger against TRUNCATE itself.


-- Refusals that no CHECK can express.

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'CS001', MESSAGE = TG_ARGV[0], SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$$;

-- The writer sends COMMIT before it has read the answers to the statements in front of it. So the database itself has to fail
-- where a statement has not changed as many rows as it was to change.
CREATE FUNCTION must_be(count bigint, wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF count IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION USING ERRCODE = 'CS002', MESSAGE = format('%s rows were changed where %s were to be', count, wanted);
    END IF;
END
$$;


-- Functions that read JSON, texts and times for the statements and the views.

-- Returns the part of a document at a path such as '$.entries[0].text', as JSON. The functions of PostgreSQL refuse a document that
-- has a NUL or half a surrogate pair anywhere, since no text can hold either. So a mark stands in the place of such escapes while the
-- document is read. The mark is the digest of the document, which the document itself cannot hold.
CREATE FUNCTION json_part(document text, path text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    steps text[] := string_to_array(translate(substr(path, 3), '[]', '.'), '.');
    mark text;
BEGIN
    IF strpos(document, '\u') = 0 OR document !~ '\\u(0000|[dD][89a-fA-F])' THEN
        RETURN document::json #> steps;
    END IF;
    mark := encode(sha256(convert_to(document, 'UTF8')), 'hex');
    document := regexp_replace(document, '(?<!\\)((?:\\\\)*)\\u(0000|[dD][89a-fA-F])', '\1' || mark || '\2', 'g');
    RETURN replace((document::json #> steps)::text, mark, '\u');
END
$$;

-- Returns the same part as SQLite's function of this name does: a text as it is, anything else as JSON. A text that PostgreSQL
-- cannot hold is returned as JSON, too.
CREATE FUNCTION json_extract(document text, path text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    part text := countersign.json_part(document, path);
BEGIN
    IF strpos(part, '\u') = 0 THEN
        RETURN part::json #>> '{}';
    END IF;
    BEGIN
        RETURN part::json #>> '{}';
    EXCEPTION WHEN untranslatable_character OR invalid_text_representation THEN
        RETURN part;
    END;
END
$$;

-- Returns the elements of an array, numbered from 0, as SQLite's function of this name does.
CREATE FUNCTION json_each(document text, OUT key bigint, OUT value text) RETURNS SETOF record
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    key := 0;
    LOOP
        value := countersign.json_part(document, '$[' || key || ']');
        EXIT WHEN value IS NULL;
        RETURN NEXT;
        key := key + 1;
    END LOOP;
END
$$;

-- Returns a text of an agent as the views of SQLite show it: as JSON where its JSON has \u0000 in it, for a NUL or for these six
-- characters themselves.
CREATE FUNCTION asked(document text, path text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    part text := countersign.json_part(document, path);
BEGIN
    RETURN CASE WHEN strpos(part, '\u0000') > 0 THEN part ELSE countersign.json_extract(part, '$') END;
END
$$;

-- Returns a text with its hidden characters as JSON writes them, such as \u001b: a terminal would obey them, or they are invisible,
-- or they turn the direction of a text. They are the controls except tab and newline, 061C, 200B to 200F, 2028 to 202E, 2060 to 2069
-- and FEFF. JSON stays the same JSON.
CREATE FUNCTION shown(content text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    hidden CONSTANT text := '[\u0001-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]';
    sign text;
BEGIN
    IF content ~ hidden THEN
        FOR sign IN SELECT DISTINCT signs[1] FROM regexp_matches(content, hidden, 'g') AS signs LOOP
            content := replace(content, sign, '\u' || lpad(to_hex(ascii(sign)), 4, '0'));
        END LOOP;
    END IF;
    RETURN content;
END
$$;

-- Returns a readable time in UTC. It is made of whole seconds and whole milliseconds, since a product of an interval is a binary
-- fraction and would round late times.
CREATE FUNCTION moment(ms bigint) RETURNS text STABLE STRICT PARALLEL SAFE
RETURN to_char(timestamp 'epoch' + ms / 1000 * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS')
    || '.' || lpad((ms % 1000)::text, 3, '0') || 'Z';

-- Returns seconds with as many digits as they need, and at least one, as SQLite writes a fraction. Half a millisecond is rounded up.
-- Newer versions of SQLite round it up or down, by the binary fraction that is nearest.
CREATE FUNCTION seconds(ms numeric) RETURNS numeric IMMUTABLE STRICT PARALLEL SAFE
RETURN round(ms / 1000, greatest(scale(trim_scale(round(ms / 1000, 3))), 1));


-- Tells one database from another: a server compares it with the database whose history it remembers.
CREATE TABLE about (
    database_id    uuid    NOT NULL,
    created_at_ms  bigint  NOT NULL,
    -- The key that the servers seal with: each has a copy of its file. Null until the first server has started.
    key_id         text    COLLATE "C"
);

CREATE UNIQUE INDEX about_one_database ON about ((true));

INSERT INTO about (database_id, created_at_ms)
VALUES (gen_random_uuid(), floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);

CREATE TRIGGER about_never_changes AFTER UPDATE OF database_id, created_at_ms ON about FOR EACH ROW
EXECUTE FUNCTION refuse('a database stays the one that it is');

CREATE TRIGGER about_never_deleted BEFORE DELETE ON about FOR EACH ROW
EXECUTE FUNCTION refuse('a database stays the one that it is');


-- Half of each page is left free, so that a new version of a row stays in its page and needs no new entries in the indexes.
CREATE TABLE principals (
    name           text    COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128 AND name !~ '[^A-Za-z0-9._:-]'),
    role           text    COLLATE "C" NOT NULL CHECK (role IN ('agent', 'approver', 'auditor', 'admin')),
    created_at_ms  bigint  NOT NULL,
    -- The day, in days since 1970 in UTC, on which it last registered something, and how much it has stored on that day. They are
    -- kept here so that the limit costs one row, not a sum, and a restart forgets nothing.
    stored_day     bigint  NOT NULL DEFAULT 0,
    stored_bytes   bigint  NOT NULL DEFAULT 0 CHECK (stored_bytes >= 0)
) WITH (fillfactor = 50);

CREATE TRIGGER principals_never_deleted BEFORE DELETE ON principals FOR EACH ROW
EXECUTE FUNCTION refuse('principals are never deleted');

CREATE TRIGGER principals_role_for_ever AFTER UPDATE OF name, role, created_at_ms ON principals FOR EACH ROW
EXECUTE FUNCTION refuse('a principal has one role');


CREATE TABLE tokens (
    token_id       text    COLLATE "C" NOT NULL PRIMARY KEY,
    token_sha256   bytea   NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
    principal      text    COLLATE "C" NOT NULL REFERENCES principals (name),
    created_at_ms  bigint  NOT NULL,
    -- Null while it is in force.
    revoked_at_ms  bigint  CHECK (revoked_at_ms >= created_at_ms)
);

CREATE TRIGGER tokens_never_deleted BEFORE DELETE ON tokens FOR EACH ROW
EXECUTE FUNCTION refuse('tokens are revoked, never deleted');

CREATE TRIGGER tokens_revoked_for_ever AFTER UPDATE ON tokens FOR EACH ROW
WHEN (OLD.revoked_at_ms IS NOT NULL OR NEW.token_id <> OLD.token_id OR NEW.token_sha256 <> OLD.token_sha256
    OR NEW.principal <> OLD.principal)
EXECUTE FUNCTION refuse('a token never changes, and a revoked one stays revoked');


CREATE TABLE trust_rules (
    -- Grows with time: the order of the lists.
    rule_number       bigint  NOT NULL PRIMARY KEY,
    rule_id           text    COLLATE "C" NOT NULL UNIQUE,
    kind              text    COLLATE "C" NOT NULL CHECK (kind = 'confirmation'),
    status            text    COLLATE "C" NOT NULL CHECK (status IN ('active', 'revoked', 'expired', 'exhausted')),
    tool_name         text    COLLATE "C" NOT NULL CHECK (tool_name <> ''),
    pattern           text    COLLATE "C" NOT NULL CHECK (pattern <> ''),
    scope             text    COLLATE "C" NOT NULL CHECK (scope <> ''),
    decision          text    COLLATE "C" NOT NULL CHECK (decision IN ('allow', 'deny', 'ask')),
    allow_high_risk   bigint  NOT NULL CHECK (allow_high_risk IN (0, 1)),
    created_at_ms     bigint  NOT NULL,
    created_by        text    COLLATE "C" NOT NULL REFERENCES principals (name),
    -- The request that was pending when the rule was made from it; null for a rule of an approver's own.
    created_from      text    COLLATE "C",
    -- Null: for ever.
    expires_at_ms     bigint  CHECK (expires_at_ms > created_at_ms),
    -- Null: any number of times.
    max_uses          bigint  CHECK (max_uses >= 1),
    use_count         bigint  NOT NULL DEFAULT 0 CHECK (use_count >= 0 AND (max_uses IS NULL OR use_count <= max_uses)),
    last_used_at_ms   bigint,
    revoked_at_ms     bigint,
    revoked_by        text    COLLATE "C" REFERENCES principals (name),
    -- Its name in a file of rules; null for a rule of no file. Each change of such a rule is a revision, a row of its own.
    name              text    COLLATE "C" CHECK (length(name) BETWEEN 1 AND 128 AND name !~ '[^A-Za-z0-9._:-]'),
    revision          bigint  NOT NULL DEFAULT 1 CHECK (revision >= 1 AND (name IS NOT NULL OR revision = 1)),
    -- Patterns for the other members of an input: an object of JSON pointers, each with a pattern.
    members           text    COLLATE "C" NOT NULL DEFAULT '{}' CHECK (json_typeof(members::json) = 'object'),
    -- The agent and the target that it is about. Null: any agent, any target.
    agent             text    COLLATE "C" CHECK (length(agent) BETWEEN 1 AND 128 AND agent !~ '[^A-Za-z0-9._:-]'),
    execution_target  text    COLLATE "C" CHECK (execution_target IN ('sandbox', 'host')),
    -- Null where none was given.
    reason            text    COLLATE "C" CHECK (reason <> ''),
    -- 1 for a rule of an older version, which says nothing of members, agents and targets.
    is_before_parts   bigint  NOT NULL DEFAULT 1 CHECK (is_before_parts IN (0, 1)),
    CHECK ((use_count = 0) = (last_used_at_ms IS NULL)),
    CHECK ((status = 'revoked') = (revoked_at_ms IS NOT NULL)),
    CHECK ((revoked_at_ms IS NULL) = (revoked_by IS NULL)),
    CHECK (status <> 'exhausted' OR use_count IS NOT DISTINCT FROM max_uses),
    CHECK (status <> 'expired' OR expires_at_ms IS NOT NULL)
);

CREATE INDEX trust_rules_active_by_tool     ON trust_rules (tool_name)     WHERE status = 'active';
CREATE INDEX trust_rules_active_by_deadline ON trust_rules (expires_at_ms) WHERE status = 'active' AND expires_at_ms IS NOT NULL;
CREATE UNIQUE INDEX trust_rules_by_name     ON trust_rules (name, revision) WHERE name IS NOT NULL;

CREATE TRIGGER trust_rules_ended_for_ever AFTER UPDATE ON trust_rules FOR EACH ROW
WHEN (OLD.status <> 'active')
EXECUTE FUNCTION refuse('a trust rule that has ended never changes');

CREATE TRIGGER trust_rules_never_deleted BEFORE DELETE ON trust_rules FOR EACH ROW
EXECUTE FUNCTION refuse('trust rules are never deleted');

CREATE TRIGGER trust_rules_uses_only_grow AFTER UPDATE ON trust_rules FOR EACH ROW
WHEN (NEW.use_count < OLD.use_count OR NEW.rule_number <> OLD.rule_number)
EXECUTE FUNCTION refuse('the uses of a trust rule only grow');

CREATE TRIGGER trust_rules_terms_for_ever
AFTER UPDATE OF rule_id, kind, tool_name, pattern, scope, decision, members, agent, execution_target, reason, allow_high_risk,
    created_at_ms, created_by, created_from, expires_at_ms, max_uses, name, revision, is_before_parts ON trust_rules FOR EACH ROW
EXECUTE FUNCTION refuse('what a trust rule says never changes');


-- A resolution writes a new version of the row and new entries in the indexes, since one index holds only pending rows. Free room in
-- each page and an early vacuum keep the table and its indexes small.
CREATE TABLE interactions (
    -- Grows with time, so that new rows share their pages.
    interaction_id         bigint  NOT NULL PRIMARY KEY,
    request_id             text    COLLATE "C" NOT NULL UNIQUE CHECK (
        length(request_id) BETWEEN 1 AND 128 AND request_id !~ '[^A-Za-z0-9._:-]' AND request_id NOT IN ('.', '..')),
    kind                   text    COLLATE "C" NOT NULL CHECK (kind IN ('confirmation', 'secret', 'question')),
    status                 text    COLLATE "C" NOT NULL CHECK (
        status IN ('pending', 'approved', 'rejected', 'answered', 'expired', 'cancelled', 'superseded')),
    -- Null: registered outside any conversation.
    conversation_id        text    COLLATE "C",
    -- Null for what is no confirmation.
    tool_name              text    COLLATE "C",
    registered_by          text    COLLATE "C" NOT NULL REFERENCES principals (name),
    created_at_ms          bigint  NOT NULL,
    -- Null: waits for ever.
    expires_at_ms          bigint  CHECK (expires_at_ms > created_at_ms),
    resolved_at_ms         bigint  CHECK (resolved_at_ms >= created_at_ms),
    -- Exactly one of the three, once resolved.
    resolved_by_principal  text    COLLATE "C" REFERENCES principals (name),
    resolved_by_rule       text    COLLATE "C" REFERENCES trust_rules (rule_id),
    resolved_by_system     text    COLLATE "C" CHECK (resolved_by_system = 'expired'),
    -- JSON, null when there is nothing to add: updatedInputDigest, madeRule, trustRules, delivery.
    resolution             text    COLLATE "C" CHECK (resolution IS NULL OR resolution::json IS NOT NULL),
    -- How long an approval of it is good for, from the approval on. Null: forever; what is no confirmation has none.
    claim_within_ms        bigint  CHECK (claim_within_ms IS NULL OR (claim_within_ms >= 1 AND kind = 'confirmation')),
    -- From when on an approval is no longer claimed.
    claim_expires_at_ms    bigint  GENERATED ALWAYS AS (CASE status WHEN 'approved' THEN resolved_at_ms + claim_within_ms END) STORED,
    CHECK ((status = 'pending') = (resolved_at_ms IS NULL)),
    CHECK (num_nonnulls(resolved_by_principal, resolved_by_rule, resolved_by_system) = CASE status WHEN 'pending' THEN 0 ELSE 1 END),
    CHECK (status <> 'pending' OR resolution IS NULL),
    CHECK (status NOT IN ('approved', 'rejected') OR kind = 'confirmation'),
    CHECK (status <> 'answered' OR kind IN ('secret', 'question')),
    CHECK (resolved_by_rule IS NULL OR status IN ('approved', 'rejected')),
    CHECK ((status = 'expired') = (resolved_by_system IS NOT NULL)),
    CHECK (status <> 'expired' OR resolved_at_ms IS NOT DISTINCT FROM expires_at_ms),
    CHECK (status IN ('pending', 'expired') OR expires_at_ms IS NULL OR resolved_at_ms < expires_at_ms),
    CHECK ((kind = 'confirmation') = (tool_name IS NOT NULL))
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);

-- Pending rows are found in their order without reading resolved ones, and those of a conversation without reading the others.
CREATE INDEX interactions_pending ON interactions (interaction_id, conversation_id) WHERE status = 'pending';

CREATE TRIGGER interactions_never_deleted BEFORE DELETE ON interactions FOR EACH ROW
EXECUTE FUNCTION refuse('interactions are never deleted');

CREATE TRIGGER interactions_resolved_for_ever AFTER UPDATE ON interactions FOR EACH ROW
WHEN (OLD.status <> 'pending')
EXECUTE FUNCTION refuse('a resolved interaction never changes');


-- The contents of interactions, apart from their state, so that they can be wiped.
CREATE TABLE interaction_bodies (
    interaction_id   bigint  NOT NULL PRIMARY KEY REFERENCES interactions (interaction_id),
    -- The member named after the kind, as clients see it.
    body             text    COLLATE "C" NOT NULL CHECK (body::json IS NOT NULL),
    metadata         text    COLLATE "C" NOT NULL CHECK (metadata::json IS NOT NULL),
    -- SHA-256 of the canonical form of what was registered: tells a repetition from a conflict.
    content_sha256   bytea   NOT NULL CHECK (length(content_sha256) = 32),
    -- Null where the registration had none.
    traceparent      text    COLLATE "C" CHECK (length(traceparent) = 55 AND traceparent !~ '[^0-9a-f-]'),
    -- Where the agent says that it comes from: JSON. Null where it says nothing.
    origin           text    COLLATE "C" CHECK (origin IS NULL OR origin::json IS NOT NULL),
    -- SHA-256 of the principal and of content_sha256, where the registration names its conversation and its use of a tool: the same
    -- again is the same call. Null where it names none.
    tool_use_sha256  bytea   CHECK (tool_use_sha256 IS NULL OR length(tool_use_sha256) = 32)
);

CREATE INDEX interaction_bodies_of_tool_uses ON interaction_bodies (tool_use_sha256) WHERE tool_use_sha256 IS NOT NULL;


-- The facts that stay when the content of an interaction is forgotten.
CREATE TABLE forgettings (
    interaction_id   bigint  NOT NULL PRIMARY KEY REFERENCES interactions (interaction_id),
    forgotten_at_ms  bigint  NOT NULL,
    -- Null: the server or a command, because of its age.
    forgotten_by     text    COLLATE "C" REFERENCES principals (name),
    -- As the row in interaction_bodies had it.
    content_sha256   bytea   NOT NULL CHECK (length(content_sha256) = 32),
    -- The digest of a confirmation's input, and its risk; null for what is no confirmation.
    input_digest     text    COLLATE "C",
    risk_level       text    COLLATE "C"
);

-- The condition of a trigger cannot hold a query, but it can call a function. Rows count that an earlier statement has written.
CREATE FUNCTION is_forgotten(id bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM countersign.forgettings WHERE interaction_id = id);
END
$$;

CREATE FUNCTION is_over(id bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM countersign.interactions WHERE interaction_id = id AND status <> 'pending');
END
$$;

CREATE TRIGGER forgettings_only_of_what_is_over BEFORE INSERT ON forgettings FOR EACH ROW
WHEN (NOT is_over(NEW.interaction_id))
EXECUTE FUNCTION refuse('what is pending is not forgotten');

CREATE TRIGGER forgettings_never_change AFTER UPDATE ON forgettings FOR EACH ROW
EXECUTE FUNCTION refuse('forgettings only grow');

CREATE TRIGGER forgettings_never_deleted BEFORE DELETE ON forgettings FOR EACH ROW
EXECUTE FUNCTION refuse('forgettings only grow');

CREATE TRIGGER interaction_bodies_never_change AFTER UPDATE ON interaction_bodies FOR EACH ROW
WHEN (NEW.interaction_id <> OLD.interaction_id OR NEW.content_sha256 <> OLD.content_sha256 OR NEW.body <> '{}' OR NEW.metadata <> '{}'
    OR NEW.origin IS NOT NULL OR NEW.traceparent IS NOT NULL OR NEW.tool_use_sha256 IS NOT NULL OR NOT is_forgotten(OLD.interaction_id))
EXECUTE FUNCTION refuse('what was asked never changes, but that it is wiped when it is forgotten');

CREATE TRIGGER interaction_bodies_never_deleted BEFORE DELETE ON interaction_bodies FOR EACH ROW
WHEN (OLD.body <> '{}' OR NOT is_forgotten(OLD.interaction_id))
EXECUTE FUNCTION refuse('what was asked is never deleted before it is forgotten');


-- The words of people and agents about an interaction after its registration.
CREATE TABLE texts (
    -- The event that tells of it.
    told_in         bigint  NOT NULL PRIMARY KEY,
    interaction_id  bigint  NOT NULL REFERENCES interactions (interaction_id),
    about           text    COLLATE "C" NOT NULL CHECK (about IN ('resolution', 'outcome')),
    -- The digest in the event is made of the salt and then the text. Null where there is none, or it is wiped.
    salt            bytea   CHECK (length(salt) = 16),
    -- JSON: the comment of a resolution, the detail of an outcome.
    text            text    COLLATE "C" CHECK (text IS NULL OR text::json IS NOT NULL),
    -- JSON: updatedInput and responses of a resolution, of which no event tells. Null where there are none, or they are wiped.
    unshown         text    COLLATE "C" CHECK (unshown IS NULL OR unshown::json IS NOT NULL),
    CHECK ((salt IS NULL) = (text IS NULL))
);

CREATE UNIQUE INDEX texts_of_interactions ON texts (interaction_id, about);

CREATE TRIGGER texts_only_wiped AFTER UPDATE ON texts FOR EACH ROW
WHEN (NEW.told_in <> OLD.told_in OR NEW.interaction_id <> OLD.interaction_id OR NEW.about <> OLD.about
    OR NEW.salt IS NOT NULL OR NEW.text IS NOT NULL OR NEW.unshown IS NOT NULL OR NOT is_forgotten(OLD.interaction_id))
EXECUTE FUNCTION refuse('texts never change, but that they are wiped with what is forgotten');

CREATE TRIGGER texts_never_deleted BEFORE DELETE ON texts FOR EACH ROW
WHEN (OLD.salt IS NOT NULL OR OLD.unshown IS NOT NULL)
EXECUTE FUNCTION refuse('texts are wiped before their rows are deleted');

CREATE TRIGGER texts_not_of_what_is_forgotten BEFORE INSERT ON texts FOR EACH ROW
WHEN (is_forgotten(NEW.interaction_id))
EXECUTE FUNCTION refuse('nothing is said of what is forgotten');


CREATE TABLE sealed_secrets (
    interaction_id  bigint  NOT NULL PRIMARY KEY REFERENCES interactions (interaction_id),
    service         text    COLLATE "C" NOT NULL,
    field           text    COLLATE "C" NOT NULL,
    delivery        text    COLLATE "C" NOT NULL CHECK (delivery IN ('store', 'transient_send')),
    -- The key that sealed it: the start of its SHA-256, in hexadecimal.
    key_id          text    COLLATE "C" NOT NULL,
    -- A nonce of 24 bytes, then the ciphertext with its tag of 16. Null once it is wiped.
    sealed          bytea   CHECK (length(sealed) > 40),
    -- The taking of a one-time value: null until it is taken.
    take_id         text    COLLATE "C",
    taken_at_ms     bigint,
    -- When a taken one-time value is to be wiped.
    wipe_at_ms      bigint,
    -- The person who wiped it, and when: null where none did.
    wiped_by        text    COLLATE "C" REFERENCES principals (name),
    wiped_at_ms     bigint,
    CHECK ((take_id IS NULL) = (taken_at_ms IS NULL)),
    CHECK ((wiped_by IS NULL) = (wiped_at_ms IS NULL)),
    CHECK (wiped_at_ms IS NULL OR sealed IS NULL),
    CHECK (delivery = 'transient_send' OR (take_id IS NULL AND (sealed IS NOT NULL OR wiped_at_ms IS NOT NULL))),
    CHECK (sealed IS NOT NULL OR taken_at_ms IS NOT NULL OR wiped_at_ms IS NOT NULL)
);

CREATE INDEX sealed_secrets_by_service ON sealed_secrets (service, field);
CREATE INDEX sealed_secrets_to_wipe    ON sealed_secrets (wipe_at_ms) WHERE sealed IS NOT NULL AND wipe_at_ms IS NOT NULL;

CREATE TRIGGER sealed_secrets_never_deleted BEFORE DELETE ON sealed_secrets FOR EACH ROW
EXECUTE FUNCTION refuse('sealed secrets are wiped, never deleted');

CREATE TRIGGER sealed_secrets_wiped_for_ever AFTER UPDATE ON sealed_secrets FOR EACH ROW
WHEN (OLD.sealed IS NULL AND (NEW.sealed IS NOT NULL OR NEW.service <> '' OR NEW.field <> '' OR NEW.interaction_id <> OLD.interaction_id
    OR NEW.delivery <> OLD.delivery OR NEW.key_id <> OLD.key_id OR NEW.take_id IS DISTINCT FROM OLD.take_id
    OR NEW.taken_at_ms IS DISTINCT FROM OLD.taken_at_ms OR NEW.wipe_at_ms IS DISTINCT FROM OLD.wipe_at_ms
    OR NEW.wiped_by IS DISTINCT FROM OLD.wiped_by OR NEW.wiped_at_ms IS DISTINCT FROM OLD.wiped_at_ms
    OR NOT is_forgotten(OLD.interaction_id)))
EXECUTE FUNCTION refuse('what is wiped stays so');


-- The takings of values that are kept. A repeated taking has the same id and adds no row.
CREATE TABLE secret_takings (
    interaction_id  bigint  NOT NULL REFERENCES sealed_secrets (interaction_id),
    take_id         text    COLLATE "C" NOT NULL CHECK (take_id <> ''),
    taken_at_ms     bigint  NOT NULL,
    PRIMARY KEY (interaction_id, take_id)
);

CREATE TRIGGER secret_takings_never_change AFTER UPDATE ON secret_takings FOR EACH ROW
EXECUTE FUNCTION refuse('takings of secrets never change');

CREATE TRIGGER secret_takings_never_deleted BEFORE DELETE ON secret_takings FOR EACH ROW
EXECUTE FUNCTION refuse('takings of secrets are never deleted');


-- The one-time right to act on an approval. A withdrawal takes the place of the claim, so that the primary key lets exactly one of the
-- two happen.
CREATE TABLE claims (
    interaction_id   bigint  NOT NULL PRIMARY KEY REFERENCES interactions (interaction_id),
    -- Null where the approval was withdrawn.
    claim_id         text    COLLATE "C",
    claimed_at_ms    bigint,
    -- Null until it is reported.
    outcome          text    COLLATE "C" CHECK (outcome IN ('succeeded', 'failed')),
    outcome_at_ms    bigint  CHECK (outcome_at_ms >= claimed_at_ms),
    -- The person who took the approval back, and when: null where an agent claimed it.
    withdrawn_by     text    COLLATE "C" REFERENCES principals (name),
    withdrawn_at_ms  bigint,
    CHECK ((claim_id IS NULL) = (claimed_at_ms IS NULL)),
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at_ms IS NULL)),
    CHECK ((claim_id IS NULL) = (withdrawn_by IS NOT NULL)),
    CHECK ((outcome IS NULL) = (outcome_at_ms IS NULL)),
    CHECK (outcome IS NULL OR claim_id IS NOT NULL)
);

CREATE FUNCTION is_past_claiming(id bigint, at_ms bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM countersign.interactions WHERE interaction_id = id AND claim_expires_at_ms <= at_ms);
END
$$;

CREATE TRIGGER claims_come_in_time BEFORE INSERT ON claims FOR EACH ROW
WHEN (is_past_claiming(NEW.interaction_id, NEW.claimed_at_ms))
EXECUTE FUNCTION refuse('an approval is not claimed past its deadline');

CREATE TRIGGER claims_outcome_for_ever AFTER UPDATE ON claims FOR EACH ROW
WHEN (OLD.outcome IS NOT NULL OR OLD.claim_id IS DISTINCT FROM NEW.claim_id OR OLD.withdrawn_by IS DISTINCT FROM NEW.withdrawn_by
    OR OLD.withdrawn_at_ms IS DISTINCT FROM NEW.withdrawn_at_ms)
EXECUTE FUNCTION refuse('a claim and its outcome never change');

CREATE TRIGGER claims_never_deleted BEFORE DELETE ON claims FOR EACH ROW
EXECUTE FUNCTION refuse('claims are never deleted');


-- How a client's call of a tool finds its interaction again.
CREATE TABLE tool_calls (
    interaction_id  bigint  NOT NULL PRIMARY KEY REFERENCES interactions (interaction_id),
    -- SHA-256 of the principal, its question, the conversation, and where the call is to run.
    asked_sha256    bytea   NOT NULL CHECK (length(asked_sha256) = 32),
    -- When the client was told that the answer is kept for it. Null where it never was.
    kept_at_ms      bigint,
    -- When the answers to a question were first handed out. Null where they were not; of a confirmation the claim tells.
    taken_at_ms     bigint
);

CREATE INDEX tool_calls_asked ON tool_calls (asked_sha256);

CREATE TABLE tool_call_joins (
    -- SHA-256 of the call.
    call_sha256     bytea   NOT NULL PRIMARY KEY CHECK (length(call_sha256) = 32),
    interaction_id  bigint  NOT NULL REFERENCES interactions (interaction_id)
);

CREATE TRIGGER tool_calls_for_ever AFTER UPDATE OF interaction_id, asked_sha256 ON tool_calls FOR EACH ROW
EXECUTE FUNCTION refuse('what a call of a tool has asked never changes');

CREATE TRIGGER tool_calls_never_deleted BEFORE DELETE ON tool_calls FOR EACH ROW
EXECUTE FUNCTION refuse('calls of tools are never deleted');


-- The history, which only grows: each event carries the hash of the one before.
CREATE TABLE audit_events (
    seq          bigint  NOT NULL PRIMARY KEY,
    at_ms        bigint  NOT NULL,
    event        text    COLLATE "C" NOT NULL CHECK (event <> ''),
    -- Null where the event is about no interaction or no rule, or the server caused it.
    request_id   text    COLLATE "C",
    rule_id      text    COLLATE "C",
    principal    text    COLLATE "C",
    detail       text    COLLATE "C" NOT NULL DEFAULT '{}' CHECK (detail::json IS NOT NULL),
    -- SHA-256 of the salt and the text that stand in `texts`; null for an event without a text.
    text_digest  bytea   CHECK (length(text_digest) = 32),
    -- The former hash of an event from before the history was chained anew; null for a later event.
    former_hash  bytea   CHECK (length(former_hash) = 32),
    hash         bytea   NOT NULL CHECK (length(hash) = 32)
);

CREATE INDEX audit_events_by_request ON audit_events (request_id) WHERE request_id IS NOT NULL;

-- Each turn asks for the last event about rules and the last one about tokens, to know whether another server has changed either.
CREATE INDEX audit_events_of_rules ON audit_events (seq)
    WHERE event IN ('trust_rule.created', 'trust_rule.revoked', 'trust_rule.expired', 'trust_rule.exhausted');
CREATE INDEX audit_events_of_tokens ON audit_events (seq) WHERE event IN ('token.created', 'token.revoked');

CREATE TRIGGER audit_events_never_change AFTER UPDATE ON audit_events FOR EACH ROW
EXECUTE FUNCTION refuse('audit_events only grows');

CREATE TRIGGER audit_events_never_deleted BEFORE DELETE ON audit_events FOR EACH ROW
EXECUTE FUNCTION refuse('audit_events only grows');


-- The events about the interactions of each principal: an agent lists and follows its own without looking through all others.
CREATE TABLE own_events (
    owner      text    COLLATE "C" NOT NULL,
    event_seq  bigint  NOT NULL,
    PRIMARY KEY (owner, event_seq)
);

CREATE TRIGGER own_events_never_change AFTER UPDATE ON own_events FOR EACH ROW
EXECUTE FUNCTION refuse('own_events only grows');

CREATE TRIGGER own_events_never_deleted BEFORE DELETE ON own_events FOR EACH ROW
EXECUTE FUNCTION refuse('own_events only grows');


-- Some columns and tables are brought up to date for many rows at once. The number says up to which row they are.
CREATE TABLE kept_through (
    -- 'own_events': the last event, by its seq, whose owner own_events tells. 'stored_bytes': the last interaction that
    -- principals.stored_bytes counts.
    what    text    COLLATE "C" NOT NULL PRIMARY KEY CHECK (what IN ('own_events', 'stored_bytes')),
    number  bigint  NOT NULL CHECK (number >= 0)
);

INSERT INTO kept_through (what, number) VALUES ('own_events', 0), ('stored_bytes', 0);

CREATE TRIGGER kept_through_only_grows AFTER UPDATE ON kept_through FOR EACH ROW
WHEN (NEW.what <> OLD.what OR NEW.number < OLD.number)
EXECUTE FUNCTION refuse('kept_through only grows');

CREATE TRIGGER kept_through_never_deleted BEFORE DELETE ON kept_through FOR EACH ROW
EXECUTE FUNCTION refuse('kept_through only grows');


CREATE TABLE login_links (
    code_sha256    bytea   NOT NULL PRIMARY KEY CHECK (length(code_sha256) = 32),
    token_id       text    COLLATE "C" NOT NULL REFERENCES tokens (token_id),
    created_at_ms  bigint  NOT NULL,
    expires_at_ms  bigint  NOT NULL CHECK (expires_at_ms > created_at_ms),
    -- Null until a person has logged in with it.
    used_at_ms     bigint  CHECK (used_at_ms >= created_at_ms AND used_at_ms < expires_at_ms)
);

-- The last event says what time it is: it is no clock that can be set.
CREATE FUNCTION last_event_ms() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce((SELECT at_ms FROM countersign.audit_events ORDER BY seq DESC LIMIT 1), 0);
END
$$;

CREATE TRIGGER login_links_work_once AFTER UPDATE ON login_links FOR EACH ROW
WHEN (OLD.used_at_ms IS NOT NULL OR NEW.code_sha256 <> OLD.code_sha256 OR NEW.token_id <> OLD.token_id
    OR NEW.expires_at_ms <> OLD.expires_at_ms)
EXECUTE FUNCTION refuse('a login link works once');

CREATE TRIGGER login_links_never_deleted BEFORE DELETE ON login_links FOR EACH ROW
WHEN (OLD.expires_at_ms > last_event_ms())
EXECUTE FUNCTION refuse('login links are used up, and never deleted before they expire');


CREATE TABLE sessions (
    session_id      text    COLLATE "C" NOT NULL PRIMARY KEY,
    session_sha256  bytea   NOT NULL UNIQUE CHECK (length(session_sha256) = 32),
    token_id        text    COLLATE "C" NOT NULL REFERENCES tokens (token_id),
    created_at_ms   bigint  NOT NULL,
    expires_at_ms   bigint  NOT NULL CHECK (expires_at_ms > created_at_ms),
    -- Null unless the person has logged out.
    ended_at_ms     bigint  CHECK (ended_at_ms >= created_at_ms),
    -- The browser, such as 'Firefox on Linux'. Null where it is not known.
    browser         text    COLLATE "C" CHECK (length(browser) BETWEEN 1 AND 60)
);

CREATE TRIGGER sessions_end_for_ever AFTER UPDATE ON sessions FOR EACH ROW
WHEN (OLD.ended_at_ms IS NOT NULL OR NEW.session_id <> OLD.session_id OR NEW.session_sha256 <> OLD.session_sha256
    OR NEW.token_id <> OLD.token_id OR NEW.created_at_ms <> OLD.created_at_ms OR NEW.expires_at_ms <> OLD.expires_at_ms
    OR NEW.browser IS DISTINCT FROM OLD.browser)
EXECUTE FUNCTION refuse('a session never changes, and one that has ended stays so');

CREATE TRIGGER sessions_never_deleted BEFORE DELETE ON sessions FOR EACH ROW
WHEN (OLD.expires_at_ms > last_event_ms())
EXECUTE FUNCTION refuse('sessions end, and are never deleted before they expire');


-- The receivers of notices.
CREATE TABLE channels (
    channel_number  bigint  NOT NULL PRIMARY KEY,
    channel_id      text    COLLATE "C" NOT NULL UNIQUE CHECK (length(channel_id) BETWEEN 1 AND 128),
    -- Its owner's name for it.
    name            text    COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    owner           text    COLLATE "C" NOT NULL REFERENCES principals (name),
    kind            text    COLLATE "C" NOT NULL
        CHECK (kind IN ('webhook', 'ntfy', 'gotify', 'slack', 'mattermost', 'teams', 'email', 'webpush')),
    -- The part of its address that may be shown.
    host            text    COLLATE "C" NOT NULL,
    -- The wishes of its owner, as JSON.
    wishes          text    COLLATE "C" NOT NULL CHECK (wishes::json IS NOT NULL),
    -- Its address and secrets, sealed. Null once it is removed.
    key_id          text    COLLATE "C",
    sealed          bytea,
    -- The session of the browser that has subscribed, with which the subscription ends where the person logs out. Null for
    -- every other channel.
    session_id      text    COLLATE "C",
    created_at_ms   bigint  NOT NULL,
    -- When something was last on its way to it. Null before the first time.
    spoke_at_ms     bigint,
    -- When something last arrived. Null before the first time.
    sent_at_ms      bigint,
    -- When something last failed, and why. Null while nothing has.
    failed_at_ms    bigint,
    failure         text    COLLATE "C",
    -- When and why it was turned off. Null while it is on.
    disabled_at_ms  bigint,
    disabled_why    text    COLLATE "C",
    -- When and by whom it was removed. Null while it is there.
    removed_at_ms   bigint,
    removed_by      text    COLLATE "C",
    CHECK ((removed_at_ms IS NULL) = (sealed IS NOT NULL)),
    CHECK ((sealed IS NULL) = (key_id IS NULL)),
    CHECK ((removed_at_ms IS NULL) = (removed_by IS NULL)),
    CHECK ((disabled_at_ms IS NULL) = (disabled_why IS NULL)),
    CHECK ((failed_at_ms IS NULL) = (failure IS NULL))
);

CREATE UNIQUE INDEX channels_by_name ON channels (owner, name) WHERE removed_at_ms IS NULL;

CREATE TRIGGER channels_stay_whose_they_are AFTER UPDATE ON channels FOR EACH ROW
WHEN (OLD.removed_at_ms IS NOT NULL OR NEW.channel_id <> OLD.channel_id OR NEW.owner <> OLD.owner OR NEW.kind <> OLD.kind
    OR (OLD.disabled_at_ms IS NOT NULL AND NEW.disabled_at_ms IS DISTINCT FROM OLD.disabled_at_ms))
EXECUTE FUNCTION refuse('a channel stays whose it is, and one that is removed or turned off stays so');

CREATE TRIGGER channels_never_deleted BEFORE DELETE ON channels FOR EACH ROW
EXECUTE FUNCTION refuse('channels are removed, never deleted');


-- Notices, each written in the transaction of the change that it tells of.
CREATE TABLE notices (
    notice_number   bigint  NOT NULL PRIMARY KEY,
    -- Receivers know it by this id, which is the same in every repetition.
    notice_id       text    COLLATE "C" NOT NULL CHECK (length(notice_id) BETWEEN 1 AND 128),
    channel_number  bigint  NOT NULL REFERENCES channels (channel_number),
    about           text    COLLATE "C" NOT NULL CHECK (about IN ('pending', 'resolved', 'waiting')),
    -- Null where it is about several.
    interaction_id  bigint  REFERENCES interactions (interaction_id),
    -- The risk of a confirmation. Null where there is none.
    risk_level      text    COLLATE "C" CHECK (risk_level IN ('low', 'medium', 'high')),
    status          text    COLLATE "C" NOT NULL CHECK (status IN ('waiting', 'gathered', 'sent', 'dropped', 'failed')),
    -- The notice that tells of several, and of this one. Null where it is told by itself.
    gathered_in     bigint,
    created_at_ms   bigint  NOT NULL,
    -- From when on it may be sent.
    next_at_ms      bigint  NOT NULL,
    -- Until when a sender has it. Null while none has.
    held_until_ms   bigint,
    -- When it was first on its way. Null before.
    tried_at_ms     bigint,
    failures        bigint  NOT NULL DEFAULT 0 CHECK (failures >= 0),
    -- Why the last attempt failed. Null where none has.
    failure         text    COLLATE "C",
    -- Null while it waits.
    ended_at_ms     bigint,
    CHECK ((interaction_id IS NULL) = (about = 'waiting')),
    CHECK ((status = 'waiting') = (ended_at_ms IS NULL)),
    CHECK ((status = 'gathered') = (gathered_in IS NOT NULL)),
    CHECK (held_until_ms IS NULL OR status = 'waiting')
);

CREATE INDEX notices_new ON notices (channel_number, next_at_ms) WHERE status = 'waiting' AND tried_at_ms IS NULL;
CREATE INDEX notices_again ON notices (channel_number, next_at_ms) WHERE status = 'waiting' AND tried_at_ms IS NOT NULL;
CREATE INDEX notices_of_interaction ON notices (interaction_id) WHERE interaction_id IS NOT NULL;
CREATE INDEX notices_gathered ON notices (gathered_in) WHERE gathered_in IS NOT NULL;

CREATE TRIGGER notices_end_once AFTER UPDATE ON notices FOR EACH ROW
WHEN (OLD.status <> 'waiting' OR NEW.notice_id <> OLD.notice_id OR NEW.channel_number <> OLD.channel_number
    OR NEW.about <> OLD.about OR NEW.interaction_id IS DISTINCT FROM OLD.interaction_id)
EXECUTE FUNCTION refuse('a notice that has ended stays so, and is about what it was about');


-- The one key that push services know this server by.
CREATE TABLE push_keys (
    push_key_number  bigint  NOT NULL PRIMARY KEY CHECK (push_key_number = 1),
    public_key       bytea   NOT NULL CHECK (length(public_key) = 65),
    key_id           text    COLLATE "C" NOT NULL,
    sealed           bytea   NOT NULL,
    created_at_ms    bigint  NOT NULL
);


-- Signatures by which a search knows the stretches of interactions that it need not read.
CREATE TABLE search_blocks (
    -- The interactions from 64 times this on.
    block      bigint  NOT NULL PRIMARY KEY CHECK (block >= 0),
    -- A Bloom filter of the pieces of their texts and names, of the size that it was made with.
    signature  bytea   NOT NULL CHECK (length(signature) >= 8 AND length(signature) % 8 = 0)
);

CREATE TRIGGER search_blocks_keep_their_size AFTER UPDATE ON search_blocks FOR EACH ROW
WHEN (NEW.block <> OLD.block OR length(NEW.signature) <> length(OLD.signature))
EXECUTE FUNCTION refuse('a signature keeps its size');

CREATE TRIGGER search_blocks_never_deleted BEFORE DELETE ON search_blocks FOR EACH ROW
EXECUTE FUNCTION refuse('signatures are never deleted');


-- The queries that people keep under names.
CREATE TABLE saved_views (
    -- Grows: the order in which they were made.
    view_number    bigint  NOT NULL PRIMARY KEY,
    owner          text    COLLATE "C" NOT NULL REFERENCES principals (name),
    name           text    COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    -- As the query is written in one way.
    query          text    COLLATE "C" NOT NULL CHECK (query <> ''),
    created_at_ms  bigint  NOT NULL,
    UNIQUE (owner, name)
);


-- The interactions that people have put off for themselves.
CREATE TABLE snoozes (
    owner           text    COLLATE "C" NOT NULL REFERENCES principals (name),
    interaction_id  bigint  NOT NULL REFERENCES interactions (interaction_id),
    until_ms        bigint  NOT NULL,
    PRIMARY KEY (owner, interaction_id)
);


-- Rows that may be deleted are deleted one by one, past the triggers of their rows.

CREATE TRIGGER about_never_truncated BEFORE TRUNCATE ON about
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER audit_events_never_truncated BEFORE TRUNCATE ON audit_events
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER channels_never_truncated BEFORE TRUNCATE ON channels
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER claims_never_truncated BEFORE TRUNCATE ON claims
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER forgettings_never_truncated BEFORE TRUNCATE ON forgettings
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER interaction_bodies_never_truncated BEFORE TRUNCATE ON interaction_bodies
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER interactions_never_truncated BEFORE TRUNCATE ON interactions
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER kept_through_never_truncated BEFORE TRUNCATE ON kept_through
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER login_links_never_truncated BEFORE TRUNCATE ON login_links
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER notices_never_truncated BEFORE TRUNCATE ON notices
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER own_events_never_truncated BEFORE TRUNCATE ON own_events
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER principals_never_truncated BEFORE TRUNCATE ON principals
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER push_keys_never_truncated BEFORE TRUNCATE ON push_keys
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER saved_views_never_truncated BEFORE TRUNCATE ON saved_views
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER sealed_secrets_never_truncated BEFORE TRUNCATE ON sealed_secrets
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER search_blocks_never_truncated BEFORE TRUNCATE ON search_blocks
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER secret_takings_never_truncated BEFORE TRUNCATE ON secret_takings
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER sessions_never_truncated BEFORE TRUNCATE ON sessions
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER snoozes_never_truncated BEFORE TRUNCATE ON snoozes
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER texts_never_truncated BEFORE TRUNCATE ON texts
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER tokens_never_truncated BEFORE TRUNCATE ON tokens
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER tool_call_joins_never_truncated BEFORE TRUNCATE ON tool_call_joins
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER tool_calls_never_truncated BEFORE TRUNCATE ON tool_calls
EXECUTE FUNCTION refuse('no table is emptied at once');

CREATE TRIGGER trust_rules_never_truncated BEFORE TRUNCATE ON trust_rules
EXECUTE FUNCTION refuse('no table is emptied at once');


-- Views for people who read the database with psql: the same columns and texts as the views of SQLite.

CREATE VIEW v_pending AS
SELECT i.request_id,
       i.kind,
       i.conversation_id,
       i.registered_by,
       shown(i.tool_name) AS tool_name,
       shown(coalesce(asked(b.body, '$.subject'), asked(b.body, '$.label'), asked(b.body, '$.entries[0].text'))) AS subject,
       json_extract(b.body, '$.riskLevel') AS risk_level,
       moment(i.created_at_ms) AS created_at,
       moment(i.expires_at_ms) AS expires_at
FROM interactions AS i
JOIN interaction_bodies AS b USING (interaction_id)
WHERE i.status = 'pending'
ORDER BY i.interaction_id DESC;

CREATE VIEW v_decisions AS
SELECT i.request_id,
       i.kind,
       i.status,
       i.conversation_id,
       i.registered_by,
       shown(i.tool_name) AS tool_name,
       shown(coalesce(asked(b.body, '$.subject'), asked(b.body, '$.label'), asked(b.body, '$.entries[0].text'))) AS subject,
       coalesce(i.resolved_by_principal, 'rule ' || i.resolved_by_rule, 'system ' || i.resolved_by_system) AS resolved_by,
       shown(json_extract(t.text, '$.comment')) AS comment,
       moment(i.created_at_ms) AS created_at,
       moment(i.resolved_at_ms) AS resolved_at,
       moment(i.claim_expires_at_ms) AS claim_expires_at,
       c.withdrawn_by,
       moment(c.withdrawn_at_ms) AS withdrawn_at,
       moment(f.forgotten_at_ms) AS forgotten_at
FROM interactions AS i
LEFT JOIN interaction_bodies AS b USING (interaction_id)
LEFT JOIN claims AS c USING (interaction_id)
LEFT JOIN texts AS t ON t.interaction_id = i.interaction_id AND t.about = 'resolution'
LEFT JOIN forgettings AS f ON f.interaction_id = i.interaction_id
WHERE i.status <> 'pending'
ORDER BY i.interaction_id DESC;

-- Approvals that were never claimed, or claimed and never reported. A withdrawn approval is neither.
CREATE VIEW v_unclaimed AS
SELECT i.request_id,
       i.registered_by,
       shown(i.tool_name) AS tool_name,
       shown(asked(b.body, '$.subject')) AS subject,
       CASE WHEN c.claimed_at_ms IS NULL THEN 'never claimed' ELSE 'claimed, outcome unknown' END AS story,
       c.claim_id,
       moment(i.resolved_at_ms) AS approved_at,
       moment(i.claim_expires_at_ms) AS claim_expires_at,
       moment(c.claimed_at_ms) AS claimed_at
FROM interactions AS i
LEFT JOIN interaction_bodies AS b USING (interaction_id)
LEFT JOIN claims AS c USING (interaction_id)
WHERE i.status = 'approved' AND c.outcome IS NULL AND c.withdrawn_at_ms IS NULL
ORDER BY i.interaction_id DESC;

-- How long agents waited for an answer, by kind, tool and outcome.
CREATE VIEW v_waiting_times AS
SELECT i.kind,
       shown(i.tool_name) AS tool_name,
       i.status,
       count(*) AS interactions,
       seconds(min(i.resolved_at_ms - i.created_at_ms)) AS shortest_s,
       seconds(avg(i.resolved_at_ms - i.created_at_ms)) AS average_s,
       seconds(max(i.resolved_at_ms - i.created_at_ms)) AS longest_s
FROM interactions AS i
WHERE i.status <> 'pending'
GROUP BY i.kind, i.tool_name, i.status
ORDER BY i.kind, i.tool_name NULLS FIRST, i.status;

-- The facts and the words of an event have no member in common, so that they are joined as texts.
CREATE VIEW v_events AS
SELECT e.seq,
       moment(e.at_ms) AS at,
       e.event,
       e.request_id,
       e.rule_id,
       e.principal,
       shown(CASE WHEN t.text IS NULL THEN e.detail
                  WHEN e.detail = '{}' THEN t.text
                  ELSE left(t.text, -1) || ',' || substr(e.detail, 2) END) AS detail,
       encode(e.hash, 'hex') AS hash
FROM audit_events AS e
LEFT JOIN texts AS t ON t.told_in = e.seq
ORDER BY e.seq DESC;

CREATE VIEW v_trust_rules AS
SELECT r.rule_id,
       r.name,
       r.revision,
       r.kind,
       r.status,
       shown(r.tool_name) AS tool_name,
       shown(r.pattern) AS pattern,
       shown(r.scope) AS scope,
       r.decision,
       shown(r.members) AS members,
       r.agent,
       r.execution_target,
       shown(r.reason) AS reason,
       r.allow_high_risk,
       r.is_before_parts,
       r.created_by,
       r.created_from,
       r.use_count,
       r.max_uses,
       moment(r.created_at_ms) AS created_at,
       moment(r.expires_at_ms) AS expires_at,
       moment(r.last_used_at_ms) AS last_used_at,
       r.revoked_by,
       moment(r.revoked_at_ms) AS revoked_at
FROM trust_rules AS r
ORDER BY r.rule_number DESC;

-- Each use of a rule. Several rules may decide together; they are listed in their order.
CREATE VIEW v_rule_hits AS
SELECT r.rule_id,
       r.name,
       r.revision,
       shown(r.pattern) AS pattern,
       shown(r.scope) AS scope,
       r.decision,
       shown(r.members) AS members,
       r.agent,
       r.execution_target,
       shown(r.reason) AS reason,
       r.created_by,
       i.request_id,
       i.registered_by,
       shown(i.tool_name) AS tool_name,
       shown(asked(b.body, '$.subject')) AS subject,
       moment(i.resolved_at_ms) AS hit_at
FROM interactions AS i
LEFT JOIN interaction_bodies AS b USING (interaction_id)
CROSS JOIN LATERAL json_each(coalesce(json_extract(i.resolution, '$.trustRules'),
                                      json_build_array(json_build_object('ruleId', i.resolved_by_rule))::text)) AS took_part
JOIN trust_rules AS r ON r.rule_id = json_extract(took_part.value, '$.ruleId')
WHERE i.resolved_by_rule IS NOT NULL
ORDER BY i.interaction_id DESC, took_part.key;

CREATE VIEW v_channels AS
SELECT channel_id,
       name,
       owner,
       kind,
       host,
       CASE WHEN removed_at_ms IS NOT NULL THEN 'removed' WHEN disabled_at_ms IS NOT NULL THEN 'disabled' ELSE 'active' END AS status,
       moment(created_at_ms) AS created_at,
       moment(sent_at_ms) AS sent_at,
       moment(failed_at_ms) AS failed_at,
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
       moment(n.created_at_ms) AS created_at,
       moment(n.ended_at_ms) AS ended_at
FROM notices AS n
JOIN channels AS c USING (channel_number)
LEFT JOIN interactions AS i USING (interaction_id)
ORDER BY n.notice_number DESC;
