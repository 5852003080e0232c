"""`billiards-video view`: the page with the live picture, which has libraries of its own."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from billiards_video.cli.outcome import CommandError
from billiards_video.cli.stream_choice import stream_name

if TYPE_CHECKING:
    import argparse


def command(asked: argparse.Namespace) -> int:
    """Serves the page until Ctrl-C."""
    name = stream_name(asked.name)
    try:
        page = importlib.import_module("billiards_video.view")
        serve = page.serve
    except ModuleNotFoundError as error:
        raise CommandError(
            f"the page needs {error.name}, which is not installed: pip install 'billiards-video[view]'"
        ) from None
    code: int = serve(name, host=asked.host, port=asked.port, token=asked.token)
    return code
