"""farm.toml as checked tables. Every mistake is told with file, key and value; unknown keys are mistakes."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simulators.faults import VALUE_KINDS, Fault
from simulators.pond import PondSettings
from simulators.schedule import Window
from simulators.twins import TEXT_TWINS, TWINS
from simulators.twins.units import KINDS, WHAT_UNITS_ARE, is_unit, unit_of

Port = Annotated[int, Field(ge=0, le=65535)]


class FarmError(Exception):
    """The farm file cannot be used; the message has one line a mistake: file, key, value, reason."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class When(_Table):
    at_s: float = Field(0.0, ge=0)
    for_s: float | None = Field(None, gt=0)
    every_s: float | None = Field(None, gt=0)

    def window(self) -> Window:
        return Window(self.at_s, self.for_s, self.every_s)


class FaultTable(When):
    """The key that says how much depends on the kind: late needs `delay_s`, spike `size`, drift `per_min`; exception
    takes `code` (4 if absent).
    """

    kind: Literal[
        "silence",
        "crc_error",
        "late",
        "exception",
        "duplicate",
        "foreign",
        "stale",
        "unplug",
        "stuck",
        "spike",
        "drift",
    ]
    delay_s: float | None = Field(None, gt=0)
    code: int | None = Field(None, ge=1, le=255)
    size: float | None = None
    per_min: float | None = None
    channel: str | None = None

    @model_validator(mode="after")
    def _has_its_amount(self) -> "FaultTable":
        keys = {"late": "delay_s", "exception": "code", "spike": "size", "drift": "per_min"}
        mine = keys.get(self.kind)
        if mine not in (None, "code") and getattr(self, str(mine)) is None:
            raise ValueError(f"kind = {self.kind!r} needs {mine}")
        for key in keys.values():
            if key != mine and getattr(self, key) is not None:
                raise ValueError(f"{key} has no meaning with kind = {self.kind!r}")
        if self.channel is not None and self.kind not in VALUE_KINDS:
            raise ValueError(f"channel has no meaning with kind = {self.kind!r}")
        return self

    def fault(self) -> Fault:
        amounts = {"late": self.delay_s, "exception": self.code or 4, "spike": self.size, "drift": self.per_min}
        return Fault(self.kind, self.window(), amounts.get(self.kind) or 1.0, self.channel)


_PHYSICS = {f.name for f in fields(PondSettings)}
_MAY_BE_NEGATIVE = {"temperature_c", "feeding_hours"}


class PondTable(_Table):
    """Water by physics, whose settings are keys of this table; or `recording`, a file beside the farm's."""

    name: str = Field(min_length=1)
    settings: PondSettings = PondSettings()
    aeration_failures: list[When] = []
    recording: str | None = None
    repeat: bool = False

    @model_validator(mode="before")
    @classmethod
    def _gather_physics(cls, table: Any) -> Any:
        if not isinstance(table, dict) or "settings" in table:
            raise ValueError("not a pond")
        physics = {key: table[key] for key in _PHYSICS if key in table}
        rest = {key: table[key] for key in table if key not in _PHYSICS}
        if "recording" in table and (physics or "aeration_failures" in table):
            raise ValueError("a recorded pond has no physics: leave out " + ", ".join(sorted(table - rest.keys())))
        return {**rest, "settings": physics}

    @model_validator(mode="after")
    def _is_possible(self) -> "PondTable":
        for key in sorted(_PHYSICS - _MAY_BE_NEGATIVE):
            if getattr(self.settings, key) < 0:
                raise ValueError(f"{key} = {getattr(self.settings, key)} is negative")
        return self


class LineTable(_Table):
    """A line is a pty, a TCP port, or a folder like the kernel's for 1-Wire. While `unplugged`, the adapter or the
    device is gone.
    """

    pty: str | None = Field(None, min_length=1)
    folder: str | None = Field(None, min_length=1)
    tcp: Port | None = None
    framing: Literal["tcp", "rtu"] | None = None
    baud: int | None = Field(None, gt=0)
    reply_s: float = Field(0.0, ge=0)
    unplugged: list[When] = []

    @model_validator(mode="after")
    def _is_one_thing(self) -> "LineTable":
        if [self.pty, self.tcp, self.folder].count(None) != 2:
            raise ValueError("a line needs either pty or tcp (or folder, for 1-Wire)")
        if self.pty is not None and self.framing == "tcp":
            raise ValueError("framing = 'tcp' has no meaning on a pty")
        if self.pty is None and self.baud is not None:
            raise ValueError("baud has no meaning on a TCP port or in a folder")
        return self


class TwinTable(_Table):
    name: str = Field(min_length=1)
    model: str
    line: str
    unit: int | str | None = None
    pond: str
    sensors: int | None = Field(None, ge=1, le=32768)
    faults: list[FaultTable] = []


class BrokerTable(_Table):
    port: Port = 1883


class IngestTable(_Table):
    port: Port = 18080
    api_key: str = Field("demo-key", min_length=1)


class FarmFile(_Table):
    """A whole farm; `folder` is where the file is, from which its paths start."""

    folder: Path
    speed: float = Field(1.0, ge=0)
    seed: int = 0
    broker: BrokerTable | None = None
    ingest: IngestTable | None = None
    ponds: list[PondTable] = Field(min_length=1)
    lines: dict[str, LineTable] = {}
    twins: list[TwinTable] = []


def load(path: Path) -> FarmFile:
    """Read and check a farm file; raises FarmError."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FarmError(f"{path}: {error}") from error
    if "folder" in table:
        raise FarmError(f"{path}: folder: there is no such key")
    try:
        farm = FarmFile(folder=path.resolve().parent, **table)
    except ValidationError as error:
        raise FarmError("\n".join(f"{path}: {_told(mistake)}" for mistake in error.errors())) from error
    if mistakes := [f"{path}: {mistake}" for mistake in _disagreements(farm)]:
        raise FarmError("\n".join(mistakes))
    return farm


def _told(mistake: Any) -> str:
    key = ".".join(str(part) for part in mistake["loc"] if part != "settings")
    if mistake["type"] == "extra_forbidden":
        return f"{key} = {mistake['input']!r}: there is no such key"
    if mistake["type"] == "missing":
        return f"{key}: is missing"
    because = mistake["msg"].removeprefix("Value error, ")
    return f"{key}: {because}" if isinstance(mistake["input"], dict) else f"{key} = {mistake['input']!r}: {because}"


def _disagreements(farm: FarmFile) -> Iterator[str]:
    for kind, names in (("ponds", [p.name for p in farm.ponds]), ("twins", [t.name for t in farm.twins])):
        for name, count in Counter(names).items():
            if count > 1:
                yield f"{kind}: name = {name!r} is given {count} times"
    for pond in farm.ponds:
        if pond.recording is not None and not (farm.folder / pond.recording).is_file():
            yield f"ponds.{pond.name}.recording = {pond.recording!r}: no such file"
    for twin in farm.twins:
        yield from _twin_disagreements(farm, twin)
    for name in farm.lines:
        yield from _line_disagreements(farm, name)


def _twin_disagreements(farm: FarmFile, twin: TwinTable) -> Iterator[str]:
    where = f"twins.{twin.name}"
    if twin.line not in farm.lines:
        yield f"{where}.line = {twin.line!r}: no such line; there are {', '.join(farm.lines)}"
    if twin.pond not in {pond.name for pond in farm.ponds}:
        yield f"{where}.pond = {twin.pond!r}: no such pond; there are {', '.join(p.name for p in farm.ponds)}"
    if twin.model not in TWINS:
        yield f"{where}.model = {twin.model!r}: no such model; there are {', '.join(TWINS)}"
        return
    if twin.sensors is not None and twin.model != "generic":
        yield f"{where}.sensors = {twin.sensors}: only model 'generic' has a number of sensors"
    if twin.unit is not None and twin.model in TEXT_TWINS:
        yield f"{where}.unit = {twin.unit}: {twin.model} speaks text on a line of its own and has no unit"
    elif not is_unit(twin.model, twin.unit):
        yield f"{where}.unit = {twin.unit}: {WHAT_UNITS_ARE}"
    channels = TWINS[twin.model].channels
    for fault in twin.faults:
        if fault.channel is not None and fault.channel not in channels:
            yield f"{where}.faults.channel = {fault.channel!r}: {twin.model} has {', '.join(channels)}"


def _line_disagreements(farm: FarmFile, name: str) -> Iterator[str]:
    line, twins = farm.lines[name], [twin for twin in farm.twins if twin.line == name]
    texts = [twin for twin in twins if twin.model in TEXT_TWINS]
    if texts and (len(twins) > 1 or line.pty is None or line.framing is not None or line.baud is not None):
        yield f"lines.{name}: {texts[0].name} ({texts[0].model}) needs a pty of its own, without framing and baud"
    kinds = {kind for kind, models in KINDS.items() if any(twin.model in models for twin in twins)}
    if len(kinds) > 1 or (line.folder is None) == (kinds == {"1-Wire"}) or ("SDI-12" in kinds and line.pty is None):
        yield f"lines.{name}: Modbus, text and SDI-12 each need a line of their own, 1-Wire needs a folder"
    units = Counter(unit_of(twin.model, twin.unit) for twin in twins if twin.model not in TEXT_TWINS)
    for unit, count in units.items():
        if count > 1:
            yield f"lines.{name}: unit = {unit} is given to {count} twins"
    for twin in twins:
        if line.tcp is not None and line.framing != "rtu" and any(f.kind == "crc_error" for f in twin.faults):
            yield f"twins.{twin.name}.faults.kind = 'crc_error': Modbus TCP has no CRC (line {name!r})"
