-- Hypertables, columnstore, and the continuous aggregates that sums can be taken of: hours of readings, days of hours.
-- Times of the policies are defaults; `aqua-backend db set` changes them.

SELECT create_hypertable('sensor_data.readings', by_range('time', INTERVAL '7 days'), create_default_indexes => false,
                         migrate_data => true);
SELECT create_hypertable('ml_features.tank_features', by_range('feature_timestamp', INTERVAL '30 days'),
                         create_default_indexes => false, migrate_data => true);
SELECT create_hypertable('ml_features.predictions', by_range('prediction_timestamp', INTERVAL '30 days'),
                         create_default_indexes => false, migrate_data => true);

ALTER TABLE sensor_data.readings SET (
    timescaledb.enable_columnstore,
    timescaledb.segmentby = 'sensor_id',
    timescaledb.orderby = 'time DESC'
);
-- Later than the longest outage, after which rows still come: into the columnstore they come too, but slowly.
CALL add_columnstore_policy('sensor_data.readings', after => INTERVAL '30 days');

CREATE MATERIALIZED VIEW analytics.hourly_readings
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT
    time_bucket(INTERVAL '1 hour', time) AS time,
    sensor_id,
    tank_id,
    sensor_type,
    count(*) AS readings,
    count(value) FILTER (WHERE quality_score >= 0.7) AS usable,
    sum(value) FILTER (WHERE quality_score >= 0.7) AS sum_value,
    sum(value * value) FILTER (WHERE quality_score >= 0.7) AS sum_squares,
    min(value) FILTER (WHERE quality_score >= 0.7) AS min_value,
    max(value) FILTER (WHERE quality_score >= 0.7) AS max_value,
    stddev_samp(value) FILTER (WHERE quality_score >= 0.7) AS stddev_value,
    sum(quality_score) AS sum_quality
FROM sensor_data.readings
GROUP BY 1, sensor_id, tank_id, sensor_type
WITH NO DATA;

CREATE MATERIALIZED VIEW analytics.daily_readings
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT
    time_bucket(INTERVAL '1 day', time) AS time,
    sensor_id,
    tank_id,
    sensor_type,
    sum(readings)::bigint AS readings,
    sum(usable)::bigint AS usable,
    sum(sum_value) AS sum_value,
    sum(sum_squares) AS sum_squares,
    min(min_value) AS min_value,
    max(max_value) AS max_value,
    sum(sum_quality) AS sum_quality,
    count(*) FILTER (WHERE sensor_type = 'DissolvedOxygen' AND min_value < 2) AS oxygen_critical_hours
FROM analytics.hourly_readings
GROUP BY 1, sensor_id, tank_id, sensor_type
WITH NO DATA;

-- Whatever arrives within 30 days is taken up by itself; what comes later, by cloud_sync/backend/database/refresh.py.
SELECT add_continuous_aggregate_policy('analytics.hourly_readings', start_offset => INTERVAL '30 days',
                                       end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '30 minutes');
SELECT add_continuous_aggregate_policy('analytics.daily_readings', start_offset => INTERVAL '30 days',
                                       end_offset => INTERVAL '1 day', schedule_interval => INTERVAL '1 hour');
