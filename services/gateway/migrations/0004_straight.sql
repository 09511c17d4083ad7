-- Partners that read by NATS: how far each has come, and which stream holds what comes after. The feed is the record:
-- the stream can be made anew from `floor` at any time.
CREATE TABLE straight (
    partner text PRIMARY KEY REFERENCES partner,
    switched_on boolean NOT NULL DEFAULT true,
    -- Counts how often it was switched on: each time its stream begins anew.
    began integer NOT NULL DEFAULT 1,
    -- Everything of the feed up to here was confirmed by the partner, as far as was seen.
    floor bigint NOT NULL,
    -- The stream's creation as the server tells it; empty: it is to be made anew.
    stream_created text NOT NULL DEFAULT '',
    -- For which registration it was filled: what another one allowed must not stay readable.
    filled_for text NOT NULL DEFAULT '',
    -- The last sequences known to be stored and confirmed; over all lives of the stream they only grow.
    stored bigint NOT NULL DEFAULT 0,
    confirmed bigint NOT NULL DEFAULT 0
);

-- Public halves of the NKeys partners connect with. One key is one partner's, for ever.
CREATE TABLE straight_key (
    public_key text PRIMARY KEY CHECK (public_key ~ '^U[A-Z2-7]{55}$'),
    partner text NOT NULL REFERENCES partner,
    added_at timestamptz NOT NULL DEFAULT now(),
    not_after timestamptz,
    retired_at timestamptz
);
CREATE INDEX straight_key_partner ON straight_key (partner);

-- What events that came in by NATS were answered with, kept until the partner has confirmed it.
CREATE TABLE straight_answer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partner text NOT NULL REFERENCES partner,
    event_id uuid NOT NULL,
    type text NOT NULL,
    answered_at timestamptz NOT NULL,
    data bytea NOT NULL,
    -- The message it answers: its stream's creation and its sequence. One message has one answer.
    inbox_created text NOT NULL,
    inbox_sequence bigint NOT NULL,
    -- Where it is in the partner's stream; NULL: still to be published.
    stored bigint,
    UNIQUE (partner, inbox_created, inbox_sequence)
);

SELECT migrations.restrict('straight', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('straight_key', 'DELETE', 'TRUNCATE');
SELECT migrations.restrict('straight_answer', 'TRUNCATE');
