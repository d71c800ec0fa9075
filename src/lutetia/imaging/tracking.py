"""Identity over a whole course: foci of all studies, in order, become tracks; a track is one lesion.

Studies are taken in their order. Each new study is matched against what every known lesion last looked like, a study
of the same tracer first; what is left on both sides, against its look before that. A split leaves the largest part
with the lesion's identity and gives each other part one of its own, with its parent named; a merger goes on as the
largest of the merged, the others end there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lutetia.imaging.matching import Focus, Link, MatchSettings, match


@dataclass(frozen=True, eq=False)
class StudyFoci:
    """The foci of one study, in the reference frame; `status` is the quality of its alignment.

    `binds` is what the tracer binds to. `fine` is False for SPECT, whose resolution can join what PET tells apart.
    """

    study: str
    tracer: str
    visit: int
    foci: tuple[Focus, ...]
    status: str = "ok"
    binds: str = ""
    fine: bool = True


@dataclass
class Track:
    """One lesion: what it is called in each study, and how it came and went.

    `keys` holds study → focus key; `links` study → evidence of the match; `parent` the track this one split from;
    `merged_into` the track that goes on after a merger, with the study where it was seen.
    """

    number: int
    keys: dict[str, str] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    shapes: dict[str, Focus] = field(default_factory=dict)
    tracers: dict[str, str] = field(default_factory=dict)
    binds: dict[str, str] = field(default_factory=dict)
    visits: dict[str, int] = field(default_factory=dict)
    parent: int | None = None
    split_in: dict[str, tuple[int, ...]] = field(default_factory=dict)
    merged_in: dict[str, tuple[int, ...]] = field(default_factory=dict)
    merged_into: tuple[int, str] | None = None

    def last_seen(self, tracer: str, binds: str = "") -> str:
        """The study that shows best what the lesion last looked like: same tracer, else same target, else any."""
        studies = list(self.shapes)
        same = [s for s in studies if self.tracers[s] == tracer]
        alike = [s for s in studies if binds and self.binds[s] == binds]
        return (same or alike or studies)[-1]

    def last_shape(self, tracer: str, binds: str = "") -> Focus:
        """What the lesion last looked like, in the study of `last_seen`."""
        return self.shapes[self.last_seen(tracer, binds)]

    def comparable(self, study: StudyFoci) -> bool:
        """Whether the study tells of time: the same tracer saw the lesion at an earlier visit.

        Two tracers of one visit, or a SPECT beside a PET, may show one mass in parts that the other joins.
        """
        last = self.last_seen(study.tracer, study.binds)
        return study.fine and self.tracers[last] == study.tracer and self.visits[last] < study.visit


def track(
    studies: Sequence[StudyFoci],
    settings: MatchSettings | None = None,
    corrections: Mapping[tuple[str, str], int] | None = None,
    same: Mapping[tuple[str, str], str] | None = None,
) -> list[Track]:
    """Give every focus of every study its lesion.

    Parameters
    ----------
    studies : in order of date
    settings : tolerances of matching
    corrections : (study, focus key) → track number, set by a reader; they win over the matching
    same : (study, focus key) → a name that foci of one lesion share where that is known without matching; of two such
        foci of one study the first counts

    Returns
    -------
    list of Track
        Numbered from 1 in order of first appearance.
    """
    corrections, same = corrections or {}, same or {}
    tracks = _Tracks()
    named: dict[str, Track] = {}
    for study in studies:
        free = _given_by_reader(tracks, study, corrections)
        free = _known_by_name(named, study, free, same)
        links = _links(tracks, study, free, settings)
        foci = {f.key: f for f in free}
        done = _come_apart(tracks, study, foci, links)
        done |= _go_on(tracks, study, foci, links, done)
        for focus in free:
            if focus.key not in done:
                _add(tracks.born(), study, focus, None)
        for own in tracks.all:
            name = same.get((study.study, own.keys.get(study.study, "")))
            if name is not None:
                named.setdefault(name, own)
    return sorted(tracks.all, key=lambda t: t.number)


class _Tracks:
    """The lesions known so far, in order of first appearance, and by number."""

    def __init__(self) -> None:
        self.all: list[Track] = []
        self._by_number: dict[int, Track] = {}

    def __getitem__(self, number: str) -> Track:
        return self._by_number[int(number)]

    def numbered(self, number: int) -> Track:
        """The lesion of that number; it begins here where there was none."""
        if number not in self._by_number:
            self._by_number[number] = Track(number)
            self.all.append(self._by_number[number])
        return self._by_number[number]

    def born(self) -> Track:
        """A lesion that begins here."""
        return self.numbered(max(self._by_number, default=0) + 1)


def _given_by_reader(tracks: _Tracks, study: StudyFoci, corrections: Mapping[tuple[str, str], int]) -> list[Focus]:
    """Give the foci whose lesion a reader named to it; what is left."""
    for focus in study.foci:
        number = corrections.get((study.study, focus.key))
        if number is not None:
            _add(tracks.numbered(number), study, focus, None)
    return [f for f in study.foci if (study.study, f.key) not in corrections]


def _known_by_name(
    named: Mapping[str, Track], study: StudyFoci, free: Sequence[Focus], same: Mapping[tuple[str, str], str]
) -> list[Focus]:
    """Give the foci that share a name with an earlier one to its lesion, one a study; what is left."""
    left = []
    for focus in free:
        own = named.get(same.get((study.study, focus.key), ""))
        if own is not None and study.study not in own.keys:
            _add(own, study, focus, None)
        else:
            left.append(focus)
    return left


def _links(
    tracks: _Tracks, study: StudyFoci, free: Sequence[Focus], settings: MatchSettings | None
) -> tuple[Link, ...]:
    """What ties the known lesions to the foci; `earlier` is a lesion's number."""
    known = [t for t in tracks.all if t.merged_into is None and study.study not in t.keys]
    shapes = [_renamed(t.last_shape(study.tracer, study.binds), str(t.number)) for t in known]
    found = match(shapes, free, study.status, settings)
    return (*found, *_left_over(known, free, found, study, settings))


def _grouped(links: Iterable[tuple[str, Link]]) -> dict[str, list[Link]]:
    out: dict[str, list[Link]] = {}
    for key, link in links:
        out.setdefault(key, []).append(link)
    return out


def _come_apart(tracks: _Tracks, study: StudyFoci, foci: Mapping[str, Focus], links: Sequence[Link]) -> set[str]:
    """Splits: the largest part goes on, the others are born here; the keys of the foci that were given."""
    done: set[str] = set()
    for earlier, parts in _grouped((link.earlier, link) for link in links).items():
        if len(parts) < 2:
            continue
        own = tracks[earlier]
        parts = sorted(parts, key=lambda link: (-foci[link.later].volume_ml, link.later))
        in_time = own.comparable(study)
        children = []
        for link in parts[1:]:
            child = tracks.born()
            child.parent = own.number
            if in_time:
                child.split_in[study.study] = (own.number,)
            _add(child, study, foci[link.later], link)
            children.append(child.number)
        if in_time:
            own.split_in[study.study] = tuple(children)
        _add(own, study, foci[parts[0].later], parts[0])
        done |= {link.later for link in parts}
    return done


def _go_on(
    tracks: _Tracks, study: StudyFoci, foci: Mapping[str, Focus], links: Sequence[Link], done: Collection[str]
) -> set[str]:
    """Lesions that are seen again, and mergers: the largest of the merged goes on, the others end here."""
    given: set[str] = set()
    earlier = {link.earlier for link in links}
    for later, wholes in _grouped((link.later, link) for link in links).items():
        if later in done:
            continue
        size = {n: tracks[n].last_shape(study.tracer, study.binds).volume_ml for n in earlier}
        known_here = {n: tracks[n].comparable(study) for n in earlier}
        # a lesion that another tracer saw gives way to one that this tracer knows
        wholes = sorted(wholes, key=lambda link: (not known_here[link.earlier], -size[link.earlier]))
        own = tracks[wholes[0].earlier]
        _add(own, study, foci[later], wholes[0])
        given.add(later)
        joined = [link for link in wholes[1:] if known_here[link.earlier]]
        if joined and known_here[wholes[0].earlier]:
            own.merged_in[study.study] = tuple(int(link.earlier) for link in joined)
            for link in joined:
                gone = tracks[link.earlier]
                gone.merged_into = (own.number, study.study)
                gone.merged_in[study.study] = (own.number,)
                gone.links[study.study] = link
    return given


def _left_over(
    known: Sequence[Track],
    free: Sequence[Focus],
    found: Sequence[Link],
    study: StudyFoci,
    settings: MatchSettings | None,
) -> list[Link]:
    """Links of what is left on both sides, held against the look that the lesion had before its last one.

    Each study is off by the error of its own alignment. Two errors that point apart keep a lesion from its last look,
    not from an earlier one of a tracer of the same target.
    """
    tied, taken = {link.earlier for link in found}, {link.later for link in found}
    before = {}
    for own in known:
        last = own.last_seen(study.tracer, study.binds)
        others = [s for s in own.shapes if s != last and own.binds[s] == study.binds and study.binds]
        if others and str(own.number) not in tied:
            before[str(own.number)] = own.shapes[others[-1]]
    foci = [f for f in free if f.key not in taken]
    links = match([_renamed(f, n) for n, f in before.items()], foci, study.status, settings)
    return [link for link in links if link.relation == "same"]


def _renamed(focus: Focus, key: str) -> Focus:
    return replace(focus, key=key)


def _add(own: Track, study: StudyFoci, focus: Focus, link: Link | None) -> None:
    own.keys[study.study] = focus.key
    own.shapes[study.study] = focus
    own.tracers[study.study] = study.tracer
    own.binds[study.study] = study.binds
    own.visits[study.study] = study.visit
    if link is not None:
        own.links[study.study] = link
