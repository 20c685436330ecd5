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
