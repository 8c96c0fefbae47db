"""Optimizers: a race from one start, the learning rate from crawl to divergence, schedules, mini-batches."""

import streamlit as st

from nnplay import optimizers as compute
from nnplay.figures import optimizers as figures
from nnplay.hyperparameters import ladder
from nnplay.surfaces import surface
from nnplay.ui.page import Page

page = Page("optimizers", compute)

RATES = ladder(*compute.RANGES["lr"])
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 64, 72)
SIZES += (80, 90, 100, 112, 128, 144, 160, 180, 200, 224, 256, 288, 320, 360, 400, 442)


def hyperparameters(view, catalogue, entry):
    """The controls of one optimizer or schedule, as its catalogue describes them."""
    for name, param in catalogue[entry].params.items():
        key, label = f"{entry}_{name}", f"`{name}` {param.label}"
        if isinstance(param.default, bool):
            view.toggle(key, label)
        elif param.choices:
            view.select(key, label, param.choices)
        elif param.rungs:
            view.steps(key, label, param.rungs)
        else:
            view.slider(key, label, param.low, param.high, param.step)


def condition_number(view):
    view.slider("condition_number", "Condition number", *compute.RANGES["condition_number"], 1, format="%.0f")


def steps(view):
    view.slider("steps", "Steps", *compute.RANGES["steps"], 1)


# --- race -------------------------------------------------------------------------------------------------


@page.view("Race")
def race(view):
    """**Click on the surface**, and all start from there. Each optimizer is run by `torch.optim`; the thin
    arrows point downhill, stars are the minima.

    **Press play, or step through.** The tab that is open beside the picture says whose step is taken apart:
    the thick arrows are its gradient and its momentum, each turned downhill, and the step that it takes (to
    scale), and below the picture stands its rule with the numbers of this very step.

    The chart of the largest curvature shows how fast the slope changes along each path, which is what limits
    a learning rate: plain gradient descent overshoots by more each step where it is above 2 / lr, with
    momentum above 2 (1 + momentum) / lr.

    Of torch's other optimizers Muon needs a weight matrix, SparseAdam sparse gradients, and ASGD walks as
    SGD does.
    """
    with view.controls:
        on = view.select(
            "surface",
            "Surface",
            compute.LABELS["surface"],
            on_change=lambda: view.move(**compute.suggested(st.session_state.optimizers_surface)),
        )
        drawn = st.segmented_control(
            "Drawn",
            ["From above", "In 3-D"],
            default="From above",
            key="optimizers_drawn",
            bind="query-params",
            required=True,
            label_visibility="collapsed",
        )
        if on == "quadratic":
            condition_number(view)
        sides = zip(("start_x", "start_y"), ("Start x", "Start y"), surface(on).places, strict=True)
        for column, (name, label, places) in zip(st.columns(2), sides, strict=True):
            with column:
                view.steps(name, label, places)
        names = view.many(
            "optimizers",
            "Optimizers",
            compute.LABELS["optimizers"],
            on_change=lambda: view.move(
                **{name: value for name, value in compute.suggested(on).items() if name not in view.values}
            ),
        )
        shown = settings(view, names)
        with view.more():
            steps(view)

    def picture(record):
        if drawn == "In 3-D":
            alt = "Paths of the optimizers on the surface in three dimensions"
            frames = figures.race_3d_frames(record)
            view.chart(figures.race_3d(record), alt=alt, frames=frames, rate=30, at_end=True, report=True)
        else:
            view.chart(
                figures.race(record, shown),
                alt="Paths of the optimizers on the surface, and their loss at every step",
                frames=figures.race_frames(record, shown),
                rate=30,
                at_end=True,
                report=True,
                on_click=lambda click: start(view, record, click),
            )
        rule(record, shown, view.position())
        ground(record)
        view.chart(figures.sharpness(record, shown), alt="Largest curvature along each path", height=240)

    return picture


def settings(view, names):
    """A tab for each optimizer with its hyperparameters. Returns the one that is open."""
    if not names:
        return ""
    labels = [compute.LABELS["optimizers"][name] for name in names]
    tabs = st.tabs(labels, key="optimizers_shown", bind="query-params")
    for name, tab in zip(names, tabs, strict=True):
        with tab:
            hyperparameters(view, compute.OPTIMIZERS, name)
    return next((name for name, tab in zip(names, tabs, strict=True) if tab.open), names[0])


def start(view, record, click):
    """A click on the surface, not on the chart beside it, sets the start."""
    if click.at and click.at == record.landscape.surface.inside(*click.at):
        view.move(start_x=click.at[0], start_y=click.at[1])


def rule(record, shown, step):
    """The rule of the optimizer that is shown, with the numbers of the step at which the player stands."""
    path = record.path(shown)
    if path is None or not path.steps:
        return
    step = min(max(step, 1), path.steps)
    st.markdown(f"**Step {step} of {record.titles[shown]}**, by its rule and by torch")
    st.code(path.update(step).text, language=None, wrap_lines=True)


def ground(record):
    """What there is to say about the surface."""
    on = record.landscape.surface
    st.markdown(f"**{on.title}** $\\quad L(x, y) = {on.formula}$\n\n{on.note}")
    if record.visible is not None:
        st.markdown(f"At the start {record.visible:.0%} of the gradient's length lies in this plane.")
    if record.limit is not None:
        st.markdown(
            f"The largest curvature at the start is λ = {record.curvature[1]:.4g}: plain gradient descent is "
            f"stable there up to a learning rate of 2 / λ = {record.limit:.3g}."
        )


# --- learning rate ----------------------------------------------------------------------------------------


@page.view("Learning rate")
def stability(view):
    """**Drag the learning rate** from crawl to divergence, or **click on the plane**, which sets learning
    rate and momentum.

    Gradient descent on a bowl multiplies what is left of the way by a fixed factor each step, one for each
    direction. The plane shows the larger of the two: green, the run comes nearer; pink, it goes away. Along
    a direction of curvature λ, plain gradient descent is stable up to lr = 2 / λ (solid line, for the largest
    λ), with momentum up to 2 (1 + momentum) / λ (dashed line). The star is the fastest pair.

    Dashed beside the curves: the same factors from theory, in closed form. They are the slowest root of a
    quadratic (Polyak 1964; Goh 2017); under *Numbers* they stand next to what the run measured.
    """
    with view.controls:
        view.steps("lr", "Learning rate (lr)", RATES)
        view.slider("momentum", "Momentum", *compute.RANGES["momentum"], 0.01)
        condition_number(view)
        with view.more():
            steps(view)

    def pick(click):
        if click.at and click.trace in (0, 3):  # the plane, or the star on it
            view.move(lr=click.at[0], momentum=click.at[1])

    return lambda record: view.chart(
        figures.stability(record),
        alt="Convergence over learning rate and momentum, and the run at the chosen pair",
        frames=figures.stability_frames(record),
        rate=30,
        at_end=True,
        on_click=pick,
    )


# --- schedules --------------------------------------------------------------------------------------------


@page.view("Schedules")
def schedule(view):
    """Gradient descent on the bowl, with noise added to every gradient, as mini-batches do. **A constant
    learning rate** (gray, dashed) has to be small to come to rest near the minimum, and large to get there
    soon. **A schedule** of `torch.optim.lr_scheduler` (blue) has both, one after the other.

    Both see the same noise. The path is one run, the small points are the ends of 32, and the band holds the
    middle 80 % of them.
    """
    with view.controls:
        name = view.select("schedule", "Schedule", compute.LABELS["schedule"])
        view.steps("lr", "Learning rate (lr)", RATES)
        hyperparameters(view, compute.SCHEDULES, name)
        if name == "warmup":
            hyperparameters(view, compute.SCHEDULES, view.values["warmup_then"])
        view.slider("noise", "Noise of the gradient", *compute.RANGES["noise"], 0.1)
        with view.more():
            condition_number(view)
            steps(view)
            view.seed()

    return lambda record: view.chart(
        figures.schedule(record),
        alt="Learning rate and distance to the minimum at every step, and the path",
        frames=figures.schedule_frames(record),
        rate=30,
        at_end=True,
    )


# --- mini-batches -----------------------------------------------------------------------------------------


@page.view("Mini-batches")
def batches(view):
    """**Drag the batch size.** A linear regression of 442 patients' diabetes on two measurements is learned
    by `torch.optim.SGD`. A point of the cloud is the gradient that one random batch would give, the arrow
    that of all patients. The cloud is the noise.

    An epoch is one pass over all patients, and a step is one batch: with small batches an epoch has many
    steps. Both ways to count are below, and the noise against the batch size: it falls as one over the root
    of the size, and to nothing where the batch is all there is (dashed: in closed form, Cochran 1977).
    """
    with view.controls:
        view.steps("batch_size", "Batch size", SIZES)
        view.steps("lr", "Learning rate (lr)", RATES)
        view.slider("epochs", "Epochs", *compute.RANGES["epochs"], 1)
        view.choice("at", "Gradients taken at", compute.CHOICES["at"])
        view.seed()

    def picture(record):
        view.chart(
            figures.batches(record),
            alt="The path over the loss of all data, and the gradients of batches around the full one",
            frames=figures.batches_frames(record),
            rate=60,
            at_end=True,
        )
        view.chart(
            figures.batches_curves(record), alt="Loss by steps and epochs; noise by batch size", height=260
        )

    return picture


page.show()
