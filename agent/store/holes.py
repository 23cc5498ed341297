"""Giving the disk back what lies at the beginning of a file while its end is still needed.

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


def first_data(path: Path) -> int:
    """Where the file's data begin, behind the hole that may be before them; its length without any. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.lseek(descriptor, 0, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
