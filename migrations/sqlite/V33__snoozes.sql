-- What people have put off: until then it is not among the rows of that person. It waits on all the same, for everybody else too,
-- and its agent learns nothing of it.

CREATE TABLE snoozes (
    owner           TEXT    NOT NULL REFERENCES principals (name),
    interaction_id  INTEGER NOT NULL REFERENCES interactions (interaction_id),
    until_ms        INTEGER NOT NULL,
    PRIMARY KEY (owner, interaction_id)
) STRICT, WITHOUT ROWID;
