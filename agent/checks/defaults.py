"""Limits that apply where the configuration says nothing, in canonical units.

Sources: DO and temperature spikes from the CMAR aquaculture quality-control thresholds (qaqcmar), pH spikes from the
QARTOD pH manual 1.0. User spans are physical bounds of farmed water; rates are set above what a failed aerator does at
120 kg/m³ and 500 mg O2/kg/h (1 mg/L a minute). Times of the flat line allow for probes that resolve 0.1 °C. A jump
within what a usual probe is accurate to is no anomaly. All are starting points for the commissioning of a site, not
facts about its water.
"""

from typing import Any

from agent.checks import anomaly, flat_line, gross_range, rate_of_change, spike, syntax, z_score
from agent.domain.farm import Span
from agent.domain.quantity import Quantity

_HOUR = 3600.0


def limits_for(quantity: Quantity) -> dict[str, Any]:
    """The default limits of every check that makes sense for `quantity`, by the check's name."""
    return _EVERYWHERE | _BY_QUANTITY.get(quantity, {})


_EVERYWHERE: dict[str, Any] = {
    "gross_range": gross_range.Limits(),
    "z_score": z_score.Limits(),
    "syntax": syntax.Limits(),
    "anomaly": anomaly.Limits(),
}

_BY_QUANTITY: dict[Quantity, dict[str, Any]] = {
    Quantity.TEMPERATURE: {
        "gross_range": gross_range.Limits(user=Span(-2, 40)),
        "spike": spike.Limits(0.5, 1.6),
        "rate_of_change": rate_of_change.Limits(0.5),
        "flat_line": flat_line.Limits(6 * _HOUR, 12 * _HOUR),
        "anomaly": anomaly.Limits(least=0.1),
    },
    Quantity.PH: {
        "gross_range": gross_range.Limits(user=Span(4, 11)),
        "spike": spike.Limits(0.1, 0.2),
        "rate_of_change": rate_of_change.Limits(0.2),
        "flat_line": flat_line.Limits(2 * _HOUR, 6 * _HOUR),
        "anomaly": anomaly.Limits(least=0.05),
    },
    Quantity.DISSOLVED_OXYGEN: {
        "gross_range": gross_range.Limits(user=Span(0, 20)),
        "spike": spike.Limits(0.76, 2.28),
        "rate_of_change": rate_of_change.Limits(3.0),
        "flat_line": flat_line.Limits(0.5 * _HOUR, 2 * _HOUR),
        "anomaly": anomaly.Limits(least=0.1),
    },
    Quantity.DISSOLVED_OXYGEN_SATURATION: {
        "gross_range": gross_range.Limits(user=Span(0, 200)),
        "spike": spike.Limits(7.4, 25.0),
        "rate_of_change": rate_of_change.Limits(35.0),
        "flat_line": flat_line.Limits(0.5 * _HOUR, 2 * _HOUR),
        "anomaly": anomaly.Limits(least=1.0),
    },
    Quantity.SALINITY: {
        "gross_range": gross_range.Limits(user=Span(0, 42)),
        "flat_line": flat_line.Limits(6 * _HOUR, 12 * _HOUR),
        "anomaly": anomaly.Limits(least_share=0.02),
    },
    Quantity.CONDUCTIVITY: {
        "gross_range": gross_range.Limits(user=Span(0, 70)),
        "flat_line": flat_line.Limits(6 * _HOUR, 12 * _HOUR),
        "anomaly": anomaly.Limits(least_share=0.02),
    },
}
