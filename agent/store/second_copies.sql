-- Indexes over whole rows: none for speed, but second copies of epochs, sensors and segments. They are made when the file
-- has its first size, so that they lie at its far end: one damaged block of the card does not take both.
CREATE INDEX IF NOT EXISTS epochs_copy ON epochs (epoch, first_seq, crc);
CREATE INDEX IF NOT EXISTS sensors_copy ON sensors (sensor_id, tank, tank_id, probe, channel, sensor_type, unit, crc);
CREATE INDEX IF NOT EXISTS segments_copy ON segments (boot_id, from_ms, not_before_us, offset_us, clock, crc);
