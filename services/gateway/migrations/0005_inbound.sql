-- What partners have said and the city has taken: for ever, so that a repetition is known as one.
-- `event_hash` is SHA-256 of source and id, which partners write as they like; `digest` of what was said. Neither what was
-- said nor what was answered is kept: both are with the service that judged it.
CREATE TABLE taken (
    partner text NOT NULL,
    event_hash bytea NOT NULL CHECK (length(event_hash) = 32),
    digest bytea NOT NULL CHECK (length(digest) = 32),
    type text NOT NULL,
    dossier_id uuid,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partner, event_hash)
);

-- Every event that was said, however it ended. No people: types, random ids, codes.
CREATE TABLE said (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    partner text NOT NULL,
    came_from text NOT NULL,
    way text NOT NULL,
    event_hash bytea,
    type text NOT NULL,
    dossier_id uuid,
    state text NOT NULL CHECK (state IN ('taken', 'refused', 'later')),
    status integer NOT NULL,
    code text NOT NULL
);
CREATE INDEX said_partner ON said (partner, id);

SELECT migrations.restrict('taken', 'UPDATE', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('said', 'UPDATE', 'DELETE', 'TRUNCATE');

CREATE TRIGGER said_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON said
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
