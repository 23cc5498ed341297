"""Everything that a reading passes on its way, as processes of their own, with a piece of network between each two."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

import psycopg

from agent import config
from agent.store.inspection.reader import Reader
from tests.services.kafka import Kafka
from tests.services.postgres import Postgres
from tests.services.registry import Registry
from tests.services.service import HOST, Service, free_port
from tests.soak.counting_sondes import CHANNELS
from tests.soak.verdict import Row
from tests.system.processes import Gateway, Process

S = TypeVar("S", bound=Service)
P = TypeVar("P", bound=Process)

_TYPES = ("Temperature", "DissolvedOxygen", "DissolvedOxygenSaturation", "pH", "Salinity", "Conductivity")
_UNITS = ("°C", "mg/L", "%", "pH", "PSU", "mS/cm")
_CHECKS = ("spike", "rate_of_change", "flat_line", "z_score", "anomaly")
_STORED = "SELECT seq, sensor_id, time_utc, value, flag FROM reading WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
_TABLE = """
SELECT (metadata->>'sequence')::bigint, sensor_id::text,
    to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), value, (metadata->>'flag')::int
FROM sensor_data.readings WHERE (metadata->>'sequence')::bigint <= %s ORDER BY 1"""
_COUNT = "SELECT count(*) FROM sensor_data.readings WHERE (metadata->>'sequence')::bigint <= %s"
_PAGE = 20_000


class Wire(Process):
    """A piece of network to a port of this machine: kill it, pause it, start it again."""

    def __init__(self, name: str, target: int, folder: Path) -> None:
        self.port = free_port()
        super().__init__(name, [sys.executable, "-m", "tests.soak.wire", str(self.port), str(target)], folder)


class KafkaOverWires(Kafka):
    """Tells the gateway and the ingesters each an address of their own, which is the near end of a wire."""

    protocols: Mapping[str, str] = {"PLAINTEXT": "PLAINTEXT", "GATEWAY": "PLAINTEXT", "INGEST": "PLAINTEXT"}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.wires = {name: Wire(f"wire-{name.lower()}", self._ports[name], folder) for name in ("GATEWAY", "INGEST")}

    def properties(self) -> str:
        lines = super().properties().splitlines()
        place = next(place for place, line in enumerate(lines) if line.startswith("advertised.listeners="))
        for name, wire in self.wires.items():
            lines[place] = lines[place].replace(self.at(name), f"{HOST}:{wire.port}")
        return "\n".join(lines) + "\n"


class Chain:
    """Sondes → gateway → Kafka → ingesters → PostgreSQL; all of it runs, until `closing` ends it."""

    def __init__(self, folder: Path, probes: int, period_s: float, ingesters: int, closing: ExitStack) -> None:
        self._folder = folder
        self._closing = closing
        self._registry = self._service(Registry(folder / "registry"))
        self.kafka = self._service(KafkaOverWires(folder / "kafka"))
        self.postgres = self._service(Postgres(folder / "postgres"))
        self.dsn = closing.enter_context(self.postgres.fresh())
        database = Wire("wire-database", self.postgres.port, folder)
        self.wires = [self._process(wire) for wire in (*self.kafka.wires.values(), database)]
        self._dsn_file = folder / "dsn"
        self._dsn_file.write_text(self.dsn.replace(f":{self.postgres.port}/", f":{database.port}/"))
        self._prepare()
        sondes = free_port()
        self._process(Process("sondes", [sys.executable, "-m", "tests.soak.counting_sondes", str(sondes)], folder))
        bootstrap = f"{HOST}:{self.kafka.wires['GATEWAY'].port}"
        settings = _gateway(folder, sondes, probes, period_s, bootstrap, self._registry.address)
        self.ingesters = [self._process(self._ingester(number)) for number in range(ingesters)]
        self.gateway = self._process(Gateway(folder, settings))

    def channels(self) -> Mapping[str, int]:
        """Which channel of its sonde a sensor id is."""
        gateway = config.load(self.gateway.config)
        return {
            str(sensor.sensor_id): int(sensor.channel.removeprefix("c"))
            for probe in gateway.probes
            for sensor in probe.sensors
        }

    def stored(self, upto: int) -> Iterator[Row]:
        """What the ring buffer holds up to that number: everything, since it is large enough."""
        seq = 0
        with closing(Reader(self.gateway.database)) as reader:
            while page := reader.rows(_STORED, seq, upto, _PAGE):
                yield from page
                seq = page[-1][0]

    def table(self, upto: int) -> Iterator[Row]:
        """What the database holds of these."""
        with psycopg.connect(self.dsn) as connection, connection.cursor("table") as rows:
            rows.itersize = _PAGE
            yield from rows.execute(_TABLE, [upto])

    def in_table(self, upto: int = 2**62) -> int:
        """How many readings of these."""
        with psycopg.connect(self.dsn) as connection:
            found = connection.execute(_COUNT, [upto]).fetchone()
        return int(found[0]) if found else 0

    def dead_letters(self) -> int:
        """What the ingesters refused, and what the gateway set aside."""
        refused = len(self.kafka.records("sensor-readings-dlq"))
        return refused + int(self.gateway.rows("SELECT count(*) FROM dead_letters")[0][0])

    def arrivals(self) -> dict[str, list[int]]:
        """The sequence numbers of each sensor's readings by the order in which Kafka keeps them, repeats left out."""
        order: dict[str, dict[int, None]] = {}
        for message in self.kafka.records("sensor-readings", within_s=120):
            key, headers = message.key(), dict(message.headers() or ())
            sequence = headers["sequence"]
            assert isinstance(key, bytes) and isinstance(sequence, bytes)
            order.setdefault(key.decode(), {})[int(sequence)] = None
        return {sensor: list(seqs) for sensor, seqs in order.items()}

    def _prepare(self) -> None:
        registry = ["--registry", self._registry.address]
        self._backend("db", "migrate", "--dsn-file", str(self._dsn_file))
        self._backend("topics", "apply", "--bootstrap", self.kafka.bootstrap, "--replication", "1")
        self._backend("schemas", "register", *registry)

    def _backend(self, *words: str) -> None:
        process = Process("-".join(("backend", *words[:2])), _BACKEND + list(words), self._folder)
        process.start()
        if process.child.wait(60):
            raise RuntimeError(f"aqua-backend {' '.join(words[:2])} failed:\n{process.said}")

    def _ingester(self, number: int) -> Process:
        words = ["ingest", "--bootstrap", f"{HOST}:{self.kafka.wires['INGEST'].port}", "--registry"]
        words += [self._registry.address, "--dsn-file", str(self._dsn_file), "--instance", f"ingest-{number}"]
        return Process(f"ingest-{number}", [*_BACKEND, *words, "--port", str(free_port())], self._folder)

    def _service(self, service: S) -> S:
        self._closing.enter_context(service)
        return service

    def _process(self, process: P) -> P:
        process.start()
        self._closing.callback(process.clean_up)
        return process


_BACKEND = [sys.executable, "-m", "cloud_sync.backend"]


def _gateway(folder: Path, sondes: int, probes: int, period_s: float, bootstrap: str, registry: str) -> str:
    """The gateway's file; the sonde's profile lies beside it."""
    (folder / "profiles").mkdir()
    (folder / "profiles" / "sonde.toml").write_text(_profile())
    lines = [
        '[gateway]\nid = "soak"',
        "[ring_buffer]\nsize_mb = 2000\ncommit_s = 0.5",
        f'[mqtt]\nport = {free_port()}\n[[tanks]]\nname = "tank-1"',
        f'[buses.lan]\nprotocol = "modbus-tcp"\nhost = "{HOST}"\nport = {sondes}',
        f'[sinks.kafka]\nkind = "kafka"\nbootstrap_servers = "{bootstrap}"\nregistry_url = "{registry}"',
        "tls = false\nlinger_s = 0.5\ntimeout_s = 10\nclock_patience_s = 0",
    ]
    lines += [f"[checks.{kind}]\n" + "\n".join(f"{check} = false" for check in _CHECKS) for kind in _TYPES]
    lines += [
        f'[[probes]]\nname = "sonde-{unit}"\ntank = "tank-1"\nbus = "lan"\nprofile = "sonde"\nunit = {unit}\n'
        f"period_s = {period_s}"
        for unit in range(1, probes + 1)
    ]
    return "\n".join(lines) + "\n"


def _profile() -> str:
    lines = [
        'title = "Counting sonde"\nmanufacturer = "soak"\nmanual = "tests/soak/counting_sondes.py"',
        'byte_order = "ABCD"\nbyte_order_verified = "simulated"',
        '[serial]\nbaud = 9600\nparity = "N"\nstop_bits = 1\nunit = 1',
        f'[[block]]\nspace = "holding"\naddress = 0\ncount = {2 * CHANNELS}',
    ]
    lines += [
        f'[[channel]]\nname = "c{i}"\nquantity = "{_TYPES[i % len(_TYPES)]}"\naddress = {2 * i}\ntype = "float32"\n'
        f'unit = "{_UNITS[i % len(_UNITS)]}"\nspan = [0, 16777216]'
        for i in range(CHANNELS)
    ]
    return "\n".join(lines) + "\n"
