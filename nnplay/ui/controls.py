"""Controls: each is named like an argument of the compute function, whose default is the control's own.

All of them are bound to the address. What a browser or an address says may be anything: a value that makes
no sense becomes the nearest one that does, or the default.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

CELLS = 4000
"""Characters of a grid of numbers that is typed."""


class Controls:
    """The controls of one view of the topic `slug`. `labels`: see `nnplay.ui.page.Page`."""

    def __init__(self, slug: str, function: Callable, labels: dict[str, dict]) -> None:
        self.slug = slug
        self.labels = labels
        self.function = function
        self.defaults = {
            name: parameter.default
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.default is not inspect.Parameter.empty
        }
        self.values: dict[str, Any] = {}  # what the controls hold
        self.grids: dict[str, tuple[float, float, float]] = {}
        self.ladders: dict[str, list] = {}
        self.ties: dict[str, str] = {}
        self.uploads = False  # there is a place for a file
        self.refused = False  # a file was, and it is said

    def slider(self, name: str, label: str, low: float, high: float, step: float, **kw) -> float:
        """A number; the picture follows while it is dragged."""
        key, default = self._key(name), self.defaults[name]
        held = st.session_state.get(key)
        if held is not None and not (_finite(held) and low <= held <= high):
            st.session_state[key] = min(max(held, low), high) if _finite(held) else default
        kind = type(default)
        low, high, step = kind(low), kind(high), kind(step)
        self.grids[name] = low, high, step
        return self._hold(name, _alone(st.slider, label, low, high, default, step, key=key, **kw))

    def steps(self, name: str, label: str, options: Sequence, **kw) -> Any:
        """One of an ordered list of values, such as learning rates, on a slider."""
        key, options = self._key(name), list(options)
        self.ladders[name] = options
        default = self._rung(name, self.defaults[name])
        held = st.session_state.get(key, default)
        if held not in options:
            st.session_state[key] = self._rung(name, held)
        return self._hold(name, _alone(st.select_slider, label, options, default, key=key, **kw))

    def tie(self, name: str, to: str) -> None:
        """`name` has no control of its own at present: it is what the control `to` holds, dragged or not."""
        self.ties[name] = to

    def select(self, name: str, label: str, options: Sequence[str], **kw) -> str:
        """One of a list of names, from a menu."""
        options = list(options)
        value = st.selectbox(
            label,
            options,
            options.index(self.defaults[name]),
            key=self._key(name),
            bind="query-params",
            format_func=self._label(name),
            **kw,
        )
        return self._hold(name, value)

    def choice(self, name: str, label: str, options: Sequence[str], **kw) -> str:
        """One of a few names, all in sight."""
        value = st.segmented_control(
            label,
            list(options),
            default=self.defaults[name],
            key=self._key(name),
            bind="query-params",
            required=True,
            format_func=self._label(name),
            **kw,
        )
        return self._hold(name, self.defaults[name] if value is None else value)  # None: an empty address

    def many(self, name: str, label: str, options: Sequence[str], **kw) -> tuple[str, ...]:
        """Any number of a list of names, all in sight."""
        value = st.pills(
            label,
            list(options),
            default=list(self.defaults[name]),
            key=self._key(name),
            bind="query-params",
            selection_mode="multi",
            wrap=True,
            format_func=self._label(name),
            **kw,
        )
        return self._hold(name, tuple(value))

    def toggle(self, name: str, label: str, **kw) -> bool:
        value = st.toggle(label, self.defaults[name], key=self._key(name), bind="query-params", **kw)
        return self._hold(name, value)

    def text(self, name: str, label: str, **kw) -> str:
        """A line of text in a notation of the topic's own, which compute checks."""
        value = st.text_input(
            label, self.defaults[name], key=self._key(name), bind="query-params", max_chars=CELLS, **kw
        )
        return self._hold(name, value or self.defaults[name])

    def cells(self, name: str, label: str, **kw) -> tuple[tuple[float, ...], ...]:
        """A grid of numbers, written row by row: "1 0; 2 3". Nothing written is the default."""
        text = st.text_input(label, key=self._key(name), bind="query-params", max_chars=CELLS, **kw)
        try:
            value = tuple(tuple(map(float, row.split())) for row in text.split(";")) if text.strip() else ()
        except ValueError:
            st.warning("Write numbers with a space between them and a semicolon between rows: 1 0 -1; 2 0 -2")
            value = ()
        return self._hold(name, value or self.defaults[name])

    def upload(
        self, name: str, label: str, kinds: Sequence[str], read: Callable[[bytes], Any], **kw: Any
    ) -> Any:
        """A file of the visitor's, as `read` makes a value of its bytes; a ValueError of it is said.

        It stays with the session: a link does not hold it, and no cache that visitors share.
        """
        file = st.file_uploader(label, list(kinds), key=self._key(f"{name}_file"), **kw)
        value, held = self.defaults[name], f"{self.slug}-{name}-read"
        self.uploads = True
        if file is None:
            st.session_state.pop(held, None)
            return self._hold(name, value)
        if st.session_state.get(held, ("",))[0] != file.file_id:
            try:
                st.session_state[held] = file.file_id, read(file.getvalue()), None
            except ValueError as refused:
                st.session_state[held] = file.file_id, value, str(refused)
        _, value, refusal = st.session_state[held]
        if refusal:
            self.refused = True
            st.warning(refusal, icon=":material/block:")
        return self._hold(name, value)

    @staticmethod
    def more():
        """A place for controls that matter less: `with view.more(): ...`."""
        return st.expander("More settings")

    def seed(self) -> int:
        """The seed, on a slider: to drag through it shows what is chance."""
        return self.slider("seed", "Seed", 0, 99, 1)

    def _key(self, name: str) -> str:
        return f"{self.slug}_{name}"

    def _rung(self, name: str, value: Any) -> Any:
        """The value of a ladder that is nearest."""
        ladder = self.ladders[name]
        return value if value in ladder else min(ladder, key=lambda rung: abs(rung - value))

    def _label(self, name: str) -> Callable[[Any], str]:
        labels = self.labels.get(name, {})
        return lambda value: labels.get(value, str(value))

    def _hold(self, name: str, value: Any) -> Any:
        self.values[name] = value
        return value

    def move(self, **values: Any) -> None:
        """Set controls of this view, from a callback such as `on_click`; they go to their nearest value."""
        moves = {}
        for name, value in values.items():
            if name in self.grids:
                low, _, step = self.grids[name]
                value = _snap(value, low, step)
            moves[self._key(name)] = value
        st.session_state[f"{self.slug}-moves"] = moves  # for the run that draws the controls

    def snapped(self, name: str, raw: float, value: Any) -> Any:
        """What a slider holds at the raw value that a browser reports; `value` where it makes no sense."""
        if name in self.grids:
            low, high, step = self.grids[name]
            return min(max(_snap(raw, low, step), low), high)
        ladder = self.ladders.get(name, [])
        return ladder[int(raw)] if 0 <= raw < len(ladder) else value


def _alone(slider: Callable, *given: Any, **kw: Any) -> Any:
    """A slider that runs nothing but itself again. The chart watches it and asks for the new picture, with
    every step of a drag: so a move costs one small picture's run, not the page's."""

    def place() -> Any:
        return slider(*given, bind="query-params", **kw)

    return st.fragment(place)()


def _snap(value: float, low: float, step: float) -> float:
    """The value of a slider's grid that is nearest; an int where low and step are."""
    return round(low + round((value - low) / step) * step, 10)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
