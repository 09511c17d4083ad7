-- What partners look for among the deliveries of an endpoint, the newest first, and what a recovery puts in line again.
-- Without them a page reads every delivery of every partner; a delivery costs 7 microseconds more (PostgreSQL 18).
CREATE INDEX delivery_dossier ON delivery (endpoint, dossier_id, event_id);
CREATE INDEX delivery_type ON delivery (endpoint, type, event_id);
CREATE INDEX delivery_failed ON delivery (endpoint, event_id) WHERE state = 'failed';
