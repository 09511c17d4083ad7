-- Persons of other systems: `partner` is the gateway's code of whom they are; of no agency, with no roles. An account
-- is one or the other.
ALTER TABLE account ADD COLUMN partner text NOT NULL DEFAULT '' CHECK (partner ~ '^([a-z0-9][a-z0-9-]{1,62})?$');
ALTER TABLE account DROP CONSTRAINT account_roles_check;
ALTER TABLE account ADD CONSTRAINT account_staff_or_integrator CHECK (
    CASE WHEN partner = '' THEN cardinality(roles) > 0
    ELSE roles = '{}' AND agency = '' AND facility = '' AND counter = '' END
);
