"""What a report is made of. Sections hold blocks; the HTML and the PDF template render every kind of block once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lutetia.outputs.colours import Rgb

Tone = Literal["", "muted", "strong", "caution", "error"]
Align = Literal["left", "right", "center"]


@dataclass(frozen=True)
class Cell:
    """A table cell: text, a tone, and a coloured tag instead of plain text where `tag` is given.

    `more` is what the HTML folds away behind the text and the PDF leaves out; findings.json always has it.
    """

    text: str
    tone: Tone = ""
    tag: Rgb | None = None
    anchor: str = ""
    more: str = ""


@dataclass(frozen=True)
class Column:
    """A table column; `width` is a share of the free width, 0 = as wide as its content."""

    title: str
    align: Align = "left"
    width: float = 0.0


@dataclass(frozen=True)
class Row:
    """A table row; with `heading` set it is a group heading across all columns."""

    cells: tuple[Cell, ...] = ()
    heading: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture with the words that stand for it. `kind` is "jpeg" or "svg"; `panels` names what a strip shows."""

    name: str
    kind: Literal["jpeg", "svg"]
    data: bytes
    width: float
    height: float
    alt: str
    caption: str = ""
    panels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Paragraph:
    """Plain words."""

    text: str
    tone: Tone = ""
    kind: str = "paragraph"


@dataclass(frozen=True)
class Facts:
    """Label and value pairs, in columns."""

    rows: tuple[tuple[str, str], ...]
    columns: int = 2
    kind: str = "facts"


@dataclass(frozen=True)
class Table:
    """A table with its caption and the notes under it; the HTML folds it away behind `folded` where that is given."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    notes: tuple[str, ...] = ()
    dense: bool = False
    folded: str = ""
    kind: str = "table"


@dataclass(frozen=True)
class Tile:
    """One headline number."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Tiles:
    """The headline numbers of a study."""

    tiles: tuple[Tile, ...]
    kind: str = "tiles"


@dataclass(frozen=True)
class Segment:
    """A part of a stacked bar: its name, its share (0 to 1), its words, its colour."""

    name: str
    share: float
    text: str
    colour: Rgb


@dataclass(frozen=True)
class Bars:
    """Stacked bars, one per label, with a legend in words."""

    bars: tuple[tuple[str, tuple[Segment, ...]], ...]
    note: str = ""
    kind: str = "bars"


@dataclass(frozen=True)
class Notice:
    """An issue as the reader sees it."""

    level: Literal["info", "caution", "error"]
    text: str
    code: str = ""
    where: str = ""


@dataclass(frozen=True)
class Notices:
    """A list of issues."""

    items: tuple[Notice, ...]
    folded: str = ""
    kind: str = "notices"


@dataclass(frozen=True)
class Card:
    """A lesion with its strip of slices."""

    number: str
    title: str
    tag: str
    colour: Rgb
    line: str
    note: str
    figure: Figure
    anchor: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Atlas:
    """Projections with numbered lesions, and the lesions' cards.

    The first `beside` cards stand next to the projections, the rest below; with `beside` 0 the projections stand side
    by side and all cards below. `beside_print` is the same for the PDF, whose projections are larger.
    """

    projections: tuple[Figure, ...]
    legend: tuple[Segment, ...]
    caption: str
    cards: tuple[Card, ...]
    cards_caption: str = ""
    beside: int = 0
    beside_print: int = 0
    kind: str = "atlas"


@dataclass(frozen=True)
class Figures:
    """Pictures side by side, at most so many in a row of the PDF."""

    figures: tuple[Figure, ...]
    caption: str = ""
    columns: int = 2
    legend: tuple[Segment, ...] = ()
    kind: str = "figures"


@dataclass(frozen=True)
class MatrixCell:
    """A picture of one lesion in one study with its words and a coloured tag; without a picture the words alone."""

    words: str
    figure: Figure | None = None
    tag: Rgb | None = None
    tag_text: str = ""


@dataclass(frozen=True)
class MatrixRow:
    """One lesion: its title, what its window is, a cell per study."""

    title: str
    note: str
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class Matrix:
    """Lesions × studies in pictures."""

    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    caption: str = ""
    kind: str = "matrix"


@dataclass(frozen=True)
class Steps:
    """A chain, from the result back to its origin."""

    steps: tuple[tuple[str, str], ...]
    kind: str = "steps"


Block = Paragraph | Facts | Table | Tiles | Bars | Notices | Atlas | Figures | Matrix | Steps


@dataclass(frozen=True)
class Section:
    """A titled run of blocks. The report's title is level 1; `study` marks a study's own heading."""

    title: str
    blocks: tuple[Block, ...] = ()
    level: int = 2
    anchor: str = ""
    study: bool = False


@dataclass(frozen=True)
class Report:
    """The whole report, ready to render."""

    title: str
    subtitle: str
    header: tuple[tuple[str, str], ...]
    notice: str
    footer: str
    sections: tuple[Section, ...] = field(default_factory=tuple)
    date: str | None = None
    language: str = "en"
