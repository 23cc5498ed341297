"""What befalls the chain: kills and cuts, at random moments."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random

from tests.services.service import Service
from tests.soak.chain import Chain
from tests.system.processes import Process


class Chaos:
    """Round by round every kind of misfortune once, in any order. `happened` counts them by name."""

    def __init__(self, chain: Chain, seed: int) -> None:
        self._random = Random(seed)
        self._kinds: Mapping[str, Callable[[], None]] = {
            "gateway killed": lambda: self._kill(chain.gateway, 0.0),
            "broker killed": lambda: self._kill_service(chain.kafka),
            "database killed": lambda: self._kill_service(chain.postgres),
            "ingester killed": lambda: self._kill(self._random.choice(chain.ingesters), 2.0),
            "network cut": lambda: self._kill(self._random.choice(chain.wires), 5.0),
            "network silent": lambda: self._silence(self._random.choice(chain.wires)),
        }
        self._round: list[str] = []
        self.happened: Counter[str] = Counter()

    @property
    def has_had_everything(self) -> bool:
        """Every kind has happened."""
        return len(self.happened) == len(self._kinds)

    def pause_s(self) -> float:
        """Until the next one."""
        return self._random.uniform(1.0, 6.0)

    def strike(self) -> str:
        """One of them, over when this returns; the others go on meanwhile. Says what it was."""
        if not self._round:
            self._round = self._random.sample(list(self._kinds), len(self._kinds))
        name = self._round.pop()
        self._kinds[name]()
        self.happened[name] += 1
        return name

    def _kill(self, process: Process, away_s: float) -> None:
        process.kill()
        time.sleep(self._random.uniform(0.0, away_s))
        process.start()

    def _silence(self, wire: Process) -> None:
        wire.pause()
        time.sleep(self._random.uniform(1.0, 8.0))
        wire.resume()

    def _kill_service(self, service: Service) -> None:
        service.kill()
        time.sleep(self._random.uniform(0.0, 3.0))
        service.start()
