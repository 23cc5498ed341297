-- The ring buffer. Open it with sqlite-utils or Datasette and begin with the views `reading`, `alarm` and `delivery`.
-- Every row ends with a checksum of the others (agent/store/checksum.py). Of the rows without which no reading has a
-- meaning there is a second copy (agent/store/second_copies.sql).

-- Incarnations of the ring buffer: the numbers from `first_seq` on were given in this one.
CREATE TABLE epochs (
    id        INTEGER PRIMARY KEY,
    epoch     TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    crc       INTEGER NOT NULL
) STRICT;

CREATE TABLE sensors (
    id          INTEGER PRIMARY KEY,
    sensor_id   TEXT NOT NULL,
    tank        TEXT NOT NULL,
    tank_id     TEXT NOT NULL,
    probe       TEXT NOT NULL,
    channel     TEXT NOT NULL,
    sensor_type TEXT NOT NULL,
    unit        TEXT NOT NULL,
    crc         INTEGER NOT NULL
) STRICT;

-- Stretches of one boot in which the wall clock ran without a step:
-- microseconds since 1970 in UTC = offset_us + 1000 * boot_ms, where boot_ms are milliseconds since the machine started.
-- clock: 0 never synchronised in this boot so far, 1 synchronised, 2 set right by a later synchronisation of the same
-- boot, 3 never synchronised: the best estimate. While it is 0 the offset may still change; after that it never does.
-- It begins at from_ms of that boot, and cannot have been before not_before_us: the time of what was stored before it.
CREATE TABLE segments (
    id            INTEGER PRIMARY KEY,
    boot_id       TEXT NOT NULL,
    from_ms       INTEGER NOT NULL,
    not_before_us INTEGER NOT NULL,
    offset_us     INTEGER NOT NULL,
    clock         INTEGER NOT NULL,
    crc           INTEGER NOT NULL
) STRICT;

-- No index beside the key: each would dirty a page a sensor with every commit.
-- tests: one flag digit a check; NULL when nothing could be tested.
CREATE TABLE readings (
    seq     INTEGER PRIMARY KEY,
    sensor  INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    boot_ms INTEGER NOT NULL,
    value   REAL,
    flag    INTEGER NOT NULL,
    quality REAL NOT NULL,
    tests   INTEGER,
    because TEXT,
    crc     INTEGER NOT NULL
) STRICT;

-- One row a sensor and minute (of UTC, beginning at minute_us) of readings that left before everybody had them.
CREATE TABLE rollups (
    seq       INTEGER PRIMARY KEY,
    sensor    INTEGER NOT NULL,
    minute_us INTEGER NOT NULL,
    trusted   INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    readings  INTEGER NOT NULL,
    usable    INTEGER NOT NULL,
    least     REAL,
    mean      REAL,
    greatest  REAL,
    flag      INTEGER NOT NULL,
    quality   REAL NOT NULL,
    crc       INTEGER NOT NULL
) STRICT;

CREATE TABLE alarm_log (
    seq         INTEGER PRIMARY KEY,
    sensor      INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    priority    TEXT NOT NULL,
    limit_value REAL,
    deadband    REAL NOT NULL,
    on_delay_s  REAL NOT NULL,
    off_delay_s REAL NOT NULL,
    active      INTEGER NOT NULL,
    occurrence  INTEGER NOT NULL,
    raised      TEXT NOT NULL,
    segment     INTEGER NOT NULL,
    boot_ms     INTEGER NOT NULL,
    value       REAL,
    flag        INTEGER NOT NULL,
    message     TEXT NOT NULL,
    crc         INTEGER NOT NULL
) STRICT;

-- Readings that `sink` will never get one by one. count is NULL where nobody can know it.
CREATE TABLE gaps (
    seq       INTEGER PRIMARY KEY,
    epoch     INTEGER NOT NULL,
    sink      TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    from_us   INTEGER NOT NULL,
    to_us     INTEGER NOT NULL,
    count     INTEGER,
    because   TEXT NOT NULL,
    crc       INTEGER NOT NULL
) STRICT;

-- Everything up to `seq` of that stream is settled with that sink: `delivered` accepted, `rejected` set aside.
CREATE TABLE cursors (
    sink      TEXT NOT NULL,
    stream    TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    rejected  INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    PRIMARY KEY (sink, stream)
) STRICT;

-- Readings settled ahead of their cursor, those after `after_seq` up to `upto_seq`: the live lane overtook the backlog.
CREATE TABLE ahead (
    sink      TEXT NOT NULL,
    after_seq INTEGER NOT NULL,
    upto_seq  INTEGER NOT NULL,
    crc       INTEGER NOT NULL,
    PRIMARY KEY (sink, after_seq)
) STRICT;

-- What a sink refused for good, whole: the row and what it refers to, as JSON. replay: 1 when it is to be offered again.
CREATE TABLE dead_letters (
    id      INTEGER PRIMARY KEY,
    sink    TEXT NOT NULL,
    stream  TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    because TEXT NOT NULL,
    entry   TEXT NOT NULL,
    replay  INTEGER NOT NULL,
    crc     INTEGER NOT NULL
) STRICT;

-- Numbers the ring buffer must remember about itself, such as how far the readings are rolled up.
CREATE TABLE marks (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL,
    crc   INTEGER NOT NULL
) STRICT;

CREATE VIEW reading AS
SELECT r.seq,
       strftime('%Y-%m-%dT%H:%M:%S', (g.offset_us + 1000 * r.boot_ms) / 1000000, 'unixepoch')
           || printf('.%06dZ', (g.offset_us + 1000 * r.boot_ms) % 1000000) AS time_utc,
       s.tank, s.probe, s.channel AS sensor, s.sensor_type, r.value, s.unit, r.flag,
       CASE r.flag WHEN 1 THEN 'good' WHEN 2 THEN 'not evaluated' WHEN 3 THEN 'suspect' WHEN 4 THEN 'fail'
            ELSE 'missing' END AS flag_meaning,
       r.quality, r.because, CAST(r.tests AS TEXT) AS tests, g.clock IN (1, 2) AS clock_trusted, s.sensor_id, s.tank_id
FROM readings AS r JOIN sensors AS s ON s.id = r.sensor JOIN segments AS g ON g.id = r.segment;

CREATE VIEW rollup AS
SELECT u.seq, strftime('%Y-%m-%dT%H:%MZ', u.minute_us / 1000000, 'unixepoch') AS minute_utc,
       s.tank, s.probe, s.channel AS sensor, s.sensor_type, u.readings, u.usable, u.least, u.mean, u.greatest, s.unit,
       u.flag, u.quality, u.trusted AS clock_trusted, s.sensor_id, s.tank_id
FROM rollups AS u JOIN sensors AS s ON s.id = u.sensor;

CREATE VIEW alarm AS
SELECT a.seq,
       strftime('%Y-%m-%dT%H:%M:%S', (g.offset_us + 1000 * a.boot_ms) / 1000000, 'unixepoch')
           || printf('.%06dZ', (g.offset_us + 1000 * a.boot_ms) % 1000000) AS time_utc,
       CASE a.active WHEN 1 THEN 'raised' ELSE 'cleared' END AS change,
       s.tank, s.probe, s.channel AS sensor, a.kind, a.priority, a.limit_value AS "limit", a.value, s.unit,
       a.occurrence, a.message
FROM alarm_log AS a JOIN sensors AS s ON s.id = a.sensor JOIN segments AS g ON g.id = a.segment;

CREATE VIEW delivery AS
SELECT sink, stream, seq AS settled_up_to, delivered, rejected FROM cursors;
