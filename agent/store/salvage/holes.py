"""Giving the disk back a part of a file while the rest of it is still needed.

Linux file systems that a gateway runs on (ext4, btrfs, f2fs, xfs, tmpfs) can make holes in a file: it keeps its length,
reads zeros there, and occupies less.
"""

import ctypes
import errno
import os
from pathlib import Path

_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # linux/falloc.h


def punch(path: Path, offset: int, size: int) -> None:
    """Free these bytes of the file. Raises OSError; where the file system knows no holes it keeps them all."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        place = ctypes.c_longlong(offset), ctypes.c_longlong(size)
        if libc.fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, *place) == 0:
            return
        error = ctypes.get_errno()
        if error not in (errno.EOPNOTSUPP, errno.ENOSYS):
            raise OSError(error, os.strerror(error))
    finally:
        os.close(descriptor)


def data(path: Path) -> list[range]:
    """The parts of the file, in bytes, that are no holes; all of it where the file system has none. Raises OSError."""
    found, end = [], 0
    descriptor = os.open(path, os.O_RDONLY)
    try:
        while end < os.fstat(descriptor).st_size:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, begin, os.SEEK_HOLE)
            found.append(range(begin, end))
    except OSError as error:
        if error.errno != errno.ENXIO:  # which says that there are no more
            raise
    finally:
        os.close(descriptor)
    return found
