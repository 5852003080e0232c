"""What every network camera of a test can do: be there for a while, freeze, be gone, and come back."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class NetworkCamera(ABC):
    """A camera that is there from the beginning on, and no longer than its `with` block."""

    def __init__(self) -> None:
        self._thawed = threading.Event()
        self.come_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.die()

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it is found, also after it was away."""

    @abstractmethod
    def _appear(self) -> None:
        """Begins to serve."""

    @abstractmethod
    def die(self) -> None:
        """Is gone from the network."""

    def come_back(self) -> None:
        """Is there again, at the same address."""
        self._thawed.set()
        self._appear()

    def freeze(self) -> None:
        """Sends nothing more, without hanging up."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Sends again."""
        self._thawed.set()
