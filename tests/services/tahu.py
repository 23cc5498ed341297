"""Eclipse Tahu, the reference implementation of Sparkplug B: a decoder that is not ours."""

import base64
import json
import shutil
import subprocess
from types import TracebackType
from typing import Any, Self

from tests.services import downloads
from tests.services.service import NotInstalled


class Tahu:
    """A child process while the context lasts; payloads as objects, by the names of sparkplug_b.proto in camelCase.

    Fields that are not in the payload are not in the object.
    """

    def __init__(self) -> None:
        program = shutil.which("node")
        if program is None:
            raise NotInstalled("there is no Node.js here; install it with: sudo apt-get install nodejs npm")
        script = downloads.TAHU_PAYLOADS / "tahu.mjs"
        command = [program, str(script), str(downloads.tahu())]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._child:  # whose end of input is its end
            try:
                self._child.communicate(timeout=30)
            finally:
                self._child.kill()

    def decode(self, payload: bytes) -> dict[str, Any]:
        """AssertionError for what is no payload."""
        decoded: dict[str, Any] = self._asked({"decode": base64.b64encode(payload).decode()})
        return decoded

    def encode(self, payload: dict[str, Any]) -> bytes:
        return base64.b64decode(self._asked({"encode": payload}))

    def _asked(self, question: dict[str, Any]) -> Any:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(question) + "\n")
        self._child.stdin.flush()
        said = json.loads(self._child.stdout.readline())
        assert "error" not in said, said
        return said["answer"]
