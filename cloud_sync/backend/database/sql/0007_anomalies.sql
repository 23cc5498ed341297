-- Usable readings of the last hour against the mean and deviation of the window; `p_at` instead of now looks back.
-- `z_score` is null where there is no deviation to measure by, of a single reading.

CREATE FUNCTION sensor_data.detect_anomalies(
    p_sensor_id UUID,
    p_window_hours INTEGER DEFAULT 24,
    p_threshold_multiplier DOUBLE PRECISION DEFAULT 3.0,
    p_at TIMESTAMPTZ DEFAULT now()
)
RETURNS TABLE ("time" TIMESTAMPTZ, value DOUBLE PRECISION, z_score DOUBLE PRECISION, is_anomaly BOOLEAN)
LANGUAGE sql STABLE AS $$
    WITH usable AS (
        SELECT r.time, r.value
        FROM sensor_data.readings r
        WHERE r.sensor_id = p_sensor_id
          AND r.time >= p_at - make_interval(hours => p_window_hours) AND r.time <= p_at
          AND r.quality_score >= 0.7 AND r.value IS NOT NULL
    ),
    stats AS (
        SELECT avg(u.value) AS mean, stddev_samp(u.value) AS deviation FROM usable u
    ),
    judged AS (
        SELECT u.time, u.value,
               CASE WHEN s.deviation > 0 THEN abs(u.value - s.mean) / s.deviation
                    WHEN s.deviation = 0 THEN 0 END AS z_score
        FROM usable u CROSS JOIN stats s
        WHERE u.time >= p_at - INTERVAL '1 hour'
    )
    SELECT j.time, j.value, j.z_score, j.z_score > p_threshold_multiplier FROM judged j ORDER BY j.time DESC
$$;
