-- What the paper calls itself, for whoever verifies it.
ALTER TABLE result ADD COLUMN title text NOT NULL DEFAULT '';
-- Tries of the press that count: the fault was with this result. `attempts` counts every taking.
ALTER TABLE result ADD COLUMN failures int NOT NULL DEFAULT 0;

-- Desks page through their papers by id.
DROP INDEX result_at_place;
DROP INDEX result_by_agency;
CREATE INDEX result_at_place ON result (place, id)
    WHERE state IN ('pending', 'issued', 'dispatched', 'ready');
CREATE INDEX result_by_agency ON result (agency, id)
    WHERE state IN ('pending', 'issued', 'dispatched', 'ready');
