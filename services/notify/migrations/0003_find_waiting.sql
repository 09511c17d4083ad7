-- The waiting messages of some dossiers, however many wait at night and however many were sent in the years before.
CREATE INDEX message_waiting ON message (dossier_id) WHERE state = 'queued';
