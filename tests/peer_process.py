"""Another Python process, which runs what a test tells it, one piece of code at a time."""

import ast
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_READY = "import numpy as np, os, time; from billiards_video import *"


class PeerError(Exception):
    """The peer's code raised; the text is the exception's name and words."""


class PeerProcess:
    """A running peer, which knows the package, `np`, `os`, `time` and `say`. Killed when its block is left."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-W", "error", str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.run(_READY)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def run(self, code: str) -> Any:  # noqa: ANN401 - whatever the code comes to
        """Runs code in the peer and waits for it; gives the value of its last line, if that is an expression."""
        self.tell(code)
        return self.answer()

    def tell(self, code: str) -> None:
        """Has the peer begin with code, without waiting for it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{code!r}\n")
        self._process.stdin.flush()

    def answer(self) -> Any:  # noqa: ANN401 - whatever the code comes to
        """Waits for what was begun: for what its code says by `say(value)`, or else for its end."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the peer has ended, with code {self._process.wait()}"
        kind, value = ast.literal_eval(line)
        if kind == "raised":
            raise PeerError(value)
        return value

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Ends it by SIGKILL, and waits until it is gone."""
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """Lets it come to the end of its program, and gives its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


def _say(value: object) -> None:
    print(repr(("said", value)))


def _serve() -> None:
    names: dict[str, Any] = {"say": _say}
    for line in sys.stdin:
        tree = ast.parse(ast.literal_eval(line))
        value = None
        try:
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, "<told>", "exec"), names)  # noqa: S102 - that is what it is for
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), "<asked>", "eval"), names)  # noqa: S307 - likewise
            shown = ("said", value)
        except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt too: the test is told
            shown = ("raised", f"{type(error).__name__}: {error}")
        print(repr(shown))


if __name__ == "__main__":
    _serve()
