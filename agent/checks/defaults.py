"""Limits that apply where the configuration says nothing, in canonical units.

Sources: CMAR is the aquaculture quality control of the Centre for Marine Applied Research (qaqcmar), pH the QARTOD pH
manual 1.0, FAO its fisheries technical paper 589, "spec" the specification of this gateway. "ours" is a choice with its
reason. All are starting points for the commissioning of a site, not facts about its water.

Night oxygen has limits where the gateway's place is known. Climatology, attenuated signal and multi-variate have none:
what is usual in spring, how much the water has to vary, and what moves with what, is known on a site alone.
"""

from typing import Any

from agent.checks import (
    anomaly,
    flat_line,
    gross_range,
    neighbour,
    night_oxygen,
    out_of_water,
    pair_drift,
    previous_spike,
    rate_of_change,
    spike,
    syntax,
    timing,
    z_score,
)
from agent.domain.farm import Span
from agent.domain.quantity import Quantity
from agent.domain.sun import Place

_HOUR = 3600.0


def limits_for(quantity: Quantity, place: Place | None = None) -> dict[str, Any]:
    """The default limits of every check that makes sense for `quantity` at that place, by the check's name."""
    found = _EVERYWHERE | _BY_QUANTITY.get(quantity, {})
    if place is not None and quantity is Quantity.DISSOLVED_OXYGEN_SATURATION:
        found["night_oxygen"] = night_oxygen.Limits(latitude=place.latitude, longitude=place.longitude)
    return found


_EVERYWHERE: dict[str, Any] = {
    "gross_range": gross_range.Limits(),  # the sensor's span comes from its manual, by way of the probe's profile
    "z_score": z_score.Limits(),  # spec: 24 h, |z| > 3
    "syntax": syntax.Limits(),
    "anomaly": anomaly.Limits(),
    "timing": timing.Limits(_HOUR),  # pH: TIM_INC; there it fails, but the value after a hole is as good as any
    "out_of_water": out_of_water.Limits(),
}

# gross_range: ours, physical bounds of farmed water (CMAR has 0 to 150 % for open sea; ponds at noon go higher).
# rate_of_change: ours, above what a failed aerator does at 120 kg/m³ and 500 mg O2/kg/h (1 mg/L a minute), and what a
# water change does to temperature and pH. flat_line: ours. A calm probe that rounds to r shows one value at the top and
# bottom of a daily wave of amplitude a for (24 h / pi) * sqrt(2 r / a): oxygen for 1.5 h (0.01 and 0.5 mg/L), pH for
# 3.4 h (0.01 and 0.1), so it is suspect from then on; it fails where fish may be lost. A thermometer that resolves
# 0.1 °C stands still for hours. neighbour: FAO for pH (0.3 in half a day can be harmful); for the others ours, twice
# the suspect spike, and a third of it counts as seen. anomaly: what a usual probe is accurate to. pair_drift: ours, a
# few times the noise of an hourly mean: water is not the same in two places of a tank.
_BY_QUANTITY: dict[Quantity, dict[str, Any]] = {
    Quantity.TEMPERATURE: {
        "gross_range": gross_range.Limits(user=Span(-2, 40)),
        "spike": spike.Limits(0.5, 1.6),  # CMAR, least and greatest of its sites
        "previous_spike": previous_spike.Limits(0.5, 1.6),  # the same
        "rate_of_change": rate_of_change.Limits(0.5),
        "flat_line": flat_line.Limits(6 * _HOUR, 12 * _HOUR),
        "anomaly": anomaly.Limits(least=0.1),
        "neighbour": neighbour.Limits(1.0, 0.3),
        "pair_drift": pair_drift.Limits(least=0.03),
    },
    Quantity.PH: {
        "gross_range": gross_range.Limits(user=Span(4, 11)),
        "spike": spike.Limits(0.1, 0.2),  # pH: THRSHLD_LOW and THRSHLD_HIGH
        "previous_spike": previous_spike.Limits(0.1, 0.2),  # the same
        "rate_of_change": rate_of_change.Limits(0.2),
        "flat_line": flat_line.Limits(4 * _HOUR, 6 * _HOUR),
        "anomaly": anomaly.Limits(least=0.05),
        "neighbour": neighbour.Limits(0.3, 0.1),
        "pair_drift": pair_drift.Limits(least=0.015),
    },
    Quantity.DISSOLVED_OXYGEN: {
        "gross_range": gross_range.Limits(user=Span(0, 20)),
        "spike": spike.Limits(0.76, 2.28),  # CMAR
        "previous_spike": previous_spike.Limits(0.76, 2.28),  # the same
        "rate_of_change": rate_of_change.Limits(3.0),
        "flat_line": flat_line.Limits(1.5 * _HOUR, 2 * _HOUR),
        "anomaly": anomaly.Limits(least=0.1),
        "neighbour": neighbour.Limits(1.5, 0.5),
        "pair_drift": pair_drift.Limits(least=0.05),
    },
    Quantity.DISSOLVED_OXYGEN_SATURATION: {
        "gross_range": gross_range.Limits(user=Span(0, 200)),
        "spike": spike.Limits(7.4, 25.0),  # CMAR has 7.35 to fail in open sea; ours in a tank: its mg/L at 15 °C
        "previous_spike": previous_spike.Limits(7.4, 25.0),  # the same
        "rate_of_change": rate_of_change.Limits(35.0),
        "flat_line": flat_line.Limits(1.5 * _HOUR, 2 * _HOUR),
        "anomaly": anomaly.Limits(least=1.0),
        "neighbour": neighbour.Limits(15.0, 5.0),
        "pair_drift": pair_drift.Limits(least=0.5),
    },
    Quantity.SALINITY: {
        "gross_range": gross_range.Limits(user=Span(0, 42)),
        "flat_line": flat_line.Limits(6 * _HOUR, 12 * _HOUR),
        "anomaly": anomaly.Limits(least_share=0.02),
        "neighbour": neighbour.Limits(1.0, 0.3),
        "pair_drift": pair_drift.Limits(least_share=0.005),
    },
    Quantity.CONDUCTIVITY: {
        "gross_range": gross_range.Limits(user=Span(0, 70)),
        "flat_line": flat_line.Limits(6 * _HOUR, 12 * _HOUR),
        "anomaly": anomaly.Limits(least_share=0.02),
        "neighbour": neighbour.Limits(2.0, 0.6),
        "pair_drift": pair_drift.Limits(least_share=0.005),
    },
}
