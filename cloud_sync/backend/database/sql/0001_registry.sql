-- What stands where: tanks and sensors, as readings tell of them and people complete them; alerts; work done.

CREATE SCHEMA sensor_data;
CREATE SCHEMA analytics;
CREATE SCHEMA ml_features;

-- Readings tell `name`; the rest is null until a person says it. Two farms may both have a `tank-1`.
CREATE TABLE sensor_data.tanks (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    capacity_value DOUBLE PRECISION,
    capacity_unit TEXT,
    tank_type TEXT,
    location JSONB,
    status TEXT NOT NULL DEFAULT 'Inactive',
    optimal_parameters JSONB,
    gateway TEXT,
    told_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_tanks_name ON sensor_data.tanks (name);
COMMENT ON COLUMN sensor_data.tanks.told_at IS 'time of the reading that name and gateway were taken from';

-- Readings tell tank, type, unit, probe and gateway; the rest is null until a person says it.
CREATE TABLE sensor_data.sensors (
    id UUID PRIMARY KEY,
    tank_id UUID NOT NULL,
    sensor_type TEXT NOT NULL,
    model TEXT,
    manufacturer TEXT,
    serial_number TEXT UNIQUE,
    installation_date TIMESTAMPTZ,
    calibration_date TIMESTAMPTZ,
    next_calibration_date TIMESTAMPTZ,
    min_value DOUBLE PRECISION,
    max_value DOUBLE PRECISION,
    accuracy DOUBLE PRECISION,
    is_active BOOLEAN NOT NULL DEFAULT true,
    metadata JSONB,
    unit TEXT,
    probe TEXT,
    gateway TEXT,
    expected_interval INTERVAL CHECK (expected_interval > INTERVAL '0'),
    told_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_sensors_tank_id ON sensor_data.sensors (tank_id);
COMMENT ON COLUMN sensor_data.sensors.told_at IS 'time of the reading that tank, type, unit, probe and gateway are from';
COMMENT ON COLUMN sensor_data.sensors.expected_interval IS
    'a span this long without a reading counts as missing; null: 5 minutes';

-- One row an occurrence. `created_at` is null while only its clearing has arrived.
CREATE TABLE sensor_data.alerts (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    tank_id UUID NOT NULL,
    sensor_id UUID,
    alert_type TEXT NOT NULL,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    threshold_value DOUBLE PRECISION,
    actual_value DOUBLE PRECISION,
    is_resolved BOOLEAN NOT NULL DEFAULT false,
    resolved_at TIMESTAMPTZ,
    resolved_by TEXT,
    metadata JSONB,
    created_at TIMESTAMPTZ DEFAULT now()
);
CREATE INDEX idx_alerts_tank_id_created_at ON sensor_data.alerts (tank_id, created_at DESC);
CREATE INDEX idx_alerts_unresolved ON sensor_data.alerts (tank_id) WHERE NOT is_resolved;

-- Written by people or their software: a calibration, a cleaning, a new membrane.
CREATE TABLE sensor_data.maintenance (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    time TIMESTAMPTZ NOT NULL,
    tank_id UUID NOT NULL,
    sensor_id UUID,
    kind TEXT NOT NULL,
    performed_by TEXT,
    note TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_maintenance_tank_id_time ON sensor_data.maintenance (tank_id, time DESC);
