"""When something happens: once or again and again, for a while."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """From `at_s` on for `for_s` seconds (None: for ever), repeated every `every_s` seconds (None: once)."""

    at_s: float = 0.0
    for_s: float | None = None
    every_s: float | None = None

    def began(self, now_s: float) -> float | None:
        """When the occurrence that holds at `now_s` began; None outside."""
        if now_s < self.at_s:
            return None
        turn = (now_s - self.at_s) // self.every_s if self.every_s else 0
        began = self.at_s + turn * (self.every_s or 0.0)
        return began if self.for_s is None or now_s - began < self.for_s else None

    def holds(self, now_s: float) -> bool:
        return self.began(now_s) is not None

    def scaled(self, factor: float) -> "Window":
        """The same window on a clock that runs `factor` times as fast."""
        return Window(
            self.at_s * factor,
            None if self.for_s is None else self.for_s * factor,
            None if self.every_s is None else self.every_s * factor,
        )
