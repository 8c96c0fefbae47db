"""Playground: a net that trains in front of you, its start, its curvature, and what is hung into its run."""

import streamlit as st

from nnplay import playground as compute
from nnplay.figures import playground as figures
from nnplay.hyperparameters import ladder
from nnplay.nets import ACTIVATIONS, INITIALIZERS
from nnplay.records import Experiment
from nnplay.ui.page import Page

page = Page("playground", compute)

RATES = ladder(*compute.RANGES["lr"])
PENALTIES = (0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SIZES = (*range(1, 31), 40, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000)
EPOCHS = (
    *range(1, 11),
    15,
    20,
    30,
    40,
    50,
    75,
    100,
    150,
    200,
    300,
    400,
    500,
    750,
    1000,
    1500,
    2000,
    3000,
    5000,
)
REMEMBERED = 12  # finished runs of this visitor's


# --- controls that the views share ------------------------------------------------------------------


def slider(view, name, label, step=1, **kw):
    return view.slider(name, label, *compute.RANGES[name], step, **kw)


def lead(view):
    """What is changed first."""
    data = view.select("dataset", "Data", compute.LABELS["dataset"])
    left, right = st.columns(2)
    with left:
        view.steps("lr", "Learning rate (lr)", RATES)
    with right:
        view.select("activation", "Activation", ACTIVATIONS)
    return data


def data_settings(view, dataset, *, click=False):
    if dataset == "own":
        upload(view)
    slider(view, "noise", "Noise in %", 1.0)
    slider(view, "train_share", "Share for training in %", 1)
    slider(view, "samples", "Points", 10)
    view.slider("data_seed", "Seed of the data", 0, 99, 1)
    if click:
        classes = compute.DATASETS[dataset].classes
        marks = ["-1", "1"] if classes < 3 else list(map(str, range(classes)))
        st.segmented_control(
            "A click on the map adds a point of class",
            ["none", *marks],
            default="none",
            key="playground_adds",
            required=True,
        )
    view.cells("points", "Points added", placeholder="x1 x2 class; 1 2 -1")


def upload(view):
    view.upload(
        "own",
        "Your table",
        ["csv"],
        compute.read_csv,
        help=(
            "A head, two columns of numbers, and as the last column a class (up to six) or a number to "
            "predict. Up to 2000 rows. It stays in this session: a link does not hold it."
        ),
    )


def net_settings(view):
    view.many("inputs", "Inputs", ("x1", "x2", "x1²", "x2²", "x1x2", "sin x1", "sin x2"))
    layers = slider(view, "hidden_layers", "Hidden layers")
    if layers:
        names = [f"Layer {i}" for i in range(1, layers + 1)]
        for i, tab in enumerate(st.tabs(names), 1):
            with tab:
                slider(view, f"units_{i}", "Units")
                view.select(f"activation_{i}", "Activation of this layer", compute.CHOICES[f"activation_{i}"])
                view.select(f"formula_{i}", "Lambda layer after it", compute.CHOICES[f"formula_{i}"])
    view.select("initializer", "Initializer", INITIALIZERS)
    view.toggle("batch_norm", "Batch normalization")
    slider(view, "dropout", "Dropout", 0.05)


def training_settings(view, *, batch=True):
    classes = compute.DATASETS[view.values["dataset"]].classes
    losses = ("by the data", *compute.LOSSES.get(classes, ("CrossEntropyLoss",)))
    view.select("loss", "Loss", compute.CHOICES["loss"] if view.values["dataset"] == "own" else losses)
    optimizer = view.select("optimizer", "Optimizer", compute.CHOICES["optimizer"])
    if optimizer in ("SGD", "RMSprop"):
        slider(view, "momentum", "Momentum", 0.01)
    view.select("schedule", "Schedule of the learning rate", compute.CHOICES["schedule"])
    if batch:
        view.steps("batch_size", "Batch size", SIZES)
    view.steps("l1", "L1 penalty", PENALTIES)
    view.steps("l2", "L2 penalty", PENALTIES)
    view.steps("epochs", "Epochs", EPOCHS)
    view.slider("seed", "Seed of the start", 0, 99, 1)


def settings(view):
    """All of them, for a view whose own controls stand above."""
    data, net, training = st.tabs(["Data", "Net", "Training"])
    with data:
        data_settings(view, view.values["dataset"])
    with net:
        net_settings(view)
    with training:
        training_settings(view, batch=not view.values.get("full_batch"))


# --- train ------------------------------------------------------------------------------------------


@page.view("Train")
def train(view):
    """**It trains as you watch**, and every setting that you change begins anew from the same start. Play,
    pause, step, and drag back through what was; the first button of the player goes to the start.

    On the drawn net: **a unit's map** shows what it puts out over the plane of x₁ and x₂; point at it to see
    it large. **An edge** is a weight: as wide as it is large, green if positive, pink if negative; the small
    square at a unit is its bias. Point at one for its value. **Click one to set it** at the moment where the
    player stands. Click an input to use it or leave it out, + and − to change units and layers.

    Points with a light edge are trained on, those with a dark edge test. Two classes are -1 and 1 and
    learned, as in TensorFlow Playground, by the distance from them; `MSELoss` has no factor of a half, so its
    gradient is twice that one's. Three and more classes are learned by softmax and cross-entropy. R² is 1
    where a regression is perfect and 0 where it only knows the mean.

    A loss that is no longer finite ends the run: lower the learning rate, or choose another activation.
    """
    with view.controls:
        dataset = lead(view)
        row = st.container(horizontal=True)
        data, net, training, more = st.tabs(["Data", "Net", "Training", "More"])
        with data:
            data_settings(view, dataset, click=True)
        with net:
            net_settings(view)
        with training:
            training_settings(view)
        with more:
            looks = run_settings(view)
        starts(view, row)

    gray = others(view)

    def picture(record):
        figure, frames = figures.train(record, **looks, others=gray)
        view.chart(
            figure,
            alt="A drawn net with a map in each unit, its output over the plane, and its losses",
            height=560,
            frames=frames,
            rate=30,
            restart=True,
            report=True,
            peek=figures.peek(record),
            on_click=lambda click: clicked(view, record, click),
        )
        remember(view, record)
        for note in record.notes:
            st.warning(note, icon=":material/info:")
        weight(view, record)
        if record.confusion.size:
            last = len(record.times) - 1
            moment = min(view.position() or last, last)
            st.caption(f"Test points after {record.frame} {record.times[moment]}")
            view.chart(
                figures.confusion(record, moment), alt="Confusion matrix of the test points", height=190
            )
        history()

    return picture


def starts(view, place):
    """Another start, other data: each a click."""

    def next_of(name):
        return lambda: view.move(**{name: (view.values[name] + 1) % 100})

    casino, scatter = ":material/casino:", ":material/scatter_plot:"
    place.button("New start", icon=casino, help="The next seed of the weights", on_click=next_of("seed"))
    place.button("New data", icon=scatter, help="The next seed of the data", on_click=next_of("data_seed"))


def run_settings(view):
    """What is drawn, and what happens on the way. Returns what only changes the look."""
    looks = {
        "test": st.toggle("Test points", True, key="playground_test", bind="query-params"),
        "discrete": st.toggle("Discretize the output", key="playground_discrete", bind="query-params"),
        "log": st.toggle("Logarithmic loss", key="playground_log", bind="query-params"),
    }
    st.toggle("Compare with earlier runs", key="playground_compare", bind="query-params")
    view.choice("frame", "A picture after each", compute.CHOICES["frame"])
    view.steps("stop_below", "Stop at a training loss below", (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0))
    fork = view.select("fork", "Fork: a second run with another", compute.CHOICES["fork"])
    if fork != "none":
        view.steps("fork_at", "Fork at", (0, *EPOCHS))
        name = f"fork_{fork}"
        if name in compute.CHOICES:
            view.select(name, f"{fork} from there on", compute.CHOICES[name])
        elif fork in ("momentum", "dropout"):
            slider(view, name, f"{fork} from there on", 0.01)
        else:
            options = {"lr": RATES, "batch_size": SIZES}.get(fork, PENALTIES)
            view.steps(name, f"{fork} from there on", options)
    view.text(
        "edits",
        "Weights set on the way",
        placeholder="12:1.2.1=0.5",
        help=(
            "After epoch 12, in layer 1, the weight of unit 2 from input 1 is set to 0.5. b in place of the "
            "input is the bias. A click on an edge writes this for you."
        ),
    )
    return looks


def clicked(view, record, click):
    """A mark of the figure was hit."""
    held, i = view.values, click.index[0]
    if click.trace == figures.MARKS:
        mark = figures.mark(record, i)
        name = f"units_{mark.layer}" if mark.layer else "hidden_layers"
        view.move(**{name: held[name] + (1 if mark.text == "+" else -1)})
    elif click.trace == figures.UNITS and (name := figures.input_at(i)):
        chosen = set(held["inputs"]) ^ {name}
        if chosen:
            view.move(inputs=[each for each in figures.FEATURES if each in chosen])
    elif click.trace in (figures.WEIGHTS, figures.BIASES):
        rows = record.edges if click.trace == figures.WEIGHTS else record.biases
        layer, unit, *source, column = map(int, rows[i])
        moment = min(view.position(), len(record.times) - 1)
        picked = layer + 1, unit + 1, source[0] + 1 if source else 0
        st.session_state["playground-picked"] = picked, record.widths
        st.session_state["playground-weight"] = float(record.weights[moment, column])
    elif (
        click.trace == figures.MAP and click.at and st.session_state.get("playground_adds", "none") != "none"
    ):
        x1, x2 = click.at
        row = f"{x1:.2f} {x2:.2f} {st.session_state.playground_adds}"
        text = st.session_state.get("playground_points", "")
        view.move(points=f"{text}; {row}" if text.strip() else row)


def weight(view, record):
    """A field for the weight or bias that was clicked."""
    (layer, unit, source), widths = st.session_state.get("playground-picked", ((0, 0, 0), ()))
    if widths != record.widths:
        return
    moment = min(view.position(), len(record.times) - 1)
    time = int(record.times[moment])

    def put():
        value = st.session_state["playground-weight"]
        text = st.session_state.get("playground_edits", "")
        edit = compute.Edit(time, layer, unit, source, value)
        view.move(edits=f"{text} {edit}".strip())

    what = f"weight from input {source}" if source else "bias"
    st.number_input(
        f"Layer {layer}, unit {unit}, {what}: from {record.frame} {time} on",
        -1000.0,
        1000.0,
        step=0.1,
        format="%.4f",
        key="playground-weight",
        on_change=put,
    )


# --- the runs of this session -----------------------------------------------------------------------


def remember(view, record):
    """Keep what a finished run came to."""
    runs = st.session_state.setdefault("playground-runs", [])
    if not record.done or any(run["settings"] == view.settings for run in runs):
        return
    changed = {k: v for k, v in view.settings.items() if v != view.defaults[k] and k != "own"}
    linked = (
        {**changed, "points": st.session_state.get("playground_points", "")}
        if "points" in changed
        else changed
    )
    runs.append(
        {
            "settings": view.settings,
            "title": ", ".join(f"{k}={v}" for k, v in changed.items()) or "as it opens",
            "link": "playground" + page.href(Experiment("", "", "train", linked), {"train": "Train"}),
            "epochs": int(record.epoch[-1]),
            "train": float(record.loss[0, -1, 0]),
            "test": float(record.loss[0, -1, 1]),
            record.metric_name: float(record.metric[0, -1, 1]),
            "curve": (record.times.copy(), record.loss[0, :, 1].copy()),
        }
    )
    del runs[:-REMEMBERED]


def others(view):
    """Curves of the other runs, where they are wanted."""
    if not st.session_state.get("playground_compare"):
        return ()
    runs = st.session_state.get("playground-runs", [])
    return [(run["title"], *run["curve"]) for run in runs if run["settings"] != view.values]


def history():
    """A table of the runs of this session."""
    runs = st.session_state.get("playground-runs", [])
    if not runs:
        return
    with st.expander(f"Runs of this session ({len(runs)})"):
        hidden = ("settings", "curve")
        st.dataframe(
            [{k: v for k, v in run.items() if k not in hidden} for run in reversed(runs)],
            hide_index=True,
            column_config={
                "title": "what differs from the defaults",
                "link": st.column_config.LinkColumn("open", display_text="open"),
                "train": st.column_config.NumberColumn("train loss", format="%.4f"),
                "test": st.column_config.NumberColumn("test loss", format="%.4f"),
                "accuracy": st.column_config.NumberColumn("test accuracy", format="%.3f"),
                "r2": st.column_config.NumberColumn("test R²", format="%.3f"),
            },
        )


# --- seeds ------------------------------------------------------------------------------------------


@page.view("Seeds")
def seeds(view):
    """**Up to 64 nets at once**, of the same settings on the same points: only their seeds differ, and with
    that the start and the order of the batches. The narrow band holds the middle half of them on the test
    points, the wide one all.

    **Solved** is a net whose accuracy, or R² in a regression, on the test points is at least 0.95 at the end.
    Below the rule of thumb stands what it hides: whether a setting works is often a matter of the start.
    """
    with view.controls:
        lead(view)
        slider(view, "nets", "Nets")
        settings(view)

    def picture(record):
        figure, frames = figures.seeds(record)
        view.chart(
            figure,
            alt="Losses and accuracies of all nets as bands, and where they ended",
            height=560,
            frames=frames,
            rate=30,
            restart=True,
        )

    return picture


@page.view("Curvature")
def curvature(view):
    """**How curved is the loss where the net stands?** The largest eigenvalue of its Hessian, by Lanczos's
    iteration with exact products of the Hessian, against the largest that gradient descent bears with this
    learning rate (dashed): 2 / lr, with momentum 2 (1 + momentum) / lr. Above it, steps along that direction
    grow.

    With all points in one batch the curvature tends to rise until it meets that line, and then to stay near
    it, while the loss goes on falling, though not in every step: the edge of stability (Cohen and others,
    2021). Optimizers that scale each weight's step on their own have another limit, which is not drawn.
    """
    with view.controls:
        lead(view)
        view.toggle("full_batch", "All points in one batch")
        settings(view)

    def picture(record):
        figure, frames = figures.curvature(record)
        view.chart(
            figure,
            alt="The loss, and the largest curvature beside its limit, by epoch",
            height=560,
            frames=frames,
            rate=30,
            restart=True,
        )

    return picture


@page.view("Callbacks")
def callbacks(view):
    """What is hung into a run, and **when each of them does something**. The points that are not trained on
    are for validation here.

    - **Early stopping** ends the run after so many epochs without a better value, and gives the best weights
      back.
    - **The checkpoint** keeps the weights of the best epoch: see *Take home*.
    - **The schedule** (under *Training*) sets the learning rate after each epoch.
    - **The logger** keeps every number: *Take home* has it as CSV and as an event file for TensorBoard.
    - **The text log** says nothing at verbose 0, draws a bar for each epoch at 1, and writes a line at 2.
    """
    with view.controls:
        lead(view)
        if view.toggle("early_stopping", "Early stopping"):
            slider(view, "patience", "Patience in epochs")
            view.toggle("restore_best", "Best weights back")
        view.toggle("checkpoint", "Checkpoint")
        view.toggle("logger", "Logger (CSV, TensorBoard)")
        if compute.DATASETS[view.values["dataset"]].classes:
            view.choice("monitor", "Watched", compute.CHOICES["monitor"])
        slider(view, "verbose", "verbose of the text log")
        settings(view)

    def picture(record):
        figure, frames = figures.callbacks(record)
        view.chart(
            figure,
            alt="Losses by epoch, with a mark where a callback did something, and the learning rate",
            height=480,
            frames=frames,
            rate=30,
            restart=True,
        )
        if record.lines:
            st.code("\n".join(record.lines[-12:]), language=None)

    return picture


page.show()
