"""Atlas Scientific EZO circuits: pH, dissolved oxygen, conductivity, temperature.

From the datasheets. pH answers R with three decimals in 0.9 s; calibration at mid comes first and clears low and high.
DO: mg/L, and % saturation after `O,%,1`, always in this order, in 0.6 s; `S,n,ppt` and `P,kPa` compensate, `Cal` is in
air and `Cal,0` in zero. EC: EC in µS/cm, TDS, S, SG as enabled, in this order, in 0.6 s; from firmware 2.10 on only EC
is enabled at first. RTD: °C, K or °F in 0.6 s, -1023 without a probe. `O,?` answers like `?,O,%,mg`.
Common manners: `ezo`.
"""

from collections.abc import Callable
from typing import ClassVar

from simulators.probe import Sense, Senses
from simulators.twins.ezo import EzoTwin, NotUnderstood
from simulators.water import at_25_degrees, salinity


class _Compensated(EzoTwin):
    def more_commands(self) -> dict[str, Callable[[list[str]], list[str]]]:
        return {"t": self._temperature, "rt": self._read_at}

    def _temperature(self, arguments: list[str]) -> list[str]:
        if arguments != ["?"]:
            arguments = [str(float(*arguments))]
        return self.setting("t", arguments)

    def _read_at(self, arguments: list[str]) -> list[str]:
        self._temperature(arguments)
        return self._read([])


class EzoPh(_Compensated):
    model, kind, firmware = "atlas-ezo-ph", "pH", "2.16"
    channels: ClassVar = {"ph": Sense("ph", tau_s=4.0, noise=0.003, resolution=0.001)}
    read_s, calibration_s, boot_s = 0.9, 0.9, 0.85

    def reading(self) -> str | None:
        ph = self.senses.read("ph")
        return "check probe" if ph is None else f"{ph:.3f}"

    def more_commands(self) -> dict[str, Callable[[list[str]], list[str]]]:
        return {**super().more_commands(), "slope": lambda _: ["?Slope,99.7,100.3,-0.89"]}

    def calibration_step(self, step: str) -> None:
        if step not in ("mid", "low", "high"):
            raise NotUnderstood
        if step == "mid":
            self.calibrated.clear()
        super().calibration_step(step)


class _SeveralOutputs(_Compensated):
    """`outputs`: the names of all outputs in the order of an answer."""

    outputs: ClassVar[tuple[str, ...]]
    told: ClassVar[tuple[str, ...]]
    """The order of an answer to `O,?`."""

    def __init__(self, senses: Senses, name: str = "") -> None:
        super().__init__(senses, name)
        self.enabled = {self.outputs[0]}

    def values(self) -> dict[str, str] | None:
        """All outputs as text; None without a value."""
        raise NotImplementedError

    def reading(self) -> str | None:
        if not self.enabled:
            return "no output"
        values = self.values()
        return None if values is None else ",".join(values[o] for o in self.outputs if o in self.enabled)

    def more_commands(self) -> dict[str, Callable[[list[str]], list[str]]]:
        return {**super().more_commands(), "o": self._output}

    def _output(self, arguments: list[str]) -> list[str]:
        if arguments == ["?"]:
            return [",".join(["?,O", *(o for o in self.told if o in self.enabled)])]
        wanted, on = arguments
        output = {o.lower(): o for o in self.outputs}.get(wanted)
        if output is None or on not in ("0", "1"):
            raise NotUnderstood
        (self.enabled.add if on == "1" else self.enabled.discard)(output)
        return []


class EzoDo(_SeveralOutputs):
    model, kind, firmware = "atlas-ezo-do", "DO", "1.98"
    channels: ClassVar = {"oxygen": Sense("oxygen_mg_per_l", tau_s=12.0, noise=0.01, resolution=0.01)}
    calibration_s = 1.3
    outputs, told = ("mg", "%"), ("%", "mg")

    def values(self) -> dict[str, str] | None:
        oxygen, percent = self.senses.read("oxygen"), self.senses.along("oxygen_percent", "oxygen")
        return None if oxygen is None or percent is None else {"mg": f"{oxygen:.2f}", "%": f"{percent:.1f}"}

    def more_commands(self) -> dict[str, Callable[[list[str]], list[str]]]:
        return {
            **super().more_commands(),
            "s": self._salinity,
            "p": lambda arguments: self.setting("p", arguments),
        }

    def __init__(self, senses: Senses, name: str = "") -> None:
        super().__init__(senses, name)
        self.settings |= {"s": "0,uS", "p": "101.3", "t": "20.0"}

    def _salinity(self, arguments: list[str]) -> list[str]:
        if arguments == ["?"]:
            return self.setting("s", arguments)
        number, unit = (*arguments, "us")[:2]
        if unit not in ("us", "ppt") or len(arguments) > 2:
            raise NotUnderstood
        return self.setting("s", [f"{float(number):g},{'uS' if unit == 'us' else unit}"])

    def calibration_step(self, step: str) -> None:
        if step not in ("", "0"):
            raise NotUnderstood
        super().calibration_step(step)


class EzoEc(_SeveralOutputs):
    model, kind, firmware = "atlas-ezo-ec", "EC", "2.16"
    channels: ClassVar = {"conductivity": Sense("conductivity_ms_per_cm", tau_s=2.0, noise=0.0002)}
    outputs = told = ("EC", "TDS", "S", "SG")

    def values(self) -> dict[str, str] | None:
        actual = self.senses.read("conductivity")
        if actual is None:
            return None
        compensated = 1000 * at_25_degrees(actual, float(self.settings["t"]))
        psu = salinity(compensated / 1000, 25.0)
        return {
            "EC": f"{float(f'{compensated:.4g}'):g}" if compensated >= 100 else f"{compensated:.2f}",
            "TDS": f"{0.54 * compensated:.0f}",
            "S": f"{psu:.2f}",
            "SG": f"{1 + 0.00076 * psu:.3f}",
        }

    def more_commands(self) -> dict[str, Callable[[list[str]], list[str]]]:
        return {**super().more_commands(), "k": lambda arguments: self.setting("k", arguments)}

    def __init__(self, senses: Senses, name: str = "") -> None:
        super().__init__(senses, name)
        self.settings |= {"k": "1.0"}


class EzoRtd(EzoTwin):
    model, kind, firmware = "atlas-ezo-rtd", "RTD", "2.10"
    channels: ClassVar = {"temperature": Sense("temperature_c", tau_s=13.0, noise=0.003, resolution=0.001)}

    def reading(self) -> str | None:
        celsius = self.senses.read("temperature")
        if celsius is None:
            return "-1023.000"
        scale = self.settings["s"]
        return f"{ {'c': celsius, 'k': celsius + 273.15, 'f': celsius * 1.8 + 32}[scale]:.3f}"

    def more_commands(self) -> dict[str, Callable[[list[str]], list[str]]]:
        return {"s": self._scale}

    def __init__(self, senses: Senses, name: str = "") -> None:
        super().__init__(senses, name)
        self.settings |= {"s": "c"}

    def _scale(self, arguments: list[str]) -> list[str]:
        if arguments[0] not in ("c", "k", "f", "?"):
            raise NotUnderstood
        return self.setting("s", arguments)
