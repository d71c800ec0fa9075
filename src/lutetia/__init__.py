"""Lutetia: from PET/CT of neuroendocrine tumours to a decision that can be checked.

Research software; not a medical device.
"""

__version__ = "0.1.0"
