"""What a person is told who is woken by an alarm: each has it, the farm's own words count, short enough to read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from agent import config
from agent.alarm_messages import state
from agent.config.advice import advice
from agent.config.document import Document
from agent.domain.alarm import Alarm, AlarmKind, Priority, Standing
from agent.domain.equipment import STORE
from agent.domain.farm import Sensor
from agent.domain.quantity import Quantity
from agent.views.alarm import standing_view
from tests.agent.farm import OXYGEN, TANK
from tests.agent.gateway_file import right, write


def of(kind: AlarmKind, quantity: Quantity | None = None) -> Alarm:
    source = STORE if quantity is None else Sensor(OXYGEN.sensor_id, TANK, "p-1", "any", quantity, None)
    return Alarm(source, kind, Priority.WARNING, 1.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("kind", AlarmKind)
def test_every_alarm_says_why_what_follows_and_what_to_do(kind: AlarmKind, tmp_path: Path) -> None:
    given = advice(Document({}, tmp_path, []))
    for quantity in (None, *Quantity):
        found = given(of(kind, quantity))
        assert all(word[-1] in ".?" and len(word) <= 150 for word in (found.cause, found.consequence, found.response))


def test_the_farms_own_words_count_key_by_key(tmp_path: Path) -> None:
    (tmp_path / "advice.toml").write_text(
        '[critical_low]\nresponse = "Call Ana."\n[critical_low.pH]\ncause = "The old dosing pump."\n'
    )
    alarms = {str(alarm): alarm for alarm in config.load(write(tmp_path, right())).alarms}
    ph, oxygen = alarms["tank-1/ph-1/ph/critical_low"], alarms["tank-1/do-1/dissolved_oxygen/critical_low"]
    assert ph.advice is not None
    assert oxygen.advice is not None
    assert (ph.advice.response, ph.advice.cause) == ("Call Ana.", "The old dosing pump.")
    assert oxygen.advice.response == "Call Ana."
    assert oxygen.advice.cause.startswith("Aeration")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[lo]\n", "advice.toml: lo"),
        ("[low]\nreaction = 'x'\n", "advice.toml: low.reaction"),
        ("[low.PH]\ncause = 'x'\n", "advice.toml: low.PH"),
        ("[low.pH]\ncause = 7\n", "advice.toml: low.pH.cause"),
        ("[low]\ncause = ' '\n", "advice.toml: low.cause"),
        ("low = 1\n", "advice.toml: low"),
        ("[low\n", "advice.toml"),
    ],
)
def test_a_mistake_in_them_is_named(text: str, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "advice.toml").write_text(text)
    with pytest.raises(config.ConfigError) as caught:
        config.load(write(tmp_path, right()))
    (problem,) = caught.value.problems
    assert problem.key.endswith(wrong)


def test_the_technician_sees_what_to_do(tmp_path: Path) -> None:
    alarm = next(
        alarm for alarm in config.load(write(tmp_path, right())).alarms if str(alarm).endswith("oxygen/critical_low")
    )
    told = state(alarm, Standing(active=True), None)
    assert told["response"].startswith("Go now.")
    console = Console(width=200)
    with console.capture() as captured:
        console.print(standing_view([told], datetime.now(UTC)))
    assert "Go now. Switch on emergency oxygen" in captured.get()
