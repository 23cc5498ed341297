-- A farm where everything has happened once, on the day that tests ask the dashboards about.
INSERT INTO sensor_data.tanks (id, name, gateway) VALUES ('11111111-1111-4111-8111-111111111111', 'tank-1', 'pi-1');
INSERT INTO sensor_data.sensors (id, tank_id, sensor_type, probe, unit)
VALUES ('22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111', 'pH', 'ph-1', 'pH');
INSERT INTO sensor_data.readings (time, created_at, sensor_id, tank_id, sensor_type, value, quality_score, metadata)
SELECT time::timestamptz, time::timestamptz + INTERVAL '2 s', '22222222-2222-4222-8222-222222222222',
       '11111111-1111-4111-8111-111111111111', 'pH', value, quality, jsonb_build_object('flag', flag)
FROM (VALUES ('2026-11-01T12:00:00Z', 7.1, 1.0, 1), ('2026-11-01T12:00:01Z', 7.3, 1.0, 1),
             ('2026-11-01T12:00:02Z', 9.9, 0.2, 4), ('2026-11-01T12:00:03Z', NULL, 0.0, 9)) r (time, value, quality, flag);
INSERT INTO sensor_data.rollups (time, sensor_id, tank_id, sensor_type, count_readings, usable_readings, min_value,
    avg_value, max_value, flag, quality_score, epoch, sequence)
VALUES ('2026-11-01T11:00:00Z', '22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111', 'pH',
        60, 60, 7.0, 7.1, 7.2, 1, 1.0, 'a', 1);
INSERT INTO sensor_data.alerts (tank_id, alert_type, severity, message, created_at)
VALUES ('11111111-1111-4111-8111-111111111111', 'low', 'warning', 'pH 6.4 is below 6.5', '2026-10-01T00:00:00Z');
INSERT INTO sensor_data.gaps (time, gateway, sink, from_time, to_time, count, first_sequence, last_sequence, reason,
    epoch, sequence)
VALUES ('2026-11-01T10:00:00Z', 'pi-1', 'cloud', '2026-11-01T09:00:00Z', '2026-11-01T10:00:00Z', 3600, 1, 3600,
        'no room', 'a', 2);
INSERT INTO sensor_data.gateway_health (time, gateway) VALUES (now(), 'pi-1');
INSERT INTO aqua.offsets (consumer_group, topic, partition, next_offset) VALUES ('ingest', 'sensor-readings', 0, 4);
INSERT INTO aqua.dead_letters (time, topic, partition, record_offset, reason, error, consumer)
VALUES ('2026-11-01T12:00:00Z', 'sensor-readings', 0, 3, 'schema', 'no field value', 'ingest');
