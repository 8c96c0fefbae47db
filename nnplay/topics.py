"""The one table of topics. A row here, a compute module, a figure module and a page make a topic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """`slug` names the topic on every floor: page, compute, figures, URL and control keys."""

    slug: str
    title: str
    section: str  # of the menu; none: beside Home
    question: str  # what the page answers, in a sentence
    icon: str  # a Material symbol
    terms: tuple[str, ...]  # what of the field's vocabulary is live on the page


TOPICS = (
    Topic(
        "playground",
        "Playground",
        "",
        "How does a small net learn, from the first epoch to the last, and what does each of its settings "
        "change?",
        ":material/hub:",
        (
            "Model architecture modification",
            "Epoch",
            "Epochs",
            "Batch size",
            "Weights",
            "Callbacks",
            "TensorBoard",
            "Verbose",
            "Lambda layer",
        ),
    ),
    Topic(
        "activations",
        "Activations",
        "Building blocks",
        "What does an activation function do to a number, to its gradient, and to a signal on its way "
        "through fifty layers?",
        ":material/show_chart:",
        (
            "Activation function",
            "ReLU",
            "Sigmoid",
            "Softmax",
            "Batch normalization",
            "Kernel initializer",
        ),
    ),
    Topic(
        "convolution",
        "Convolution",
        "Building blocks",
        "What does a small kernel make of a picture on its way over it, and what do padding, stride, "
        "dilation and channels change?",
        ":material/grid_on:",
        (
            "Conv2D",
            "Padding",
            "MaxPooling2D",
            "Downsampling",
            "UpSampling2D",
            "Conv2DTranspose",
            "Concatenate",
            "Image channel, height and width",
        ),
    ),
    Topic(
        "optimizers",
        "Optimizers",
        "Training",
        "How does an optimizer find its way down a loss, and what do learning rate, momentum, schedule and "
        "batch size change?",
        ":material/route:",
        (
            "Optimizer",
            "Gradient descent",
            "Stochastic gradient descent",
            "Adam",
            "Learning rate",
            "Learning rate decay",
            "Mini-batch",
        ),
    ),
    Topic(
        "overfitting",
        "Overfitting",
        "Training",
        "When does a model learn its points by heart instead of what is behind them, and what helps?",
        ":material/model_training:",
        (
            "Overfitting",
            "Underfitting",
            "Bias",
            "Variance",
            "Validation dataset",
            "Validation split",
            "Regularization",
            "Dropout",
            "Early stopping",
            "Model checkpoint",
        ),
    ),
    Topic(
        "augmentation",
        "Augmentation",
        "Data and evaluation",
        "Which random changes of a picture help a net to learn from few of them, and which ones break the "
        "label?",
        ":material/photo_filter:",
        ("Image rotation", "Image flipping"),
    ),
    Topic(
        "confusion_matrix",
        "Confusion matrix",
        "Data and evaluation",
        "What does a classifier confuse, and which number says so: accuracy, precision, recall, or the area "
        "under a curve?",
        ":material/grid_view:",
        (
            "Confusion matrix",
            "Metrics",
            "Accuracy",
            "Precision",
            "Recall",
            "F1 score",
            "Mean average precision",
            "Test dataset",
        ),
    ),
)


def find(slug: str) -> Topic:
    """The topic of that name. Raises KeyError where there is none."""
    for topic in TOPICS:
        if topic.slug == slug:
            return topic
    raise KeyError(slug)
