"""The stamp joins what the user wrote into a figure; the footer of a draft is in no figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from scitex_session_plot import read_stamp, watch_savefig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.figure import Figure


def texts_of(path: Path) -> dict[str, str]:
    with Image.open(path) as image:
        assert isinstance(image, PngImageFile)
        return dict(image.text)


@pytest.fixture
def save() -> Iterator[Callable[..., Path]]:
    """Save a figure that is stamped, and check that it is."""
    mpl.use("agg")
    restore = watch_savefig(stamp=lambda: {"id": "run"})

    def saved(name: str, **options: Any) -> Path:
        plt.figure(figsize=(2, 1)).savefig(name, **options)
        stamp = read_stamp(name)
        assert stamp is not None
        assert stamp.id == "run"
        return Path(name)

    yield saved
    restore()


def test_png_metadata_stay(save: Callable[..., Path]) -> None:
    texts = texts_of(save("x.png", metadata={"Author": "Me", "Software": None}))
    assert texts["Author"] == "Me"
    assert "Software" not in texts


def test_of_two_who_use_our_key_the_user_keeps_it(save: Callable[..., Path]) -> None:
    texts = texts_of(save("x.png", metadata={"scitex-session": "mine"}))
    assert texts["scitex-session"] == "mine"


def test_a_pnginfo_stays_as_it_is_and_in_the_file(save: Callable[..., Path]) -> None:
    info = PngInfo()
    info.add_text("Author", "Me")
    before = list(info.chunks)
    options = {"pnginfo": info, "compress_level": 1}
    assert texts_of(save("x.png", pil_kwargs=options))["Author"] == "Me"
    assert info.chunks == before
    assert options == {"pnginfo": info, "compress_level": 1}


def test_pdf_keywords_stay(save: Callable[..., Path]) -> None:
    metadata = {"Keywords": "Größe (m)", "Author": "Me"}
    data = save("x.pdf", metadata=metadata).read_bytes()
    assert "Größe ".encode("utf-16-be") in data
    assert b"/Author (Me)" in data
    assert metadata == {"Keywords": "Größe (m)", "Author": "Me"}


@pytest.mark.parametrize("keywords", ["a", ["a", "b"], ("a",), iter(["a"])])
def test_svg_keywords_stay(save: Callable[..., Path], keywords: Any) -> None:
    text = save("x.svg", metadata={"Keywords": keywords, "Title": "<T>"}).read_text()
    assert "<rdf:li>a</rdf:li>" in text
    assert "<dc:title>&lt;T&gt;</dc:title>" in text


def test_the_creator_of_postscript_stays(save: Callable[..., Path]) -> None:
    assert "%%Creator: Me\n%%+ {" in save("x.eps", metadata={"Creator": "Me"}).read_text()


@pytest.mark.parametrize("comment", ["Größe", "Größe".encode()])
def test_the_comment_of_a_jpeg_stays(save: Callable[..., Path], comment: str | bytes) -> None:
    with Image.open(save("x.jpg", pil_kwargs={"comment": comment, "quality": 50})) as image:
        assert image.info["comment"].startswith("Größe\n".encode())


def test_the_comment_of_a_gif_stays_however_long_it_is(save: Callable[..., Path]) -> None:
    if "gif" not in plt.figure().canvas.get_supported_filetypes():
        pytest.skip("this matplotlib does not write gif")
    mine = b"long " * 200
    with Image.open(save("x.gif", pil_kwargs={"comment": mine})) as image:
        assert image.info["comment"].startswith(mine + b"\n")


@pytest.mark.parametrize("options", [{"description": "mine"}, {"tiffinfo": {270: "mine"}}])
def test_the_description_of_a_tiff_stays(save: Callable[..., Path], options: Any) -> None:
    with Image.open(save("x.tif", pil_kwargs=options)) as image:
        assert image.tag_v2[270].startswith("mine\n")  # type: ignore[attr-defined]


def test_the_xmp_of_a_webp_stays(save: Callable[..., Path]) -> None:
    with Image.open(save("x.webp", pil_kwargs={"xmp": b"<mine/>"})) as image:
        assert image.info["xmp"] == b"<mine/>"


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        ("x.webp", {"pil_kwargs": {"xmp": b"<a/>", "exif": b"Exif\0\0II*\0"}}, "xmp and its exif"),
        ("x.jpg", {"pil_kwargs": {"comment": b"x" * 65533}}, "as long as one can be"),
    ],
)
def test_where_there_is_no_place_left_the_figure_is_saved_and_it_is_said(
    save: Callable[..., Path], name: str, options: dict[str, Any], why: str
) -> None:
    with pytest.warns(UserWarning, match=f"without its stamp.*{why}"):
        plt.figure(figsize=(2, 1)).savefig(name, **options)
    assert read_stamp(name) is None
    assert Path(name).stat().st_size > 100


def pixels(name: str) -> Any:
    with Image.open(name) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.fixture
def figure() -> Figure:
    mpl.use("agg")
    figure, axes = plt.subplots(figsize=(4, 3), layout="constrained")
    axes.plot([1, 3, 2])
    axes.set_xlabel("time (s)")
    return figure


@pytest.mark.parametrize("options", [{}, {"bbox_inches": "tight"}, {"dpi": 300}])
def test_it_stands_in_the_corner_and_changes_nothing_else(
    figure: Figure, options: dict[str, Any]
) -> None:
    figure.savefig("plain.png", **options)
    restore = watch_savefig(footer="K7QX2M9A")
    figure.savefig("draft.png", **options)
    restore()
    plain, draft = pixels("plain.png"), pixels("draft.png")
    assert plain.shape == draft.shape
    rows, columns = np.nonzero(np.abs(plain - draft).sum(axis=2))
    assert len(rows) > 50
    assert rows.min() > 0.94 * plain.shape[0]
    assert columns.min() > 0.8 * plain.shape[1]


def test_the_figure_is_as_it_was(figure: Figure) -> None:
    figure.canvas.draw()
    before, stale = figure.get_children(), figure.stale
    restore = watch_savefig(footer="K7QX2M9A")
    figure.savefig("draft.png")
    assert figure.get_children() == before
    assert figure.stale == stale
    with pytest.raises(FileNotFoundError):
        figure.savefig("missing/draft.png")
    restore()
    assert figure.get_children() == before
    figure.savefig("after.png")
    restore = watch_savefig(footer="K7QX2M9A")
    restore()
    figure.savefig("again.png")
    assert np.array_equal(pixels("after.png"), pixels("again.png"))


@pytest.mark.parametrize("suffix", ["svg", "pdf", "eps"])
def test_drawings_have_it_as_text(figure: Figure, suffix: str) -> None:
    mpl.rcParams.update({"svg.fonttype": "none", "pdf.compression": 0, "pdf.use14corefonts": True})
    restore = watch_savefig(footer="K7QX2M9A")
    figure.savefig(f"draft.{suffix}")
    restore()
    glyphs = b"/seven" if suffix == "eps" else b"K7QX2M9A"
    assert glyphs in Path(f"draft.{suffix}").read_bytes()
