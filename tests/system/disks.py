"""A disk that takes no writes, for every user."""

import resource
from pathlib import Path

from tests.system.processes import Gateway

_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class LimitedDisk:
    """No file of the gateway in folder `path` may grow beyond one page, so that the database takes nothing; small files
    go on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def fill(self, gateway: Gateway) -> None:
        resource.prlimit(gateway.child.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    def free(self, gateway: Gateway) -> None:
        resource.prlimit(gateway.child.pid, resource.RLIMIT_FSIZE, _UNLIMITED)
