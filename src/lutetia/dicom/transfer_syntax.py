"""Transfer syntaxes by name, and what a frame of pixels weighs."""

from __future__ import annotations

from lutetia.dicom.instance import InstanceHeader

#: encapsulated syntaxes that can be decoded → (codec, name); codec names are imagecodecs' where it has one
CODECS: dict[str, tuple[str, str]] = {
    "1.2.840.10008.1.2.5": ("rle", "RLE Lossless"),
    "1.2.840.10008.1.2.4.50": ("jpeg", "JPEG Baseline"),
    "1.2.840.10008.1.2.4.51": ("jpeg", "JPEG Extended"),
    "1.2.840.10008.1.2.4.57": ("jpeg", "JPEG Lossless"),
    "1.2.840.10008.1.2.4.70": ("jpeg", "JPEG Lossless SV1"),
    "1.2.840.10008.1.2.4.80": ("jpegls", "JPEG-LS Lossless"),
    "1.2.840.10008.1.2.4.81": ("jpegls", "JPEG-LS Near-lossless"),
    "1.2.840.10008.1.2.4.90": ("jpeg2k", "JPEG 2000 Lossless"),
    "1.2.840.10008.1.2.4.91": ("jpeg2k", "JPEG 2000"),
    "1.2.840.10008.1.2.4.201": ("htj2k", "HTJ2K Lossless"),
    "1.2.840.10008.1.2.4.202": ("htj2k", "HTJ2K Lossless RPCL"),
    "1.2.840.10008.1.2.4.203": ("htj2k", "HTJ2K"),
}

#: syntaxes whose pixels stand as numbers, little-endian but in the last
NATIVE = frozenset(
    (
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.98",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.2",
    )
)

#: syntaxes that always lose information
LOSSY = frozenset(("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"))


def decodable(header: InstanceHeader) -> bool:
    """Whether the numbers of an image can be made out: only its maker knows how a private syntax lays them.

    GE's 1.2.840.113619.5.2, say, writes big-endian pixels behind a little-endian header. A file that names no syntax
    keeps the rules of its header.
    """
    syntax = header.transfer_syntax_uid
    return not syntax or syntax in NATIVE or syntax in CODECS


def bytes_per_frame(header: InstanceHeader) -> int:
    """Bytes of one native frame."""
    return (header.rows * header.columns * header.samples_per_pixel * header.bits_allocated + 7) // 8


def native_length(header: InstanceHeader) -> int:
    """Bytes that native pixel data of all frames need."""
    bits = header.rows * header.columns * header.samples_per_pixel * header.bits_allocated * header.n_frames
    return (bits + 7) // 8
