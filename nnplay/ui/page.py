"""The frame of a topic's page: title, experiments, views, and under each picture its numbers and its code.

A page is a `Page` with a function per view. The function is named like the compute function that it shows.
It places controls whose names are that function's keyword arguments, and returns a function that draws the
record in `view.chart()`. So what the controls hold is the call, and the call is what the code panel prints.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from types import ModuleType
from typing import Any, TypeAlias
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from nnplay import topics
from nnplay.figures import theme
from nnplay.records import Experiment, Record
from nnplay.ui import code
from nnplay.ui.chart import Grip, Handle, dragged, live_chart, picture_data, position
from nnplay.ui.controls import Controls
from nnplay.ui.links import Link, links
from nnplay.ui.live import Line
from nnplay.ui.run import Run
from nnplay.uploads import safe

_line: ContextVar[dict | None] = ContextVar("line", default=None)
"""Set where a picture is drawn for the line and not on the page: what is then said of its run."""


class _Caught(Exception):  # noqa: N818
    """Ends a picture that is drawn for the line: its first chart is all that is wanted."""

    def __init__(self, picture: dict[str, Any]) -> None:
        self.picture = picture


Draw: TypeAlias = "Callable[[View], Callable[[Any], None]]"

HIDDEN = {"visible": False}
BUDGET = 0.1
"""Seconds that a run computes before the page draws what there is: Stop is answered within this."""


class Page:
    """One topic's page. `compute` is the topic's module, with a function per view and `EXPERIMENTS`.

    It may have `LABELS`: what the visitor, and the address, read for the names that an argument takes, such
    as `{"surface": {"rosenbrock": "Rosenbrock"}}`.
    """

    def __init__(self, slug: str, compute: ModuleType) -> None:
        self.topic = topics.find(slug)
        self.compute = compute
        self.labels = getattr(compute, "LABELS", {})
        self.views: dict[str, tuple[str, Draw]] = {}

    def view(self, label: str) -> Callable:
        """Decorator: the visitor reads `label`; the function's name is the view's and its compute's."""

        def register(draw: Draw) -> Draw:
            self.views[draw.__name__] = (label, draw)
            return draw

        return register

    def show(self) -> None:
        """Draw the page."""
        st.title(self.topic.title, anchor=False)
        st.caption(self.topic.question)
        st.fragment(self._body)()  # a control runs this again, and not the menu around it

    def _body(self) -> None:
        slug = self.topic.slug
        st.session_state.update(st.session_state.pop(f"{slug}-moves", {}))
        experiments = st.container()
        labels = {name: label for name, (label, _) in self.views.items()}
        chosen = st.segmented_control(
            "View",
            list(labels),
            default=next(iter(labels)),
            format_func=labels.get,
            key=f"{slug}_view",
            bind="query-params",
            required=True,
            label_visibility="collapsed",
        )
        chosen = chosen or next(iter(labels))  # None: an empty address
        view = View(slug, getattr(self.compute, chosen), self.views[chosen][1], self.labels)
        view.show()
        with experiments:
            links(
                [Link(each.title, self.href(each, labels), each.look) for each in self.compute.EXPERIMENTS],
                f"{slug}_experiments",
                label="Experiments",
                parameters=[f"{slug}_{name}" for name in ("view", *self._arguments())],
            )

    def href(self, experiment: Experiment, labels: dict[str, str]) -> str:
        """The address of an experiment: the view and what it sets; all else falls back to its default."""
        slug = self.topic.slug
        parts = {f"{slug}_{name}": self._text(name, value) for name, value in experiment.settings.items()}
        if experiment.view != next(iter(labels)):
            parts[f"{slug}_view"] = labels[experiment.view]
        return "?" + urlencode(parts, doseq=True)

    def _arguments(self) -> list[str]:
        """What a view computes with; other controls change only how it is shown."""
        signatures = (inspect.signature(getattr(self.compute, view)) for view in self.views)
        return sorted({name for signature in signatures for name in signature.parameters})

    def _text(self, name: str, value: Any) -> Any:
        """A value, or a tuple of values, as the address has it."""
        if name not in self.labels:
            return value
        labels = self.labels[name]
        return [labels[each] for each in value] if isinstance(value, tuple) else labels[value]


class View(Controls):
    """What a view's function works with: controls, the call, the chart."""

    def __init__(self, slug: str, function: Callable, draw: Draw, labels: dict[str, dict]) -> None:
        super().__init__(slug, function, labels)
        self.draw = draw
        self.run: Run | None = None
        self.line: Line | None = None
        self.settings: dict[str, Any] = {}  # what the controls hold, but for a slider that is being dragged
        self.charts = 0
        self.figure: go.Figure | None = None
        self.record: Record | None = None

    @property
    def name(self) -> str:
        return self.function.__name__

    def show(self) -> None:
        """Draw the view: the picture, the controls beside it, and what stands under both."""
        _hide(st.query_params.get_all("hide"))
        stage, self.controls = st.columns([3.1, 1], gap="medium")
        picture = self.draw(self)
        self.line = Line(partial(self._moved, picture), partial(self._more, picture))
        st.session_state[f"{self.slug}-line"] = self.line  # the one before it is closed with that
        part = self._part()
        below = st.container()  # not st.empty: a fragment may refill only a block of the fragment around it
        with stage:
            # all that runs again while a slider is dragged; of what stands outside it may only refill `below`
            st.fragment(self._picture)(picture, part, below)
        if part in ("Explanation", None):
            st.markdown(inspect.getdoc(self.draw) or "")
        elif part == "Take home":
            self._downloads()

    def _picture(self, picture: Callable[[Any], None], part: str, below) -> None:
        if f"{self.slug}-moves" in st.session_state:
            st.rerun()
        self.charts = 0
        self.figure = self.record = None
        self.settings = {name: self._present(name, value) for name, value in self.values.items()}
        for name, other in self.ties.items():
            st.session_state[self._key(name)] = self.settings[name] = self.settings[other]
        notice = st.container()
        try:
            if inspect.isgeneratorfunction(self.function):
                self.record = self._advance(self.settings)
            elif self.uploads:
                self.record = self.function(**self.settings)
            else:
                self.record = _computed(_path(self.function), tuple(self.settings.items()), self.function)
            picture(self.record)
        except ValueError as refused:
            if not self.refused:
                notice.warning(str(refused), icon=":material/block:")
            if not self.charts:  # empty, but there: it watches the sliders
                self.chart(theme.figure(xaxis=HIDDEN, yaxis=HIDDEN), alt="No picture")
        if part in ("Numbers", "Code"):
            with below:
                self._below(part)

    def _present(self, name: str, value: Any) -> Any:
        """What a control holds now: a slider may have moved since the view was drawn, or is being dragged."""
        if name in self.grids or name in self.ladders:
            value = st.session_state.get(self._key(name), value)
        match dragged(self._chart_key(0)):
            case (key, raw) if key == self._key(name):
                return self.snapped(name, raw, value)
        return value

    def _moved(self, picture: Callable[[Any], None], moves: Mapping[str, float]) -> dict[str, Any] | None:
        """The first chart with those sliders moved, raw values by key, as the browser takes it; None where
        there is none.

        Not of a run: with another setting it begins anew, which is the script's.
        """
        raws = {key.removeprefix(f"{self.slug}_"): raw for key, raw in moves.items()}
        if self.run or not set(raws) <= set(self.settings):
            return None
        settings = self.settings | {
            name: self.snapped(name, raw, self.settings[name]) for name, raw in raws.items()
        }
        settings |= {tied: settings[to] for tied, to in self.ties.items()}
        try:
            return self._caught(picture, self.function(**settings))
        except ValueError:
            return None  # the script will say it

    def _more(self, picture: Callable[[Any], None], name: str, have: int) -> dict[str, Any] | None:
        """The view's run, a budget further, with its frames from `have` on; None where it is another run."""
        run = self.run
        if run is None or run.name != name:
            return None
        run.have = have
        try:
            run.advance(BUDGET)
        except ValueError:
            return None  # the script will say it
        return self._caught(picture, run.record, run=name, start=have, growing=not run.done)

    @staticmethod
    def _caught(picture: Callable[[Any], None], record: Record, **run: Any) -> dict[str, Any] | None:
        """The first chart of a picture that is drawn for the line alone."""
        before = _line.set(run)
        try:
            picture(record)
        except _Caught as caught:
            return caught.picture
        finally:
            _line.reset(before)
        return None

    # ---- the picture and what stands under it --------------------------------------------------------

    def _advance(self, settings: dict[str, Any]) -> Record:
        """The record of a run of these settings, a budget further at each pass.

        New settings begin a new run. More of it the chart asks for by its line, once it has drawn this: a
        browser that is gone asks no more, and with that its run has ended.
        """
        key = f"{self.slug}-{self.name}-run"
        run = st.session_state.get(key)
        if run is None or run.settings != settings or run.over:
            run = st.session_state[key] = Run(settings, self.function(**settings))
        run.advance(BUDGET)
        self.run = run
        return run.record

    def chart(self, figure: go.Figure, *, alt: str, **kw) -> None:
        """A live chart; `kw` as in `live_chart`. The first one of a view carries the sliders' dragging
        and, under it, the button of a run."""
        run = _line.get()
        if run is not None:
            raise _Caught(picture_data(figure, alt=alt, **(kw | run)))
        key = self._chart_key(self.charts)
        if not self.charts:
            kw.setdefault("watch", f"{self.slug}_")
            kw["line"] = self.line and self.line.token
            self.figure = figure
            if self.run:
                kw |= {"run": self.run.name, "have": self.run.have, "growing": not self.run.done}
        self.charts += 1
        live_chart(figure, key, alt=alt, on_drop=self._drop, **kw)
        if self.run and self.charts == 1:
            self.run.button()

    def handle(self, name: str) -> Handle:
        """What makes a chart draggable: `view.chart(..., handle=view.handle("x"))` moves the slider x."""
        low, high, _ = self.grids[name]
        return Handle(self._key(name), low, high)

    def grip(self, x: str, y: str, width: str, height: str) -> Grip:
        """What makes a rectangle draggable: the sliders x and y are its corner, width and height its size."""
        at, size = ((self.settings[a], self.settings[b]) for a, b in ((x, y), (width, height)))
        return Grip(self.handle(x), self.handle(y), at, size)

    def position(self) -> int:
        """The frame at which the view's first chart stands, where that has `report`."""
        return position(self._chart_key(0))

    def _drop(self, dropped: Mapping[str, float]) -> None:
        moves = {key.removeprefix(f"{self.slug}_"): value for key, value in dropped.items()}
        if set(moves) <= set(self.grids):
            self.move(**{name: self.snapped(name, value, None) for name, value in moves.items()})

    def _chart_key(self, i: int) -> str:
        return f"{self.slug}-{self.name}-chart-{i}"

    def _part(self) -> str:
        return st.segmented_control(
            "Below the picture",
            ["Explanation", "Numbers", "Code", "Take home"],
            default="Explanation",
            key=f"{self.slug}_below",
            bind="query-params",
            required=True,
            label_visibility="collapsed",
        )

    def _below(self, part: str) -> None:
        if self.record is None:
            st.caption("There is nothing to show before the settings give a picture.")
        elif part == "Numbers":
            st.dataframe(pd.DataFrame(self.record.table()), hide_index=True)
        elif part == "Code":
            st.code(code.script(self.function, self.settings), language="python")
            with st.expander(f"The source of {self.name}"):
                st.code(code.source(self.function), language="python")

    def _downloads(self) -> None:
        st.caption("As PNG: the camera at the top right of the chart. As a link: this page's address.")
        if self.record is None or self.figure is None:
            return
        files = (
            ("Numbers (CSV)", "csv", lambda: _csv(self.record), "table"),
            ("Picture (HTML)", "html", lambda: self.figure.to_html(include_plotlyjs=True), "image"),
            ("Script (Python)", "py", lambda: code.script(self.function, self.settings), "code"),
        )
        row = st.container(horizontal=True)
        for label, ending, data, icon in files:
            row.download_button(
                label,
                data,
                f"{self.slug}-{self.name}.{ending}",
                on_click="ignore",
                icon=f":material/{icon}:",
            )
        if hasattr(self.record, "downloads"):  # a file each, by its name
            for name, data in self.record.downloads().items():
                row.download_button(name, data, name, on_click="ignore", icon=":material/download:")


def _hide(given: Sequence[str]) -> None:
    """Controls that the address hides, `?hide=topic_noise,topic_loss`: they keep their value."""
    names = [name for name in ",".join(given).split(",") if re.fullmatch(r"\w+", name, re.ASCII)]
    if names:
        rules = ",".join(f".st-key-{name}" for name in names)
        st.html(f"<style>{rules} {{ display: none; }}</style>")


def _csv(record: Record) -> str:
    """Its table; texts, which may be a visitor's own, are no formulas."""
    table = pd.DataFrame(record.table()).rename(columns=safe)
    return table.map(lambda cell: safe(cell) if isinstance(cell, str) else cell).to_csv(index=False)


@st.cache_data(max_entries=128, show_spinner=False)
def _computed(path: str, settings: tuple, _function: Callable) -> Any:
    return _function(**dict(settings))


def _path(function: Callable) -> str:
    return f"{function.__module__}.{function.__qualname__}"
