"""`aqua-gateway buffer export`: what is stored of a time range, as CSV or JSON Lines."""

import argparse
import contextlib
import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from agent import config
from agent.domain.errors import AquaError
from agent.store.inspection.extract import extract
from agent.store.inspection.reader import Reader

_EVER_US = 2**62


def command(options: argparse.Namespace) -> int:
    """What the option `what` names, from `--from` on and before `--to`; 1 if damaged rows had to be left out."""
    gateway = config.load(options.config)
    begin = _utc_us(options.begin, "--from") if options.begin else 0
    end = _utc_us(options.end, "--to") if options.end else _EVER_US
    damaged: list[int] = []
    with contextlib.closing(Reader(gateway.store.path)) as reader, _output(options.output) as out:
        rows = extract(reader, options.what, begin, end, damaged.append)
        count = _write_csv(rows, out) if options.format == "csv" else _write_jsonl(rows, out)
    print(f"{count} {options.what}", file=sys.stderr)
    if damaged:
        raise AquaError(
            f"{len(damaged)} damaged rows are left out, the first is number {damaged[0]}; see buffer verify"
        )
    return 0


def _write_csv(rows: Iterator[dict[str, Any]], out: TextIO) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        if count == 1:
            writer = csv.DictWriter(out, list(row))
            writer.writeheader()
        writer.writerow({name: _flat(value) for name, value in row.items()})
    return count


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _write_jsonl(rows: Iterator[dict[str, Any]], out: TextIO) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _utc_us(text: str, option: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise AquaError(f"{option} {text!r} is no time; write for example 2026-07-01T06:00:00Z") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1e6)


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("x", encoding="utf-8", newline="") as out:
            yield out
    except FileExistsError:
        raise AquaError(f"{path} exists already; choose another name or remove it") from None
    except OSError as error:
        raise AquaError(f"{path}: {error.strerror}") from error
