-- A tank's health, 0 to 100. `coverage` is the share of the time, cut into spans as long as the sensor's
-- expected_interval (else 5 minutes), that has a usable reading: the least of temperature, pH and oxygen. Below 0.7 the
-- score is unknown (null), the parts are told all the same. Every alert that is not resolved costs 5, however old.

CREATE FUNCTION analytics.tank_health(
    p_tank_id UUID,
    p_hours INTEGER DEFAULT 24,
    p_at TIMESTAMPTZ DEFAULT now()
)
RETURNS TABLE (
    score DOUBLE PRECISION,
    coverage DOUBLE PRECISION,
    temperature_points DOUBLE PRECISION,
    ph_points DOUBLE PRECISION,
    oxygen_points DOUBLE PRECISION,
    quality_points DOUBLE PRECISION,
    alert_penalty DOUBLE PRECISION
)
LANGUAGE sql STABLE AS $$
    WITH span AS (
        SELECT p_at - make_interval(hours => p_hours) AS since
    ),
    spans AS (
        SELECT t.sensor_type, extract(epoch FROM coalesce(min(s.expected_interval), INTERVAL '5 minutes')) AS seconds
        FROM (VALUES ('Temperature'), ('pH'), ('DissolvedOxygen')) t (sensor_type)
        LEFT JOIN sensor_data.sensors s ON s.tank_id = p_tank_id AND s.sensor_type = t.sensor_type AND s.is_active
        GROUP BY t.sensor_type
    ),
    measured AS (
        SELECT spans.sensor_type, stddev_samp(r.value) AS deviation, min(r.value) AS least,
               count(DISTINCT floor(extract(epoch FROM p_at - r.time) / spans.seconds))
                   / ceil(p_hours * 3600 / spans.seconds) AS coverage
        FROM spans
        CROSS JOIN span
        LEFT JOIN sensor_data.readings r ON r.tank_id = p_tank_id AND r.sensor_type = spans.sensor_type
            AND r.time > span.since AND r.time <= p_at AND r.quality_score >= 0.7 AND r.value IS NOT NULL
        GROUP BY spans.sensor_type, spans.seconds
    ),
    parts AS (
        SELECT
            min(m.coverage)::double precision AS coverage,
            max(CASE WHEN m.deviation IS NOT NULL THEN greatest(0, 25 - 5 * m.deviation) END)
                FILTER (WHERE m.sensor_type = 'Temperature') AS temperature_points,
            max(CASE WHEN m.deviation IS NOT NULL THEN greatest(0, 25 - 10 * m.deviation) END)
                FILTER (WHERE m.sensor_type = 'pH') AS ph_points,
            max(CASE WHEN m.least >= 6 THEN 25 WHEN m.least >= 4 THEN 15 WHEN m.least >= 2 THEN 5
                     WHEN m.least < 2 THEN 0 END)
                FILTER (WHERE m.sensor_type = 'DissolvedOxygen')::double precision AS oxygen_points
        FROM measured m
    ),
    quality AS (
        SELECT 25 * avg(r.quality_score) AS points
        FROM sensor_data.readings r CROSS JOIN span
        WHERE r.tank_id = p_tank_id AND r.time > span.since AND r.time <= p_at
    ),
    alerts AS (
        SELECT 5.0::double precision * count(*) AS penalty
        FROM sensor_data.alerts a
        WHERE a.tank_id = p_tank_id AND a.created_at <= p_at AND (NOT a.is_resolved OR a.resolved_at > p_at)
    )
    SELECT
        CASE WHEN parts.coverage >= 0.7 THEN
            least(100, greatest(0, parts.temperature_points + parts.ph_points + parts.oxygen_points + quality.points
                                   - alerts.penalty)) END,
        parts.coverage, parts.temperature_points, parts.ph_points, parts.oxygen_points, quality.points, alerts.penalty
    FROM parts CROSS JOIN quality CROSS JOIN alerts
$$;

CREATE FUNCTION analytics.calculate_tank_health_score(
    p_tank_id UUID,
    p_hours INTEGER DEFAULT 24,
    p_at TIMESTAMPTZ DEFAULT now()
)
RETURNS DOUBLE PRECISION LANGUAGE sql STABLE AS $$
    SELECT h.score FROM analytics.tank_health(p_tank_id, p_hours, p_at) h
$$;
