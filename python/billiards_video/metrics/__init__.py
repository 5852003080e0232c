"""What a stream counts and measures, read from shared memory and told to Prometheus.

`billiards_video.metrics.stream_collector` needs the extra `metrics`: `pip install 'billiards-video[metrics]'`.
"""
