"""The two Rust processes of `rust/bench`: building them, starting them, asking them, ending them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bench.child import ROOT
from bench.pacing import LATE_NS, NANOSECONDS, pin_to
from bench.publication import Frames, Published
from bench.requests import Reading

if TYPE_CHECKING:
    from types import TracebackType

    from bench.sides import Size

PACKAGE = "billiards-video-bench"
PATIENCE = 10.0  # seconds to end in


class RustError(Exception):
    """The Rust half could not be built, or one of its processes ended; the text says which."""


def built() -> Path:
    """Build the program, unless it is as new as its sources, and return its path."""
    command = ["cargo", "build", "--release", "--locked", "--package", PACKAGE]
    try:
        made = subprocess.run(
            [*command, "--message-format", "json-render-diagnostics"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise RustError("there is no cargo on PATH: Rust on both sides needs https://rustup.rs") from None
    if made.returncode:
        raise RustError(f"`{' '.join(command)}` failed:\n{made.stderr}")
    return program_in(made.stdout)


def program_in(messages: str) -> Path:
    """Return the path of the program that cargo's messages, JSON by the line, speak of."""
    for line in messages.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == PACKAGE and message["executable"]:
            return Path(message["executable"])
    raise RustError(f"cargo built {PACKAGE} and named no program")


class RustProcess:
    """One of the two processes, for as long as the context lasts; pinned to the processor at a position, if any."""

    def __init__(self, program: Path, role: str, pinned_to: int | None) -> None:
        self._command = [str(program), role]
        self._role = role
        self._pinned_to = pinned_to

    def __enter__(self) -> Self:
        # A group of its own: Ctrl-C is this process's, and the writer has a file to remove before it ends.
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
        )
        if self._pinned_to is not None:
            pin_to(self._pinned_to, self._process.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind and self._role == "reader":
            self._process.kill()  # it may be waiting on a futex that nobody will raise
        try:
            self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def send(self, *words: object) -> None:
        """Give an order."""
        if self._process.stdin is None:
            raise TypeError("its standard input is a pipe")
        try:
            self._process.stdin.write(" ".join(str(word) for word in words) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def answer(self) -> dict[str, Any]:
        """Return its next answer."""
        if self._process.stdout is None:
            raise TypeError("its standard output is a pipe")
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, *words: object) -> dict[str, Any]:
        """Give an order and return its answer."""
        self.send(*words)
        return self.answer()

    def _ended(self) -> RustError:
        code = self._process.wait()
        return RustError(f"the Rust {self._role} ended with code {code}; its own message is above")


class RustWriterEnd:
    """A side's publisher in the writer's process."""

    def __init__(self, process: RustProcess, kind: str, name: str, size: Size) -> None:
        self._process = process
        self._name = name
        process.ask("open", kind, name, size.width, size.height)

    def publish(self, frames: Frames, per_second: float) -> Published:
        """Publish these frames at the given rate; returns when all are."""
        period = round(NANOSECONDS / per_second)
        return published_of(self._process.ask("publish", self._name, frames.first, frames.last, period), frames)

    def close(self) -> None:
        """Remove what was created."""
        self._process.ask("close", self._name)


class RustReaderEnd:
    """The reader's process."""

    def __init__(self, process: RustProcess) -> None:
        self._process = process

    def attach(self, name: str, kind: str, size: Size) -> None:
        """Let it attach; returns when it has."""
        self._process.ask("open", kind, name, size.width, size.height)

    def detach(self, name: str) -> None:
        """Let it detach; returns when it has."""
        self._process.ask("close", name)

    def begin(self, name: str, first: int, last: int) -> None:
        """Let it read until `last`, of which those from `first` on count; returns when it is about to wait."""
        self._process.ask("read", name, first, last)

    def reading(self) -> Reading:
        """Return what it read in the block begun before."""
        return reading_of(self._process.answer())


def published_of(answer: dict[str, Any], frames: Frames) -> Published:
    """Return what the writer answered for these frames, without those before the ones that count."""
    uncounted = frames.counted - frames.first
    return Published(
        began_ns=dict(enumerate(answer["began"][uncounted:], frames.counted)),
        cost_ns=answer["costs"][uncounted:],
        lateness_ns=answer["lateness"][uncounted:],
        late=sum(lateness > LATE_NS for lateness in answer["lateness"]),
    )


def reading_of(answer: dict[str, Any]) -> Reading:
    """Return what the reader answered; it times no work of its own."""
    waits = len(answer["numbers"]) - 1
    return Reading(
        ready_ns=dict(zip(answer["numbers"], answer["ready"], strict=True)),
        torn=answer["torn"],
        cpu_ns_per_frame=answer["processor"] / waits if waits > 0 else 0.0,
    )
