"""Being asked to stop, by SIGTERM, SIGINT or another thread, or by SIGHUP to read the configuration again.

A main thread that waits here hears it at once.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_STANDARD_STREAMS = (0, 1, 2)


class StopRequest:
    """The main thread's place to wait: it wakes for signals and for other threads.

    The interpreter itself writes a byte into the socket when a signal comes, so that none is slept through, and the
    signal handler does nothing but note it: setting an event there could deadlock with the thread it interrupts.
    `force` is called, in the handler, at the second signal. Signals are listened to while the `with` block lasts, and
    only where it is entered in the main thread, to SIGHUP only with `hear_reload`.

    SIGHUP has two meanings: read your configuration again, and your terminal is gone. Where the process had a terminal,
    and has it no more, it is the second one, and a request to stop.
    """

    def __init__(self, force: Callable[[], None], *, hear_reload: bool = False) -> None:
        self.signal: signal.Signals | None = None
        """The first signal that came and asked to stop."""
        self._force = force
        self._hear_reload = hear_reload
        self._reload = False
        self._terminals = [fd for fd in _STANDARD_STREAMS if os.isatty(fd)]
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._before: dict[signal.Signals, Any] = {}
        self._fd_before = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._fd_before = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
            if self._hear_reload:
                self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._note_hangup)
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

    def take_reload(self) -> bool:
        """Whether SIGHUP has come since this was last asked."""
        asked, self._reload = self._reload, False
        return asked

    def _note_hangup(self, number: int, frame: FrameType | None) -> None:
        if any(not os.isatty(fd) for fd in self._terminals):
            self._note(number, frame)
        else:
            self._reload = True

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            self._force()
        self.signal = signal.Signals(number)
