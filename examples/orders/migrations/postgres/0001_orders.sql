-- Replicas that start at once run this one after the other.
SELECT pg_advisory_xact_lock(hashtext('orders'));

CREATE TABLE IF NOT EXISTS orders (
    id        BIGINT      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item      TEXT        NOT NULL CHECK (length(item) BETWEEN 1 AND 100),
    quantity  INTEGER     NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    status    TEXT        NOT NULL DEFAULT 'accepted'
              CHECK (status IN ('accepted', 'shipped', 'cancelled')),
    placed_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS orders_accepted ON orders (placed_at) WHERE status = 'accepted';

-- RFC 3339, as in SQLite.
CREATE OR REPLACE FUNCTION utc(moment TIMESTAMPTZ) RETURNS TEXT LANGUAGE sql STABLE
AS $$ SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;
