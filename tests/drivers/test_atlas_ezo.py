"""What an EZO driver does when the circuit does not play along."""

from collections.abc import Mapping, Sequence

import pytest

from agent.domain.errors import BadReply, NoReply
from agent.domain.reading import Missing
from drivers import profile
from drivers.interfaces import ProbeDriver

HELLO = {"*OK,1": ["*OK"], "C,0": ["*OK"]}


class Circuit:
    """A text bus whose answers are set by the test; a command without one meets silence."""

    name = "lab"

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        self.answers = {**HELLO, **answers}
        self.heard: list[str] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ask(self, command: str, answer_within_s: float) -> list[str]:
        self.heard.append(command)
        if command not in self.answers:
            raise NoReply(f"no answer to {command}")
        return list(self.answers[command])


def driver(model: str, answers: Mapping[str, Sequence[str]]) -> tuple[Circuit, ProbeDriver]:
    circuit = Circuit(answers)
    return circuit, profile(model).driver(circuit, 0)


async def test_a_circuit_is_introduced_once() -> None:
    circuit, ezo = driver("atlas-ezo-do", {"O,?": ["?O,mg,%", "*OK"], "R": ["8.25,97.4", "*OK"]})
    await ezo.read()
    await ezo.read()
    assert circuit.heard == ["*OK,1", "C,0", "O,?", "R", "R"]


async def test_a_restarted_circuit_is_introduced_again() -> None:
    circuit, ezo = driver("atlas-ezo-do", {"O,?": ["?O,mg", "*OK"], "R": ["8.25", "*OK"]})
    await ezo.read()
    circuit.answers["O,?"] = ["?O,%", "*OK"]
    circuit.answers["R"] = ["*RS", "*RE", "97.4", "*OK"]
    circuit.heard.clear()
    values = await ezo.read()
    assert circuit.heard == ["R", "*OK,1", "C,0", "O,?", "R"]
    assert values["saturation"] == 97.4
    assert isinstance(values["dissolved_oxygen"], Missing)


async def test_a_circuit_that_failed_may_be_another_one_when_it_is_back() -> None:
    circuit, ezo = driver("atlas-ezo-do", {"O,?": ["?O,mg", "*OK"], "R": ["8.25", "*OK"]})
    await ezo.read()
    del circuit.answers["R"]
    with pytest.raises(NoReply):
        await ezo.read()
    circuit.answers |= {"O,?": ["?O,%", "*OK"], "R": ["97.4", "*OK"]}
    assert (await ezo.read())["saturation"] == 97.4


async def test_a_dead_circuit_costs_one_timeout_a_turn() -> None:
    circuit, ezo = driver("atlas-ezo-ec", {})
    del circuit.answers["*OK,1"]
    with pytest.raises(NoReply):
        await ezo.read()
    assert circuit.heard == ["*OK,1"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["*ER"], "refuses to read"),
        (["*OK"], "sent no value"),
        (["8.25,97.4", "*OK"], "'8.25,97.4' instead of MG"),
        (["8,2,5", "*OK"], "instead of MG"),
        (["?CAL,2", "*OK"], "instead of MG"),
        (["8.2.5", "*OK"], "instead of MG"),
        (["", "*OK"], "instead of MG"),
    ],
)
async def test_an_answer_of_another_shape_is_no_value(lines: list[str], words: str) -> None:
    _, ezo = driver("atlas-ezo-do", {"O,?": ["?O,mg", "*OK"], "R": lines})
    with pytest.raises(BadReply, match=words):
        await ezo.read()


@pytest.mark.parametrize("answer", [["*ER"], ["7.01", "*OK"], ["*OK"]])
async def test_without_knowing_its_outputs_nothing_is_read(answer: list[str]) -> None:
    circuit, ezo = driver("atlas-ezo-ec", {"O,?": answer, "R": ["1413", "*OK"]})
    with pytest.raises(BadReply, match=r"answers O,\? with"):
        await ezo.read()
    assert "R" not in circuit.heard


@pytest.mark.parametrize(
    ("scale", "number", "celsius"), [("?S,c", "25", 25), ("?s, K", "298.15", 25), ("?S,f", "32", 0)]
)
async def test_temperature_is_celsius_whatever_the_scale(scale: str, number: str, celsius: float) -> None:
    _, ezo = driver("atlas-ezo-rtd", {"S,?": [scale, "*OK"], "R": [number, "*OK"]})
    assert (await ezo.read())["temperature"] == pytest.approx(celsius, abs=1e-9)


async def test_an_unknown_scale_is_no_temperature() -> None:
    _, ezo = driver("atlas-ezo-rtd", {"S,?": ["?S,r", "*OK"], "R": ["20", "*OK"]})
    with pytest.raises(BadReply, match="unknown scale"):
        await ezo.read()


@pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
async def test_what_is_no_number_is_missing(word: str) -> None:
    _, ezo = driver("atlas-ezo-ph", {"R": [word, "*OK"]})
    assert isinstance((await ezo.read())["ph"], Missing)
