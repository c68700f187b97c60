"""Every way to save a figure is watched, for as long as it is asked for."""

from __future__ import annotations

import gc
import io
import json
import os
import tempfile
import threading
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_pdf import PdfPages
from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

from scitex_session_plot import read_stamp, watch_savefig
from support import run_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

FACTS: dict[str, object] = {"id": "2026Y_K7QX2M9A", "script": "fit.py", "commit": "c" * 40}
FORMATS = ("png", "pdf", "svg", "svgz", "ps", "eps", "jpg", "jpeg", "tif", "tiff", "webp")
NEWER_FORMATS = ("gif", "avif")


@pytest.fixture(autouse=True)
def without_windows() -> None:
    mpl.use("agg")


@pytest.fixture
def figure() -> Figure:
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot([1, 3, 2])
    axes.set_title("Größe $\\alpha$")
    return figure


@pytest.fixture
def reported() -> Iterator[list[str]]:
    """Watch with a stamp, and collect what is reported."""
    reported: list[str] = []
    restore = watch_savefig(reported.append, stamp=lambda: FACTS)
    yield reported
    restore()


def save_as(figure: Figure, path: Path | str, **options: Any) -> None:
    """Save a figure, in a format that not every matplotlib or Pillow has."""
    suffix = str(path).rpartition(".")[2]
    if suffix not in figure.canvas.get_supported_filetypes() or not features.check(
        {"avif": "avif", "webp": "webp"}.get(suffix, "zlib")
    ):
        pytest.skip(f"this matplotlib or this Pillow does not write {suffix}")
    figure.savefig(path, **options)


def stamped_id(source: Path | str) -> str | None:
    stamp = read_stamp(source)
    return stamp.id if stamp else None


@pytest.mark.parametrize("suffix", [*FORMATS, *NEWER_FORMATS])
def test_every_format_with_a_place_carries_the_stamp(
    figure: Figure, reported: list[str], suffix: str
) -> None:
    path = Path(f"figure.{suffix}").absolute()
    save_as(figure, path)
    stamp = read_stamp(path)
    assert stamp is not None
    assert (stamp.id, stamp.script, stamp.commit) == (
        FACTS["id"],
        FACTS["script"],
        FACTS["commit"],
    )
    assert stamp.time is not None
    assert stamp.time.tzinfo is not None
    assert reported == [str(path)]


@pytest.mark.parametrize("suffix", ["rgba", "raw"])
def test_a_format_without_a_place_is_saved_as_ever(
    figure: Figure, reported: list[str], suffix: str
) -> None:
    figure.savefig(f"figure.{suffix}")
    assert reported == [os.path.abspath(f"figure.{suffix}")]
    assert stamped_id(f"figure.{suffix}") is None


def test_all_ways_lead_through_one_place(figure: Figure, reported: list[str]) -> None:
    from matplotlib.pyplot import savefig

    savefig("by_name.png")
    plt.savefig("by_pyplot.png")
    figure.canvas.print_figure("by_canvas.png")
    figure.canvas.print_figure("positional", 50, None, None, "portrait", "png")
    figure.savefig("no_suffix")
    figure.savefig(Path("folder.name").absolute(), format="png")
    names = ["by_name.png", "by_pyplot.png", "by_canvas.png", "positional", "no_suffix.png"]
    assert [os.path.basename(path) for path in reported] == [*names, "folder.name"]
    assert {stamped_id(path) for path in reported} == {FACTS["id"]}


def test_a_path_in_bytes_is_reported_as_a_text(figure: Figure, reported: list[str]) -> None:
    # matplotlib takes such a path, and does not look at its suffix.
    figure.savefig("größe.pdf".encode())  # type: ignore[arg-type]
    figure.savefig(b"plain", format="jpg")  # type: ignore[arg-type]
    assert reported == [os.path.abspath(name) for name in ("größe.pdf", "plain")]
    assert {stamped_id(path) for path in reported} == {FACTS["id"]}
    with Image.open("größe.pdf") as image:
        assert image.format == "PNG"


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg", "jpg"])
def test_a_buffer_gets_the_stamp_and_is_not_reported(
    figure: Figure, reported: list[str], suffix: str
) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=suffix)
    Path("copy").write_bytes(buffer.getvalue())
    assert stamped_id("copy") == FACTS["id"]
    assert reported == []


@pytest.mark.parametrize("options", [{}, {"bbox_inches": "tight", "dpi": 150}])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "gif", "avif"])
def test_pixels_are_the_same(figure: Figure, suffix: str, options: dict[str, Any]) -> None:
    save_as(figure, f"plain.{suffix}", **options)
    restore = watch_savefig(stamp=lambda: FACTS)
    figure.savefig(f"stamped.{suffix}", **options)
    restore()
    with Image.open(f"plain.{suffix}") as plain, Image.open(f"stamped.{suffix}") as stamped:
        assert np.array_equal(np.asarray(plain), np.asarray(stamped))
        assert plain.info.get("dpi") == stamped.info.get("dpi")


@pytest.mark.parametrize("suffix", ["svg", "pdf", "eps"])
def test_a_drawing_differs_in_its_metadata_alone(
    figure: Figure, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mpl.rcParams.update({"svg.hashsalt": "x", "pdf.compression": 0})
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    figure.savefig(f"plain.{suffix}")
    restore = watch_savefig(stamp=lambda: FACTS)
    figure.savefig(f"stamped.{suffix}")
    restore()
    plain, stamped = (
        Path(f"{name}.{suffix}").read_bytes().splitlines() for name in ("plain", "stamped")
    )
    # Offsets of objects and the name of the file follow from the metadata.
    own = (b"dc:subject", b"rdf:", b"/Keywords", b"%%+", b"%%Title", b" 00000 n")
    left = [
        [line for line in lines if not any(part in line for part in own) and not line.isdigit()]
        for lines in (plain, stamped)
    ]
    if suffix == "pdf":  # lines are filled up: the trailing >> of a dictionary may stand alone
        left = [[b" ".join(lines).replace(b" >>", b">>")] for lines in left]
    assert left[0] == left[1]


def test_without_a_stamp_nothing_is_written_but_files_are_reported(figure: Figure) -> None:
    reported: list[str] = []
    restore = watch_savefig(reported.append)
    for suffix in FORMATS:
        figure.savefig(f"figure.{suffix}")
        assert stamped_id(f"figure.{suffix}") is None
    restore()
    assert len(reported) == len(FORMATS)


@pytest.mark.parametrize(
    ("suffix", "date"), [("svg", b"dc:date"), ("pdf", b"/CreationDate"), ("eps", b"202")]
)
def test_a_date_that_nobody_asked_for_is_left_out(
    figure: Figure, reported: list[str], suffix: str, date: bytes
) -> None:
    figure.savefig(f"figure.{suffix}")
    lines = Path(f"figure.{suffix}").read_bytes().splitlines()
    assert not [line for line in lines if date in line and b"scitex-session" not in line]
    assert "SOURCE_DATE_EPOCH" not in os.environ


@pytest.mark.parametrize("suffix", ["svg", "pdf", "eps"])
def test_the_date_of_the_environment_stays(
    figure: Figure, reported: list[str], suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    figure.savefig(f"figure.{suffix}")
    assert b"2001" in Path(f"figure.{suffix}").read_bytes()
    assert os.environ["SOURCE_DATE_EPOCH"] == "1000000000"


def test_a_date_of_the_users_stays(figure: Figure, reported: list[str]) -> None:
    import datetime

    figure.savefig("figure.svg", metadata={"Date": "1999-12-31"})
    assert b"<dc:date>1999-12-31</dc:date>" in Path("figure.svg").read_bytes()
    begin = datetime.datetime(1999, 12, 31, tzinfo=datetime.UTC)
    figure.savefig("figure.pdf", metadata={"CreationDate": begin})
    assert b"D:19991231" in Path("figure.pdf").read_bytes()


def test_many_pages_have_one_stamp_and_are_reported_when_they_are_whole(
    figure: Figure, reported: list[str]
) -> None:
    with PdfPages("pages.pdf", metadata={"Keywords": "mine"}) as pages:
        pages.savefig(figure)
        pages.savefig(figure)
        assert reported == []
    assert reported == [os.path.abspath("pages.pdf")]
    assert stamped_id("pages.pdf") == FACTS["id"]
    data = Path("pages.pdf").read_bytes()
    assert data.count(b"scitex-session") == 1
    assert b"(mine {" in data
    assert b"/CreationDate" not in data


def test_the_innermost_watch_counts_and_the_outer_one_goes_on(
    figure: Figure, reported: list[str]
) -> None:
    inner = watch_savefig(stamp=lambda: {"id": "inner"})
    figure.savefig("inner.png")
    inner()
    inner()
    figure.savefig("outer.png")
    assert stamped_id("inner.png") == "inner"
    assert stamped_id("outer.png") == FACTS["id"]
    assert [os.path.basename(path) for path in reported] == ["outer.png"]


@pytest.fixture
def no_styled_figure() -> None:
    """Let no figure of another test keep its style: for it, functions would stay replaced."""
    plt.close("all")
    gc.collect()
    plt.close(plt.figure())  # notices


@pytest.mark.usefixtures("no_styled_figure")
def test_ended_in_any_order_matplotlib_is_as_it_was() -> None:
    own = FigureCanvasBase.print_figure
    first, second = watch_savefig(), watch_savefig()
    assert FigureCanvasBase.print_figure is not own
    first()
    assert FigureCanvasBase.print_figure is not own
    second()
    assert FigureCanvasBase.print_figure is own


@pytest.mark.usefixtures("no_styled_figure")
def test_who_patched_over_us_keeps_their_patch(
    figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = watch_savefig(stamp=lambda: FACTS)
    ours, calls = FigureCanvasBase.print_figure, 0

    def theirs(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return ours(*args, **kwargs)

    FigureCanvasBase.print_figure = theirs  # type: ignore[method-assign]
    restore()
    assert FigureCanvasBase.print_figure is theirs
    figure.savefig("after.png")
    assert stamped_id("after.png") is None
    again = watch_savefig(stamp=lambda: FACTS)
    figure.savefig("again.png")
    assert stamped_id("again.png") == FACTS["id"]
    assert Path("again.png").read_bytes().count(b"tEXtscitex-session") == 1
    FigureCanvasBase.print_figure = ours  # type: ignore[method-assign]
    again()
    assert calls == 2
    assert FigureCanvasBase.print_figure is not ours


def test_threads_save_at_once(reported: list[str]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    def save(number: int) -> None:
        figure = Figure()
        FigureCanvasAgg(figure)
        for suffix in ("png", "eps"):
            figure.savefig(f"{number}.{suffix}")

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {stamped_id(path) for path in reported} == {FACTS["id"]}
    assert len(reported) == 8
    assert "SOURCE_DATE_EPOCH" not in os.environ


def test_matplotlib_is_not_imported_and_watched_when_it_comes() -> None:
    finished = run_script(
        """
        import sys
        from scitex_session_plot import read_stamp, watch_savefig
        restore = watch_savefig(print, stamp=lambda: {"id": "x"})
        assert "matplotlib" not in sys.modules and "json" not in sys.modules
        import matplotlib.figure
        matplotlib.figure.Figure().savefig("x.png")
        assert read_stamp("x.png").id == "x"
        restore()
        matplotlib.figure.Figure().savefig("y.png")
        assert read_stamp("y.png") is None
        assert not [f for f in sys.meta_path if type(f).__module__.startswith("scitex")]
        """
    )
    assert finished == (0, os.path.abspath("x.png") + "\n", "")


def test_a_stamp_that_can_not_be_made_costs_one_warning_and_no_figure(figure: Figure) -> None:
    def broken() -> dict[str, object]:
        raise KeyError("commit")

    restore = watch_savefig(stamp=broken)
    with pytest.warns(UserWarning, match="saved without its stamp: KeyError") as caught:
        figure.savefig("a.png")
    assert [warning.filename for warning in caught] == [__file__]
    figure.savefig("b.png")  # said once: a second warning would be an error here
    restore()
    assert Path("a.png").stat().st_size > 0
    assert Path("b.png").stat().st_size > 0


LONGEST = 16 * 1024  # characters of JSON


def script_for(length: int, sign: str) -> str:
    """Give the script whose stamp is that long: its name in this sign, then in plain ones."""
    fixed = {"scitex-session": 1, "id": "run", "script": "", "time": "2026-11-28T10:51:05+00:00"}
    room = length - len(json.dumps(fixed, separators=(",", ":")))
    # XML's signs are written as \\u003c.
    width = 6 if sign in "<>&" else len(json.dumps(sign)) - 2
    return sign * (room // width) + "x" * (room % width)


@pytest.mark.parametrize("sign", ["a", '"', "\\", "<", "&", "(", "ä"])
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg", "jpg", "tif", "webp", "gif", "eps"])
def test_the_longest_stamp_is_read_back_from_every_format(suffix: str, sign: str) -> None:
    script = script_for(LONGEST, sign)
    metadata = {"Keywords": "\u65e5"} if suffix in ("pdf", "svg") else {}  # a PDF's in UTF-16
    restore = watch_savefig(stamp=lambda: {"id": "run", "script": script})
    save_as(
        plt.figure(figsize=(1, 1)), f"x.{suffix}", **({"metadata": metadata} if metadata else {})
    )
    restore()
    stamp = read_stamp(f"x.{suffix}")
    assert stamp is not None
    assert stamp.script == script


@pytest.mark.parametrize("sign", ["a", "<", "ä"])
def test_a_longer_stamp_is_refused_when_it_is_written(figure: Figure, sign: str) -> None:
    script = script_for(LONGEST + 1, sign)
    restore = watch_savefig(stamp=lambda: {"id": "run", "script": script})
    with pytest.warns(UserWarning, match="without its stamp.*16384.*this one has 16385$"):
        figure.savefig("one.png")
    figure.savefig("two.pdf")  # said once
    with PdfPages("three.pdf") as pages:
        pages.savefig(figure)
    restore()
    for name in ("one.png", "two.pdf", "three.pdf"):
        assert b"scitex-session" not in Path(name).read_bytes()


def test_as_an_error_the_warning_goes_to_stderr(
    figure: Figure, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> dict[str, object]:
        raise KeyError("commit")

    restore = watch_savefig(stamp=broken)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig("a.png")
    restore()
    assert "saved without its stamp" in capsys.readouterr().err


def test_what_matplotlib_refuses_is_saved_without(
    figure: Figure, reported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a matplotlib to come might."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    own: Any = FigureCanvasAgg.print_png

    def strict(self: Any, target: Any, *, metadata: Any = None, **kwargs: Any) -> Any:
        if metadata is not None:
            target.write(b"half a file") if hasattr(target, "write") else None
            raise ValueError("no metadata here")
        return own(self, target, pil_kwargs=kwargs.get("pil_kwargs"))

    monkeypatch.setattr(FigureCanvasAgg, "print_png", strict)
    buffer = io.BytesIO(b"before")
    buffer.seek(6)
    with pytest.warns(UserWarning, match="ValueError: no metadata here"):
        figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"before\x89PNG")
    figure.savefig("figure.png")
    assert reported == [os.path.abspath("figure.png")]
    assert stamped_id("figure.png") is None


@pytest.mark.parametrize(
    ("target", "options", "error"),
    [
        ("missing/figure.png", {}, FileNotFoundError),
        ("figure.nope", {}, ValueError),
        ("figure.png", {"nope": 1}, TypeError),
        ("figure.svg", {"metadata": {"Nope": "x"}}, ValueError),
        (7, {}, (ValueError, AttributeError, TypeError)),
    ],
)
def test_a_mistake_is_answered_as_without_us(
    figure: Figure, reported: list[str], target: Any, options: dict[str, Any], error: Any
) -> None:
    with pytest.raises(error) as raised:
        figure.savefig(target, **options)
    assert raised.value.__context__ is None or "stamp" not in str(raised.value.__context__)
    assert reported == []


def test_a_file_object_is_reported_once_it_is_closed(figure: Figure, reported: list[str]) -> None:
    with open("held.png", "wb") as held:
        figure.savefig(held)
        figure.savefig("first.png")
        assert [os.path.basename(path) for path in reported] == ["first.png"]
    figure.savefig("second.png")
    assert [os.path.basename(path) for path in reported] == ["first.png", "held.png", "second.png"]
    assert stamped_id("held.png") == FACTS["id"]


def test_a_file_object_that_stays_open_is_reported_at_the_end_and_is_whole(figure: Figure) -> None:
    reported: list[tuple[str, int]] = []
    restore = watch_savefig(lambda path: reported.append((path, os.path.getsize(path))))
    with open("held.png", "wb") as held:
        figure.savefig(held)
        with open("dropped.png", "wb") as dropped:
            figure.savefig(dropped)
        del dropped
        restore()
        assert reported == [(os.path.abspath(name), os.path.getsize(name)) for name, _ in reported]
    assert {(os.path.basename(path), size) for path, size in reported} == {
        (name, os.path.getsize(name)) for name in ("held.png", "dropped.png")
    }


def test_a_temporary_file_and_a_member_of_an_archive_are_not_reported(
    figure: Figure,
) -> None:
    reported: list[str] = []
    restore = watch_savefig(reported.append)
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        figure.savefig(file)
    with tempfile.TemporaryFile() as nameless:
        figure.savefig(nameless, format="png")
    Path("member.png").write_bytes(b"mine")
    with zipfile.ZipFile("all.zip", "w") as archive, archive.open("member.png", "w") as member:
        figure.savefig(member, format="png")
    restore()
    assert reported == []


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "webp", "pdf", "svg", "eps"])
def test_an_array_saved_as_an_image_is_stamped_and_reported(
    reported: list[str], suffix: str
) -> None:
    values = np.arange(12.0).reshape(3, 4)
    plt.imsave(f"map.{suffix}", values)
    assert reported == [os.path.abspath(f"map.{suffix}")]
    assert stamped_id(f"map.{suffix}") == FACTS["id"]


def test_an_image_has_the_pixels_and_the_metadata_that_it_has_without() -> None:
    values = np.arange(12.0).reshape(3, 4)
    plt.imsave("plain.png", values, metadata={"Author": "me"})
    restore = watch_savefig(stamp=lambda: FACTS)
    plt.imsave("stamped.png", values, metadata={"Author": "me"})
    mpl.image.imsave("positional", values, None, None, None, "png")
    restore()
    with Image.open("plain.png") as plain, Image.open("stamped.png") as stamped:
        assert np.array_equal(np.asarray(plain), np.asarray(stamped))
        assert {**plain.info, "scitex-session": stamped.info["scitex-session"]} == stamped.info
    assert stamped_id("positional") == FACTS["id"]


def test_what_imsave_refuses_is_refused_as_it_would_be(reported: list[str]) -> None:
    with pytest.raises(ValueError, match="metadata not supported for format 'jpg'"):
        plt.imsave("map.jpg", np.eye(3), metadata={"Author": "me"})
    assert reported == []


def test_a_canvas_of_agg_that_prints_by_itself_is_watched(
    figure: Figure, reported: list[str]
) -> None:
    figure.canvas.print_png("direct.png")  # type: ignore[attr-defined]
    assert reported == [os.path.abspath("direct.png")]
    assert stamped_id("direct.png") == FACTS["id"]


@pytest.mark.parametrize("suffix", ["gif", "html"])
def test_an_animation_is_reported_when_it_is_whole(
    figure: Figure, reported: list[str], suffix: str
) -> None:
    from matplotlib.animation import FuncAnimation

    (line,) = figure.axes[0].lines

    def step(number: int) -> list[Any]:
        line.set_ydata([number, 3, 2])
        return [line]

    movie = FuncAnimation(figure, step, frames=2)
    writer = "pillow" if suffix == "gif" else "html"
    with mpl.rc_context({"animation.embed_limit": 20}):
        movie.save(f"movie.{suffix}", writer=writer, dpi=40)
    assert os.path.abspath(f"movie.{suffix}") == reported[-1]
    assert all(os.path.exists(path) for path in reported)


def warned(statements: str, *, watch: bool) -> list[tuple[str, int]]:
    """Run statements as a script's would, and give the lines that warnings are located at."""
    restore = watch_savefig(stamp=lambda: FACTS) if watch else None
    code = compile(statements, "users_script.py", "exec")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            exec(code, {"plt": plt, "PngInfo": PngInfo, "__name__": "users_module"})
    finally:
        if restore is not None:
            restore()
    return [(os.path.basename(entry.filename), entry.lineno) for entry in caught]


@pytest.mark.parametrize("suffix", ["pdf", "png"])
def test_warnings_of_a_save_are_located_at_the_users_line_as_without_us(suffix: str) -> None:
    statements = f"""
for size in (8, 9):
    figure = plt.figure()
    figure.text(0.5, 0.5, "\\u65e5", family="DejaVu Sans", size=size)
    if size == 8: figure.savefig("one.{suffix}")
    else: figure.savefig("two.{suffix}")
    plt.close(figure)
figure.savefig("three.pdf", metadata={{"Foo": "bar"}})
plt.imsave("four.png", [[1, 2]], metadata={{"A": "b"}}, pil_kwargs={{"pnginfo": PngInfo()}})
"""
    plain = warned(statements, watch=False)
    assert {("users_script.py", line) for line in (5, 6, 8, 9)} <= set(plain)
    assert warned(statements, watch=True) == plain


def test_a_filter_by_the_users_module_holds(figure: Figure, reported: list[str]) -> None:
    code = compile("figure.savefig('one.pdf', metadata={'Foo': 'bar'})", "users.py", "exec")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="users_module")
        exec(code, {"figure": figure, "__name__": "users_module"})
    assert stamped_id("one.pdf") == FACTS["id"]
    assert len(reported) == 1
