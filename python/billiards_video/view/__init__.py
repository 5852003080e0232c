"""A stream in the browser: a page, JPEGs as a stream or one by one, a WebSocket, and metrics.

A consumer in a process of its own. It needs the extra `view`: `pip install 'billiards-video[view]'`.
"""

from billiards_video.view.server import serve

__all__ = ["serve"]
