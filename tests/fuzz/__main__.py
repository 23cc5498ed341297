"""`make fuzz`, or `python -m tests.fuzz [RUNS]`: every parser of bytes from a wire with so many inputs, led by what
they make it do. Exits with 1, and tells the bytes, when one believes something false or raises. Needs atheris.
"""

import argparse
import subprocess
import sys
from importlib import import_module


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("runs", nargs="?", type=int, default=1_000_000, help="inputs for each parser")
    parser.add_argument("--only", help="this parser alone")
    options = parser.parse_args()
    if options.only:
        _fuzz(options.only, options.runs)
    atheris_ends_its_process = [sys.executable, "-m", "tests.fuzz", str(options.runs), "--only"]
    failed = 0
    for name in ("rtu", "tcp", "ezo", "sdi12"):
        print(f"{name}: {options.runs} inputs", flush=True)
        failed |= subprocess.run([*atheris_ends_its_process, name]).returncode
    return 1 if failed else 0


def _fuzz(name: str, runs: int) -> None:
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["drivers"]):
        parsers = import_module("tests.fuzz.parsers")
    arguments = [sys.argv[0], f"-runs={runs}", "-max_len=300", "-seed=1", "-print_final_stats=1", "-verbosity=0"]
    atheris.Setup(arguments, parsers.PARSERS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
