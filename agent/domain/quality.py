"""The quality score of a reading in [0, 1]: how far its value can be believed, as far as the checks can tell.

A reading is worth as much as its worst verdict leaves it, so that more evidence never raises it:

    score  verdict                                                             statistics (>= 0.7)  poor (< 0.8)
    1.0    nothing against it, or nothing could be tested                      in                   no
    0.9    a hole before it, late or double; the value itself is fine          in                   no
    0.75   the water is unusual: an anomaly, out of season, a fast change      in                   yes
    0.5    the probe may be wrong: a suspect value, spike, line or partner     out                  yes
    0.2    the probe is almost certainly wrong: a spike that fails             out                  yes
    0.1    the probe has stopped measuring: a line that fails                  out                  yes
    0.0    no measurement at all: missing, or outside the sensor's span        out                  yes

Water that is wrong is no bad data: what speaks of the water alone leaves a reading usable and never fails it, so that
it is learnt as water and seen by every alarm. Whether a person has to act is for alarms, not for this score.
"""

from typing import Final

USABLE: Final = 0.7
"""From here on a reading counts in statistics (specification)."""

POOR: Final = 0.8
"""Below, the cloud's index of poor quality has the reading (specification)."""

PERFECT: Final = 1.0
OUT_OF_STEP: Final = 0.9
UNUSUAL_WATER: Final = 0.75
DOUBTFUL_PROBE: Final = 0.5
WRONG_PROBE: Final = 0.2
DEAD_PROBE: Final = 0.1
NO_MEASUREMENT: Final = 0.0
