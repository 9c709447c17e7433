-- Schemes under rotation: what may be written under which keys, and whom the registry serves. State 1: open, aliases and
-- marks are made under it; 2: closed, it is only looked up; 3: gone, its keys are destroyed. `beside`: the schemes of its
-- type that whoever begins with it has to bring along, or he would miss what was made under the others.

-- Holds the schemes as they are to the end of the transaction: whoever closes one waits for those who write under it.
-- An expression, which is no statement, and costs a tenth of one. Closing never waits in a queue, so no order is needed.
CREATE OR REPLACE FUNCTION schemes_held(p_schemes smallint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE each smallint; held text;
BEGIN
    FOREACH each IN ARRAY p_schemes LOOP
        held := pg_advisory_xact_lock_shared(1801812339, each);
    END LOOP;
END $$;

-- Those of the schemes that are open, held open to the end of the transaction.
CREATE OR REPLACE FUNCTION schemes_open(p_schemes smallint[]) RETURNS smallint[]
LANGUAGE plpgsql AS $$
DECLARE held text := schemes_held(p_schemes);
BEGIN
    RETURN ARRAY(
        SELECT k.scheme FROM unnest(p_schemes) AS k(scheme) LEFT JOIN token_scheme s ON s.id = k.scheme
        WHERE coalesce(s.state, 1) = 1);
END $$;

-- The same for whoever claims a person with keys of these schemes, the active one's first. Null where that is not open, or
-- where not all that are in force beside it are there. A scheme that nobody has put in force demands nothing.
CREATE OR REPLACE FUNCTION schemes_claimed(p_schemes smallint[]) RETURNS smallint[]
LANGUAGE plpgsql AS $$
DECLARE held text := schemes_held(p_schemes);
BEGIN
    RETURN (
        SELECT array_agg(k.scheme) FILTER (WHERE coalesce(s.state, 1) = 1)
        FROM unnest(p_schemes) WITH ORDINALITY AS k(scheme, place) LEFT JOIN token_scheme s ON s.id = k.scheme
        HAVING bool_and(k.place > 1 OR coalesce(s.state = 1 AND s.beside <@ p_schemes, true)));
END $$;

-- Whether an alias under the first scheme is to be followed by one under the second: that of an earlier key or suite of
-- the entry zone. Another key of the registry is no reason, aliases under it are re-encrypted where they lie.
CREATE OR REPLACE FUNCTION scheme_followed(p_scheme smallint, p_first smallint) RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce((
    SELECT s.id_type = f.id_type AND (s.suite, s.entry_epoch) <> (f.suite, f.entry_epoch)
    FROM token_scheme s, token_scheme f WHERE s.id = p_scheme AND f.id = p_first), false);
