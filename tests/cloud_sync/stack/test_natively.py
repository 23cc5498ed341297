"""What the stack tells its programs, told to the same programs without Docker: they start with it, and do it."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka.admin import ConfigResource
from psycopg.errors import ReadOnlySqlTransaction

from cloud_sync.contract.registry import Registry as Schemas
from cloud_sync.contract.topics import SENSOR_READINGS
from tests.cloud_sync.stack.test_compose import FILE, SERVICES
from tests.services.kafka import Kafka
from tests.services.postgres import Postgres
from tests.services.registry import Registry
from tests.services.service import HOST, free_port


class StackKafka(Kafka):
    """With the environment of the stack's broker, which the image turns into properties."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._here = {"9092": self.port("PLAINTEXT"), "9093": free_port(), "19092": free_port()}

    def at_home(self, text: str) -> str:
        """With this machine and our ports in place of the stack's."""
        return re.sub(r"(kafka|127\.0\.0\.1)?:(\d+)", lambda found: f"{HOST}:{self._here[found[2]]}", text)

    def told(self) -> Mapping[str, str]:
        environment: Mapping[str, Any] = SERVICES["kafka"]["environment"]
        told = {
            name.removeprefix("KAFKA_").replace("_", ".").lower(): self.at_home(str(value))
            for name, value in environment.items()
            if name != "KAFKA_HEAP_OPTS"
        }
        return told | {"log.dirs": str(self.folder / "data")}

    def properties(self) -> str:
        return "".join(f"{name}={value}\n" for name, value in self.told().items())


class StackRegistry(Registry):
    """With the environment of the stack's registry, but that it does not wait 5 s each time that a topic is empty."""

    def __init__(self, folder: Path, kafka: StackKafka) -> None:
        super().__init__(folder)
        self._kafka = kafka

    def environment(self) -> Mapping[str, str]:
        told = {name: self._kafka.at_home(str(value)) for name, value in SERVICES["registry"]["environment"].items()}
        return {**os.environ, "APICURIO_KAFKASQL_CONSUMER_POLL_TIMEOUT": "200", **told}


@pytest.mark.timeout(300)  # two virtual machines for Java start
def test_the_broker_knows_every_setting_and_keeps_the_schemas_of_the_registry(tmp_path: Path) -> None:
    with StackKafka(tmp_path / "kafka") as kafka:
        broker = ConfigResource(ConfigResource.Type.BROKER, "1")
        admin = kafka.admin()
        described = admin.describe_configs([broker])[broker].result(30)
        assert {name: described[name].value for name in kafka.told()} == kafka.told()

        with StackRegistry(tmp_path / "registry", kafka) as registry:
            with Schemas(Schemas.Settings(registry.url)) as schemas:
                schemas.register(SENSOR_READINGS)
            journal = ConfigResource(ConfigResource.Type.TOPIC, "kafkasql-journal")
            kept = admin.describe_configs([journal])[journal].result(30)
            assert kept["retention.ms"].value == "-1"
            assert any(b"SensorReading" in (record.value() or b"") for record in kafka.records("kafkasql-journal"))


def test_grafana_may_read_and_nothing_else(postgres: Postgres) -> None:
    script, password = FILE.with_name("timescaledb") / "grafana_role.sh", "it's a secret"
    with postgres.fresh() as dsn, psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("CREATE TABLE fish (name TEXT)")
        environment = {
            "PATH": os.environ["PATH"],
            "PGHOST": str(postgres.home),
            "PGPORT": str(postgres.port),
            "POSTGRES_DB": owner.info.dbname,
            "AQUA_GRAFANA_DATABASE_PASSWORD": password,
        }
        subprocess.run(["sh", script], env=environment, check=True, capture_output=True)
        try:
            with psycopg.connect(dsn, user="grafana", password=password, autocommit=True) as grafana:
                assert grafana.execute("SELECT count(*) FROM fish").fetchone() == (0,)
                assert grafana.execute("SHOW statement_timeout").fetchone() == ("30s",)
                with pytest.raises(ReadOnlySqlTransaction):
                    grafana.execute("INSERT INTO fish VALUES ('trout')")
        finally:
            owner.execute("DROP OWNED BY grafana; DROP ROLE grafana")
