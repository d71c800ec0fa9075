"""Lesions in the report: the table with grades and margins, what was set apart and why, cards, and the summary."""

from __future__ import annotations

from collections import Counter

from lutetia.model import Study
from lutetia.outputs import colours
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import (
    Atlas,
    Bars,
    Block,
    Card,
    Cell,
    Column,
    Facts,
    Paragraph,
    Row,
    Segment,
    Table,
    Tone,
)
from lutetia.outputs.report.figures import NO_GRADE, Shown, StudyPictures

_CARD_CAPTION = (
    "Slices pass through the hottest voxel of each lesion; the line is the measured outline. Every strip has its own "
    "SUV window, which ends near the lesion's maximum."
)


def _graded(shown: tuple[Shown, ...]) -> bool:
    return any(item.grade is not None for item in shown)


def grade_name(study: Study) -> str:
    """What the grades of a study are called."""
    return "Krenning on SPECT" if study.modality.startswith("SPECT") else "modified Krenning"


def _anchor(item: Shown) -> str:
    return f"{item.observation.study}-{item.lesion.id}"


def _grade_cell(item: Shown) -> Cell:
    grade = item.grade
    if grade is None:
        return Cell("–", "muted")
    if not grade.value:
        return Cell("not graded", "caution")
    return Cell(wording.grade_words(grade), tag=item.colour)


def lesion_table(shown: tuple[Shown, ...], study: Study) -> Table:
    """The candidate and confirmed lesions of a study, grouped by region."""
    listed = [item for item in shown if not item.quiet]
    graded = _graded(tuple(listed))
    columns = [Column("No.", "right"), Column("Site", width=1.2)]
    if graded:
        columns += [Column("Grade", "center"), Column("Margin to the nearest cut", width=1.2)]
    columns += [
        Column("SUVmax", "right"),
        Column("SUVpeak", "right"),
        Column("SUVmean", "right"),
        Column("mL", "right"),
        Column("mm", "right"),
        Column("T/L", "right"),
        Column("T/S", "right"),
        Column("T/BP", "right"),
        Column("Remarks", width=1.75),
    ]
    sentences = dict.fromkeys(note for item in listed for note in wording.grade_notes(item.grade))
    letters = {sentence: _letter(index) for index, sentence in enumerate(sentences)}
    rows: list[Row] = []
    for region, name in wording.REGIONS.items():
        group = [item for item in listed if item.lesion.region == region]
        if not group:
            continue
        volume = sum(item.observation.volume_ml for item in group)
        heading = f"{name} – {wording.plural(len(group), 'lesion')}, {wording.with_unit(volume, 'mL')}"
        rows.append(Row(heading=heading))
        rows += [_lesion_row(item, graded, letters) for item in group]
    notes = [
        "mL: volume of the outline. mm: longest × short axis. T/L, T/S, T/BP: lesion SUVmax over the mean of liver, "
        "spleen and blood pool.",
    ]
    if graded:
        notes.append(
            f"Grade: {grade_name(study)}, the lesion's uptake against the reference means; “borderline” means that 5 % "
            "more or less uptake would meet another grade. A grade describes uptake; it is not a decision."
        )
    notes += [f"({letter}) {sentence}" for sentence, letter in letters.items()]
    return Table(tuple(columns), tuple(rows), notes=tuple(notes), dense=True)


def _letter(index: int) -> str:
    """a, b … z, aa, ab …"""
    return (_letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def _axes(item: Shown) -> str:
    long, short = item.observation.long_axis_mm, item.observation.short_axis_mm
    if long is None:
        return "–"
    return f"{long:.0f}" if short is None else f"{long:.0f} × {short:.0f}"


def _lesion_row(item: Shown, graded: bool, letters: dict[str, str]) -> Row:
    observation = item.observation
    cells = [Cell(item.number, "strong", anchor=_anchor(item)), Cell(wording.site_words(item.lesion))]
    if graded:
        tone: Tone = "strong" if wording.is_borderline(item.grade) else ""
        cells += [_grade_cell(item), Cell(wording.margin_words(item.grade), tone)]
    notes = tuple(letters[note] for note in wording.grade_notes(item.grade))
    ratios = (observation.ratio_liver, observation.ratio_spleen, observation.ratio_blood_pool)
    cells += [
        Cell(wording.suv(observation.suv_max)),
        Cell(wording.suv(observation.suv_peak)),
        Cell(wording.suv(observation.suv_mean)),
        Cell(wording.number(observation.volume_ml, 3)),
        Cell(_axes(item)),
        *(Cell(wording.number(ratio, 2)) for ratio in ratios),
        Cell(wording.remarks(item.lesion, observation.flags, notes), "muted"),
    ]
    return Row(tuple(cells))


def set_apart_words(shown: tuple[Shown, ...]) -> str:
    """Set-apart uptake in one sentence: number, site, SUVmax."""
    quiet = [item for item in shown if item.quiet]
    named = [f"{i.number} {wording.site_words(i.lesion).lower()} ({wording.suv(i.observation.suv_max)})" for i in quiet]
    return f"Set apart as physiological or rejected, with SUVmax: {'; '.join(named)}."


def set_apart_table(shown: tuple[Shown, ...], folded: str = "") -> Table | None:
    """Uptake set apart as physiological or rejected, with the reason. None when there is none."""
    quiet = [item for item in shown if item.quiet]
    if not quiet:
        return None
    rows = tuple(
        Row(
            (
                Cell(item.number, "strong", anchor=_anchor(item)),
                Cell(wording.site_words(item.lesion)),
                Cell(item.lesion.status),
                Cell(item.lesion.status_reason or "no reason recorded"),
                Cell(wording.suv(item.observation.suv_max)),
                Cell(wording.number(item.observation.volume_ml, 3)),
            )
        )
        for item in quiet
    )
    columns = (
        Column("No.", "right"),
        Column("Site", width=1),
        Column("Status"),
        Column("Why it is set apart", width=2.4),
        Column("SUVmax", "right"),
        Column("mL", "right"),
    )
    note = "A reasoned proposal that the reader confirms: nothing is deleted, and none of these is in the totals."
    return Table(columns, rows, notes=(note,), dense=True, folded=folded)


def legend(shown: tuple[Shown, ...]) -> tuple[Segment, ...]:
    """What the tag colours mean, in the order of the grades."""
    candidates = [item for item in shown if not item.quiet]
    parts = []
    if _graded(tuple(candidates)):
        grades = {wording.grade_words(item.grade) for item in candidates if item.grade and item.grade.value}
        for grade in sorted(grades):
            parts.append(Segment(f"grade {grade}", 0, f"grade {grade}", colours.grade_colour(grade)))
        if any(item.grade is None or not item.grade.value for item in candidates):
            parts.append(Segment("not graded", 0, "not graded", NO_GRADE))
    elif candidates:
        parts.append(Segment("lesion", 0, "lesion", NO_GRADE))
    if any(item.quiet for item in shown):
        parts.append(Segment("set apart", 0, "set apart (dashed)", (255, 255, 255)))
    return tuple(parts)


def atlas(shown: tuple[Shown, ...], study: Study, pictures: StudyPictures) -> Atlas:
    """Projections with numbered lesions beside the slices of each."""
    cards = []
    for item in sorted(shown, key=lambda s: s.quiet):
        figure = pictures.strips.get(item.lesion.id)
        if figure is None:
            continue
        observation = item.observation
        tag = "" if item.quiet or item.grade is None else wording.grade_words(item.grade)
        tag = f"grade {tag}" if item.grade is not None and item.grade.value and tag else tag
        line = f"SUVmax {wording.suv(observation.suv_max)} · {wording.with_unit(observation.volume_ml, 'mL')}"
        if observation.long_axis_mm:
            line += f" · {observation.long_axis_mm:.0f}{wording.NARROW}mm"
        note = item.lesion.status_reason if item.quiet else wording.margin_words(item.grade) if item.grade else ""
        title = wording.site_words(item.lesion)
        cards.append(Card(item.number, title, tag, item.colour, line, note, figure, _anchor(item), item.quiet))
    drawn = [item for item in shown if item.is_focal]
    caption = "The patient's right is on the left."
    if drawn:
        caption += " A ring marks the hottest voxel of each lesion."
    hidden = len(drawn) - pictures.marked
    if hidden > 0:
        caption += f" {wording.plural(hidden, 'smaller lesion')} without a mark; all are in the table."
    cards_caption = _CARD_CAPTION
    left_out = len(drawn) - len(cards)
    if left_out > 0:
        cards_caption += f" {wording.plural(left_out, 'smaller lesion')} without a strip."
    if len(drawn) < len(shown):
        words = f" Uptake of whole organs that was set apart ({len(shown) - len(drawn)}) is in its table only."
        caption += words
    beside = _beside(pictures, len(cards), 0.40, 0.205)
    beside_print = _beside(pictures, len(cards), 0.45, 0.182)
    if not cards:
        cards_caption = ""
    return Atlas(pictures.projections, legend(shown), caption, tuple(cards), cards_caption, beside, beside_print)


def _beside(pictures: StudyPictures, cards: int, column: float, card: float) -> int:
    """How many cards are as tall as the projections, one above the other in a column; both as shares of the width.

    Where the cards would leave most of that column empty the projections stand side by side instead (0).
    """
    height = sum(figure.height / pictures.projections[0].width for figure in pictures.projections) * column
    fitting = max(round(height / card), 1)
    return fitting if cards > fitting / 2 else 0


def _extreme(items: list[Shown], highest: bool) -> str:
    """The highest (or lowest) grade among lesions, with where it is."""
    graded = [item for item in items if item.grade and item.grade.value]
    if not graded:
        return "–"

    def rank(item: Shown) -> tuple[int, float]:
        assert item.grade is not None
        values = [int(v) for v in item.grade.value if v.isdigit()] or [0]
        return (max(values) if highest else min(values), item.observation.suv_max)

    best = max(graded, key=rank) if highest else min(graded, key=rank)
    return f"{wording.grade_words(best.grade)} (lesion {best.number}, {wording.site_words(best.lesion).lower()})"


def summary_blocks(shown: tuple[Shown, ...], study: Study) -> tuple[Block, ...]:
    """All of the patient's grades side by side, never one number alone (convention C-A16)."""
    items = [item for item in shown if not item.quiet]
    summary = study.summary
    if not items:
        text = "No candidate lesion above the stated thresholds in the imaged field."
        return (Paragraph(text),)
    blocks: list[Block] = []
    graded = [item for item in items if item.grade and item.grade.value]
    if graded:
        blocks.append(Bars(_bars(items), note=""))
    rows: list[tuple[str, str]] = []
    if graded:
        large = [item for item in items if (item.observation.long_axis_mm or 0) > 20]
        low = [item for item in graded if item.grade and all(v in ("0", "1", "2") for v in item.grade.value)]
        very_low = [item for item in graded if item.grade and all(v in ("0", "1") for v in item.grade.value)]
        high_and_large = [
            item for item in large if item.grade and item.grade.value and all(v in ("3", "4") for v in item.grade.value)
        ]
        refused = [item for item in items if item.grade is not None and not item.grade.value]
        rows += [
            ("Highest grade", _extreme(items, True)),
            ("Lowest grade, all lesions", _extreme(items, False)),
            ("Lowest grade, lesions > 2 cm", _extreme(large, False)),
            ("Grade 3 or 4 and > 2 cm", f"{len(high_and_large)} of {len(items)}"),
            ("Share with grade ≤ 2, by number", f"{wording.percent(len(low) / len(graded))} of graded lesions"),
            ("Share with grade ≤ 1, by number", f"{wording.percent(len(very_low) / len(graded))} of graded lesions"),
            ("Not graded", wording.plural(len(refused), "lesion")),
            ("Borderline grades", wording.plural(sum(wording.is_borderline(i.grade) for i in items), "lesion")),
        ]
    hottest = max(items, key=lambda i: i.observation.suv_max)
    coldest = min(items, key=lambda i: i.observation.suv_max)
    rows += [
        ("Hottest lesion", _with_uptake(hottest)),
        ("Coldest lesion", _with_uptake(coldest)),
    ]
    if summary is not None:
        rows += [
            ("Total tumour volume", wording.with_unit(summary.volume_ml, "mL")),
            ("Total lesion uptake", f"{wording.number(summary.tlu)} SUV × mL"),
            ("Lowest SUVmean of a lesion", wording.suv(summary.lowest_suv_mean)),
        ]
        if summary.largest_distance_mm is not None:
            apart = wording.with_unit(summary.largest_distance_mm / 10, "cm", 2)
            rows.append(("Largest distance between lesions", apart))
        for region, volume in summary.volume_by_region_ml.items():
            name = wording.REGIONS.get(region, region)
            rows.append((f"Volume: {name.lower()}", wording.with_unit(volume, "mL")))
    blocks.append(Facts(tuple(rows), columns=2))
    words = "The most avid lesion alone is never the patient's grade: uptake in one lesion is not an indication."
    if summary is not None and summary.segmentation_scheme:
        words += f" Volumes by the scheme “{summary.segmentation_scheme}”; other schemes give other volumes."
    if summary is not None and summary.note:
        words += f" {summary.note}"
    blocks.append(Paragraph(words, "muted"))
    return tuple(blocks)


def _with_uptake(item: Shown) -> str:
    return f"{item.number}, {wording.site_words(item.lesion).lower()}, SUVmax {wording.suv(item.observation.suv_max)}"


def _bars(items: list[Shown]) -> tuple[tuple[str, tuple[Segment, ...]], ...]:
    """Two bars: the share of every grade by number and by volume."""
    numbers: Counter[str] = Counter()
    volumes: dict[str, float] = {}
    for item in items:
        key = wording.grade_words(item.grade)
        numbers[key] += 1
        volumes[key] = volumes.get(key, 0.0) + item.observation.volume_ml
    total, total_ml = sum(numbers.values()), sum(volumes.values())
    first, second = [], []
    for key in sorted(numbers, key=lambda k: (k == "not graded", k)):
        colour = colours.grade_colour(key)
        name = key if key in ("not graded", "–") else f"grade {key}"
        first.append(Segment(name, numbers[key] / total, f"{numbers[key]}", colour))
        if total_ml > 0:
            share = volumes[key] / total_ml
            second.append(Segment(name, share, wording.percent(share), colour))
    return (("By number", tuple(first)), ("By volume", tuple(second)))
