-- What is pending is found without reading what is over: one entry for each pending row, whatever its conversation. A list
-- or the queue goes through it in the order of the rows, and the view v_pending as well.
--
-- The queries of a conversation need no order of their own: interactions_pending has both, and stays.
CREATE INDEX interactions_pending_in_order ON interactions (interaction_id) WHERE status = 'pending';
