CREATE TABLE orders (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    item      TEXT    NOT NULL CHECK (length(item) BETWEEN 1 AND 100),
    quantity  INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    status    TEXT    NOT NULL DEFAULT 'accepted'
              CHECK (status IN ('accepted', 'shipped', 'cancelled')),
    placed_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

-- What the worker asks for, once a second.
CREATE INDEX orders_accepted ON orders (placed_at) WHERE status = 'accepted';

PRAGMA user_version = 1;
