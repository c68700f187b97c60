"""Save and load animations: ``.gif`` and ``.mp4``."""

from __future__ import annotations

import fractions
import io
import sys

from scitex_session_io._errors import InvalidValueError, UnsavableError

from .figures import as_array_mode
from .library import need
from .sizes import check_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

    Sink = Callable[[Any], object]

_ANIMATIONS = (
    "matplotlib animations, and frames of uint8: an array with the shape (N, H, W), (N, H, W, 3) "
    "or (N, H, W, 4), or a list of images of one size"
)
_FPS = 10.0
_CHANNELS = (3, 4)


def write_gif(
    obj: Any, file: BinaryIO, *, fps: float | None = None, dpi: float | None = None
) -> None:
    """Write an animation that repeats for ever, with 256 colours a frame."""
    fromarray = need("PIL.Image", "pillow", "GIF").fromarray
    frames: list[Any] = []
    play = _player(obj, "GIF", dpi)
    play(lambda frame: frames.append(fromarray(frame)))
    frames[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 / _rate(obj, fps)),
        loop=0,
    )


def read_gif(file: BinaryIO, path: str) -> Any:
    """Read the frames as an array (N, H, W, 3), or 4 with transparency."""
    np = need("numpy", "numpy", path)
    with need("PIL.Image", "pillow", path).open(file) as image:
        check_size(path, image.n_frames * image.width * image.height * 4)
        frames = []
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(as_array_mode(image).copy())
    mode = "RGBA" if any(frame.mode == "RGBA" for frame in frames) else "RGB"
    return np.stack([np.asarray(frame.convert(mode)) for frame in frames])


def write_mp4(
    obj: Any,
    file: BinaryIO,
    *,
    fps: float | None = None,
    dpi: float | None = None,
    crf: int = 18,
) -> None:
    """Write a film in H.264, which every browser shows; a smaller `crf` is larger and better.

    It wants an even width and height: a column or a row at the edge is doubled where needed.
    """
    av, np = need("av", "av", "MP4"), need("numpy", "numpy", "MP4")
    play, rate = _player(obj, "MP4", dpi), _rate(obj, fps)
    with av.open(file, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=fractions.Fraction(rate).limit_denominator(1000))
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf)}

        def take(frame: Any) -> None:
            colours = frame[..., :3] if frame.ndim == 3 else np.stack([frame] * 3, axis=-1)
            more = [(0, length % 2) for length in frame.shape[:2]]
            even = np.pad(colours, [*more, (0, 0)], mode="edge")
            if not stream.codec_context.is_open:  # before the first frame
                stream.height, stream.width = even.shape[:2]
            film.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))

        play(take)
        film.mux(stream.encode(None))


def read_mp4(file: BinaryIO, path: str) -> Any:
    """Read the frames as an array (N, H, W, 3)."""
    av, np = need("av", "av", path), need("numpy", "numpy", path)
    frames: list[Any] = []
    with av.open(file, format="mp4") as film:
        for frame in film.decode(video=0):
            check_size(path, (len(frames) + 1) * frame.width * frame.height * 3)
            frames.append(frame.to_ndarray(format="rgb24"))
    return np.stack(frames)


def _rate(obj: Any, fps: float | None) -> float:
    """Return the frames per second: those asked for, or those of an animation."""
    if fps is not None:
        if not fps > 0:
            raise InvalidValueError("fps", fps, "greater than 0")
        return float(fps)
    # What `Animation.save` looks at.
    interval = getattr(obj, "_interval", None)
    return 1000 / interval if interval else _FPS


def _player(obj: Any, file_format: str, dpi: float | None) -> Callable[[Sink], None]:
    """Return the function that gives the frames of an animation to a sink, one after the other.

    Raises
    ------
    UnsavableError
        The object is neither an animation nor frames.
    """
    animation = sys.modules.get("matplotlib.animation")
    if animation is not None and isinstance(obj, animation.Animation):
        return lambda sink: obj.save(io.BytesIO(), writer=_writer(animation, sink), dpi=dpi)
    if dpi is not None:
        allowed = "a matplotlib animation, where dpi= is given"
        raise UnsavableError(file_format, "obj", type(obj).__qualname__, allowed)
    frames = _frames(obj, file_format)

    def play(sink: Sink) -> None:
        for frame in frames:
            sink(frame)

    return play


def _frames(obj: Any, file_format: str) -> Any:
    np = need("numpy", "numpy", file_format)
    kind = type(obj).__qualname__
    try:
        frames = np.stack([np.asarray(image) for image in obj])
    except (TypeError, ValueError):  # not a sequence, no images, none at all, or different sizes
        raise UnsavableError(file_format, "obj", kind, _ANIMATIONS) from None
    grey, coloured = frames.ndim == 3, frames.ndim == 4 and frames.shape[3] in _CHANNELS
    if frames.dtype != np.uint8 or not (grey or coloured) or not frames.size:
        found = f"{kind} of {frames.dtype} with the shape {frames.shape}"
        raise UnsavableError(file_format, "obj", found, _ANIMATIONS)
    return frames


def _writer(animation: Any, sink: Sink) -> Any:
    """Return a writer for `Animation.save` that gives the frames to a sink and writes no file.

    A watch on that function reports the file that it writes: here it has none, and the file that is
    saved is reported once.
    """
    np = need("numpy", "numpy", "an animation")

    class Frames(animation.AbstractMovieWriter):  # type: ignore[misc]
        def setup(self, fig: Any, outfile: Any, dpi: float | None = None) -> None:
            self.fig, self.outfile = fig, outfile
            self.dpi = fig.dpi if dpi is None else dpi

        def grab_frame(self, **options: Any) -> None:
            content = io.BytesIO()
            self.fig.savefig(content, **{**options, "format": "rgba", "dpi": self.dpi})
            width, height = self.frame_size
            frame = np.frombuffer(content.getvalue(), np.uint8).reshape(height, width, 4)
            # Opaque: matplotlib saw that this writer has no transparency.
            sink(np.ascontiguousarray(frame[..., :3]))

        def finish(self) -> None:
            pass

    return Frames()
