"""Save figures, and save and load images."""

from __future__ import annotations

import io
import sys

from scitex_session_io._errors import UnsavableError

from .library import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

_FIGURES = (
    "matplotlib figures, axes and other artists, arrays of axes, pyplot with an open figure, and "
    "seaborn's grids and plots"
)
_IMAGES = (
    f"{_FIGURES}; Pillow images, and arrays of uint8 with the shape (H, W), (H, W, 3) or (H, W, 4)"
)
# Without transparency.
_OPAQUE = ("jpeg",)
_CHANNELS = (3, 4)
# Pillow's modes that are arrays of one number a pixel, and those that are of uint8.
_EXACT_MODES = ("L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N", "RGB", "RGBA")


def _writer(fmt: str, *, images: bool) -> Callable[..., None]:
    """Return the function that saves in a format of matplotlib's and, with `images`, Pillow's."""

    def write(
        obj: Any,
        file: BinaryIO,
        *,
        dpi: float | str | None = None,
        bbox_inches: Any = None,
        pad_inches: float | str | None = None,
        bbox_extra_artists: Any = None,
        facecolor: Any = None,
        edgecolor: Any = None,
        transparent: bool | None = None,
        orientation: str | None = None,
        backend: str | None = None,
        metadata: dict[str, Any] | None = None,
        pil_kwargs: dict[str, Any] | None = None,
    ) -> None:
        options = {
            "dpi": dpi,
            "bbox_inches": bbox_inches,
            "pad_inches": pad_inches,
            "bbox_extra_artists": bbox_extra_artists,
            "facecolor": facecolor,
            "edgecolor": edgecolor,
            "transparent": transparent,
            "orientation": orientation,
            "backend": backend,
            "metadata": metadata,
            "pil_kwargs": pil_kwargs,
        }
        given = {name: value for name, value in options.items() if value is not None}
        image = _image(obj) if images else None
        if image is None:
            _write_figure(obj, file, fmt, given, _IMAGES if images else _FIGURES)
            return
        if foreign := [name for name in given if name != "pil_kwargs"]:
            allowed = "a figure; with an image, pil_kwargs= is the only option"
            raise UnsavableError(fmt.upper(), "obj", f"an image saved with {foreign[0]}=", allowed)
        if fmt in _OPAQUE and image.mode in ("RGBA", "LA"):
            opaque = "images without transparency: array[..., :3]"
            raise UnsavableError(fmt.upper(), "obj", f"an image with the mode {image.mode}", opaque)
        image.save(file, format=fmt, **(pil_kwargs or {}))

    return write


write_png = _writer("png", images=True)
write_jpeg = _writer("jpeg", images=True)
write_tiff = _writer("tiff", images=True)
write_pdf = _writer("pdf", images=False)
write_svg = _writer("svg", images=False)


def _write_figure(
    obj: Any, file: BinaryIO, fmt: str, options: dict[str, Any], allowed: str
) -> None:
    save = _savefig_of(obj)
    if save is None:
        raise UnsavableError(fmt.upper(), "obj", type(obj).__qualname__, allowed)
    # In memory: a library that asks `file` for its name could take it for a file of the user's.
    content = io.BytesIO()
    save(content, format=fmt, **options)
    file.write(content.getbuffer())


def _savefig_of(obj: Any) -> Callable[..., Any] | None:
    """Return the method that saves the figure that an object is, has or belongs to."""
    if callable(getattr(obj, "get_fignums", None)):  # pyplot, or what stands for it
        if not obj.get_fignums():
            return None
        obj = obj.gcf()
    objects = sys.modules.get("seaborn.objects")
    if objects is not None and isinstance(obj, objects.Plot):
        return obj.save  # type: ignore[no-any-return]
    if getattr(obj, "ndim", 0) and obj.dtype == object and obj.size:  # of axes
        obj = obj.flat[0]
    # An artist has a figure or a subfigure, which has a figure. A grid of seaborn's has a method of
    # its own, which leaves room for the legend beside it.
    for _ in range(10):
        if callable(getattr(obj, "savefig", None)):
            return obj.savefig  # type: ignore[no-any-return]
        obj = getattr(obj, "figure", None)
    return None


def _image(obj: Any) -> Any:
    """Return an image of Pillow's, or one made of an array; None for anything else."""
    pillow, numpy = sys.modules.get("PIL.Image"), sys.modules.get("numpy")
    if pillow is not None and isinstance(obj, pillow.Image):
        return obj
    if numpy is None or not isinstance(obj, numpy.ndarray) or obj.dtype != numpy.uint8:
        return None
    if obj.size and (obj.ndim == 2 or (obj.ndim == 3 and obj.shape[2] in _CHANNELS)):
        return need("PIL.Image", "pillow", "an image").fromarray(obj)
    return None


def read_image(file: BinaryIO, path: str) -> Any:
    """Read an image as an array: (H, W) if it is grey, else (H, W, 3), or 4 with transparency.

    Several pages of the same size are stacked. A palette becomes colours.
    """
    np = need("numpy", "numpy", path)
    with need("PIL.Image", "pillow", path).open(file) as image:
        pages = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            pages.append(np.array(as_array_mode(image)))
    return pages[0] if len(pages) == 1 else np.stack(pages)


def as_array_mode(image: Any) -> Any:
    """Return a Pillow image in a mode that is a plain array."""
    if image.mode in _EXACT_MODES:
        return image
    if image.mode == "1":
        return image.convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
