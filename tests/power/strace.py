"""Understands the lines of `strace -f -y -xx -e raw=read`: which call does what to the files of one folder.

A call that could change those files in a way that cannot be told raises NotUnderstood: nothing goes past the recording.
Memory maps would; SQLite's `-shm` file is one, and is left out, since it means nothing after a power cut.
"""

import re
from collections.abc import Iterator
from os.path import normpath
from pathlib import Path

from tests.power.operations import Marker, Open, Operation, Remove, Rename, Reserve, Resize, Sync, Write

# Besides: sync_file_range promises nothing about durability, so it is as if it had not been called.
CALLS = """openat creat close read write writev pwrite64 pwritev lseek truncate ftruncate
            fsync fdatasync rename renameat renameat2 unlink unlinkat fallocate mmap
            pwritev2 copy_file_range sendfile splice link linkat symlink symlinkat
            mkdir mkdirat rmdir chdir fchdir dup dup2 dup3 io_uring_setup"""

_RESULT = re.compile(r"^(.*)\) += (\d+|0x[0-9a-f]+)(<.*>.*)?$")
_FD = re.compile(r"(\d+)<([^>]*)>(\(deleted\))?")
_PATH = re.compile(r'(?:(?:\d+|AT_FDCWD)<([^>]*)>, )?"([^"]*)"')
_DATA = re.compile(r'"([^"]*)"')


class NotUnderstood(Exception):
    """The process did something to a file of the folder that an `Operation` cannot tell."""


class Listener:
    """Understands one call after the other; remembers how far each open file was written."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.resolve())
        self._positions: dict[int, int | None] = {}

    def call(self, text: str, before: int) -> Iterator[Operation]:
        """What a whole call means that began when there were `before` operations."""
        call, _, rest = text.partition("(")
        returned = _RESULT.match(rest)
        if returned is None:
            return  # refused by the kernel, or a line about the process itself
        arguments, result, opened = returned[1], int(returned[2], 0), returned[2] + (returned[3] or "")
        last = arguments.rpartition(", ")[2]
        match call:
            case "openat" | "creat":
                yield from self._open(opened, "O_CREAT" if call == "creat" else arguments)
            case "read":
                self._move(int(arguments.partition(",")[0], 16), result)
            case "rename" | "renameat" | "renameat2" if any(names := self._paths(arguments)):
                old, new = names
                if old is None or new is None or "RENAME_EXCHANGE" in arguments:
                    raise NotUnderstood(text)
                yield Rename(old, new)
            case "unlink" | "unlinkat":
                yield from (Remove(name) for name in self._paths(arguments) if name)
            case "write" if arguments.startswith("1<"):
                yield Marker(data_of(arguments).decode())
            case "truncate":
                yield from (Resize(name, int(last)) for name in self._paths(arguments) if name)
            case "close":
                self._positions.pop(int(arguments.partition("<")[0]), None)
            case "chdir" | "fchdir":
                raise NotUnderstood(f"{text}: relative paths are taken from where the script began")
            case "link" | "linkat" | "symlink" | "symlinkat" | "mkdir" | "mkdirat" | "rmdir":
                if any(self._paths(arguments)):
                    raise NotUnderstood(text)
            case _ if file := self._file(arguments):
                yield from self._on_file(call, *file, arguments, result, before)

    def _on_file(self, call: str, fd: int, name: str, arguments: str, result: int, before: int) -> Iterator[Operation]:
        last = arguments.rpartition(", ")[2]
        match call:
            case "fsync" | "fdatasync":
                yield Sync(name, before)
            case "pwrite64" | "pwritev":
                yield Write(name, int(last), data_of(arguments)[:result])
            case "write" | "writev":
                yield Write(name, self._positions[fd], data_of(arguments)[:result])
                self._move(fd, result)
            case "lseek":
                if self._positions.get(fd) is not None:
                    self._positions[fd] = result
            case "ftruncate":
                yield Resize(name, int(last))
            case "fallocate" if arguments.split(", ")[1] == "0":
                yield Reserve(name, sum(map(int, arguments.split(", ")[2:])))
            case "mmap" if "MAP_SHARED" not in arguments or "PROT_WRITE" not in arguments:
                pass
            case _:
                raise NotUnderstood(f"{call}({arguments[:500]}")

    def _open(self, opened: str, flags: str) -> Iterator[Operation]:
        file = self._file(opened)
        if file is None:
            return
        fd, name = file
        if "O_TMPFILE" in flags:
            raise NotUnderstood(f"{name}: {flags}")
        self._positions[fd] = None if "O_APPEND" in flags else 0
        if "O_CREAT" in flags:
            yield Open(name)
        if "O_TRUNC" in flags:
            yield Resize(name, 0)

    def _move(self, fd: int, by: int) -> None:
        position = self._positions.get(fd)
        if position is not None:
            self._positions[fd] = position + by

    def _file(self, arguments: str) -> tuple[int, str] | None:
        """Number and name of the open file that the call is about, if it is one of the folder."""
        for number, path, deleted in _FD.findall(arguments):
            name = None if deleted else self._name(_text(path))
            if name is not None:
                return int(number), name
        return None

    def _paths(self, arguments: str) -> list[str | None]:
        """The names given in words, None for those outside the folder."""
        found = _PATH.findall(arguments)
        return [self._name(normpath(Path.cwd() / _text(folder) / _text(path))) for folder, path in found]

    def _name(self, path: str) -> str | None:
        """Within the folder, whose own name is ""; None for what is outside or means nothing after a power cut."""
        if path == self._folder:
            return ""
        inside = path.startswith(f"{self._folder}/") and not path.endswith(("-shm", " (deleted)"))
        return path.removeprefix(f"{self._folder}/") if inside else None


def data_of(arguments: str) -> bytes:
    return b"".join(bytes.fromhex(data.replace("\\x", "")) for data in _DATA.findall(arguments))


def _text(path: str) -> str:
    """A path as `-xx` writes it; older ones leave that of an open file as it is."""
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path
