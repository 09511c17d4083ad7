-- no transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS delivery_type ON delivery (endpoint, type, event_id);
