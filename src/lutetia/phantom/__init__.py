"""Our own patient, for the demo and the tests."""

from lutetia.phantom.make import PhantomTruth, make_phantom
from lutetia.phantom.plan import TRACERS, VARIANTS

__all__ = ["TRACERS", "VARIANTS", "PhantomTruth", "make_phantom"]
