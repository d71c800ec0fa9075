"""Our own patient, for the demo and the tests."""

from lutetia.phantom.course import STORIES, make_course
from lutetia.phantom.make import PhantomTruth, make_phantom
from lutetia.phantom.plan import TRACERS, VARIANTS

__all__ = ["STORIES", "TRACERS", "VARIANTS", "PhantomTruth", "make_course", "make_phantom"]
