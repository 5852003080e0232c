"""Why there is no stream to read, as it is told by those who look and do not wait: the command line and the page."""

from __future__ import annotations

import re

_WAITED = re.compile(r"within [\d.]+s")
_OWN_WORDS = (  # the library's words, which name its own arguments, and those of the commands
    ("python -m billiards_video'", "billiards-video run'"),
    (
        "start the capture process (python -m billiards_video), or read the last frame with allow_dead=True",
        "start it again: 'billiards-video run'",
    ),
)


def in_words(name: str, text: str) -> str:
    """The reader's words of an attach that failed, which are about waiting, as those of somebody who has not waited."""
    waited = _WAITED.search(text)
    if waited is None:
        return text
    what = "is not to be read" if "not accessible" in text else "is not there"
    reason = text[waited.end() :].lstrip(": ")
    for theirs, ours in _OWN_WORDS:
        reason = reason.replace(theirs, ours)
    return f"stream '{name}' {what}{': ' if reason else ''}{reason}"
