"""Public data sets turned into event files: real traffic to replay, tune rules on and test against.

Owns one module per data set, and the accounting they share. What a data set does not say is
never made up: it is left out, and the report counts it. The trap: their times are local.
"""

from streams.importers.accounting import ImportReport
from streams.importers.dataset import DatasetKind, import_dataset

__all__ = ["DatasetKind", "ImportReport", "import_dataset"]
