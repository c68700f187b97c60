"""The stamp's text, its place in each format, and the footer in the corner of a draft.

For each format, a function takes the keywords of one save and returns those to use instead: it
keeps the user's own, adds the stamp, and leaves out the default date of saving, so that the same
figure gives the same file. The stamp has the time.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Keywords = dict[str, Any]
    Place = Callable[[Keywords, str | None], Keywords]

# The scan finds a stamp by this key, wherever it stands: beside the keywords of a user, after a
# comment, in a chunk that an optimiser has renamed.
MARK = "scitex-session"
SCHEMA = 1
LONGEST_STAMP = 16 << 10  # in characters: readers look no further, also in files from strangers
_LONGEST_COMMENT = 65533  # of a JPEG, in bytes
_IMAGE_DESCRIPTION = 270  # the tag, in TIFF and in EXIF
_DSC_LINE = 240  # PostScript's comments are lines of at most 255 characters

# The footer, in points: its size, and how far it stands from the corner.
_FOOTER_SIZE = 5.0
_FOOTER_MARGIN = 2.0
_GREY = "0.6"
_ABOVE_ALL = 1e6


def stamp_text(facts: Mapping[str, object], time: str) -> str:
    """Return the stamp of a figure saved at `time`: JSON on one line, in ASCII without XML's signs.

    Every format can hold ASCII: the text chunks of PNG are Latin-1, those of PostScript ASCII, and
    a PDF string in anything else becomes UTF-16. The signs that XML escapes would become up to
    five times as long, beyond what is read back.

    Raises
    ------
    ValueError
        The stamp is longer than what is read back.
    """
    import json

    known = {name: value for name, value in facts.items() if value is not None}
    text = json.dumps({MARK: SCHEMA, **known, "time": time}, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    if len(text) > LONGEST_STAMP:
        raise ValueError(
            f"a stamp may have {LONGEST_STAMP} characters as JSON, and this one has {len(text)}"
        )
    return text


def keywords_with(fmt: str, canvas: type | None, keywords: Keywords, stamp: str | None) -> Keywords:
    """Return the keywords to save with.

    Parameters
    ----------
    fmt : str
        The format, in lower case.
    canvas : type or None
        The class of the canvas that writes it; None for `imsave`, which takes both keywords.
    keywords : dict
        The keywords of the user.
    stamp : str or None
        The stamp; if it is None, only dates are left out.

    Raises
    ------
    ValueError
        The user's own metadata leave no place for the stamp.
    """
    place, keyword = _PLACES.get(fmt, (None, ""))
    # The cairo and pgf backends also write some of these formats, but the first takes no metadata,
    # and the second makes TeX source, which can't hold braces.
    if place is None:
        return keywords
    if canvas is not None and (
        "backend_pgf" in canvas.__module__ or not _takes(canvas, fmt, keyword)
    ):
        return keywords
    return place(keywords, stamp)


def stamp_pages(infodict: Keywords, stamp: str | None, *, fresh: bool) -> None:
    """Add a stamp to the information of a PDF that is being written page by page.

    Parameters
    ----------
    infodict : dict
        Its information, which is changed.
    stamp : str or None
        The stamp.
    fresh : bool
        Whether the file has just been begun, so that its date is not the user's.

    Raises
    ------
    ValueError
        The user's own metadata leave no place for the stamp.
    """
    if fresh and not dated_by_environment():
        infodict.pop("CreationDate", None)
    if stamp is not None and f'"{MARK}"' not in str(infodict.get("Keywords")):
        infodict.update(_in_pdf_info(infodict, stamp))


def _png(keywords: Keywords, stamp: str | None) -> Keywords:
    if stamp is None:
        return keywords
    options = keywords.get("pil_kwargs") or {}
    if "pnginfo" in options:  # then matplotlib ignores metadata
        import copy

        info = copy.deepcopy(options["pnginfo"])
        info.add_text(MARK, stamp)
        return {**keywords, "pil_kwargs": {**options, "pnginfo": info}}
    metadata = dict(keywords.get("metadata") or {})
    key = MARK
    while key in metadata:
        key += "'"
    return {**keywords, "metadata": {**metadata, key: stamp}}


def _pdf(keywords: Keywords, stamp: str | None) -> Keywords:
    metadata = dict(keywords.get("metadata") or {})
    if stamp is not None:
        metadata.update(_in_pdf_info(metadata, stamp))
    if not dated_by_environment():
        metadata.setdefault("CreationDate", None)
    return {**keywords, "metadata": metadata}


def _in_pdf_info(info: Keywords, stamp: str) -> Keywords:
    # matplotlib would warn of our own key, and optimisers would drop it.
    before = info.get("Keywords")
    if before is not None and not isinstance(before, str):
        raise ValueError("its Keywords are no text")
    return {"Keywords": f"{before} {stamp}" if before else stamp}


def _svg(keywords: Keywords, stamp: str | None) -> Keywords:
    metadata = dict(keywords.get("metadata") or {})
    if stamp is not None:
        before = metadata.get("Keywords")
        own = [] if before is None else [before] if isinstance(before, str) else list(before)
        metadata["Keywords"] = [*own, stamp]
    if not dated_by_environment():
        metadata.setdefault("Date", None)
    return {**keywords, "metadata": metadata}


def _ps(keywords: Keywords, stamp: str | None) -> Keywords:
    if stamp is None:
        return keywords
    metadata = dict(keywords.get("metadata") or {})
    version = sys.modules["matplotlib"].__version__
    creator = metadata.get("Creator", f"Matplotlib v{version}, https://matplotlib.org/")
    # "%%+" continues the comment before it (Adobe's Document Structuring Conventions, 3.0).
    lines = [stamp[at : at + _DSC_LINE] for at in range(0, len(stamp), _DSC_LINE)]
    metadata["Creator"] = "\n%%+ ".join([str(creator), *lines])
    return {**keywords, "metadata": metadata}


def _comment(keywords: Keywords, stamp: str | None) -> Keywords:
    if stamp is None:
        return keywords
    options = dict(keywords.get("pil_kwargs") or {})
    before = options.get("comment") or b""
    own = before.encode() if isinstance(before, str) else bytes(before)
    comment = b"\n".join([own, stamp.encode()]) if own else stamp.encode()
    if len(comment) > _LONGEST_COMMENT:
        raise ValueError("its comment is as long as one can be")
    return {**keywords, "pil_kwargs": {**options, "comment": comment}}


def _tiff(keywords: Keywords, stamp: str | None) -> Keywords:
    if stamp is None:
        return keywords
    options = dict(keywords.get("pil_kwargs") or {})
    tags = options.get("tiffinfo") or {}
    before = options.get("description") or tags.get(_IMAGE_DESCRIPTION)
    if isinstance(before, bytes):
        before = before.decode("latin-1")
    description = f"{before}\n{stamp}" if before else stamp
    return {**keywords, "pil_kwargs": {**options, "description": description}}


def _xmp(keywords: Keywords, stamp: str | None) -> Keywords:
    if stamp is None:
        return keywords
    options = dict(keywords.get("pil_kwargs") or {})
    if not options.get("xmp"):
        options["xmp"] = _XMP.format(stamp).encode()
    elif not options.get("exif"):
        from PIL.Image import Exif

        exif = Exif()
        exif[_IMAGE_DESCRIPTION] = stamp
        options["exif"] = exif.tobytes()
    else:
        raise ValueError("its xmp and its exif are both given")
    return {**keywords, "pil_kwargs": options}


_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<dc:source>{}</dc:source></rdf:Description></rdf:RDF></x:xmpmeta>"
)

_PLACES: dict[str, tuple[Place | None, str]] = {
    "png": (_png, "metadata"),
    "pdf": (_pdf, "metadata"),
    "svg": (_svg, "metadata"),
    "svgz": (_svg, "metadata"),
    "ps": (_ps, "metadata"),
    "eps": (_ps, "metadata"),
    "jpg": (_comment, "pil_kwargs"),
    "jpeg": (_comment, "pil_kwargs"),
    "gif": (_comment, "pil_kwargs"),
    "tif": (_tiff, "pil_kwargs"),
    "tiff": (_tiff, "pil_kwargs"),
    "webp": (_xmp, "pil_kwargs"),
    "avif": (_xmp, "pil_kwargs"),
}


def _takes(canvas: type, fmt: str, keyword: str) -> bool:
    import inspect

    parameters = inspect.signature(getattr(canvas, f"print_{fmt}")).parameters
    return keyword in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def dated_by_environment() -> bool:
    """Return whether the user sets the date of files (reproducible-builds.org)."""
    return bool(os.environ.get("SOURCE_DATE_EPOCH"))


def footer_on(figure: Any, text: str) -> Callable[[], None]:
    """Draw `text` in the lower right corner of the saved part of `figure`; return its removal.

    No layout takes it into account. The saved part may be smaller than the figure, with
    ``bbox_inches="tight"``.
    """
    from matplotlib.text import Text
    from matplotlib.transforms import IdentityTransform

    class Footer(Text):
        def draw(self, renderer: Any) -> None:
            # While a part of the figure is saved, the figure's box is that of the part.
            margin = _FOOTER_MARGIN * self.figure.dpi / 72
            self.set_position((self.figure.bbox.x1 - margin, self.figure.bbox.y0 + margin))
            super().draw(renderer)

    was_stale = figure.stale
    footer = Footer(
        0,
        0,
        text,
        size=_FOOTER_SIZE,
        color=_GREY,
        ha="right",
        va="bottom",
        zorder=_ABOVE_ALL,
        parse_math=False,
        family="sans-serif",
    )
    footer.set_in_layout(False)
    footer.set_transform(IdentityTransform())
    figure.add_artist(footer)

    def remove() -> None:
        footer.remove()
        figure.stale = was_stale

    return remove
