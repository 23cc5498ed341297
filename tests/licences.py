"""Whose work is in the gateway: `python -m tests.licences SBOM.json` lists the packages of a CycloneDX file.

One without a licence there may name it in a way that the tool does not understand, as sqlite-fts4 1.0.3 does
(Apache-2.0): a person has to look.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_TEXT: Final = ("declared license of", "License file")
_LONGEST: Final = 100


def licences(component: Mapping[str, Any]) -> Iterator[str]:
    """SPDX ids and expressions, or what the package itself says, but not whole licences."""
    for one in component.get("licenses", ()):
        if "expression" in one:
            yield one["expression"]
            continue
        name = one["license"].get("id") or one["license"]["name"]
        told = one["license"].get("text", {}).get("content", "") if name.startswith(_TEXT) else name
        if told and len(told) < _LONGEST:
            yield told


def main() -> int:
    components = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["components"]
    for component in sorted(components, key=lambda component: component["name"].lower()):
        found = ", ".join(dict.fromkeys(licences(component)))
        print(f"{component['name']:<24} {component.get('version', '?'):<12} {found or 'none is named: look'}")
    return 0 if components else 1


if __name__ == "__main__":
    sys.exit(main())
