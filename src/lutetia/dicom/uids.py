"""UIDs that follow from what they name: the same input gives the same UID, other content another one."""

from __future__ import annotations

import hashlib
import re

_VALID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")


def derived_uid(*parts: str | bytes) -> str:
    """A UID under 2.25 (PS3.5 B.2) from the SHA-256 of `parts`, as a version 8 UUID (RFC 9562)."""
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode()
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    value = int.from_bytes(digest.digest()[:16], "big")
    value = value & ~(0xF << 76) | (0x8 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return f"2.25.{value}"


def valid_uid(text: str) -> bool:
    """Whether a text is a DICOM UID."""
    return 0 < len(text) <= 64 and _VALID.fullmatch(text) is not None
