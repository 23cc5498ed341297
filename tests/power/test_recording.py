"""Nothing that a process does to its files is missed or misread."""

from pathlib import Path

import pytest

from tests.power.disk import Disk
from tests.power.operations import Marker, Open, Operation, Remove, Rename, Reserve, Resize, Sync, Write
from tests.power.recording import operations_within, record
from tests.power.stage import needs_strace, ram_folder
from tests.power.strace import NotUnderstood

EVERYTHING = """
import os, sys
there = sys.argv[1] + "/"
a = os.open(there + "a", os.O_RDWR | os.O_CREAT)
os.write(a, b"0123456789")
os.writev(a, [b"ab", b"cd"])
os.pwrite(a, b"\\0\\xff", 600)
os.lseek(a, 4, os.SEEK_SET)
os.read(a, 2)
os.write(a, b"!")
os.fdatasync(a)
os.ftruncate(a, 700)
log = os.open(there + "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(log, b"one ")
os.write(1, b"so far")
os.write(log, b"two")
os.fsync(log)
os.rename(there + "log", there + "log.1")
os.write(log, b" three")
folder = os.open(there, os.O_RDONLY)
os.fsync(folder)
os.unlink("a", dir_fd=folder)
os.write(a, b"nobody can see this")
open(there + "log.1", "w").close()
os.truncate(there + "log.1", 3)
full = os.open(there + "full", os.O_RDWR | os.O_CREAT)
os.posix_fallocate(full, 100, 500)
"""


@needs_strace
def test_each_call_becomes_what_it_does() -> None:
    with ram_folder() as folder:
        told = record(folder, EVERYTHING)
    assert told == [
        Open("a"),
        Write("a", 0, b"0123456789"),
        Write("a", 10, b"abcd"),
        Write("a", 600, b"\0\xff"),
        Write("a", 6, b"!"),
        Sync("a", 5),
        Resize("a", 700),
        Open("log"),
        Write("log", None, b"one "),
        Marker("so far"),
        Write("log", None, b"two"),
        Sync("log", 11),
        Rename("log", "log.1"),
        Write("log.1", None, b" three"),
        Sync("", 14),
        Remove("a"),
        Open("log.1"),
        Resize("log.1", 0),
        Resize("log.1", 3),
        Open("full"),
        Reserve("full", 600),
    ]


SEVERAL_AT_ONCE = """
import os, sys, threading
def work(name):
    for turn in range(50):
        file = os.open(f"{sys.argv[1]}/{name}", os.O_RDWR | os.O_CREAT)
        os.pwrite(file, f"{name} {turn}".encode() * 300, turn * 100)
        os.fsync(file)
        os.close(file)
        if turn % 10 == 9:
            os.rename(f"{sys.argv[1]}/{name}", f"{sys.argv[1]}/{name}-{turn}")
threads = [threading.Thread(target=work, args=[name]) for name in "abcd"]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


@needs_strace
def test_a_disk_that_got_everything_is_the_folder_as_it_is() -> None:
    with ram_folder() as folder:
        disk = Disk()
        for operation in record(folder, SEVERAL_AT_ONCE):
            disk.apply(operation)
        found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(found) == 20
    assert {name: b"".join(sectors) for name, sectors in disk.after_cut(set(disk.pending())).items()} == found


@needs_strace
@pytest.mark.parametrize(
    "call",
    [
        "import mmap; f.truncate(4096); mmap.mmap(f.fileno(), 4096)",
        "os.link(there, there + '.link')",
        "os.symlink(there, there + '.link')",
        "os.mkdir(there + '.folder')",
        "os.dup2(f.fileno(), 77)",
        "import ctypes; assert not ctypes.CDLL(None).fallocate(f.fileno(), 1, 0, 4096)",
        "os.rename(there, sys.argv[1] + '/../outside')",
        "os.chdir(sys.argv[1])",
        "os.sendfile(f.fileno(), os.open(sys.executable, os.O_RDONLY), 0, 100)",
    ],
)
def test_what_cannot_be_told_is_refused(call: str) -> None:
    script = f"import os, sys; there = sys.argv[1] + '/file'; f = open(there, 'w+b'); {call}"
    with ram_folder() as folder, pytest.raises(NotUnderstood):
        record(folder, script)


@needs_strace
def test_a_script_that_fails_is_no_recording() -> None:
    with ram_folder() as folder, pytest.raises(AssertionError, match="ZeroDivisionError"):
        record(folder, "1 / 0")


def test_an_fsync_covers_what_was_done_when_it_began_and_a_marker_counts_from_its_beginning(tmp_path: Path) -> None:
    lines = f"""1 openat(AT_FDCWD</>, "{tmp_path}/a", O_RDWR|O_CREAT, 0644) = 3<{tmp_path}/a>
1 fsync(3<{tmp_path}/a> <unfinished ...>
2 write(1<pipe:[1]>, "\\x68\\x69" <unfinished ...>
3 pwrite64(3<{tmp_path}/a>, "\\x00\\x01", 2, 0 <unfinished ...>
1 <... fsync resumed>) = 0
2 <... write resumed>, 2) = 2
3 <... pwrite64 resumed>) = 2
4 pwrite64(3<{tmp_path}/a>, "\\x00\\x01", 2, 0) = -1 EIO (Input/output error)
4 +++ exited with 0 +++
""".splitlines(keepends=True)
    expected: list[Operation] = [Open("a"), Marker("hi"), Sync("a", 1), Write("a", 0, b"\0\1")]
    assert operations_within(tmp_path, lines) == expected
