"""`python -m billiards_video.config`: writes the JSON schema for editors anew, after an edit of model.py."""

from billiards_video.config.schema import FILE, text

FILE.write_text(text(), encoding="utf-8")
