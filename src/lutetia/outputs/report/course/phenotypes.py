"""Volume by what it binds, over the visits, with its uncertainty."""

from __future__ import annotations

from lutetia.model import (
    Course,
)
from lutetia.outputs.pictures import charts
from lutetia.outputs.pictures.charts import Share
from lutetia.outputs.report import wording
from lutetia.outputs.report.blocks import (
    Block,
    Cell,
    Column,
    Figures,
    Row,
    Section,
    Table,
)
from lutetia.outputs.report.course.chosen import svg_figure, svg_size
from lutetia.outputs.report.course.following import (
    class_words,
    visit_words,
)


def phenotype_figures(course: Course) -> Figures | None:
    """Stacked volumes per visit, one chart per definition of a positive lesion."""
    figures = []
    for definition in dict.fromkeys(entry.definition for entry in course.phenotypes):
        rows = []
        for entry in course.phenotypes:
            if entry.definition != definition:
                continue
            kinds = [kind for kind in charts.PHENOTYPE_COLOUR if kind in entry.volume_ml]
            kinds += [kind for kind in entry.volume_ml if kind not in kinds]
            shares = [Share(k, entry.volume_ml[k], entry.low_ml.get(k), entry.high_ml.get(k)) for k in kinds]
            rows.append((visit_words(entry.visit).capitalize(), shares))
        title = f"Positive: above {'the liver on both' if definition == 'liver' else definition}"
        picture = charts.phenotype_svg(rows, title)
        width, height = svg_size(picture)
        alt = picture.split("<title>", 1)[1].split("</title>", 1)[0]
        figures.append(svg_figure(f"course-phenotypes-{definition}", picture, alt, width, height))
    return Figures(tuple(figures), columns=2) if figures else None


def phenotypes(course: Course) -> Section | None:
    """Charts and table of the volumes by what they bind, and what became of them; None without a tracer pair."""
    if not course.phenotypes:
        return None
    blocks: list[Block] = []
    charts = phenotype_figures(course)
    if charts is not None:
        blocks.append(charts)
    kinds = list(dict.fromkeys(kind for entry in course.phenotypes for kind in entry.volume_ml))
    rows = []
    for entry in sorted(course.phenotypes, key=lambda e: e.definition):
        cells = [Cell(visit_words(entry.visit)), Cell(entry.definition)]
        cells += [Cell(_span(entry.volume_ml.get(k), entry.low_ml.get(k), entry.high_ml.get(k))) for k in kinds]
        rows.append(Row((*cells, Cell(wording.number(entry.discordant_largest_mm, 2)))))
    columns = [Column("Visit"), Column("Positive above")]
    columns += [Column(f"{class_words(kind)}, mL", "right", 1) for kind in kinds]
    columns.append(Column("Largest discordant, mm", "right", 0.8))
    note = "In brackets the range: thresholds 10 % lower and higher, and a shift of one voxel."
    blocks.append(Table(tuple(columns), tuple(rows), notes=(note,), dense=True))
    changes = _changes(course)
    if changes is not None:
        blocks.append(changes)
    return Section("Volume by what it binds", tuple(blocks))


def _span(value: float | None, low: float | None, high: float | None) -> str:
    words = wording.number(value)
    return words if low is None or high is None else f"{words} ({wording.number(low)}–{wording.number(high)})"


def _changes(course: Course) -> Table | None:
    """What became of each volume between two visits, and whether that is more than its uncertainty."""
    told = [c for c in course.phenotype_changes if c.judgement not in ("unknown", "within")]
    if not told:
        return None
    remarks = {change.note for change in told}
    shared = remarks.pop() if len(remarks) == 1 else ""
    rows = []
    for change in told:
        percent = (
            "–" if change.change_percent is None else wording.number(change.change_percent, 2) + f"{wording.NARROW}%"
        )
        cells = (
            Cell(f"{visit_words(change.earlier_visit)} → {visit_words(change.later_visit)}"),
            Cell(class_words(change.phenotype), "strong"),
            Cell(change.definition),
            Cell(_span(change.before_ml, *change.before_range_ml)),
            Cell(_span(change.now_ml, *change.now_range_ml)),
            Cell(percent),
            Cell(change.judgement, "caution"),
        )
        rows.append(Row(cells if len(remarks) < 2 else (*cells, Cell(change.note or "–", "muted"))))
    columns = [
        Column("Between"),
        Column("Volume", width=1),
        Column("Positive above"),
        Column("Before, mL", "right"),
        Column("Now, mL", "right"),
        Column("Change", "right"),
        Column("Beyond its range"),
    ]
    if len(remarks) > 1:
        columns.append(Column("Remarks", width=2))
    return Table(tuple(columns), tuple(rows), notes=(shared,) if shared else (), dense=True)
