-- By which way of comparing (services/routing/outcomes.py, COMPARISON) a number was claimed. Rows there already, and those
-- of code older than this that still runs, are 1: the service claims their numbers anew and then deletes them.
ALTER TABLE outcome_key ADD COLUMN comparison smallint NOT NULL DEFAULT 1;
CREATE INDEX outcome_key_earlier ON outcome_key (digest) WHERE comparison < 2;
