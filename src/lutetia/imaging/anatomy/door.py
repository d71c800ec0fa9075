"""The door to the embedded anatomy: CT and PET, CT alone, or PET alone."""

from __future__ import annotations

from lutetia.imaging.anatomy.record import Anatomy
from lutetia.imaging.threads import one_thread
from lutetia.model import Tracer, UsageError, Volume


def plainly_mirrored(found: Anatomy, tracer: Tracer) -> bool:
    """Whether the spleen opposite a liver on the left leaves no doubt: smaller, sure, and far hotter (SSTR).

    A large spleen taken for a liver would leave the liver, which is colder, in the place of the spleen.
    """
    spleen, liver = found.organ("spleen"), found.organ("liver")
    if not tracer.is_sstr or spleen is None or liver is None or spleen.status != "ok":
        return False
    ratio = found.evidence.get("spleen", {}).get("to_liver", 0.0)
    return ratio > 1.5 and (spleen.volume_ml or 0.0) < 0.7 * (liver.volume_ml or 0.0)


@one_thread()
def find_anatomy(suv: Volume | None, ct: Volume | None, tracer: Tracer) -> Anatomy:
    """Find the organs of one study without weights.

    A CT that covers only part of the PET is used where it lies; uptake alone tells the rest. Where the liver seems to
    lie on the left, uptake alone is asked as a witness.

    Parameters
    ----------
    suv : SUV (z, y, x), or None
    ct : HU (z, y, x), or None
    tracer : what was injected

    Returns
    -------
    Anatomy; labels lie on the PET grid, on the CT grid when there is no PET

    Raises
    ------
    UsageError
        When neither PET nor CT is given.
    """
    if ct is not None:
        from lutetia.imaging.anatomy.embedded import find_embedded
        from lutetia.imaging.anatomy.partial_ct import WHOLE, joined, slices_covered

        if suv is None or slices_covered(suv.grid, ct.grid) >= WHOLE:
            found = find_embedded(ct, suv, tracer)
            if suv is None or found.liver_side != "left" or plainly_mirrored(found, tracer):
                return found
            # a liver on the left is rare enough to ask a witness: a large spleen can pass for it
            from lutetia.imaging.anatomy.pet_only import find_anatomy_pet_only
            from lutetia.imaging.anatomy.second_opinion import weighed

            return weighed(suv, found, find_anatomy_pet_only(suv, tracer))
        from lutetia.imaging.anatomy.pet_only import find_anatomy_pet_only

        return joined(find_anatomy_pet_only(suv, tracer), find_embedded(ct, suv, tracer), ct.grid)
    if suv is None:
        raise UsageError("anatomy-without-images", "Anatomy needs a PET, a CT, or both.", expected="a volume")
    from lutetia.imaging.anatomy.pet_only import find_anatomy_pet_only

    return find_anatomy_pet_only(suv, tracer)
