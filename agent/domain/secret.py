"""A secret that cannot be printed by accident."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A password or key; `reveal()` is the only way to its text, `source` says where it came from."""

    text: str
    source: str

    def reveal(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Secret({self.source})"
