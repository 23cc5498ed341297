-- The ring buffer. Open it with sqlite-utils or Datasette and begin with the views `reading`, `alarm` and `delivery`.
-- Times are microseconds since 1970 in UTC (utc_us) and milliseconds since the machine started (boot_ms).

CREATE TABLE sensors (
    id          INTEGER PRIMARY KEY,
    sensor_id   TEXT NOT NULL,
    tank        TEXT NOT NULL,
    tank_id     TEXT NOT NULL,
    probe       TEXT NOT NULL,
    channel     TEXT NOT NULL,
    sensor_type TEXT NOT NULL,
    unit        TEXT NOT NULL,
    UNIQUE (sensor_id, tank, tank_id, probe, channel, sensor_type)
) STRICT;

CREATE TABLE boots (
    id      INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL UNIQUE
) STRICT;

-- No index beside the key: each would dirty a page a sensor with every commit and wear the card ten times faster.
CREATE TABLE readings (
    seq     INTEGER PRIMARY KEY,
    sensor  INTEGER NOT NULL,
    utc_us  INTEGER NOT NULL,
    boot    INTEGER NOT NULL,
    boot_ms INTEGER NOT NULL,
    trusted INTEGER NOT NULL,
    value   REAL,
    flag    INTEGER NOT NULL,
    quality REAL NOT NULL,
    tests   TEXT NOT NULL,
    because TEXT
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
    utc_us      INTEGER NOT NULL,
    boot        INTEGER NOT NULL,
    boot_ms     INTEGER NOT NULL,
    trusted     INTEGER NOT NULL,
    value       REAL,
    flag        INTEGER NOT NULL,
    message     TEXT NOT NULL
) STRICT;

CREATE TABLE gaps (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    sink      TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    from_us   INTEGER NOT NULL,
    to_us     INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    because   TEXT NOT NULL
) STRICT;

-- Everything up to `seq` of that stream is settled with that sink: `delivered` accepted, `rejected` set aside.
CREATE TABLE cursors (
    sink      TEXT NOT NULL,
    stream    TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    rejected  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sink, stream)
) STRICT;

CREATE TABLE dead_letters (
    id      INTEGER PRIMARY KEY,
    sink    TEXT NOT NULL,
    stream  TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    because TEXT NOT NULL,
    entry   TEXT NOT NULL
) STRICT;

CREATE VIEW reading AS
SELECT r.seq,
       strftime('%Y-%m-%dT%H:%M:%S', r.utc_us / 1000000, 'unixepoch') || printf('.%06dZ', r.utc_us % 1000000) AS time_utc,
       s.tank, s.probe, s.channel AS sensor, s.sensor_type, r.value, s.unit, r.flag,
       CASE r.flag WHEN 1 THEN 'good' WHEN 2 THEN 'not evaluated' WHEN 3 THEN 'suspect' WHEN 4 THEN 'fail'
            ELSE 'missing' END AS flag_meaning,
       r.quality, r.because, r.tests, r.trusted AS clock_trusted, s.sensor_id, s.tank_id
FROM readings AS r JOIN sensors AS s ON s.id = r.sensor;

CREATE VIEW alarm AS
SELECT a.seq,
       strftime('%Y-%m-%dT%H:%M:%S', a.utc_us / 1000000, 'unixepoch') || printf('.%06dZ', a.utc_us % 1000000) AS time_utc,
       CASE a.active WHEN 1 THEN 'raised' ELSE 'cleared' END AS change,
       s.tank, s.probe, s.channel AS sensor, a.kind, a.priority, a.limit_value AS "limit", a.value, s.unit,
       a.occurrence, a.message
FROM alarm_log AS a JOIN sensors AS s ON s.id = a.sensor;

CREATE VIEW delivery AS
SELECT sink, stream, seq AS settled_up_to, delivered, rejected FROM cursors;
