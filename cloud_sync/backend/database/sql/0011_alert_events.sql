-- What happened to alarms, each change by itself: raised, acknowledged, shelved, cleared, … Alarms of equipment that
-- serves the whole farm, such as a bus or a sink, have no tank.
ALTER TABLE sensor_data.alerts ALTER COLUMN tank_id DROP NOT NULL;

CREATE TABLE sensor_data.alert_events (
    gateway TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    time TIMESTAMPTZ NOT NULL,
    alert_id UUID NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    done_by TEXT,
    reason TEXT,
    until_time TIMESTAMPTZ,
    value DOUBLE PRECISION,
    message TEXT NOT NULL,
    PRIMARY KEY (gateway, sequence)
);
CREATE INDEX idx_alert_events_alert_id ON sensor_data.alert_events (alert_id, sequence);
COMMENT ON COLUMN sensor_data.alert_events.state IS 'where the alarm stands after it, by ISA-18.2';
COMMENT ON COLUMN sensor_data.alert_events.until_time IS 'when a shelved or suppressed alarm comes back';
