"""Colours that stay apart for colour-blind readers and in print; every meaning also stands in words."""

from __future__ import annotations

Rgb = tuple[int, int, int]

#: Okabe and Ito's palette without black and yellow-on-white (Color Universal Design, 2008), then darker companions.
CATEGORICAL: tuple[Rgb, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (117, 112, 179),
    (102, 166, 30),
    (166, 118, 29),
    (28, 78, 128),
    (140, 45, 4),
    (0, 90, 70),
)

#: Krenning grade → fill; light to dark, so that the order survives grey print and every colour vision.
GRADE: dict[str, Rgb] = {
    "0": (232, 236, 240),
    "1": (190, 206, 222),
    "2": (122, 165, 201),
    "3": (226, 136, 28),
    "4": (150, 40, 30),
}
#: Sets of grades that a rule could not tell apart, in words, stand between their members.
GRADE_SET: dict[str, Rgb] = {"3 or 4": (178, 76, 24), "0, 1 or 2": (190, 206, 222)}
UNKNOWN_GRADE: Rgb = (112, 112, 112)


def categorical(index: int) -> Rgb:
    """The `index`-th colour of the categorical palette, repeating."""
    return CATEGORICAL[index % len(CATEGORICAL)]


def hexadecimal(rgb: Rgb) -> str:
    """``"#rrggbb"``."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def text_on(rgb: Rgb) -> Rgb:
    """Black or white, whichever reads better on `rgb` (relative luminance of WCAG 2)."""
    linear = [(c / 255 / 12.92) if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (17, 24, 32) if luminance > 0.18 else (255, 255, 255)


def grade_colour(words: str) -> Rgb:
    """The colour of a grade as it is written: ``"3"``, ``"3 or 4"``; grey for anything else."""
    return GRADE.get(words) or GRADE_SET.get(words) or UNKNOWN_GRADE
