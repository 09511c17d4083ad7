-- The receipt names the desk, not the code, where another system said that its desk had handed over.
ALTER TABLE handover ADD COLUMN officer_kind text NOT NULL DEFAULT 'officer';
