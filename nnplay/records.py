"""What every topic's compute returns: a frozen record that can say its numbers as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Table = Mapping[str, Sequence[Any]]
"""Columns of equal length by name: the numbers that a page shows, a script prints and a CSV holds."""


class Record(Protocol):
    """A frozen dataclass of NumPy arrays with `table()`, the numbers that a visitor may check.

    Where there is more to take home it has `downloads() -> Mapping[str, Callable[[], bytes | str]]` too:
    files by their names, each made when it is asked for.
    """

    def table(self) -> Table: ...


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named setting of one view of a topic, with what to look for.

    `settings` are keyword arguments of the view's compute function: what is
    not named has that function's default. The claim in `title` and `look` is
    asserted by a test on the computed numbers.
    """

    title: str
    look: str
    view: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def text(table: Table) -> str:
    """The table as aligned plain text, a line per row, floats with six significant digits."""
    columns = [[str(name), *(_cell(value) for value in values)] for name, values in table.items()]
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) or hasattr(value, "dtype") else str(value)
