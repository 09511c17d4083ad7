-- Endpoints that were given up, and their partner's contact does not know yet.
ALTER TABLE endpoint ADD COLUMN to_tell boolean NOT NULL DEFAULT false;
CREATE INDEX endpoint_to_tell ON endpoint (partner) WHERE to_tell;
-- Nobody writes to a partner's contact before; who is about to write moves it on.
ALTER TABLE partner ADD COLUMN tell_after timestamptz NOT NULL DEFAULT '-infinity';
