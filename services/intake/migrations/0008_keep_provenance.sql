-- Where the values of a form came from that an officer wrote for somebody (viết hộ), by the path of the field: read-out by
-- the citizen, scanned from a card, typed by the officer; and whether it was read back to the citizen.
ALTER TABLE file
    ADD COLUMN provenance jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN read_back boolean NOT NULL DEFAULT false;
