"""Augmentation: a chain of random transforms, mixed pictures with mixed labels, and what they are worth."""

from functools import partial

import streamlit as st

from nnplay import augmentation as compute
from nnplay import uploads
from nnplay.figures import augmentation as figures
from nnplay.hyperparameters import ladder
from nnplay.ui import fetch
from nnplay.ui.page import Page

page = Page("augmentation", compute)

WIDE = 760  # pixels below which a grid of draws could not be read
ADD = "augmentation-add"
RATES = ladder(*compute.RANGES["lr"])
read = partial(uploads.picture, side=compute.SIDE)


def slider(view, name, label, step=1, **kw):
    return view.slider(name, label, *compute.RANGES[name], step, **kw)


# --- the chain --------------------------------------------------------------------------------------


def chain(view):
    """The transforms in their order, each with its sliders; to add, move and remove."""
    steps = st.container()
    with view.more():
        text = view.text(
            "chain",
            "The chain as text",
            help="Names with a comma between them, or none: " + ", ".join(compute.TRANSFORMS),
        )
    names = compute.known(text)

    def put(changed, opened=None):
        st.session_state["augmentation-opened"] = opened
        view.move(chain=", ".join(changed) or compute.EMPTY)

    def add():
        name = st.session_state[ADD]
        st.session_state[ADD] = None
        if name:
            put(compute.added(names, name), name)

    with steps:
        st.selectbox(
            "Add a transform",
            list(compute.TRANSFORMS),
            index=None,
            placeholder="Add a transform",
            format_func=lambda name: compute.TRANSFORMS[name].label,
            key=ADD,
            on_change=add,
            label_visibility="collapsed",
            disabled=len(names) >= compute.MOST,
        )
        opened = st.session_state.get("augmentation-opened") or next(iter(names), None)
        for i, name in enumerate(names):
            stage(view, names, i, names.index(name) == i, name == opened, put)


def stage(view, names, i, first, opened, put):
    """One transform of the chain."""
    name = names[i]
    transform = compute.TRANSFORMS[name]
    with st.expander(
        transform.label, expanded=opened and first, icon=f":material/counter_{i + 1}:", type="step"
    ):
        st.caption(f"**{transform.kind.__name__}**: {transform.doc}")
        if first:
            for p in transform.parameters:
                view.slider(f"{name}_{p.name}", p.label, p.low, p.high, p.step)
        else:
            st.caption("It has the settings of its first place in the chain.")
        row = st.container(horizontal=True)
        for icon, text, changed in (
            ("arrow_upward", "Earlier", compute.moved(names, i, -1)),
            ("arrow_downward", "Later", compute.moved(names, i, 1)),
            ("delete", "Remove", names[:i] + names[i + 1 :]),
        ):
            row.button(
                text,
                icon=f":material/{icon}:",
                key=f"augmentation-{text}-{i}",
                on_click=put,
                args=(changed, name if text != "Remove" else None),
                disabled=changed == names,
                type="tertiary",
            )


def code(record):
    with st.expander("The chain as code that runs"):
        st.code(record.script(), language="python", wrap_lines=True)


# --- views ------------------------------------------------------------------------------------------


@page.view("Chain")
def augment(view):
    """**Drag a slider**, and all draws follow; *New draw* draws anew. Click on a draw to see it stage by
    stage. Point at one for all that was drawn: with that, and no more, the picture is made again exactly.

    - A transform draws the same wherever it stands: so what changes when you move it is the order alone.
    - Noise, elastic and AugMix print the seed of their noise, in place of thousands of numbers.
    - **Digits** are read by a small net that has learned digits as they are (green: as labelled). It shows
      where a transform breaks the label: a 6 that is turned by 180 degrees is a 9, whatever the label says.
    - **Color jitter** prints its factors: ☀ brightness, ◐ contrast, S saturation; H is how far the hue moves.
    - **MixUp** and **CutMix** mix two pictures, and their labels. Here the second one is as it is; in
      training it is one of the same batch.
    """
    with view.controls:
        source = view.select("source", "Picture", compute.CHOICES["source"])
        if source == "upload":
            kinds = [kind.lower() for kind in uploads.PICTURE_KINDS]
            view.upload("upload", "Your picture", [*kinds, "jpg"], read)
        elif source not in ("china", "flower"):
            fetch.offer(source)
            view.slider("sample", "Which one", 0, compute.samples(source) - 1, 1)

        def anew():
            view.move(seed=(view.values["seed"] + 1) % 100)

        st.button("New draw", icon=":material/casino:", on_click=anew, width="stretch")
        chain(view)
        slider(view, "draw", "Draw shown stage by stage")
        view.seed()

    def picture(record):
        def click(mark):
            if mark.trace == figures.DRAWS_TRACE:
                view.move(draw=figures.draw_at(*mark.index))

        view.chart(
            figures.augment(record),
            alt="A picture on its way through the chain, and twelve draws of it with their numbers",
            height=600,
            least_width=WIDE,
            on_click=click,
        )
        if record.names:
            st.caption(
                f"Draw {record.draw} as numbers. Made again from these lines, {record.differ} of "
                f"{record.image.size} values differ."
            )
            st.code("\n".join(record.printed[record.draw - 1]), language=None, wrap_lines=True)
        code(record)

    return picture


@page.view("Mixing")
def mix(view):
    """**Drag lambda.** **MixUp** adds the two pictures, lambda of the first and 1 − lambda of the second.
    **CutMix** pastes a box of the second, a share of 1 − lambda of the picture; where the box reaches over
    the edge less is pasted, and the label follows what is there. Labels are mixed by the same shares (gray).

    In training lambda is drawn from the Beta distribution at the lower right: small alphas draw mostly near 0
    or 1, large ones near a half. Blue is what a net says that has seen plain digits only: to learn from mixed
    ones is to become less sure between the classes.

    Zhang et al. 2018 (mixup), Yun et al. 2019 (CutMix).
    """
    with view.controls:
        slider(view, "lam", "λ, the share of the first", 0.01)
        slider(view, "first", "First digit")
        slider(view, "second", "Second digit")
        slider(view, "center_x", "CutMix: center of the box, across")
        slider(view, "center_y", "CutMix: center of the box, down")
        slider(view, "alpha", "Alpha of the Beta distribution", 0.1)

    return lambda record: view.chart(
        figures.mix(record),
        alt="Two digits, mixed by MixUp and by CutMix; their labels, and what a net reads",
        height=560,
    )


@page.view("Payoff")
def payoff(view):
    """**Is the chain worth it?** Pairs of equal nets (two convolutions) learn the same few digits from the
    same start, in the same order: one as they are, one through the chain. Bands go from the worst to the
    best of the seeds, lines are means. Over each panel: accuracy without → with the chain.

    Nobody here trains on the 400 test digits: as they are, turned by up to 45 degrees, shifted by up to 2 of
    16 pixels, and with noise of sigma 0.3. Lower left: all turned by the same angle.

    A chain pays off where it draws what the test brings, and costs where it makes digits into others. In each
    epoch every digit is changed anew; ten at a time share what is drawn, as in a batch. *Take home* has the
    weights of the first pair.
    """
    with view.controls:
        slider(view, "per_class", "Training digits of each class")
        chain(view)
        slider(view, "epochs", "Epochs", 10)
        slider(view, "seeds", "Seeds")
        with st.expander("Learning rate and seed"):
            view.steps("lr", "Learning rate (lr), at its peak", RATES)
            view.seed()

    def picture(record):
        figure, frames = figures.payoff(record)
        view.chart(
            figure,
            alt="Accuracy with and without the chain on four kinds of test digits, and against their angle",
            height=560,
            frames=frames,
            rate=40,
            restart=True,
        )
        code(record)

    return picture


page.show()
