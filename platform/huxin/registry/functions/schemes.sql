-- Schemes under rotation: what may be written under which keys, and whom the registry serves. State 1: open, aliases and
-- marks are made under it; 2: closed, it is only looked up; 3: gone, its keys are destroyed. `beside`: the schemes of its
-- type that whoever begins with it has to bring along, or he would miss what was made under the others.

-- Whether keys that begin so are those in force. A scheme that nobody has put in force demands nothing.
CREATE OR REPLACE FUNCTION schemes_served(p_schemes smallint[]) RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce((SELECT s.state = 1 AND s.beside <@ p_schemes FROM token_scheme s WHERE s.id = p_schemes[1]), true);

-- Those of the schemes that are open, held open to the end of the transaction.
CREATE OR REPLACE FUNCTION schemes_open(p_schemes smallint[]) RETURNS smallint[]
LANGUAGE plpgsql AS $$
BEGIN
    -- In one order, and before the look: the closing of a scheme waits for whoever writes under it.
    PERFORM pg_advisory_xact_lock_shared(1801812339, k.scheme)
        FROM (SELECT DISTINCT unnest(p_schemes) AS scheme ORDER BY scheme) k;
    RETURN ARRAY(
        SELECT k.scheme FROM unnest(p_schemes) AS k(scheme) LEFT JOIN token_scheme s ON s.id = k.scheme
        WHERE coalesce(s.state, 1) = 1);
END $$;

-- Whether an alias under the first scheme is to be followed by one under the second: that of an earlier key or suite of
-- the entry zone. Another key of the registry is no reason, aliases under it are re-encrypted where they lie.
CREATE OR REPLACE FUNCTION scheme_followed(p_scheme smallint, p_first smallint) RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce((
    SELECT s.id_type = f.id_type AND (s.suite, s.entry_epoch) <> (f.suite, f.entry_epoch)
    FROM token_scheme s, token_scheme f WHERE s.id = p_scheme AND f.id = p_first), false);
