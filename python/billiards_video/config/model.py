"""The keys of `config.json`, with their types, ranges and defaults. docs/configuration.md has the same in a table."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_LARGEST_SIDE = 16384
_PRIVATE_SUFFIXES = (".lock", ".leases", ".status")


class OwnSection(BaseModel):
    """A section that is this program's own: a key that it does not know is a mistake worth a warning."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        json_schema_extra={"additionalProperties": False},
    )


class SharedSection(BaseModel):
    """A section that other programs have a part in: what is not known here is theirs."""

    model_config = ConfigDict(strict=True, frozen=True, use_attribute_docstrings=True)


def _without_private_suffix(name: str) -> str:
    if name.endswith(_PRIVATE_SUFFIXES):
        raise ValueError(f"ends in one of {', '.join(_PRIVATE_SUFFIXES)}")
    return name


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$"), AfterValidator(_without_private_suffix)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Side = Annotated[int, Field(ge=1, le=_LARGEST_SIDE)]
Offset = Annotated[int, Field(ge=0, le=_LARGEST_SIDE - 1)]
OptionText = Annotated[str, Field(pattern=r"^[^;|]+$")]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]


class ProcessConfig(OwnSection):
    """`video.process`: the life of the capture process."""

    shutdown_timeout: Seconds = 10.0
    """Seconds in which the process has ended after SIGTERM or SIGINT, whatever its source does."""

    main_loop_sleep: float = Field(default=0.001, ge=0, le=1)
    """Accepted and not used: the loop waits on events."""


class PreprocessingConfig(OwnSection):
    """`video.preprocessing`: what is done to each frame before it is published, after the distortion correction."""

    rotate: Literal[0, 90, 180, 270] = 0
    """Degrees, clockwise."""

    flip: Literal["none", "horizontal", "vertical", "both"] = "none"
    """"horizontal" exchanges left and right, "vertical" top and bottom; after the rotation."""

    crop: Annotated[tuple[Offset, Offset, Side, Side], Field(strict=False)] | None = None
    """The part of the frame to publish: x, y, width, height in pixels of the frame as it is after rotation and flip;
    null is the whole."""

    resize: Annotated[tuple[Side, Side], Field(strict=False)] | None = None
    """Width and height of published frames, in pixels; the aspect ratio is not kept by itself. null leaves it."""

    grayscale: bool = False
    """Whether frames are published with one channel, in the format GRAY8."""


class VideoConfig(OwnSection):
    """`video`: the shared memory."""

    shared_memory_name: Name = "billiards_video"
    """The name of the shared memory: 1 to 100 of A-Z a-z 0-9 _ - . and not starting with a dot, not ending in .lock,
    .leases or .status."""

    shared_memory_attach_timeout_sec: float = Field(default=5.0, ge=0, le=3600)
    """Seconds that VideoConsumer, in a reading process, waits for the shared memory to appear."""

    max_buffers: int = Field(default=8, ge=3, le=16)
    """Frame buffers that the shared memory may grow to while readers hold frames; it starts with 3."""

    access: Literal["owner", "group", "everyone"] = "owner"
    """Which users of this machine may read the frames."""

    enable_distortion_correction: bool = False
    """Whether the distortion of the lens is corrected, by calibration_file_path."""

    calibration_file_path: Annotated[str, Field(min_length=1)] | None = None
    """A file with camera_matrix, dist_coeffs, image_width and image_height, as OpenCV writes it (YAML, XML, JSON);
    relative to the folder the process was started in."""

    preprocessing: PreprocessingConfig = PreprocessingConfig()

    process: ProcessConfig = ProcessConfig()


class CameraConfig(OwnSection):
    """`vision.camera`: the source of frames."""

    device_id: Annotated[int, Field(ge=0, le=255)] | Annotated[str, Field(min_length=1)] = 0
    """The camera: a number, a path (/dev/v4l/by-id/...), "camera:" and its name or a part of it, a URL (rtsp://...), or
    "synthetic" (also "synthetic:1280x720@60") for a drawn picture."""

    video_file_path: Annotated[str, Field(min_length=1)] | None = None
    """A video file to play instead of device_id, or pictures: a folder, or a pattern (frames/%05d.png); relative to the
    folder the process was started in."""

    backend: Literal["auto", "any", "v4l2", "gstreamer", "ffmpeg"] = "auto"
    """How a device is opened: "auto" is V4L2, directly; the others are OpenCV's. Files and streams are always read with
    FFmpeg."""

    pixel_format: Annotated[str, Field(pattern=r"^[A-Z0-9]{3,4}$"), BeforeValidator(_upper)] | None = None
    """The pixel format asked of a device, in V4L2's letters: MJPG, YUYV, NV12, ...; null takes what brings the most
    frames."""

    rtsp_transport: Literal["auto", "tcp", "udp", "udp_multicast", "http"] = "auto"
    """How an RTSP stream is carried; "auto" is TCP, or UDP where the camera refuses that."""

    stream_options: dict[OptionText, OptionText] = {}
    """FFmpeg's options for a stream, by their names, each as text, without ; and |."""

    decoder_threads: Annotated[int, Field(ge=1, le=16)] | None = None
    """Threads that decode a stream; each but the first delays it by a frame. null is 1, and more where that is too
    slow."""

    resolution: Annotated[tuple[Side, Side], Field(strict=False)] = (1920, 1080)
    """Width and height asked of a device, in pixels; files and streams keep their own."""

    fps: float = Field(default=30, gt=0, le=1000)
    """Frames a second asked of a device, and at which pictures are shown; files and streams keep their own."""

    exposure_mode: Literal["auto", "manual"] = "auto"
    """Who sets a device's exposure: the camera, or exposure_value."""

    exposure_value: float | None = None
    """Exposure in "manual" mode, in the driver's unit (V4L2: usually 100 us); null leaves it."""

    exposure_dynamic_framerate: bool | None = None
    """Whether the camera may lower its rate to expose longer in "auto" mode; null leaves it."""

    gain: float | None = None
    """Gain, in the driver's unit; null leaves it."""

    brightness: float | None = None
    """Brightness, in the driver's unit; null leaves it."""

    contrast: float | None = None
    """Contrast, in the driver's unit; null leaves it."""

    saturation: float | None = None
    """Saturation, in the driver's unit; null leaves it."""

    auto_focus: bool | None = None
    """Whether the camera focuses by itself; null leaves it, unless focus is set."""

    focus: float | None = None
    """Focus, in the driver's unit; null leaves it."""

    auto_white_balance: bool | None = None
    """Whether the camera balances white by itself; null leaves it, unless white_balance_temperature is set."""

    white_balance_temperature: float | None = None
    """Colour temperature of the light, in kelvins; null leaves it."""

    buffer_size: int = Field(default=2, ge=1, le=32)
    """Frames that the driver may queue: so many old ones come first after a pause."""

    loop_video: bool = False
    """Whether a file starts over at its end."""

    video_start_frame: int = Field(default=0, ge=0)
    """The first frame of a file to show, counted from 0."""

    video_end_frame: Annotated[int, Field(ge=1)] | None = None
    """The first frame of a file not to show any more; null is the end of the file."""

    video_pace: Literal["realtime", "unlimited"] = "realtime"
    """How fast a file is played: at its own pace, or as fast as it can be decoded."""

    auto_reconnect: bool = True
    """Whether a device or stream that fails is opened again; a file never is."""

    reconnect_delay: Seconds = 1.0
    """Seconds before each of the first max_reconnect_attempts attempts; later ones come more slowly."""

    max_reconnect_attempts: int = Field(default=5, ge=0)
    """Attempts after which reconnecting slows down and logs at level ERROR; it does not end by itself, see
    exit_after_reconnect_attempts."""

    exit_after_reconnect_attempts: bool = False
    """Whether the process ends, with exit code 1, once max_reconnect_attempts attempts in a row have failed."""

    open_timeout: Seconds | None = None
    """Seconds that a device or stream is given up to its first frame; null is twice read_timeout."""

    read_timeout: Seconds = 5.0
    """Seconds without a frame after which a device or stream counts as stalled or lost; a read that takes twice as long
    is abandoned."""

    bad_picture_after: Seconds | None = 10.0
    """Seconds after which the picture of a device or stream counts as stalled if it does not change or is of one
    colour; null never looks."""

    stop_timeout: Seconds = 5.0
    """Seconds that the source is given to come to its end when the process stops; then it is abandoned."""

    frame_log_interval: int = Field(default=30, ge=1)
    """Every so many frames, one is logged; 1 logs each."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.video_end_frame is not None and self.video_end_frame <= self.video_start_frame:
            raise ValueError(
                f"video_end_frame {self.video_end_frame} leaves nothing to show;"
                f" allowed: above video_start_frame {self.video_start_frame}, or null"
            )
        return self


class VisionConfig(SharedSection):
    """`vision`: only the camera is this program's."""

    camera: CameraConfig = CameraConfig()


class LoggingConfig(OwnSection):
    """`system.logging`."""

    level: LogLevel = "INFO"
    """Log lines below this level are not written."""


class SystemConfig(SharedSection):
    """`system`: only the logging is this program's."""

    logging: LoggingConfig = LoggingConfig()


class Config(SharedSection):
    """The configuration of billiards_video."""

    video: VideoConfig = VideoConfig()
    vision: VisionConfig = VisionConfig()
    system: SystemConfig = SystemConfig()
