"""A record that cannot be used is set aside with its story; what is wrong with everything sets nothing aside."""

from collections.abc import Callable

from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.contract.topics import SENSOR_READINGS, SENSOR_READINGS_DLQ
from tests.backend.ingest.stage import Stage, until
from tests.cloud_sync.things import GATEWAY, change, reading, records, rollup
from tests.services.fixtures import OwnService
from tests.services.registry import Registry

HELD = 'aqua_ingest_state{aqua_ingest_state="held by a topic"}'


def altered(one: Record, **fields: object) -> Record:
    return one._replace(body={**one.body, **fields})


def encoded(stage: Stage, *some: Record) -> list[bytes]:
    return [Encoder(one.topic, stage.ids[one.topic])(one) for one in some]


def test_poison_of_each_kind_is_set_aside_and_its_neighbours_are_written(stage: Stage) -> None:
    good = encoded(stage, *records(1, 400))
    [whole] = encoded(stage, *records(401, 401))
    [monstrous] = encoded(stage, altered(record(reading(402), GATEWAY), value=1e155))
    [poor] = encoded(stage, altered(record(reading(403), GATEWAY), quality_score=2.0))
    poison = {
        b"what is this?": "unreadable",
        b"": "unreadable",
        None: "no value",
        whole[:40]: "unreadable",
        whole + b"!": "unreadable",
        b"\0\0\x0f\xff\xff" + whole[5:]: "unknown schema",
        monstrous: "refused",
        poor: "refused",
    }
    values = [*good[:200], *list(poison)[:4], *good[200:300], *list(poison)[4:], *good[300:]]
    stage.send_bytes((SENSOR_READINGS, 0, value) for value in values)
    process = stage.run()
    stage.all_read()
    assert stage.count() == 400

    letters = stage.dead_letters()
    assert {letter["value"]: letter["reason"] for letter in letters} == poison
    assert len(letters) == len(poison)
    first = stage.ends(SENSOR_READINGS)[0] - len(values)
    for letter in letters:
        assert letter["topic"] == SENSOR_READINGS
        assert letter["key"] == b"key"
        assert values[letter["offset"] - first] == letter["value"]
        assert letter["record_time"] is not None
    assert "readings_value_is_finite" in next(letter["error"] for letter in letters if letter["value"] == monstrous)

    kept = stage.ask("SELECT topic, partition, record_offset, value, reason FROM aqua.dead_letters")
    assert {(value, reason) for *_, value, reason in kept} == set(poison.items())
    counted = 'aqua_ingest_dead_letters_total{reason="refused",topic="sensor-readings"}'
    until(lambda: process.metric(counted) == 2, "they are counted")


def test_poison_comes_back_as_the_same_dead_letter(stage: Stage) -> None:
    """After a crash between the dead letter and the commit, or because somebody set the offset back."""
    begin = stage.ends(SENSOR_READINGS)[0]
    stage.send_bytes([(SENSOR_READINGS, 0, value) for value in (*encoded(stage, *records(1, 3)), b"?")])
    stage.run()
    stage.all_read()
    stage.database.execute(
        "UPDATE aqua.offsets SET next_offset = %s WHERE topic = 'sensor-readings' AND partition = 0", [begin]
    )
    stage.send(records(4, 4))
    stage.all_read()
    until(lambda: len(stage.dead_letters()) == 2, "it was set aside again")
    assert stage.count("aqua.dead_letters") == 1
    assert stage.count() == 4


def test_a_refused_record_alone_waits_for_a_neighbour_that_is_taken(stage: Stage) -> None:
    process = stage.run()
    stage.send([altered(record(rollup(1), GATEWAY), count=2**40)])
    stage.send([*records(1, 10), record(change(1), GATEWAY)])
    until(lambda: process.metric(HELD) == 1, "it is held")
    until(lambda: stage.count() == 10 and stage.count("sensor_data.alerts") == 1, "other topics go on")
    assert stage.dead_letters() == []
    stage.send([record(rollup(2), GATEWAY)])
    stage.all_read()
    assert stage.count("sensor_data.rollups") == 1
    assert [letter["reason"] for letter in stage.dead_letters()] == ["refused"]
    # From now on it is known what the database takes: the next one need not wait.
    stage.send([altered(record(rollup(3), GATEWAY), count=2**40)])
    stage.all_read()
    assert len(stage.dead_letters()) == 2


def test_a_table_that_refuses_everything_sets_nothing_aside(stage: Stage) -> None:
    process = stage.run()
    stage.send(records(1, 10))
    stage.all_read()
    stage.database.execute("ALTER TABLE sensor_data.readings ADD CONSTRAINT closed CHECK (false) NOT VALID")
    stage.send([*records(11, 30), record(change(1), GATEWAY)])
    until(lambda: process.metric(HELD) == 1, "it is held")
    until(lambda: stage.count("sensor_data.alerts") == 1, "other topics go on")
    assert "and one that it took before, too" in process.said
    stage.database.execute("ALTER TABLE sensor_data.readings DROP CONSTRAINT closed")
    stage.all_read()
    assert stage.count() == 30
    assert stage.dead_letters() == []


def test_what_was_refused_before_the_table_was_mended_is_no_poison(stage: Stage) -> None:
    """As if it had been mended while the batch was halved: the first three attempts are refused, the later ones not."""
    stage.database.execute(
        """CREATE SEQUENCE public.attempt;
           CREATE FUNCTION public.judged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF nextval('public.attempt') <= 3 THEN RAISE check_violation; END IF; RETURN NEW; END $$;
           CREATE TRIGGER judged BEFORE INSERT ON sensor_data.readings
           FOR EACH ROW EXECUTE FUNCTION public.judged()"""
    )
    stage.send_bytes((SENSOR_READINGS, 0, value) for value in encoded(stage, *records(1, 2)))
    stage.run()
    stage.all_read()
    assert stage.count() == 2
    assert stage.dead_letters() == []


def test_an_offset_moves_only_when_the_dead_letter_is_safe(stage: Stage) -> None:
    process = stage.run()
    limited(stage, "10")
    stage.send_bytes([(SENSOR_READINGS, 0, value) for value in (*encoded(stage, *records(1, 3)), b"?")])
    try:
        until(lambda: process.metric(HELD) == 1, "it is held")
        assert stage.count() == 0
        assert not stage.read_to_the_end(SENSOR_READINGS)
    finally:
        limited(stage, "2097176")
    stage.all_read()
    assert stage.count() == 3
    assert [letter["value"] for letter in stage.dead_letters()] == [b"?"]


def limited(stage: Stage, size: str) -> None:
    """No batch of dead letters may be larger."""
    change = ConfigEntry("max.message.bytes", size, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource("topic", SENSOR_READINGS_DLQ, incremental_configs=[change])
    admin = stage.kafka.admin()
    for altered in admin.incremental_alter_configs([resource]).values():
        altered.result(10)


def test_a_registry_that_is_empty_or_away_is_waited_for(
    own_service: OwnService[Registry], make_stage: Callable[..., Stage], stage: Stage
) -> None:
    registry = own_service(Registry)
    stage.send(records(1, 50))
    lost = stage.run(registry=registry.url)
    until(lambda: "waiting for the registry" in lost.said, "it waits")
    assert "run `aqua-backend schemas register`" in lost.said
    assert stage.count() == 0
    assert lost.stop() == 0
    assert stage.dead_letters() == []

    own = make_stage(stage.dsn, registry=registry)
    own.send(records(51, 100))
    knows = own.run()
    own.all_read()
    registry.kill()
    own.send(records(101, 150))
    own.all_read()  # what it has learned it knows
    assert knows.stop() == 0
    asks = own.run()
    own.send(records(151, 200))
    until(lambda: asks.metric('aqua_ingest_state{aqua_ingest_state="waiting for the registry"}') == 1, "it waits")
    assert asks.ask("/live")[0] == 200
    registry.start()
    own.all_read()
    assert own.count() == 150
    assert own.dead_letters() == []
