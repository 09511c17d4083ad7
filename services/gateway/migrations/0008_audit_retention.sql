-- The audit leaves at the end of its retention, oldest first, and in no other way: nobody but this function deletes, and
-- it deletes nothing younger than 24 months, whatever it is asked for.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('gateway.forgetting', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;

-- `months` of a table of the audit are kept; how many of its `rows_max` oldest rows were deleted. Ids follow time, so the
-- oldest are found by the key.
CREATE FUNCTION forget_audit(relation regclass, months integer, rows_max integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    moment text := CASE relation WHEN 'public.reading'::regclass THEN 'began_at' ELSE 'at' END;
    deleted integer;
BEGIN
    IF relation NOT IN ('public.audit'::regclass, 'public.reading'::regclass, 'public.said'::regclass,
                        'public.submission'::regclass) OR months < 24 THEN
        RAISE EXCEPTION 'not to be forgotten';
    END IF;
    PERFORM set_config('gateway.forgetting', 'on', true);
    EXECUTE format('DELETE FROM %s WHERE id IN (SELECT id FROM %s ORDER BY id LIMIT $2) AND %I < now() - make_interval(months => $1)',
                   relation, relation, moment) USING months, rows_max;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    PERFORM set_config('gateway.forgetting', '', true);
    RETURN deleted;
END $$;
