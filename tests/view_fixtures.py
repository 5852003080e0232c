"""Fixtures for tests of the view's routes. A test file that wants them has `pytest_plugins = ["view_fixtures"]`."""

import os
import secrets
from collections.abc import Iterator

import pytest

from view_camera import Camera
from view_server import ViewServer


@pytest.fixture(scope="module")
def server() -> Iterator[ViewServer]:
    """A server of a stream that each test brings itself, and that is not there before."""
    with ViewServer(f"test-{os.getpid()}-{secrets.token_hex(4)}") as server:
        yield server


@pytest.fixture
def camera(server: ViewServer) -> Iterator[Camera]:
    """Its stream."""
    with Camera(server.name) as camera:
        yield camera
