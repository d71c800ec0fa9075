"""What type checkers see of the names that `lutetia` imports on first use."""

from lutetia import rules as rules
from lutetia.api import conformance as conformance
from lutetia.api import make_phantom as make_phantom
from lutetia.api import read as read
from lutetia.api import scan as scan
from lutetia.api import suv as suv
from lutetia.model import Course as Course
from lutetia.model import InputError as InputError
from lutetia.model import LutetiaError as LutetiaError
from lutetia.model import UsageError as UsageError
from lutetia.reading.doctor import doctor as doctor
from lutetia.reading.settings import OutputSettings as OutputSettings
from lutetia.reading.settings import ReadSettings as ReadSettings
from lutetia.reading.why import why as why
from lutetia.rules.score import score as score

__version__: str
