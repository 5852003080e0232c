"""The index of messages is complete: what a user can be told has an entry, and no entry is of one that is gone."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "python/billiards_video"
INDEX = ROOT / "docs/messages.md"

SAYING = re.compile(r"warning|error|critical|exception|_refuse|Outcome|\w*Error")
"""Calls whose arguments are messages: the log's, what goes to standard error, exceptions that are made."""

OTHER_WORDS = (
    "__main__.py",
    "capture/picture/",
    "cli/checks/",  # docs/doctor.md has what is found, and each finding its remedy
    "cli/doctor.py",
    "cli/parser.py",
    "cli/profile",
    "cli/status_text.py",
    "cli/top_screen.py",
    "config/schema.py",
    "demo/__main__.py",
    "demo/child.py",
    "demo/display.py",
    "logs.py",
    "metrics/",
    "view/view_collector.py",
)
"""Where there are texts of other kinds: help, headings, figures, programs. There, only what is said in `SAYING` counts;
everywhere else any text of some words is taken for a message, wherever it is put together."""

SOME_WORDS = 3

INTERNAL = {
    # Of an assertion, or of a promise that cannot be broken from outside.
    "a segment has 3 to 16 buffers",
    "a segment has at most 16 buffers",
    "no memory for fork handlers",
    "no view to fill",
    "seen when the array was taken",
    "strided arrays are copied by NumPy",
    "nobody else knows the file yet",
    # Of a validator: the key is told with what it allows, in other words.
    "ends in one of",
    # What a source is called.
    "synthetic billiard table",
    # Docstrings of classes that are made by a macro.
    "How the pixels of a frame are laid out: uint8, channels interleaved, rows without padding.",
    "The source has ended and its last frame was read: there will be no more frames.",
    "What a stream is doing, as its writer last said.",
}
"""What is no message to a user, though it looks like one."""


class Message(NamedTuple):
    """What can be said: the constant parts, between which the variable ones stand."""

    place: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.parts)

    @property
    def words(self) -> int:
        """How many there are, without the variable ones; `repr` writes none, but name=value."""
        return sum(re.search(r"[a-zA-Z]{2}", word) is not None and "=" not in word for word in str(self).split())

    def stands_in(self, text: str) -> bool:
        """Whether its parts are there, one after the other, whatever stands between them."""
        end = 0
        for part in self.parts:
            begin = text.find(part, end)
            if begin < 0:
                return False
            end = begin + len(part)
        return True


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def _message(place: Path, parts: list[str]) -> Message:
    return Message(str(place.relative_to(ROOT)), tuple(filter(None, map(_plain, parts))))


def _texts(node: ast.AST) -> Iterator[list[str]]:
    """The constant parts of each text in a piece of Python, docstrings left out."""
    if isinstance(node, ast.JoinedStr):
        yield [str(part.value) if isinstance(part, ast.Constant) else "" for part in node.values]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.split(r"%(?:\.\d+)?[a-z]", node.value)
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        is_part = isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
        if not is_docstring and not is_part:
            yield from _texts(child)


def _is_said(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        return True
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return SAYING.fullmatch(name) is not None


def _of_python(*, everything: bool = False) -> Iterator[Message]:
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        whole = everything or not path.relative_to(PACKAGE).as_posix().startswith(OTHER_WORDS)
        for node in [tree] if whole else filter(_is_said, ast.walk(tree)):
            yield from (_message(path, parts) for parts in _texts(node))


RUST = re.compile(r'//[^\n]*|"(?P<text>(?:\\.|[^"\\])*)"', re.DOTALL)
NOT_SAID = re.compile(r"(?:\b(?:reason|must_use|text_signature) = |\b(?:expect|unreachable!|panic!)\()$")
"""What stands before a text of Rust that is an attribute's, or that says why something cannot happen."""


def _of_rust() -> Iterator[Message]:
    for path in sorted([*ROOT.glob("rust/core/src/**/*.rs"), *ROOT.glob("rust/py/src/**/*.rs")]):
        source = path.read_text(encoding="utf-8").partition("#[cfg(test)]\nmod ")[0]
        for found in RUST.finditer(source):
            if found["text"] is not None and not NOT_SAID.search(source[max(0, found.start() - 30) : found.start()]):
                text = re.sub(r"\\\n\s*", "", found["text"]).replace("{{", "{")
                yield _message(path, re.split(r"\{[^{}]*\}", text))


def _of_the_page() -> Iterator[Message]:
    for path in sorted(PACKAGE.glob("view/static/*.js")):
        for text in re.findall(r'\b(?:title|message|reason|remedy): "([^"]+)"', path.read_text(encoding="utf-8")):
            yield _message(path, [text])


def _rows() -> Iterator[list[str]]:
    """The rows of the index's tables, cell by cell; an escaped bar is one of the message's."""
    for line in INDEX.read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            yield [cell.replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@pytest.mark.parametrize("collect", [_of_python, _of_rust, _of_the_page])
def test_every_message_has_an_entry(collect: Callable[[], Iterator[Message]]) -> None:
    """What can be said stands in a row of the index."""
    rows = [_plain(" ".join(row)) for row in _rows()]
    said = [message for message in collect() if message.words >= SOME_WORDS and str(message) not in INTERNAL]
    assert said
    without = {str(message): message.place for message in said if not any(map(message.stands_in, rows))}
    assert without == {}, "to be added to docs/messages.md; what no user meets, to the exceptions here"


def test_every_entry_is_of_a_message() -> None:
    """What an entry quotes is said somewhere: the longest of its constant parts stands in a source."""
    parts = [part for message in (*_of_python(everything=True), *_of_rust()) for part in message.parts]
    pages = [path.read_text(encoding="utf-8") for path in PACKAGE.glob("view/static/*.js")]
    sources = "\n".join([*parts, *pages])
    entries = [entry for row in _rows() for entry in re.findall(r"`([^`]+)`", row[0])]
    assert entries
    constant = {entry: max(map(_plain, re.split(r"<[^<>]*>", entry)), key=len) for entry in entries}
    assert [entry for entry, part in constant.items() if part not in sources] == []


def test_exceptions_are_needed() -> None:
    """An exception whose text is gone, or has got an entry, is none any more."""
    assert INTERNAL - {str(message) for message in (*_of_python(), *_of_rust())} == set()
