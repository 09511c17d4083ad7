-- Tries that count towards giving up; `attempts` counts every taking and tells a late sender from the present one.
ALTER TABLE message ADD COLUMN failures int NOT NULL DEFAULT 0;

-- What operators look through: messages of unknown fate and failed ones.
CREATE INDEX message_unsettled ON message (created_at, id) WHERE state IN ('unknown', 'failed');

-- The order of arrival in a desk's inbox; message ids follow from event ids and have no order.
ALTER TABLE inbox ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
DROP INDEX inbox_unread;
CREATE INDEX inbox_unread ON inbox (agency, number) WHERE read_at IS NULL;
CREATE INDEX inbox_by_agency ON inbox (agency, number);

-- What operators decided about a message, with their reason. Append-only.
CREATE TABLE decision (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    message_id uuid NOT NULL REFERENCES message (id),
    actor text NOT NULL,
    was text NOT NULL,
    reason text NOT NULL,
    note text NOT NULL DEFAULT ''
);
CREATE INDEX decision_by_message ON decision (message_id, id);

-- The service's own role writes decisions once and never changes them (notify_migrator runs this for notify_app).
DO $$
DECLARE app text := replace(current_user, '_migrator', '_app');
BEGIN
    IF app <> current_user AND EXISTS (SELECT FROM pg_roles WHERE rolname = app) THEN
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON decision FROM %I', app);
    END IF;
END $$;
