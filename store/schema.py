"""The journal's tables. A schema is never edited: a change is a new entry at the end of `MIGRATIONS`."""

from __future__ import annotations

__all__ = ["APPLICATION_ID", "MIGRATIONS", "SCHEMA_VERSION"]

APPLICATION_ID = 0x6C756C6C
"""Stands in the file's header ("lull"), so that another program's database is never taken for a journal."""

_V1 = """
-- Hands out `row`, the one order over all tables; kept apart so that a number is never given twice, also
-- after old rows have gone.
CREATE TABLE counter (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    last_row INTEGER NOT NULL
) STRICT;
INSERT INTO counter VALUES (1, 0);

-- What the pipeline is fed.
CREATE TABLE segment (
    row INTEGER PRIMARY KEY,
    infant TEXT NOT NULL,
    site TEXT NOT NULL,
    sensor TEXT NOT NULL,
    boot INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    clock INTEGER NOT NULL,
    arrived_ns INTEGER NOT NULL,
    rate_hz REAL NOT NULL,
    t0_ns INTEGER NOT NULL,
    step_ns INTEGER NOT NULL,
    n INTEGER NOT NULL,
    axes INTEGER NOT NULL,
    acc_g REAL NOT NULL,
    gyro_dps REAL NOT NULL,
    flags INTEGER NOT NULL,
    counts BLOB NOT NULL,
    UNIQUE (sensor, boot, seq)
) STRICT;
CREATE INDEX segment_by_time ON segment (infant, t0_ns);
CREATE TABLE tick (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE cutoff (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, site TEXT NOT NULL
) STRICT;

-- What the pipeline and the rules told, what people did. A row told twice (a re-run after a restart) is there
-- once; a later row of the same key is a later word on the same thing.
CREATE TABLE event (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, id TEXT NOT NULL,
    version INTEGER NOT NULL, label TEXT NOT NULL, status TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (id, version)
) STRICT;
CREATE INDEX event_by_time ON event (infant, t_ns);
CREATE TABLE epoch (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (infant, t_ns, body)
) STRICT;
CREATE TABLE state (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (infant, t_ns, body)
) STRICT;
CREATE TABLE context (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (infant, t_ns, body)
) STRICT;
CREATE TABLE alert (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, id TEXT NOT NULL,
    version INTEGER NOT NULL, severity TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (id, version)
) STRICT;
CREATE TABLE delivery (
    row INTEGER PRIMARY KEY, t_ns INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (id, t_ns, body)
) STRICT;
CREATE TABLE note (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (infant, t_ns, body)
) STRICT;
CREATE TABLE coverage (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (infant, t_ns, body)
) STRICT;
CREATE TABLE link (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;

-- What ties the night to the world outside, and the settings in force.
CREATE TABLE clock (
    row INTEGER PRIMARY KEY, t_ns INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE config (
    row INTEGER PRIMARY KEY, t_ns INTEGER NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL
) STRICT;

-- The pipeline's state after it was fed everything up to row `fed`.
CREATE TABLE snapshot (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, fed INTEGER NOT NULL,
    state BLOB NOT NULL
) STRICT;
CREATE INDEX snapshot_by_row ON snapshot (infant, fed);
"""

_V2 = """
-- What a night began with: the state its detector brought from the night before, and how far that one had come.
-- It stays when the snapshot of the same state is spoiled by data that comes late, for a replay begins with it.
CREATE TABLE carried (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, night TEXT NOT NULL,
    upto INTEGER NOT NULL, state BLOB NOT NULL
) STRICT;

-- Spans whose raw data is kept.
CREATE TABLE pin (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
    body TEXT NOT NULL, UNIQUE (infant, t_ns, body)
) STRICT;
"""

_V3 = """
-- What people say an event looks like; a later row of the same person and event is their later word.
CREATE TABLE opinion (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (infant, t_ns, body)
) STRICT;
CREATE INDEX opinion_by_event ON opinion (id);
"""

_V4 = """
-- Whether somebody relies on being called: armed, paused, disarmed. Fed to the detector's rules.
CREATE TABLE watching (
    row INTEGER PRIMARY KEY, infant TEXT NOT NULL, t_ns INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (infant, t_ns, body)
) STRICT;
"""

MIGRATIONS: tuple[str, ...] = (_V1, _V2, _V3, _V4)
"""Entry i brings a file from schema i to schema i + 1."""

SCHEMA_VERSION = len(MIGRATIONS)
