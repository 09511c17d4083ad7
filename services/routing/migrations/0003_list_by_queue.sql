-- What the queues ask of a step besides: whose dossier it is, who has it in hand, whether the family is to hand papers in,
-- and from when on its deadline is near.
ALTER TABLE step ADD COLUMN receiving_agency text NOT NULL DEFAULT '';
ALTER TABLE step ADD COLUMN holder text NOT NULL DEFAULT '';
ALTER TABLE step ADD COLUMN waiting boolean NOT NULL DEFAULT false;
ALTER TABLE step ADD COLUMN warn_at timestamptz;

-- Rows there already, once: SQL looks into the state here and nowhere else. Four hours before is near enough until the step
-- changes next, which writes the row anew.
UPDATE step SET
    receiving_agency = state.content ->> 'receiving_agency',
    holder = CASE WHEN step.state = 'started' THEN coalesce((
        SELECT one ->> 'started_by' FROM jsonb_array_elements(state.content -> 'steps') AS one
        WHERE one ->> 'code' = step.step), '') ELSE '' END,
    waiting = EXISTS (
        SELECT FROM jsonb_array_elements(coalesce(state.content -> 'supplements', '[]')) AS asked
        WHERE asked ->> 'step' = step.step AND asked ->> 'ended_at' IS NULL),
    warn_at = step.due_at - interval '4 hours'
FROM (SELECT dossier_id, convert_from(state, 'UTF8')::jsonb AS content FROM case_state) AS state
WHERE state.dossier_id = step.dossier_id AND step.state IN ('assigned', 'started', 'returned');

-- Near and missed: the few that are urgent, among all that lie on desks.
CREATE INDEX step_urgent ON step (agency, warn_at, due_at) WHERE state IN ('assigned', 'started', 'returned');
CREATE INDEX step_urgent_received ON step (receiving_agency, warn_at, due_at)
    WHERE state IN ('assigned', 'started', 'returned');
CREATE INDEX step_in_hand ON step (holder, agency) WHERE state = 'started';
CREATE INDEX step_waiting ON step (agency) WHERE waiting;
CREATE INDEX step_waiting_received ON step (receiving_agency) WHERE waiting;
