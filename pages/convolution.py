"""Convolution: a kernel on its way over a picture; channels; smaller and larger; what a network sees."""

from functools import partial

import streamlit as st

from nnplay import convolution as compute
from nnplay import pictures, uploads
from nnplay.figures import convolution as figures
from nnplay.ui.page import Page

page = Page("convolution", compute)

WIDE = 620  # pixels below which a picture of many panels would not be readable
read = partial(uploads.picture, side=pictures.SIDE[1])


# --- what several views place -----------------------------------------------------------------------


def slider(view, name, label, step=1):
    return view.slider(name, label, *compute.RANGES[name], step)


def select(view, name, label, **kw):
    return view.select(name, label, compute.CHOICES[name], **kw)


def beside(view, *sliders):
    """Sliders in a row, each a (name, label)."""
    for column, (name, label) in zip(st.columns(len(sliders)), sliders, strict=True):
        with column:
            slider(view, name, label)


def apart():
    """Whether height and width have a slider each."""
    return st.toggle("Height and width apart", key="convolution_apart", bind="query-params")


def sizes(view, separate, *pairs):
    """Sliders for a (height, width, label): one each in a row, or, where these are `separate`, a row each."""
    if separate:
        for height, width, label in pairs:
            beside(view, (height, f"{label}, height"), (width, f"{label}, width"))
    else:
        beside(view, *((height, label) for height, _, label in pairs))
        for height, width, _ in pairs:
            view.tie(width, to=height)


def sliding(view, separate):
    """How a kernel slides, and over what padding."""
    sizes(view, separate, ("stride_h", "stride_w", "Stride"), ("dilation_h", "dilation_w", "Dilation"))
    if view.choice("padding", "Padding", compute.CHOICES["padding"]) == "number":
        sizes(view, separate, ("padding_h", "padding_w", "Cells of padding"))
    select(view, "padding_mode", "Padding mode")


def weights(view):
    """The kernel's preset. Choosing one undoes what was typed over it."""
    return select(view, "weights", "Kernel", on_change=view.move, kwargs={"kernel_cells": ""})


def upload(view):
    """A picture of the visitor's own."""
    kinds = [kind.lower() for kind in uploads.PICTURE_KINDS]
    view.upload("upload", "Your picture", [*kinds, "jpg"], read)


def source(view, name):
    """Which picture, and what belongs to it."""
    chosen = select(view, name, "Picture")
    if chosen == "upload":
        upload(view)
    if chosen == "digit":
        slider(view, "sample", "Which digit")
    else:
        slider(view, "side", "Longer side in pixels", 8)


def output_size(record):
    height, width = record.rows.formula(), record.columns.formula()
    st.markdown(
        f"Output height and width: {height}"
        if height == width
        else f"Output height: {height}  \nOutput width: {width}"
    )


def times(shape):
    return " × ".join(map(str, shape))


# --- views ------------------------------------------------------------------------------------------


@page.view("Kernel")
def kernel(view):
    """**Press play**, or point at an output cell: the window that it is made of lights up, and its sum is
    written out below the picture, with what `torch.nn.functional.conv2d` gives next to it. A click
    keeps that cell. A click on an input cell shows which outputs it feeds; a second click ends that.

    - **Stride**: how far the window moves on. Where the stride does not divide, cells at the end are
      left over (dotted): that is the floor ⌊ ⌋ in the formula.
    - **Dilation**: gaps between the cells that the kernel reads.
    - **Padding**: cells around the input. *valid* is none; *same* is what keeps the size; *full* lets
      every cell meet every weight. The mode says what they hold: zeros, the input mirrored (reflect),
      its border cell repeated (replicate), or the opposite side (circular).

    As in torch, the kernel is not flipped: strictly, this is a cross-correlation.
    """
    with view.controls:
        lead = st.container()
        with view.more():
            separate = apart()
            beside(view, ("row", "Output row"), ("col", "Output column"))
            beside(view, ("input_row", "Input row (−1: none)"), ("input_col", "Input column"))
            view.cells("kernel_cells", "Kernel cells", placeholder="1 0 -1; 2 0 -2; 1 0 -1")
            view.cells("input_cells", "Input cells", placeholder="as the preset has them")
            random = st.container()
        with lead:
            sizes(view, separate, ("kernel_height", "kernel_width", "Kernel size"))
            left, right = st.columns(2)
            with left:
                image = select(view, "image", "Input", on_change=view.move, kwargs={"input_cells": ""})
            with right:
                preset = weights(view)
            sliding(view, separate)
            sizes(view, separate, ("height", "width", "Input size"))
        with random:
            if image == "digit":
                slider(view, "sample", "Which digit")
            if "random" in (image, preset):
                view.seed()

    def picture(record):
        def click(mark):
            if mark.trace == figures.OUTPUT_TRACE:
                view.move(row=mark.index[0], col=mark.index[1])
            elif mark.trace == figures.INPUT_TRACE:
                row, column = record.input_cell(*mark.index)
                again = (row, column) == (record.input_row, record.input_column)
                view.move(input_row=-1 if again else row, input_col=-1 if again else column)

        view.chart(
            figures.kernel(record),
            alt="Input, kernel and output; the window of the chosen output cell, and its sum",
            height=470,
            frames=figures.kernel_frames(record),
            rate=6,
            at=record.row * record.columns.out + record.column,
            hover={"trace": figures.OUTPUT_TRACE, "columns": record.columns.out},
            on_click=click,
        )
        text, button = st.columns([3, 1])
        with text:
            output_size(record)
        if button.button("Edit the cells", icon=":material/edit:", key="convolution-edit", width="stretch"):
            edit(view, record)
        terms = st.expander(
            f"The sum of output ({record.row}, {record.column}), term by term",
            key="convolution_terms",
            bind="query-params",
        )
        if terms.open:
            terms.dataframe(record.terms(), hide_index=True)

    return picture


@st.dialog("Edit the cells", position="right")
def edit(view, record):
    """The numbers of kernel and input, to type over. What was changed goes into the address."""
    with st.form("convolution-cells", border=False):
        edited = {}
        for tab, name, cells in zip(
            st.tabs(["Kernel", "Input"]),
            ("kernel_cells", "input_cells"),
            (record.weight, record.input),
            strict=True,
        ):
            typed = tab.data_editor(cells, key=f"convolution-{name}", hide_index=True)
            if (typed != cells).any():
                edited[name] = "; ".join(" ".join(f"{cell:.10g}" for cell in row) for row in typed)
        if st.form_submit_button("Use these", type="primary"):
            view.move(**edited)
            st.rerun()


@page.view("Channels")
def channels(view):
    """A picture has three channels, and a layer a kernel for each of them. **The products are summed**
    over the channels, and that is one output channel; the next has kernels of its own. Click one below
    to see its sum.

    - **dense**: every output sees every input. **grouped**: only those of its own group. **depthwise**:
      a single one. **pointwise**: all, through kernels of 1 × 1, which mix channels and see no
      neighbours.
    - **Concatenate** stacks a coarse copy of the picture (a quarter of the size and back) on it, as a
      skip connection does: channels add up, heights and widths must agree.
    - *Costs* are weights and biases of this layer, and of others between the same channels.
      *Connections*: which output sees which input. *Memory*: the order in which a 4 × 4 corner of the
      picture is stored.
    """
    with view.controls:
        slider(view, "channel", "Output shown")
        layer = select(view, "layer", "Layer")
        if layer == "grouped":
            slider(view, "groups", "Groups")
        slider(view, "out_channels", "Output channels")
        if layer != "pointwise":
            slider(view, "kernel_size", "Kernel size")
        filters = select(view, "filters", "Kernels")
        if view.toggle("concatenate", "Concatenate a coarse copy"):
            slider(view, "crop", "Crop the copy by")
        with view.more():
            select(view, "photo", "Photograph")
            slider(view, "size", "Height and width")
            slider(view, "bias", "Bias", 0.05)
            if filters == "random":
                view.seed()

    def picture(record):
        def click(mark):
            if mark.trace == figures.OUTPUTS_TRACE:
                view.move(channel=figures.output_at(record, mark.index[1]))

        view.chart(
            figures.channels(record),
            alt="A photograph, its channels, a kernel for each, their products, the sum, and all outputs",
            height=450,
            least_width=WIDE,
            on_click=click,
        )
        text = f"Input {times(record.input.shape)} (channels × height × width), kernels "
        text += (
            f"{times(record.weight.shape)}, output {times(record.output.shape)}; it differs from `F.conv2d` "
        )
        text += f"by {record.difference:.1g} at most."
        if record.concatenated:
            coarse, own, both = map(times, record.concatenated)
            text = f"Concatenated: {coarse} and {own} make {both}. {text}"
        st.markdown(text)
        side = st.segmented_control(
            "Beside it",
            ["Costs", "Connections", "Memory"],
            default="Costs",
            key="convolution_side",
            bind="query-params",
            required=True,
            label_visibility="collapsed",
        )
        side = side or "Costs"  # None: an empty address
        drawn, alt = {
            "Costs": (figures.costs, "Parameters of this layer and of others between the same channels"),
            "Connections": (figures.connections, "Which output channel sees which input channel"),
            "Memory": (figures.memory, "The corner of the picture in memory, as C x H x W and as H x W x C"),
        }[side]
        view.chart(drawn(record), alt=alt, height=260, least_width=WIDE)

    return picture


@page.view("Down and up")
def resample(view):
    """**Drag the factor.** Above, six ways to make the picture smaller; a click chooses one. Below, its
    way back to the full size, and what is lost. The decibels (PSNR) say how near the way back comes:
    more is better.

    - **Aliasing**: whoever takes every fourth pixel sees coarse rings where there were fine ones.
      Averaging first (average pooling, a blur before the stride, antialias) leaves gray where the rings
      are too fine to be kept.
    - **Pooling** and **strided convolution** slide a window, as every kernel does. **Interpolation**
      asks what the value between the pixels would be.
    - **Shift** the picture by a pixel, and look in the numbers at how much each small picture moves.
    """
    with view.controls:
        slider(view, "factor", "Smaller by a factor of")
        slider(view, "window", "Window")
        select(view, "down", "Down by")
        if select(view, "up", "Up by") == "bilinear" or view.values["down"].startswith("bilinear"):
            view.toggle("align_corners", "Align corners")
        source(view, "picture")
        with view.more():
            slider(view, "shift", "Shift to the right")
            slider(view, "pad", "Padding of the windows")

    def picture(record):
        def click(mark):
            if mark.trace in figures.DOWN_TRACES:
                view.move(down=list(record.small)[mark.trace])

        view.chart(
            figures.resample(record),
            alt="A picture made smaller in six ways, and one of them made large again, with its error",
            height=470,
            least_width=WIDE,
            on_click=click,
        )
        st.markdown(
            f"Small height and width: {record.formula}. Pooling and convolution differ from torch's by "
            f"{record.difference:.1g} at most."
        )

    return picture


@page.view("Transposed")
def transpose(view):
    """**Press play.** A transposed convolution spreads: every value stamps the kernel, times itself, onto
    the output, *stride* cells further on each time. Where stamps overlap, they add up.

    - Where the stride does not divide the kernel's size, some cells are stamped more often than others:
      the **checkerboard**. Below, ways up that do not leave one; *ripple* is how unevenly each renders
      a constant picture.
    - **Padding** cuts cells off, at every edge: it is the padding of the convolution whose shapes this
      one turns around. **Output padding** adds a row and a column.
    """
    with view.controls:
        slider(view, "stride", "Stride")
        slider(view, "kernel_size", "Kernel size")
        slider(view, "cells", "Values in a row")
        left, right = st.columns(2)
        with left:
            values = select(view, "values", "Values")
        with right:
            stamp = select(view, "stamp", "Kernel")
        slider(view, "pad", "Padding")
        slider(view, "output_padding", "Output padding")
        if values == "digit":
            slider(view, "sample", "Which digit")
        if "random" in (values, stamp):
            view.seed()

    def picture(record):
        view.chart(
            figures.transpose(record),
            alt="Values, kernel, the output as stamps fill it, and how many stamps cover each cell",
            height=450,
            least_width=WIDE,
            frames=figures.transpose_frames(record),
            rate=3,
            at_end=True,
        )
        st.markdown(
            f"Output height and width: {record.formula}. It differs from `F.conv_transpose2d` by "
            f"{record.difference:.1g} at most."
        )
        view.chart(
            figures.upsampled(record),
            alt="The same values made larger in four ways",
            height=270,
            least_width=WIDE,
        )

    return picture


@page.view("Images")
def images(view):
    """The kernel of the first view, over a real picture. **Drag its size.** Where the weights sum to 1, the
    result is a picture again, each colour by itself. Else it is a response of either sign: green where the
    brightness is like the kernel, pink where it is like its negative, and no colour where nothing happens.

    Upload a picture of your own: it is kept in this server's memory only.
    """
    with view.controls:
        lead = st.container()
        with view.more():
            separate = apart()
            view.cells("kernel_cells", "Kernel cells", placeholder="1 0 -1; 2 0 -2; 1 0 -1")
            random = st.container()
        with lead:
            sizes(view, separate, ("kernel_height", "kernel_width", "Kernel size"))
            preset = weights(view)
            source(view, "source")
            sliding(view, separate)
        with random:
            if preset == "random":
                view.seed()

    def picture(record):
        view.chart(figures.images(record), alt="A picture, and what the kernel makes of it", height=420)
        output_size(record)

    return picture


@page.view("Feature maps")
def features(view):
    """A small network of two convolutional layers, trained on handwritten digits. **Drag through the
    digits**, and click a unit in any map. The frame on the digit is its receptive field: no pixel
    outside can reach it.

    Below: how strongly, and in which direction, each pixel moves that unit here (the gradient), and its
    mean size over digits that the network was not trained on. Near the rim of the field it fades.
    """
    with view.controls:
        slider(view, "sample", "Which digit")
        select(view, "layer_name", "Layer of the unit")
        slider(view, "unit_channel", "Its channel")
        slider(view, "unit_row", "Its row")
        slider(view, "unit_col", "Its column")
        with view.more():
            view.seed()

    def picture(record):
        def click(mark):
            if mark.trace in figures.LAYER_TRACES:
                layer = list(record.maps)[mark.trace - figures.LAYER_TRACES[0]]
                if unit := figures.unit_at(record, layer, *mark.index):
                    view.move(
                        layer_name=layer,
                        **dict(zip(("unit_channel", "unit_row", "unit_col"), unit, strict=True)),
                    )

        view.chart(
            figures.features(record),
            alt="A digit, the receptive field of a unit, its gradient, and the maps of all layers",
            height=490,
            least_width=WIDE,
            on_click=click,
        )
        left, right = st.columns(2)
        with left:
            view.chart(figures.classes(record), alt="The probability of each class", height=240)
        with right:
            view.chart(figures.training(record), alt="Loss and held-out accuracy of the training", height=240)

    return picture


page.show()
