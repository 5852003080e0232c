"""The documentation is true: its examples run, its commands and links exist."""

import itertools
import json
import re
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"python", "rust,no_run", "rust", "console", "text", "json", "mermaid"}


class Block(NamedTuple):
    """A fenced block, and where it stands."""

    page: Path
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        yield Block(page, text.count("\n", 0, match.start("code")) + 1, match["language"], match["code"])


BLOCKS = [block for page in PAGES for block in _blocks(page)]
PYTHON = [block for block in BLOCKS if block.language == "python"]
COMMANDS = [
    (f"{block}+{number}", line.removeprefix("$ "))
    for block in BLOCKS
    if block.language == "console"
    for number, line in enumerate(block.code.splitlines())
    if line.startswith("$ ")
]


def test_every_block_has_a_language_that_is_checked() -> None:
    """A fenced block names its language, and one that is dealt with here or by rustdoc: none is silently left out."""
    assert {str(block): block.language for block in BLOCKS if block.language not in LANGUAGES} == {}
    assert PYTHON
    assert COMMANDS


@pytest.fixture
def source(segment_name: str) -> Iterator[str]:
    """A process that publishes small frames under the name given, until a reader has had some, and then ends."""
    script = Path(__file__).with_name("publish_until_read.py")
    with subprocess.Popen([sys.executable, script, segment_name], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield segment_name
        finally:
            process.terminate()
    assert process.returncode == 0, "the process that publishes for the example failed"


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_example_runs(block: Block, source: str, tmp_path: Path) -> None:
    """An example runs as it stands, to its end and without a warning, while the process it speaks of publishes.

    Only segments' names are changed, so that examples in parallel runs do not meet: "billiards_video" to the source's,
    any other to one of the same beginning.
    """
    code = re.sub(
        r'(SharedMemoryFrame(?:Reader|Writer)\()"([^"]*)"',
        lambda match: f'{match[1]}"{source if match[2] == "billiards_video" else f"{source}-{secrets.token_hex(2)}"}"',
        block.code,
    )
    script = tmp_path / f"{block.page.stem}.py"
    script.write_text("\n" * (block.line - 1) + code, encoding="utf-8")  # so that a traceback has the page's lines
    (tmp_path / "config.json").write_text(json.dumps({"video": {"shared_memory_name": source}}), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-W", "error", script], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert ended.stdout or "print" not in code


def test_json_blocks_parse() -> None:
    """A JSON block is JSON, without comments or left-out commas, so that it can be pasted into a file."""
    for block in BLOCKS:
        if block.language == "json":
            assert json.loads(block.code), str(block)


def _refusal(command: list[str]) -> str:
    """What is wrong with a command of the documentation, which is not to be run in full here; "" where nothing is."""
    match command:
        case ["make", target]:
            dry = ["make", "--dry-run", target]
            return subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=False).stderr
        case [interpreter, "-m", module, *arguments] if interpreter in {"python", ".venv/bin/python", sys.executable}:
            subcommand = arguments[:1] if module == "billiards_video.cli" else []
            shown = subprocess.run(
                [sys.executable, "-m", module, *subcommand, "--help"], capture_output=True, text=True, check=False
            )
            unknown = [option for option in arguments if option.startswith("-") and option not in shown.stdout]
            return shown.stderr or (f"--help does not name {unknown}" if unknown else "")
        case ["billiards-video" | ".venv/bin/billiards-video", *arguments]:
            return _refusal([sys.executable, "-m", "billiards_video.cli", *arguments])
        case ["cargo", "run", "--release", "--example", example, *_]:
            return "" if (ROOT / "rust/core/examples" / f"{example}.rs").is_file() else f"there is no example {example}"
        case ["bash", script]:
            return "" if (ROOT / script).is_file() else f"there is no {script}"
        case _:
            return "not a kind of command that this test knows how to check: teach it"


@pytest.mark.parametrize("text", [pytest.param(text, id=place) for place, text in COMMANDS])
def test_command_exists(text: str) -> None:
    """A command in a console block names a target, a module with its options, an example or a script that is there."""
    for part in text.split("&&"):
        command = list(itertools.dropwhile(lambda word: re.match(r"[A-Z_]+=", word), shlex.split(part)))
        assert _refusal(command) == "", part


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file or a folder of the repository."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    assert [target for target in targets if target and not (page.parent / target).exists()] == []
