"""Figures are found in what holds them: archives, documents, packed files, notebooks and pages."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from scitex_session_plot import read_stamp, read_stamps

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = '{"scitex-session":1,"id":"run","script":"fit.py"}'


def png(text: str | None = None) -> bytes:
    info, buffer = PngInfo(), io.BytesIO()
    if text is not None:
        info.add_text("Comment", text)
    Image.new("RGB", (2, 2)).save(buffer, "png", pnginfo=info)
    return buffer.getvalue()


def stamped_id(path: str) -> str | None:
    stamp = read_stamp(path)
    return stamp.id if stamp else None


def test_an_archive_lists_the_figures_in_it_those_in_documents_too() -> None:
    document = io.BytesIO()
    with zipfile.ZipFile(document, "w") as inner:
        inner.writestr("word/media/image1.png", png(TEXT))
        inner.writestr("word/document.xml", f"<x>{TEXT}</x>")
    with zipfile.ZipFile("x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/fit.png", png(TEXT.replace("run", "one")))
        archive.writestr("a/plain.png", png())
        archive.writestr("paper.docx", document.getvalue())
    found = [(stamp.id, stamp.member) for stamp in read_stamps("x.zip")]
    assert found == [("one", "a/fit.png"), ("run", "paper.docx/word/media/image1.png")]
    first = read_stamp("x.zip")
    assert first is not None
    assert first.id == "one"


def test_an_archive_in_an_archive_in_an_archive_is_left_alone() -> None:
    data = png(TEXT)
    for name in ("x.png", "x.zip", "x.zip", "x.zip"):
        outer = io.BytesIO()
        with zipfile.ZipFile(outer, "w") as archive:
            archive.writestr(name, data)
        data = outer.getvalue()
    Path("x.zip").write_bytes(data)
    assert read_stamps("x.zip") == []


def test_a_member_that_inflates_without_end_is_read_so_far() -> None:
    with zipfile.ZipFile("x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", png()[:-12] + bytes(80 << 20))
        archive.writestr("fit.png", png(TEXT))
    assert [stamp.member for stamp in read_stamps("x.zip")] == ["fit.png"]


def test_a_broken_archive_has_none() -> None:
    Path("x.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    assert read_stamps("x.zip") == []


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_read_however_it_is_packed(mode: Any) -> None:
    with tarfile.open("x", mode) as archive:
        for name, data in {"notes.txt": b"x", "a/fit.png": png(TEXT)}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    assert [(stamp.id, stamp.member) for stamp in read_stamps("x")] == [("run", "a/fit.png")]
    whole = Path("x").read_bytes()
    for length in range(0, len(whole), 97):
        Path("torn").write_bytes(whole[:length])
        assert len(read_stamps("torn")) <= 1


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_an_image_that_was_packed_by_itself_is_read(pack: Callable[[bytes], bytes]) -> None:
    Path("x").write_bytes(pack(png(TEXT)))
    assert stamped_id("x") == "run"


def test_what_is_packed_a_thousandfold_is_read_so_far() -> None:
    Path("x.tgz").write_bytes(gzip.compress(bytes(100 << 20)))
    assert read_stamps("x.tgz") == []
    data = png(TEXT)
    for _ in range(5):
        data = gzip.compress(data)
    Path("x.gz").write_bytes(data)
    assert read_stamps("x.gz") == []


def test_the_pictures_of_a_notebook_are_read() -> None:
    picture = base64.encodebytes(png(TEXT)).decode()
    drawing = f"<?xml version='1.0'?><svg><metadata>{TEXT}</metadata></svg>"
    link = f"data:image/png;base64,{base64.b64encode(png(TEXT)).decode()}"
    bundles = [
        {"image/png": picture, "text/plain": ["<Figure>"]},
        {"image/png": picture.splitlines(keepends=True)},
        {"image/svg+xml": drawing.splitlines(keepends=True)},
        {"text/html": [f"<b>x</b><img src='{link}'>"]},
        {"image/png": base64.b64encode(png()).decode()},
    ]
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "outputs": [{"output_type": "display_data", "data": bundle}]}
        for bundle in bundles
    ]
    cells.append({"cell_type": "markdown", "source": ["x\n", f"![a]({link})"]})
    cells.append({"cell_type": "markdown", "attachments": {"a.png": {"image/png": picture}}})
    cells.append({"cell_type": "code", "outputs": [{"name": "stdout", "text": link}, None]})
    Path("x.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}, indent=1))
    numbers = (1, 2, 3, 4, 6, 7)
    assert [s.member for s in read_stamps("x.ipynb")] == [f"cell {number}" for number in numbers]
    assert {stamp.id for stamp in read_stamps("x.ipynb")} == {"run"}
    with zipfile.ZipFile("x.zip", "w") as archive:
        archive.write("x.ipynb")
    assert read_stamps("x.zip")[0].member == "x.ipynb/cell 1"


@pytest.mark.parametrize("page", ["<!DOCTYPE html>\n<html>{}</html>", "# Notes\n\n{}\n"])
def test_the_pictures_of_a_page_are_read(page: str) -> None:
    picture = base64.b64encode(png(TEXT)).decode()
    escaped = TEXT.replace('"', "&quot;")
    drawing = f"<svg><metadata>{escaped}</metadata></svg>"
    linked = base64.b64encode(drawing.encode()).decode()
    body = (
        f'<img src="data:image/png;base64,{picture}"/> ![b](data:image/png;base64,{picture})'
        f"{drawing}<p>{TEXT}</p>"
        f'<img src="data:image/svg+xml;charset=utf-8;base64,{linked}">'
        f'<img src="data:image/svg+xml,{quote(drawing)}">'
        f"<svg><path></svg>"
    )
    Path("x").write_text(page.format(body))
    found = [(stamp.id, stamp.member) for stamp in read_stamps("x")]
    assert found == [("run", f"picture {number}") for number in (1, 2, 3, 4, 5)]


def test_a_torn_notebook_is_read_as_a_page() -> None:
    link = f"data:image/png;base64,{base64.b64encode(png(TEXT)).decode()}"
    notebook = json.dumps({"nbformat": 4, "cells": [{"source": f"![a]({link})"}, {"source": ""}]})
    Path("x.ipynb").write_text(notebook[:-20])
    assert [stamp.member for stamp in read_stamps("x.ipynb")] == ["picture 1"]


def test_a_figure_in_several_forms_is_one() -> None:
    bundle = {
        "image/png": base64.b64encode(png(TEXT)).decode(),
        "image/svg+xml": f"<svg><metadata>{TEXT}</metadata></svg>",
    }
    notebook = {"nbformat": 4, "cells": [{"outputs": [{"data": bundle}]}]}
    Path("x.ipynb").write_text(json.dumps(notebook))
    assert [stamp.member for stamp in read_stamps("x.ipynb")] == ["cell 1"]


def test_markdown_is_told_by_its_name_also_when_it_is_packed() -> None:
    page = f"# Fit\n\n<svg><metadata>{TEXT}</metadata></svg>\n".encode()
    for name, found in {"x.md": 1, "x": 1, "x.py": 0, "x.log": 0}.items():
        Path(name).write_bytes(page)
        assert len(read_stamps(name)) == found, name
        Path(f"{name}.gz").write_bytes(gzip.compress(page))
        assert len(read_stamps(f"{name}.gz")) == found, f"{name}.gz"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_in_a_tar_are_read(form: int) -> None:
    names = [f"{'folder/' * 20}{'x' * 60}.png", "größe.png", "y.png"]
    with tarfile.open("x.tar", "w", format=form) as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(png(TEXT))
            archive.addfile(entry, io.BytesIO(png(TEXT)))
    assert [stamp.member for stamp in read_stamps("x.tar")] == names
