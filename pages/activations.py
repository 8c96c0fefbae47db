"""Activations: a number through a curve, five through softmax, a batch through fifty layers, one fit each."""

from nnplay import activations as compute
from nnplay.datasets import FUNCTIONS
from nnplay.figures import activations as figures
from nnplay.nets import ACTIVATIONS, INITIALIZERS
from nnplay.ui.page import Page

page = Page("activations", compute)

LADDER = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
FREE = [name for name, entry in INITIALIZERS.items() if entry.free]  # those that take a standard deviation
WIDTHS = (0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


@page.view("Curves")
def curves(view):
    """**Drag x**, on the slider or on the chart itself. Above: what each activation makes of x, with its
    tangent there. Below: the slope of that tangent, which is what the gradient is multiplied by on the way
    back. Both are computed by PyTorch, the slope by autograd; under *Numbers* a finite difference stands
    next to it.

    - **Saturated** (wide pale band): a tail that flattens out, and its slope is less than 0.05 from zero.
      Learning through such a unit crawls.
    - **Dead** (dots): the slope is exactly zero on a whole stretch. Nothing passes back at all.
    - A **gated** activation (GLU and its kin) takes two inputs: here its gate takes x, and *value* is what
      the gate multiplies.
    """
    with view.controls:
        view.slider("x", "x", *compute.RANGES["x"], 0.01)
        names = view.many("names", "Activations", ACTIVATIONS)
        for name in compute.parameters(names):
            view.slider(name, name, *compute.RANGES[name], 0.01)

    return lambda record: view.chart(
        figures.curves(record),
        alt="Value and slope of the chosen activations, with a movable x",
        handle=view.handle("x"),
        height=560,
    )


@page.view("Softmax")
def softmax(view):
    """**Drag a logit**: all probabilities move, because they share one sum. **Temperature** divides the
    logits first: small, and the largest takes everything (argmax); large, and all become equal (dashed
    line). Below stand the same five probabilities at every temperature, the present one dotted.

    Adding the same number to every logit changes nothing, as the formula says. But `exp` of more than 88
    does not fit into single precision: raise *Added to all logits* and the naive formula (hatched) turns
    into infinity over infinity, which is `nan`; lower it and it ends as 0 / 0. The stable one subtracts the
    largest logit first and stays with `torch.softmax`: see *Numbers*.
    """
    with view.controls:
        view.steps("temperature", "Temperature", LADDER)
        view.slider("shift", "Added to all logits", *compute.RANGES["shift"], 1.0)
        for i in range(1, 6):
            view.slider(f"logit_{i}", f"Logit {i}", *compute.RANGES[f"logit_{i}"], 0.1)

    return lambda record: view.chart(
        figures.softmax(record),
        alt="Five logits, their probabilities, and these against temperature",
        height=560,
    )


@page.view("Depth")
def signal(view):
    """256 samples go through the net once, untrained, and the gradient of the loss comes back. Every column
    is a layer; the stronger its color, the more values lie there. What lies beyond an axis counts at its
    edge.

    - **Activations**: what the units of each layer put out. Their **variance** stands below.
    - **|gradient|**: what arrives at each layer on the way back, from right to left; the line is its root
      mean square. *Vanishes* and *explodes* mean a factor of 10,000 since the start; a dotted line marks
      the layer.
    - **Share**: of values where the activation is flat, and of units that are dead for all 256 samples.

    The dashed lines are not fitted. They are what mean-field theory (Poole et al. 2016, Schoenholz et al.
    2017; with batch normalization Yang et al. 2019) predicts for infinitely wide layers from the inputs,
    the activation and the initializer; the gradient's begins at the measured one of the last layer.
    """
    with view.controls:
        view.slider("depth", "Layers", *compute.RANGES["depth"], 1)
        view.select("activation", "Activation", ACTIVATIONS)
        if view.select("initializer", "Initializer", INITIALIZERS) in FREE:
            view.steps("std", "Its standard deviation", WIDTHS)
        view.toggle("batch_norm", "Batch normalization")
        view.slider("width", "Units in a layer", *compute.RANGES["width"], 4)
        view.choice("source", "Fed with", compute.CHOICES["source"])
        view.seed()

    return lambda record: view.chart(
        figures.signal(record),
        alt="Distribution of activations and gradients in every layer, and their size",
        height=560,
    )


@page.view("Training")
def fit(view):
    """One small net per activation, all from the same seed, trained on the same points. Press play, or drag
    through the epochs: you see what each net says, its loss on the points that it learns from (solid) and
    on as many that are held out (dashed), and how many of its hidden units are dead, which means that
    their slope is zero on every point that it learns from.
    """
    with view.controls:
        view.select("function", "Function to learn", FUNCTIONS)
        view.steps("lr", "Learning rate (lr)", RATES)
        view.select("optimizer", "Optimizer", compute.CHOICES["optimizer"])
        view.many("names", "Activations", ACTIVATIONS)
        with view.more():
            view.slider("units", "Units in a layer", *compute.RANGES["units"], 1)
            view.slider("hidden_layers", "Hidden layers", *compute.RANGES["hidden_layers"], 1)
            if view.select("initializer", "Initializer", INITIALIZERS) in FREE:
                view.steps("std", "Its standard deviation", WIDTHS)
            view.slider("epochs", "Epochs", *compute.RANGES["epochs"], 10)
            view.slider("noise", "Noise", *compute.RANGES["noise"], 0.05)
            view.seed()

    def picture(record):
        figure, frames = figures.fit(record)
        view.chart(
            figure,
            alt="Fits of one net per activation, epoch by epoch",
            height=520,
            frames=frames,
            rate=30,
            restart=True,
        )

    return picture


page.show()
