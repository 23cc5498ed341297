"""The commented example of a configuration, for those who begin without one. `python -m agent.config.example FILE`."""

import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

BROKER_PASSWORD: Final = "mqtt.secret"  # noqa: S105 - the file that has it
_LINES: Final = ('username = "gateway"', f'password = {{ file = "{BROKER_PASSWORD}" }}')


def example(with_password: bool) -> str:
    """The text of the file, with the password of the local broker or without."""
    text = files("agent.config").joinpath("example.toml").read_text(encoding="utf-8")
    for line in _LINES if with_password else ():
        text = text.replace(f"# {line}", line)
    return text


def write_example(path: Path) -> None:
    """With the broker's password if the installation has put one beside `path`.

    Raises OSError when there is such a file already, or when it cannot be written.
    """
    text = example(path.with_name(BROKER_PASSWORD).exists())
    with path.open("x", encoding="utf-8") as file:
        path.chmod(0o640)
        file.write(text)


if __name__ == "__main__":
    write_example(Path(sys.argv[1]))
