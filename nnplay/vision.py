"""torchvision, from the one place that imports it; and its data sets, fetched by a process of their own.

    python -m nnplay.vision MNIST folder

fetches a data set into that folder, as `fetch` below does while it tells how far it is.
"""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

__all__ = ["DATASETS", "Fetching", "datasets", "fetch", "fetched", "folder", "tv_tensors", "v2"]


def _import() -> None:
    """A torchvision built for GPUs cannot load its compiled operators beside a torch that is not, and fails
    only because it then describes operators that are not there: so they are declared, and left undefined."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error) or "does not exist" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _import.declared = torch.library.Library("torchvision", "FRAGMENT")  # as long as the process lives
        _import.declared.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _import.declared.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        importlib.import_module("torchvision")


_import()

from torchvision import datasets, tv_tensors  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

DATASETS: Mapping[str, int] = {"MNIST": 11_594_722, "FashionMNIST": 30_878_645, "CIFAR10": 170_498_071}
"""The data sets that can be fetched, by torchvision's names, and the bytes that come over the network."""

COMMAND = (sys.executable, "-m", "nnplay.vision")
"""What fetches, followed by the data set's name and the folder."""

TIMEOUT = 10.0
"""Seconds of silence after which a server counts as not there."""


def folder() -> Path:
    """Where fetched data sets are kept: `NNPLAY_DATA`, or the user's cache."""
    given = os.environ.get("NNPLAY_DATA")
    return Path(given) if given else Path.home() / ".cache" / "nnplay"


def fetched(name: str) -> bool:
    """Whether that data set is there, complete."""
    return (folder() / f"{name}.complete").exists()


def download(name: str, into: Path) -> None:
    """Fetch a data set by torchvision, which checks what it got. Raises OSError or RuntimeError, also after
    `TIMEOUT` seconds of silence; for that it sets this process's timeout for sockets."""
    socket.setdefaulttimeout(TIMEOUT)
    for train in (True, False):
        getattr(datasets, name)(into, train=train, download=True)
    (into / f"{name}.complete").touch()


@dataclass(frozen=True, slots=True)
class Fetching:
    """How far a data set has come: bytes."""

    done: int
    total: int

    @property
    def share(self) -> float:
        return min(1.0, self.done / self.total)


_starting = threading.Lock()
_under_way: dict[str, subprocess.Popen] = {}


def fetch(name: str, every: float = 0.2) -> Iterator[Fetching]:
    """Fetch a data set, and tell every so many seconds how far that is. Closing the iterator ends it.

    In a process of its own: nobody's slider waits for checksums, and what does not answer can be ended.
    Raises ValueError with a sentence for the visitor where it cannot be had.
    """
    into = folder()
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"The folder for data cannot be written: {error.strerror}.") from error
    before = _size(into)
    with _starting:
        process = _under_way.get(name)
        own = process is None or process.poll() is not None
        if own:  # whoever comes meanwhile watches this one
            home, silent = Path(__file__).parents[1], subprocess.DEVNULL
            process = subprocess.Popen([*COMMAND, name, str(into)], cwd=home, stdout=silent, stderr=silent)
            _under_way[name] = process
    try:
        while process.poll() is None:
            yield Fetching(_size(into) - before, DATASETS[name])
            try:
                process.wait(every)
            except subprocess.TimeoutExpired:
                continue
        if process.returncode:
            raise ValueError(
                f"{name} could not be fetched: its server did not answer or sent something else. "
                "Is there a network? The digits are always here."
            )
    finally:
        if own:
            process.kill()
            process.wait()
    yield Fetching(DATASETS[name], DATASETS[name])


def _size(path: Path) -> int:
    """The bytes of the files in a folder; of what is unpacked beside its archive, the archive alone."""
    archives = (".gz", ".tgz", ".part")
    return sum(file.stat().st_size for file in path.rglob("*") if file.suffix in archives)


if __name__ == "__main__":
    try:
        download(sys.argv[1], Path(sys.argv[2]))
    except (OSError, RuntimeError) as error:
        sys.exit(str(error))
