"""Confusion matrix: the matrix of a classifier, its metrics, a threshold, average precision, detection."""

import streamlit as st

from nnplay import confusion_matrix as compute
from nnplay.figures import confusion_matrix as figures
from nnplay.ui.page import Page

page = Page("confusion_matrix", compute)

SAMPLES = (20, 30, 50, 70, 100, 150, 200, 300, 400, 600, 800, 1000, 1200)


def slider(view, name, label, step=1, **kw):
    return view.slider(name, label, *compute.RANGES[name], step, **kw)


def pick(view, name, label, **kw):
    return view.choice(name, label, compute.CHOICES[name], **kw)


def source(view, *more):
    """The classifier and its data, or a file: what all views but the last judge. Returns the classes.

    `more`: sliders, name and label, that stand among those that matter less.
    """
    if pick(view, "data", "Predictions of") != "digits":
        upload = view.upload(
            "upload",
            "Your predictions",
            ["csv"],
            compute.read,
            help=(
                "With a head: label,prediction. Or label and then the name of each class, with its "
                "probability below it. Up to 20 classes, 20000 rows and 2 MB. It stays in this session: a "
                "link does not hold it."
            ),
        )
        return compute.classes(upload)
    model = view.select("model", "Classifier", compute.CHOICES["model"])
    view.steps("samples", "Training digits", SAMPLES)
    slider(view, "imbalance", "Left out of the rare classes", 0.01, format="percent")
    with view.more():
        view.many("rare", "Rare classes", compute.CHOICES["rare"])
        slider(view, "label_noise", "Wrong training labels", 0.05, format="percent")
        if model == "k nearest":
            slider(view, "neighbors", "Neighbours (k)")
        view.seed()
        for name, label in more:
            slider(view, name, label)
    return compute.classes(b"")


def number(view, name, label, names):
    """One of the classes, on a slider: the arrow keys go from class to class."""
    return view.slider(name, label, 0, len(names) - 1, 1)


@page.view("Matrix")
def matrix(view):
    """**Click on a cell**, or move to it with the arrow keys on the two sliders: on the right are its test
    digits, with the probability that the classifier gives to each class. Rows are the true class, columns the
    predicted one, so the diagonal is what is right. Shades go by the square root, so that single errors show.

    **The split**: the strip at the top. The classifier learns the training digits alone. Everything on this
    page is counted on test digits that it has never seen; another seed splits anew. **Left out of the rare
    classes** takes digits away in training and test alike; at 100 % the class is empty.

    **Normalized** by row, the diagonal is each class's recall; by column, its precision. **Your CSV** needs
    the columns `label,prediction`, or `label` and a column of probabilities for each class, named after it.
    *Take home* has these predictions in that form.
    """
    with view.controls:
        pick(view, "normalize", "Cells")
        sliders = st.container()
        names = source(view)
        with sliders:
            number(view, "true", "Cell: true class", names)
            number(view, "predicted", "Cell: predicted class", names)

    def picture(record):
        def go(click):
            if click.trace == figures.MATRIX_TRACE:
                view.move(true=click.index[0], predicted=click.index[1])
            elif click.trace == figures.PAIRS_TRACE and click.index[0] < len(record.pairs):
                true, predicted, _ = record.pairs[click.index[0]]
                view.move(true=true, predicted=predicted)

        figure, frames = figures.matrix(record)
        view.chart(
            figure,
            alt="Confusion matrix, rows true and columns predicted classes; the examples of the chosen cell",
            height=560,
            frames=frames,
            rate=8,
            at=record.moment,
            on_click=go,
        )

    return picture


@page.view("Metrics")
def metrics(view):
    """**Click on a row**, or move the slider. A class against the rest has four counts, coloured in the
    small matrix: true positives, false negatives (the rest of its row), false positives (the rest of its
    column) and true negatives. Every metric is a formula in these four.

    - **Micro** sums the counts of all classes first, so that large classes decide. **Macro** is the mean over
      the classes: a rare one counts as much as any. **Weighted** takes the mean by the number of examples.
    - With one label for each example, micro precision, recall and F1 are all the accuracy of all classes.
    - Over all classes the **balanced accuracy** is the mean recall. **Matthews (MCC)** and Cohen's **kappa**
      are 0 for a guess that knows nothing, however unequal the classes are.

    **An empty class** has a recall of 0/0, and one that is never predicted a precision of 0/0. That is
    neither good nor bad, but a mean needs a number: scikit-learn takes 0 and warns, `zero_division` says
    otherwise. Without a test example of it a class has no part in the balanced accuracy; MCC is then 0 and
    kappa undefined."""
    with view.controls:
        place = st.container()
        names = source(view)
        with place:
            view.slider(
                "row", "Row", 0, len(names) + 3, 1, help="The classes, then micro, macro, weighted, all."
            )
            pick(view, "zero_division", "0/0 counts as")

    def go(click):
        if click.trace == figures.METRICS_TRACE:
            view.move(row=click.index[0])

    def picture(record):
        view.chart(
            figures.metrics(record),
            alt="Metrics of each class and their means; the counts of the chosen row and its formulas",
            height=560,
            on_click=go,
        )
        for sentence in record.empty:
            st.caption(sentence)

    return picture


@page.view("One against the rest")
def one_vs_rest(view):
    """**Drag across the scores**, or the slider. Whatever has at least this score for the class is called
    positive. To the right of the line are the positives: green are right, pink are false alarms. The heights
    go by the square root, so that the few can be seen beside the many.

    - **ROC**: recall against the share of the rest that is called positive. The area is the probability
      that a member of the class has a higher score than one of the rest; a guess has 0.5 (dashed).
    - **Precision and recall**: the area (average precision) falls with the share of positives, which is
      what a guess gets (dashed). Where the class is rare, look here: the ROC hardly notices.
    - **Cost**: a false alarm and a miss seldom cost the same. The star is the cheapest threshold *on these
      test digits*; to choose it in earnest takes a validation set. If scores were true probabilities it
      would be at cost of a false alarm / (sum of both costs).
    - **Calibration**: of the examples with a score near 0.8, are 80 % positive? On the dashed line they
      are."""
    with view.controls:
        view.slider("threshold", "Threshold", 0.0, 1.0, 0.005)
        left, right = st.columns(2)
        with left:
            slider(view, "cost_fp", "Cost of an FP")
        with right:
            slider(view, "cost_fn", "Cost of an FN")
        place = st.container()
        names = source(view, ("bins", "Parts of the calibration"))
        with place:
            number(view, "positive", "Class against the rest", names)

    return lambda record: view.chart(
        figures.one_vs_rest(record),
        alt="Scores of a class and the rest with a threshold; counts, metrics, ROC, PR, cost, calibration",
        height=600,
        handle=view.handle("threshold"),
    )


@page.view("Average precision")
def average_precision(view):
    """**Click on a bar**, or move the slider. Each class ranks all test examples by its own score; its
    curve says how pure the ranking still is (precision) once a share of the class is found (recall). The
    area is its **average precision**, and the mean over the classes (dashed) is the **mean average
    precision, mAP**. A class without test examples has no curve and no part in the mean.

    The field has several areas. **Step** sums precision times the step of recall, as scikit-learn does.
    **All-point** takes at each recall the best precision from there on (PASCAL VOC since 2010). **101-point**
    reads that at recalls of 0, 0.01, ..., 1 and takes the mean (COCO).
    """
    with view.controls:
        place = st.container()
        names = source(view)
        with place:
            number(view, "positive", "Class", names)
            pick(view, "definition", "Area")

    def go(click):
        if click.trace == figures.AP_TRACE:
            view.move(positive=click.index[0])

    return lambda record: view.chart(
        figures.average_precision(record),
        alt="Precision-recall curve of each class; average precision of each class and their mean",
        height=540,
        on_click=go,
    )


def rechoose(view):
    """The sliders go to the box that is chosen now; the one that they moved stays where it is."""
    then = st.session_state["confusion_matrix_box"]
    if view.record is not None and then:
        view.move(**compute.rechosen(view.record, then))


@page.view("Detection")
def detect(view):
    """**Drag the chosen box** (thin white frame), click where it shall go, or use the sliders; click on a
    box's name to choose it.
    Dotted are the true boxes around five digits. A found box *matches* a free true box of its own class if
    their **IoU**, the area that they share divided by the area that they cover, is at least the threshold.
    Lines join the matches. A second box on the same digit is false, however well it sits.

    **Take the boxes one by one**: by their score, the highest first. After each of them precision and
    recall of its class are counted anew; that makes the curve. Its area under the best precision from there
    on (all-point), or read at 101 recalls, is the class's average precision, and the mean of the classes is
    mAP. COCO's figure is the mean over ten IoU thresholds from 0.50 to 0.95."""
    with view.controls:
        slider(view, "iou", "IoU threshold", 0.05)
        slider(view, "taken", "Boxes taken, best first")
        pick(view, "box", "Chosen box", on_change=rechoose, args=(view,), wrap=True)
        left, right = st.columns(2)
        with left:
            slider(view, "x", "Left")
            slider(view, "width", "Width")
            slider(view, "score", "Score", 0.01)
        with right:
            slider(view, "y", "Top")
            slider(view, "height", "Height")
            pick(view, "kind", "Class")
        with view.more():
            view.cells("found", "All boxes", placeholder="left top width height score class; ...")
            view.seed()

    def picture(record):
        def go(click):
            if click.trace == figures.NAMES_TRACE:
                view.move(**compute.rechosen(record, record.names[click.index[0]]))
            elif click.trace == figures.SCENE_TRACE and click.at:
                view.move(**compute.centered(record, click.at))

        view.chart(
            figures.detect(record),
            alt="A scene of digits with true and found boxes and their matches; precision and recall",
            height=560,
            grip=view.grip("x", "y", "width", "height"),
            on_click=go,
        )

    return picture


page.show()
