-- Which distributed trace, and which step of it, an interaction was registered from: the W3C's traceparent, as its agent
-- sent it. Null where it sent none.
ALTER TABLE interaction_bodies ADD COLUMN traceparent TEXT CHECK (length(traceparent) = 55 AND traceparent NOT GLOB '*[^0-9a-f-]*');
