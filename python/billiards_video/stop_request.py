"""Being asked to stop, by SIGTERM, SIGINT or another thread, and a main thread that hears it at once."""

from __future__ import annotations

import select
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """The main thread's place to wait: it wakes for signals and for other threads.

    The interpreter itself writes a byte into the socket when a signal comes, so that none is slept through, and the
    signal handler does nothing but note it: setting an event there could deadlock with the thread it interrupts.
    `force` is called, in the handler, at the second signal. Signals are listened to while the `with` block lasts, and
    only where it is entered in the main thread.
    """

    def __init__(self, force: Callable[[], None]) -> None:
        self.signal: signal.Signals | None = None
        """The first signal that came."""
        self._force = force
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._before: dict[signal.Signals, Any] = {}
        self._fd_before = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._fd_before = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._before:
            for number, handler in self._before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._fd_before)
        self._sender.close()
        self._receiver.close()

    def wait(self, seconds: float) -> None:
        """Waits until a signal comes, `wake` is called, or the time is over."""
        readable, _, _ = select.select([self._receiver], [], [], max(0.0, seconds))
        if readable:
            self._receiver.recv(4096)

    def wake(self) -> None:
        """Ends a `wait`, from any thread."""
        try:
            self._sender.send(b"\0")
        except OSError:
            return  # full of unread wake-ups, or nobody waits any more

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            self._force()
        self.signal = signal.Signals(number)
