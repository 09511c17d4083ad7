-- no transaction
-- Also what a recovery puts in line again.
CREATE INDEX CONCURRENTLY IF NOT EXISTS delivery_failed ON delivery (endpoint, event_id) WHERE state = 'failed';
