-- What the checks had learnt from the readings up to `seq`, as JSON, so that a start need not learn a day of them again.
-- Times in it are those of the boot clock at (segment, boot_ms) and offset_ms. basis: what a check learns on; of another
-- it is of no use. All rows are of one moment; lost ones are learnt from the readings.
CREATE TABLE IF NOT EXISTS learnt (
    sensor    INTEGER NOT NULL,
    name      TEXT NOT NULL,
    basis     TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    segment   INTEGER NOT NULL,
    boot_ms   INTEGER NOT NULL,
    offset_ms INTEGER NOT NULL,
    state     TEXT NOT NULL,
    crc       INTEGER NOT NULL,
    PRIMARY KEY (sensor, name)
) STRICT;
