-- Deliveries of test events, of which each endpoint keeps the newest.
CREATE INDEX delivery_test ON delivery (endpoint, event_id) WHERE position IS NULL;
