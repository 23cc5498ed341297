-- What gateways deliver. Every table has a key that makes a second delivery harmless.

-- `value` is null where there was no reading; why is in `metadata`. Beyond 1e100 a square would overflow and stop the
-- aggregates of every sensor; NaN, which PostgreSQL sorts above all numbers, is refused by the same line.
CREATE TABLE sensor_data.readings (
    time TIMESTAMPTZ NOT NULL,
    sensor_id UUID NOT NULL,
    tank_id UUID NOT NULL,
    sensor_type TEXT NOT NULL,
    value DOUBLE PRECISION CONSTRAINT readings_value_is_finite CHECK (abs(value) < 1e100),
    quality_score DOUBLE PRECISION NOT NULL DEFAULT 1.0
        CONSTRAINT readings_quality_is_a_share CHECK (quality_score BETWEEN 0 AND 1),
    metadata JSONB,
    created_at TIMESTAMPTZ DEFAULT now()
);
CREATE UNIQUE INDEX idx_readings_sensor_id_time ON sensor_data.readings (sensor_id, time DESC);
CREATE INDEX idx_readings_tank_id_time ON sensor_data.readings (tank_id, time DESC);
CREATE INDEX idx_readings_sensor_type_time ON sensor_data.readings (sensor_type, time DESC);
CREATE INDEX idx_readings_quality ON sensor_data.readings (quality_score) WHERE quality_score < 0.8;

-- Minutes of which the gateway had no room for the readings. One minute may come in several parts.
CREATE TABLE sensor_data.rollups (
    time TIMESTAMPTZ NOT NULL,
    sensor_id UUID NOT NULL,
    tank_id UUID NOT NULL,
    sensor_type TEXT NOT NULL,
    count_readings INTEGER NOT NULL,
    usable_readings INTEGER NOT NULL,
    min_value DOUBLE PRECISION CHECK (abs(min_value) < 1e100),
    avg_value DOUBLE PRECISION CHECK (abs(avg_value) < 1e100),
    max_value DOUBLE PRECISION CHECK (abs(max_value) < 1e100),
    flag SMALLINT NOT NULL,
    quality_score DOUBLE PRECISION NOT NULL CHECK (quality_score BETWEEN 0 AND 1),
    epoch TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    metadata JSONB,
    created_at TIMESTAMPTZ DEFAULT now(),
    PRIMARY KEY (sensor_id, time, epoch, sequence)
);
CREATE INDEX idx_rollups_tank_id_time ON sensor_data.rollups (tank_id, time DESC);

-- Readings that will never come one by one. `count` is null where nobody knows how many they were.
CREATE TABLE sensor_data.gaps (
    time TIMESTAMPTZ NOT NULL,
    gateway TEXT NOT NULL,
    sink TEXT NOT NULL,
    from_time TIMESTAMPTZ NOT NULL,
    to_time TIMESTAMPTZ NOT NULL,
    count BIGINT,
    first_sequence BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    reason TEXT NOT NULL,
    epoch TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    metadata JSONB,
    created_at TIMESTAMPTZ DEFAULT now(),
    PRIMARY KEY (gateway, time, epoch, sequence)
);

CREATE TABLE sensor_data.gateway_health (
    time TIMESTAMPTZ NOT NULL,
    gateway TEXT NOT NULL,
    version TEXT,
    uptime_s DOUBLE PRECISION,
    readings_per_s DOUBLE PRECISION,
    alarms_standing BIGINT,
    store JSONB,
    sinks JSONB,
    machine JSONB,
    metadata JSONB,
    created_at TIMESTAMPTZ DEFAULT now(),
    PRIMARY KEY (gateway, time)
);

-- Readings that do not fit to what came before them, by whoever judged them.
CREATE TABLE analytics.anomalies (
    time TIMESTAMPTZ NOT NULL,
    sensor_id UUID NOT NULL,
    tank_id UUID NOT NULL,
    sensor_type TEXT NOT NULL,
    value DOUBLE PRECISION NOT NULL CHECK (abs(value) < 1e100),
    detector TEXT NOT NULL,
    score DOUBLE PRECISION,
    threshold DOUBLE PRECISION,
    expected_mean DOUBLE PRECISION,
    expected_stddev DOUBLE PRECISION,
    window_start TIMESTAMPTZ,
    window_end TIMESTAMPTZ,
    reason TEXT NOT NULL,
    metadata JSONB,
    created_at TIMESTAMPTZ DEFAULT now(),
    PRIMARY KEY (sensor_id, time, detector)
);
CREATE INDEX idx_anomalies_tank_id_time ON analytics.anomalies (tank_id, time DESC);
