"""Sources of frames. A camera of your own is a subclass of `Source`; OpenCV is imported by its own sources alone."""

from billiards_video.capture.source import Grabbed, Setting, Source, SourceEnded, SourceError, SourceFacts

__all__ = ["Grabbed", "Setting", "Source", "SourceEnded", "SourceError", "SourceFacts"]
