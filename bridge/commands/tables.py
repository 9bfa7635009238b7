"""Tables for people, whole: an amount that is cut off says something else."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

UNBOUND = 10_000


def print_whole(table: Table) -> None:
    """Print the table as wide as it is; what a narrow terminal doesn't hold goes on in its next line."""
    wide = Console(file=sys.stdout, width=UNBOUND)
    needed = Measurement.get(wide, wide.options, table).maximum
    console = Console(file=sys.stdout)
    Console(file=sys.stdout, width=max(console.width, needed)).print(table)
    if table.show_header and not table.row_count:
        sys.stdout.write("(none)\n")
