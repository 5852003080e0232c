"""Fixtures for tests of V4L2 devices: the imitation of a driver, a process that has it, and empty machines.

A test file that wants them has `pytest_plugins = ["imitation_fixtures"]`. Without a C compiler its tests are skipped,
and say so.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from imitation_machine import Machine
from v4l2_bench import Bench
from v4l2_camera import build_driver, preloaded


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The driver, for LD_PRELOAD."""
    library = build_driver(tmp_path_factory.mktemp("driver"))
    if library is None:
        sys.stderr.write("NOT TESTED (no C compiler, or no linux/videodev2.h): V4L2 devices\n")
        pytest.skip("no C compiler")
    return library


@pytest.fixture(scope="module")
def worker(library: Path) -> Iterator[ProcessPoolExecutor]:
    """A process to which the imitation is a device."""
    with preloaded(library) as worker:
        yield worker


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty machine, for what runs in the worker."""
    return Bench(tmp_path)


@pytest.fixture
def machine(tmp_path: Path, library: Path) -> Machine:
    """A machine without a camera yet, for programs."""
    return Machine.empty(tmp_path, library)
