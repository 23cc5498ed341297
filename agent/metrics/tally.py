"""What a bus has done since the process started."""

from dataclasses import dataclass, field

from agent.metrics.worst import Worst


@dataclass(slots=True)
class Tally:
    """`polls` of devices took `busy_s`; of these, `failures` were not answered rightly, and `errors` found no port.

    `late` is how long past its time a turn began, in seconds.
    """

    polls: int = 0
    failures: int = 0
    errors: int = 0
    busy_s: float = 0.0
    late: Worst = field(default_factory=Worst)
