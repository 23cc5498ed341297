"""Probes, one after the other: which model, under which name, in which tank."""

from collections.abc import Sequence
from dataclasses import replace

from agent.domain.errors import AquaError
from agent.domain.farm import MODBUS, Protocol, Unit
from agent.scan.search import Found
from agent.setup.draft import LineDraft, ProbeDraft
from agent.setup.names import no_name, probe_name
from agent.setup.questions import Questions
from agent.setup.spoken import factory_unit, no_model, period_s, spoken
from drivers import profile
from drivers.interfaces import Profile


class Probes:
    """Asks; no two get the same name."""

    def __init__(self, ask: Questions, tanks: Sequence[str]) -> None:
        self._ask = ask
        self._tanks = tanks
        self._taken: set[str] = set()
        self._last_tank = 0

    def taken_up(self, one: Found) -> ProbeDraft | None:
        """One that a scan found; None when it is to be left out. Raises AquaError where nobody can choose."""
        if not self._ask.present and len(one.models) > 1:
            raise AquaError(f"unit {one.unit} may be {' or '.join(one.models)}: say which with --probe")
        chosen = self._ask.one_of("Which is it?", [*one.models, "leave it out"])
        if chosen == len(one.models):
            return None
        remark = "" if one.proven else "by its values: check the label"
        return self._named(profile(one.models[chosen]), one.unit, remark)

    def by_hand(self, line: LineDraft) -> LineDraft:
        """The line with one more."""
        self._ask.say("The models are in: aqua-gateway probes list")
        model = profile(self._ask.text("Model", "", lambda name: no_model(name, line)))
        line = spoken(line, model)
        unit: Unit | None = None
        if line.protocol in MODBUS:
            unit = int(self._ask.text("Its Modbus address", str(factory_unit(model) or 1), _no_unit))
        elif line.protocol is Protocol.SDI_12:
            unit = self._ask.text("Its SDI-12 address", "0")
        return replace(line, probes=[*line.probes, self._named(model, unit)])

    def thermometer(self, device: str) -> ProbeDraft:
        return self._named(profile("ds18b20"), device)

    def _named(self, model: Profile, unit: Unit | None, remark: str = "") -> ProbeDraft:
        name = self._ask.text("Name of this probe", probe_name(model, self._taken), self._no_new_name)
        if len(self._tanks) > 1:
            if not self._ask.present:
                raise AquaError(f"nobody says in which tank {name} hangs: name it with --probe TANK/{name}=…")
            self._last_tank = self._ask.one_of("In which tank?", self._tanks, self._last_tank)
        self._taken.add(name)
        return ProbeDraft(name, self._tanks[self._last_tank], model.name, unit, period_s(model), remark)

    def _no_new_name(self, answer: str) -> str | None:
        return "another probe has that name" if answer in self._taken else no_name(answer)


def _no_unit(answer: str) -> str | None:
    return None if answer.isdecimal() and 1 <= int(answer) <= 247 else "a number from 1 to 247"
