-- The aggregates under the names and columns that the rest of AquaControl knows, with what else belongs to them.
-- Statistics are of usable readings (quality 0.7 and better); a day is a day of UTC.

CREATE FUNCTION analytics.sample_variance(p_count BIGINT, p_sum DOUBLE PRECISION, p_squares DOUBLE PRECISION)
RETURNS DOUBLE PRECISION LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_count > 1 THEN greatest(0, p_squares - p_sum * p_sum / p_count) / (p_count - 1) END
$$;
COMMENT ON FUNCTION analytics.sample_variance IS 'of any hours or days together: of their counts, sums and squares added up';

CREATE VIEW analytics.hourly_sensor_stats AS
SELECT
    h.time,
    h.sensor_id,
    h.tank_id,
    h.sensor_type,
    h.sum_value / nullif(h.usable, 0) AS avg_value,
    h.min_value,
    h.max_value,
    h.stddev_value,
    h.readings::integer AS count_readings,
    h.sum_quality / h.readings AS avg_quality,
    (SELECT count(DISTINCT a.time) FROM analytics.anomalies a
     WHERE a.sensor_id = h.sensor_id AND a.tank_id = h.tank_id
       AND a.time >= h.time AND a.time < h.time + INTERVAL '1 hour')::integer AS anomaly_count,
    h.usable::integer AS usable_readings,
    h.sum_value,
    h.sum_squares
FROM analytics.hourly_readings h;

-- `oxygen_critical_events` counts the hours in which oxygen was once below 2 mg/L, of each sensor;
-- `maintenance_events` what was entered into sensor_data.maintenance.
CREATE VIEW analytics.daily_tank_summary AS
WITH days AS (
    SELECT
        time,
        tank_id,
        sum(sum_value) FILTER (WHERE sensor_type = 'Temperature')
            / nullif(sum(usable) FILTER (WHERE sensor_type = 'Temperature'), 0) AS avg_temperature,
        sum(sum_value) FILTER (WHERE sensor_type = 'pH')
            / nullif(sum(usable) FILTER (WHERE sensor_type = 'pH'), 0) AS avg_ph,
        sum(sum_value) FILTER (WHERE sensor_type = 'DissolvedOxygen')
            / nullif(sum(usable) FILTER (WHERE sensor_type = 'DissolvedOxygen'), 0) AS avg_oxygen,
        sum(sum_value) FILTER (WHERE sensor_type = 'Salinity')
            / nullif(sum(usable) FILTER (WHERE sensor_type = 'Salinity'), 0) AS avg_salinity,
        min(min_value) FILTER (WHERE sensor_type = 'Temperature') AS min_temperature,
        max(max_value) FILTER (WHERE sensor_type = 'Temperature') AS max_temperature,
        analytics.sample_variance(
            (sum(usable) FILTER (WHERE sensor_type = 'Temperature'))::bigint,
            sum(sum_value) FILTER (WHERE sensor_type = 'Temperature'),
            sum(sum_squares) FILTER (WHERE sensor_type = 'Temperature')) AS temperature_variance,
        analytics.sample_variance(
            (sum(usable) FILTER (WHERE sensor_type = 'pH'))::bigint,
            sum(sum_value) FILTER (WHERE sensor_type = 'pH'),
            sum(sum_squares) FILTER (WHERE sensor_type = 'pH')) AS ph_variance,
        sum(oxygen_critical_hours)::integer AS oxygen_critical_events,
        sum(readings)::integer AS total_readings,
        sum(sum_quality) / sum(readings) AS data_quality_score
    FROM analytics.daily_readings
    GROUP BY time, tank_id
)
SELECT
    (d.time AT TIME ZONE 'UTC')::date AS date,
    d.tank_id,
    d.avg_temperature,
    d.avg_ph,
    d.avg_oxygen,
    d.avg_salinity,
    d.min_temperature,
    d.max_temperature,
    d.temperature_variance,
    1 / (1 + sqrt(d.ph_variance)) AS ph_stability_score,
    d.oxygen_critical_events,
    d.total_readings,
    d.data_quality_score,
    (SELECT count(*) FROM sensor_data.alerts a
     WHERE a.tank_id = d.tank_id
       AND a.created_at >= d.time AND a.created_at < d.time + INTERVAL '24 hours')::integer AS alert_count,
    (SELECT count(*) FROM sensor_data.maintenance m
     WHERE m.tank_id = d.tank_id AND m.time >= d.time AND m.time < d.time + INTERVAL '24 hours')::integer
        AS maintenance_events
FROM days d;
