"""Overfitting: capacity, training, remedies, bias and variance, double descent."""

from nnplay import overfitting as compute
from nnplay.figures import overfitting as figures
from nnplay.hyperparameters import ladder
from nnplay.ui.page import Page

page = Page("overfitting", compute)

WIDE = 820  # pixels below which eight remedies side by side could not be read
ALPHAS = (0.0, *(float(f"{digit}e{power}") for power in range(-5, 2) for digit in (1, 2, 5)), 100.0)
RATES = ladder(*compute.RANGES["lr"])
STRENGTHS = (0.0, *ladder(0.0001, 1.0))


def slider(view, name, label, step=1, **kw):
    return view.slider(name, label, *compute.RANGES[name], step, **kw)


def shares(view):
    slider(view, "test_size", "Test share of all", 0.05)
    slider(view, "validation_split", "Validation share of the rest", 0.05)


def regression(view):
    """What the views of one variable share."""
    view.steps("alpha", "L2 penalty (alpha)", ALPHAS)
    slider(view, "noise", "Noise", 0.05)
    view.select("function", "Function", compute.CHOICES["function"])


@page.view("Capacity")
def fit(view):
    """**Drag the degree**, or click on a curve. The polynomial learns from the blue points alone; the others
    show what it is worth. The gap between training and validation error is shaded.

    **The rule**: the sweet spot (star) is the smallest degree whose validation error is within a tenth of the
    lowest. Before it the model *underfits*: all errors are high. Past it, it *overfits* where the validation
    error is more than a tenth above the lowest: the curve bends to its own points and away from the function.
    The test points have no say in this; they measure what was chosen.

    No model can get below the noise (dashed line) on points that it has not seen. A fit below it on its own
    points has learned the noise. **L2** keeps the coefficients small; more points leave less to bend.
    """
    with view.controls:
        slider(view, "degree", "Degree of the polynomial")
        slider(view, "points", "Points")
        regression(view)
        with view.more():
            shares(view)
            view.seed()

    def pick(click):
        if click.trace in figures.ERROR_TRACES:
            view.move(degree=click.index[0])

    return lambda record: view.chart(
        figures.fit(record),
        alt="Points and a polynomial; training, validation and test error of every degree",
        height=540,
        on_click=pick,
    )


@page.view("Training")
def train(view):
    """**Press play**, or drag through the epochs. The net learns the training points, circles; those with a
    dark rim have a wrong label on purpose. Green and pink are what it says of the whole plane. The gap
    between training and validation loss is shaded, and the star is the best epoch, whose weights are kept:
    *Take home* has them.

    **The rule** is that of *Capacity*, along the epochs: underfitting until the validation loss is first
    within a tenth of its lowest, overfitting where it is later more than a tenth above it. The accuracy can
    stay the same meanwhile: the net becomes surer of its mistakes.

    A net with enough units learns anything by heart, even labels that mean nothing (Zhang et al. 2017). Of
    the digits, real ones of 8 × 8 pixels, there are the curves alone: their space has 64 dimensions.
    """
    with view.controls:
        data = view.select("data", "Data", compute.CHOICES["data"])
        slider(view, "width", "Units in a layer")
        slider(view, "hidden_layers", "Hidden layers")
        slider(view, "examples", "Points", 10)
        slider(view, "label_noise", "Wrong training labels", 0.05, format="percent")
        with view.more():
            shares(view)
            if data != "digits":
                slider(view, "spread", "Noise on x", 0.05)
            view.steps("lr", "Learning rate (lr)", RATES)
            slider(view, "epochs", "Epochs", 10)
            view.choice("activation", "Activation", compute.CHOICES["activation"])
            view.seed()

    def picture(record):
        figure, frames = figures.train(record)
        view.chart(
            figure,
            alt="What the net says of the plane; loss and accuracy of each part, epoch by epoch",
            height=520,
            frames=frames,
            rate=30,
            restart=True,
        )

    return picture


@page.view("Remedies")
def remedies(view):
    """Eight nets from the same start learn the same points, and each but the first with one remedy. Rows:
    what the net says of the plane, under its validation loss (val.); its losses, with a star at the
    best epoch by validation; and how large its weights are, as a share of all of them.

    - **L2** pulls every weight towards zero in proportion to its size; **L1** by the same amount, so that
      many end at exactly zero: they are counted.
    - **Dropout** leaves units out at random, for each point anew (white dots: left out for the first point
      of this epoch). **Batch norm** uses each batch's own mean and variance. Both act in training mode
      alone (dotted curve), so that the loss there is another than in evaluation mode.
    - **Early stopping** waits for *patience* epochs without a better validation loss, ends, and goes back
      to the weights of its best epoch. If it waits too briefly, it ends in a dip.
    - **More data** and **augmentation** (noise on the inputs) leave the net less to learn by heart.

    *Take home* has the weights without remedy, of the best epoch and of the last, and those that early
    stopping leaves.
    """
    with view.controls:
        view.select("plane", "Data", compute.CHOICES["plane"])
        view.steps("l2", "L2", STRENGTHS)
        view.steps("l1", "L1", STRENGTHS)
        slider(view, "dropout", "Dropout rate", 0.05)
        slider(view, "patience", "Patience in epochs")
        with view.more():
            slider(view, "times", "More data: times as many")
            slider(view, "jitter", "Augmentation: noise", 0.05)
            slider(view, "examples", "Points", 10)
            slider(view, "label_noise", "Wrong training labels", 0.05, format="percent")
            slider(view, "spread", "Noise on x", 0.05)
            slider(view, "width", "Units in a layer")
            slider(view, "hidden_layers", "Hidden layers")
            view.steps("lr", "Learning rate (lr)", RATES)
            slider(view, "epochs", "Epochs", 10)
            view.choice("activation", "Activation", compute.CHOICES["activation"])
            view.seed()

    def picture(record):
        figure, frames = figures.remedies(record)
        view.chart(
            figure,
            alt="Maps, losses and weights of nets with eight remedies, epoch by epoch",
            height=560,
            least_width=WIDE,
            frames=frames,
            rate=15,
            restart=True,
        )

    return picture


@page.view("Bias and variance")
def bias_variance(view):
    """**Drag the degree.** Every thin line is the same model, fitted to a training set of its own.

    - **Bias** (red): how far the mean of all fits is from the function. A stiff model misses it every time.
    - **Variance** (blue): how far the fits are from their mean. A supple one follows each set's noise.
    - **Noise** (gray): what no model can know.

    The squared bias, the variance and the noise add up to the error, and that error is measured apart
    (dots), on fresh points. They differ by the chance in those points: see *Numbers*. What lowers one of the
    two often raises the other; more points lower the variance for nothing, and L2 buys variance for bias.

    The x of a training set are spread evenly, each at random within its own stretch: so no set has a hole.
    """
    with view.controls:
        slider(view, "degree", "Degree of the polynomial")
        slider(view, "samples", "Points in a training set")
        regression(view)
        with view.more():
            slider(view, "resamples", "Training sets", 10)
            view.seed()

    return lambda record: view.chart(
        figures.bias_variance(record),
        alt="Many fits with their mean; squared bias, variance and noise against the degree",
        height=540,
    )


@page.view("Double descent")
def double_descent(view):
    """**Drag the number of features** past the number of points. A model is a sum of cosines, slow ones
    first. With as many as there are points just one sum passes through all of them, and it is a wild one: its
    weights are long. With more there are many, least squares takes the shortest, and that is tamer the more
    there are to choose from. So the test error rises to a peak and falls again.

    **More points** move the peak to the right, so near it they can make things worse. **Less noise** lowers
    it. **L2** tames it. The fall hangs on what *short* means: fast cosines are made small by the decay, so
    that they cost long weights. Without decay the second descent is gone.

    The curve is the median of 12 training sets, the band their middle half. The x of a set are spread evenly,
    each at random within its own stretch.

    Belkin et al. 2019, Nakkiran et al. 2020 (in deep nets), Hastie et al. 2022 (in theory).
    """
    with view.controls:
        slider(view, "features", "Features")
        slider(view, "samples", "Points in a training set")
        regression(view)
        with view.more():
            slider(view, "decay", "Decay of fast cosines", 0.1)
            view.seed()

    return lambda record: view.chart(
        figures.double_descent(record),
        alt="A fit through its points; test and training error against the number of features",
        height=540,
    )


page.show()
