"""Your own data: look before you train, split by patient, and freeze that split in one file. Not in the paper."""

from .inspection import Inspection, inspect
from .packing import pack, split_by_patient

__all__ = ["Inspection", "inspect", "pack", "split_by_patient"]
