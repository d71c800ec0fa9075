"""How the process of one verb handles memory. Only the command does this: a program that calls us keeps its manners."""

from __future__ import annotations

import ctypes
import gc
import sys

#: the collector of cycles looks after so many new objects, not after 700: a record of a hundred thousand parts is built
#: once, holds no cycles, and the process then ends
COLLECT_AFTER = 50_000
#: glibc keeps freed blocks up to this size for the next array, and this much of them in all. Handed back at once, every
#: array of a working grid (about 20 MB) costs thousands of page faults anew
KEPT_BLOCK, KEPT_IN_ALL = 48 << 20, 192 << 20
#: one pool for all threads: what one has freed the other may use
POOLS = 1
#: parameters of mallopt, malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def settle() -> None:
    """Collect cycles seldom; with glibc keep the memory of freed arrays for the next ones."""
    gc.set_threshold(COLLECT_AFTER, 20, 100)
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(_MMAP_THRESHOLD, KEPT_BLOCK)
    mallopt(_TRIM_THRESHOLD, KEPT_IN_ALL)
    mallopt(_ARENA_MAX, POOLS)
