"""`aqua-gateway export`: stored readings of a time range as CSV or JSON Lines, while the gateway runs or after."""

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
from agent.store.reader import Reader

_EVER_US = 2**62


def command(options: argparse.Namespace) -> int:
    """Rows of the view `reading`, from `--from` on and before `--to`."""
    gateway = config.load(options.config)
    begin = _utc_us(options.begin, "--from") if options.begin else 0
    end = _utc_us(options.end, "--to") if options.end else _EVER_US
    with contextlib.closing(Reader(gateway.store.path)) as reader, _output(options.output) as out:
        rows = reader.readings(begin, end)
        count = _write_csv(rows, out) if options.format == "csv" else _write_jsonl(rows, out)
    print(f"{count} readings", file=sys.stderr)
    return 0


def _write_csv(rows: Iterator[dict[str, Any]], out: TextIO) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        if count == 1:
            writer = csv.DictWriter(out, list(row))
            writer.writeheader()
        writer.writerow(row)
    return count


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
