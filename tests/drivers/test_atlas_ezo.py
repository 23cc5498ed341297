"""What an EZO driver does when the circuit does not play along."""

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.errors import BadReply, NoReply
from agent.domain.quantity import Quantity
from agent.domain.reading import Missing
from drivers import profile
from drivers.interfaces import Compensated as CompensatedProfile
from drivers.interfaces import ProbeDriver, Source, TellsCondition
from drivers.probes import ezo_answers as answers

HELLO = {
    "*OK,1": ["*OK"],
    "C,0": ["*OK"],
    "Status": ["?Status,P,5.038", "*OK"],
    "Slope,?": ["?Slope,99.7,100.3,-0.89", "*OK"],
}


class Circuit:
    """A text bus whose answers are set by the test; a command without one meets silence."""

    name = "lab"
    quiet_s = 0.0

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        self.answers = {**HELLO, **answers}
        self.heard: list[str] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def owe(self, seconds: float) -> None:
        pass

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
    assert circuit.heard == ["*OK,1", "C,0", "O,?", "R", "Status", "R"]


async def test_a_restarted_circuit_is_introduced_again() -> None:
    circuit, ezo = driver("atlas-ezo-do", {"O,?": ["?O,mg", "*OK"], "R": ["8.25", "*OK"]})
    await ezo.read()
    circuit.answers["O,?"] = ["?O,%", "*OK"]
    circuit.answers["R"] = ["*RS", "*RE", "97.4", "*OK"]
    circuit.heard.clear()
    values = await ezo.read()
    assert circuit.heard == ["R", "*OK,1", "C,0", "O,?", "R", "Status"]
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
        (["8_25", "*OK"], "instead of MG"),
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


class Compensated(Circuit):
    """A circuit that computes with what it is told, within its own ideas of form."""

    def __init__(self, temperature: str = "25.0", salinity: str = "0,µS") -> None:
        super().__init__({"O,?": ["?O,mg", "*OK"], "R": ["8.25", "*OK"]})
        self.holds = {"T": temperature, "S": salinity}
        self.refuses = ""

    async def ask(self, command: str, answer_within_s: float) -> list[str]:
        topic, _, rest = command.partition(",")
        if topic not in self.holds or topic == self.refuses:
            self.heard.append(command)
            return ["*ER"] if topic == self.refuses else list(self.answers[command])
        self.heard.append(command)
        if rest == "?":
            return [f"?{topic},{self.holds[topic]}", "*OK"]
        self.holds[topic] = rest
        return ["*OK"]


def compensated(circuit: Circuit, sources: Mapping[Quantity, Source]) -> ProbeDriver:
    model = profile("atlas-ezo-do")
    assert isinstance(model, CompensatedProfile)
    return model.compensated_driver(circuit, 0, sources)


def condition(ezo: ProbeDriver) -> Mapping[str, float | str]:
    assert isinstance(ezo, TellsCondition)
    return ezo.condition


async def test_a_circuit_computes_with_what_other_probes_measure() -> None:
    circuit = Compensated()
    water = {Quantity.TEMPERATURE: 17.513, Quantity.SALINITY: 34.2}
    ezo = compensated(circuit, {quantity: lambda quantity=quantity: water[quantity] for quantity in water})  # type: ignore[misc]
    await ezo.read()
    assert circuit.holds == {"T": "17.51", "S": "34.20,ppt"}
    assert circuit.heard[-6:] == ["T,17.51", "T,?", "S,34.20,ppt", "S,?", "R", "Status"]
    circuit.heard.clear()
    water[Quantity.TEMPERATURE] = 17.6
    await ezo.read()
    assert circuit.heard == ["R"], "a tenth of a degree is worth a command, less is not"
    water[Quantity.TEMPERATURE] = 17.62
    await ezo.read()
    assert circuit.heard == ["R", "T,17.62", "T,?", "R"]
    assert condition(ezo)["compensated_temperature"] == 17.62
    assert condition(ezo)["compensated_salinity"] == 34.2


@pytest.mark.parametrize(
    ("topic", "held", "value"),
    [("T", "17.5", 17.5), ("S", "34.2,ppt", 34.2), ("S", " 34.20, PPT", 34.2), ("S", "0,uS", 0.0), ("S", "0,µS", 0.0)],
)
async def test_what_a_circuit_has_already_is_not_sent_again(topic: str, held: str, value: float) -> None:
    circuit = Compensated(**{{"T": "temperature", "S": "salinity"}[topic]: held})
    quantity = Quantity.TEMPERATURE if topic == "T" else Quantity.SALINITY
    ezo = compensated(circuit, {quantity: lambda: value})
    await ezo.read()
    assert circuit.heard[-3:] == [f"{topic},?", "R", "Status"]
    assert condition(ezo)[f"compensated_{quantity.name.lower()}"] == value


async def test_what_may_not_be_used_is_never_sent_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """The circuit keeps the last good value; the reading goes on, since oxygen that nobody measures kills fish."""
    circuit = Compensated()
    now: list[float | Missing] = [17.5]
    ezo = compensated(circuit, {Quantity.TEMPERATURE: lambda: now[0]})
    await ezo.read()
    now[0] = Missing("the value of tank-1/rtd-1/temperature is 95 s old")
    circuit.heard.clear()
    for _ in range(3):
        assert (await ezo.read())["dissolved_oxygen"] == 8.25
    assert circuit.heard == ["R"] * 3
    assert condition(ezo)["compensated_temperature"] == 17.5
    assert condition(ezo)["compensated_temperature_trouble"] == "the value of tank-1/rtd-1/temperature is 95 s old"
    now[0] = 16.0
    await ezo.read()
    assert circuit.holds["T"] == "16.00"
    assert "compensated_temperature_trouble" not in condition(ezo)
    assert [record.getMessage() for record in caplog.records] == [
        "Atlas Scientific EZO-DO on lab: goes on with temperature of 17.5 °C: "
        "the value of tank-1/rtd-1/temperature is 95 s old",
        "Atlas Scientific EZO-DO on lab: is told the temperature again",
    ]


async def test_a_circuit_that_restarted_is_told_anew(caplog: pytest.LogCaptureFixture) -> None:
    circuit = Compensated()
    ezo = compensated(circuit, {Quantity.TEMPERATURE: lambda: 17.5})
    await ezo.read()
    circuit.holds["T"] = "25.0"
    circuit.answers |= {"R": ["*RS", "*RE", "8.10", "*OK"], "Status": ["?STATUS,B,4.1", "*OK"]}
    await ezo.read()
    assert circuit.holds["T"] == "17.50"
    assert condition(ezo)["last_restart"] == "brown out"
    assert condition(ezo)["supply_v"] == 4.1
    assert "EZO-DO on lab restarted" in caplog.text


async def test_a_restart_that_is_told_with_another_answer_is_heard_as_well() -> None:
    circuit = Compensated()
    now = [17.5]
    ezo = compensated(circuit, {Quantity.TEMPERATURE: lambda: now[0]})
    await ezo.read()
    now[0] = 20.0
    news, ask = ["*RS", "*RE"], circuit.ask

    async def restarted(command: str, answer_within_s: float) -> list[str]:
        lines = news + await ask(command, answer_within_s)
        news.clear()
        return lines

    circuit.ask = restarted  # type: ignore[method-assign]
    circuit.heard.clear()
    await ezo.read()
    assert circuit.heard == ["T,20.00", "T,?", "R", "*OK,1", "C,0", "O,?", "T,?", "R", "Status"]


async def test_a_refused_or_strange_compensation_is_told_and_the_reading_goes_on() -> None:
    circuit = Compensated()
    circuit.refuses = "T"
    ezo = compensated(circuit, {Quantity.TEMPERATURE: lambda: 17.5})
    assert (await ezo.read())["dissolved_oxygen"] == 8.25
    assert condition(ezo)["compensated_temperature_trouble"] == "the circuit refuses T,17.50"
    assert "compensated_temperature" not in condition(ezo)


async def test_a_ph_circuit_tells_how_good_its_probe_is() -> None:
    _, ezo = driver("atlas-ezo-ph", {"R": ["7.01", "*OK"]})
    assert condition(ezo) == {}
    await ezo.read()
    assert condition(ezo) == {
        "last_restart": "powered off",
        "supply_v": 5.038,
        "acid_slope_percent": 99.7,
        "base_slope_percent": 100.3,
        "zero_offset_mv": -0.89,
    }


async def test_a_ph_circuit_is_asked_again_how_good_its_probe_is() -> None:
    circuit, ezo = driver("atlas-ezo-ph", {"R": ["7.01", "*OK"]})
    await ezo.read()
    circuit.answers["Slope,?"] = ["?Slope,98.1,98.9,2.1", "*OK"]
    for _ in range(1000):
        await ezo.read()
    assert condition(ezo)["acid_slope_percent"] == 98.1
    assert circuit.heard.count("Slope,?") == 2


async def test_what_fails_to_be_told_costs_no_value_and_is_asked_for_again() -> None:
    circuit, ezo = driver("atlas-ezo-ph", {"R": ["7.01", "*OK"]})
    status = circuit.answers.pop("Status")
    assert (await ezo.read())["ph"] == 7.01
    assert condition(ezo) == {}
    circuit.answers["Status"] = status
    await ezo.read()
    assert condition(ezo)["acid_slope_percent"] == 99.7
    circuit.heard.clear()
    await ezo.read()
    assert circuit.heard == ["R"]


@pytest.mark.parametrize("answer", [["*ER"], ["?Slope,99.7", "*OK"], ["?Slope,a,b,c", "*OK"], ["*OK"]])
async def test_a_circuit_without_slope_and_status_is_read_all_the_same(answer: list[str]) -> None:
    _, ezo = driver("atlas-ezo-ph", {"R": ["7.01", "*OK"], "Status": ["*ER"], "Slope,?": answer})
    assert (await ezo.read())["ph"] == 7.01
    assert condition(ezo) == {}


lines_of_text = st.lists(st.text(max_size=30) | st.from_regex(r"\?[A-Za-z, ]{0,9}[-0-9.,]{0,12}", fullmatch=True))


@given(lines_of_text, st.sampled_from(["T", "S", "O", "Status", "Slope"]))
def test_any_lines_are_understood_or_nothing_is(lines: list[str], topic: str) -> None:
    answers.refused(lines)
    said = answers.told(lines, topic) or ()
    for meaning in (answers.status(said), answers.slope(said)):
        assert all(isinstance(value, str) or math.isfinite(value) for value in meaning.values())
    for number in (answers.temperature(said), answers.salinity(said)):
        assert number is None or math.isfinite(number)
    for line in lines:
        answers.numbers(line)
