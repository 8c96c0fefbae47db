"""The script of a picture: the call that the page really made, as a program that runs by itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def script(function: Callable, settings: Mapping[str, Any]) -> str:
    """A program that makes this call in a fresh interpreter and prints the numbers that the page shows.

    A function that yields records as it goes is run to its last one.
    """
    arguments = "".join(f"    {name}={value!r},\n" for name, value in settings.items())
    call = f"{function.__name__}(\n{arguments})"
    if inspect.isgeneratorfunction(function):
        call = f"for record in {call}:\n    pass  # each one is the run so far"
    else:
        call = f"record = {call}"
    return (
        "from nnplay import records\n"
        f"from {function.__module__} import {function.__name__}\n\n"
        f"{call}\n"
        "print(records.text(record.table()))\n"
    )


def source(function: Callable) -> str:
    """The function as it stands in its module."""
    return inspect.getsource(function)
