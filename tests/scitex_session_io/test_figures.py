"""Figures are saved from whatever has one, and nothing of a figure depends on how it was given."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from scitex_session_io import InvalidTypeError, MalformedError, UnsavableError, load, save

if TYPE_CHECKING:
    from collections.abc import Iterator

np = pytest.importorskip("numpy", reason="numpy is not installed")
matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")


@pytest.fixture
def plt() -> Iterator[Any]:
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_whatever_belongs_to_a_figure_saves_it(plt: Any) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(2, 1))
    (line,) = axes[0].plot([0, 1])
    inner = plt.figure().subfigures(1, 2)[0].subplots()
    plt.figure(figure)
    save(figure, "figure.png", dpi=50)
    for name, obj in {"axes": axes[0], "all": axes, "line": line, "plt": plt}.items():
        assert np.array_equal(load(save(obj, f"{name}.png", dpi=50)), load("figure.png"))
    assert load("figure.png").shape == (50, 100, 4)
    assert load(save(inner, "inner.png", dpi=10)).shape == (48, 64, 4)


@pytest.mark.filterwarnings("ignore:The copy keyword")  # seaborn's, of pandas
def test_the_grids_and_plots_of_seaborn_are_saved_with_their_legend(plt: Any) -> None:
    seaborn = pytest.importorskip("seaborn", reason="seaborn is not installed")
    objects = pytest.importorskip("seaborn.objects")
    data = {"x": [1, 2], "y": [1, 2], "kind": ["a long name in the legend", "b"]}
    grid = seaborn.relplot(data, x="x", y="y", hue="kind")
    for number, obj in enumerate((grid, seaborn.jointplot(data, x="x", y="y"))):
        path = save(obj, f"{number}.png")
        obj.savefig("own.png")
        assert np.array_equal(load(path), load("own.png"))
    assert load(save(objects.Plot(data, "x", "y").add(objects.Dot()), "p.png")).ndim == 3


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".tif", ".tiff", ".pdf", ".svg"])
def test_a_figure_is_the_file_that_savefig_writes(
    plt: Any, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    plt.rcParams["svg.hashsalt"] = "one"
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([0, 1])
    options = {"dpi": 40, "bbox_inches": "tight", "transparent": False, "facecolor": "0.9"}
    figure.savefig(f"own{suffix}", **options)
    path = save(figure, f"ours{suffix}", **options)
    assert path.read_bytes() == path.with_name(f"own{suffix}").read_bytes()


@pytest.mark.parametrize(
    "obj",
    [object, "fit.png", [1, 2], 3.0, np.zeros((2, 2)), np.zeros((2, 2, 5), "u1"), np.array([])],
    ids=repr,
)
def test_what_has_no_figure_is_refused_with_what_has(obj: Any) -> None:
    for name in ("f.png", "f.pdf"):
        with pytest.raises(UnsavableError, match="takes matplotlib figures, axes"):
            save(obj, name)


def test_pyplot_without_a_figure_is_refused(plt: Any) -> None:
    with pytest.raises(UnsavableError, match=r"obj is module; PNG takes .*pyplot with an open"):
        save(plt, "f.png")
    assert plt.get_fignums() == []


def test_a_mistyped_option_names_those_of_savefig(plt: Any) -> None:
    with pytest.raises(InvalidTypeError, match=r"options must be dpi, bbox_inches, .*, not dip="):
        save(plt.figure(), "f.png", dip=300)


def test_an_image_takes_no_options_of_figures_and_jpeg_no_transparency() -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    image = np.zeros((2, 2, 4), "u1")
    with pytest.raises(UnsavableError, match="an image saved with dpi=; PNG takes a figure"):
        save(image, "i.png", dpi=100)
    with pytest.raises(UnsavableError, match="mode RGBA; JPEG takes images without transparency"):
        save(image, "i.jpg")
    small = save(image[..., :3], "i.jpg", pil_kwargs={"quality": 10})
    assert load(small).shape == (2, 2, 3)


def test_images_of_all_modes_are_arrays() -> None:
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    colours = pillow.fromarray(np.arange(48, dtype="u1").reshape(4, 4, 3))
    shapes = {"1": (4, 4), "L": (4, 4), "P": (4, 4, 3), "LA": (4, 4, 4), "RGBA": (4, 4, 4)}
    for mode, shape in shapes.items():
        colours.convert(mode).save(f"{mode}.png")
        assert load(f"{mode}.png").shape == shape, mode
    deep = np.arange(16, dtype="u2").reshape(4, 4) * 4000
    pillow.fromarray(deep).save("deep.png")
    assert np.array_equal(load("deep.png"), deep)
    pillow.fromarray(deep).save("pages.tif", save_all=True, append_images=[pillow.fromarray(deep)])
    assert np.array_equal(load("pages.tif"), np.stack([deep, deep]))
    assert np.array_equal(load(save(colours, "again.png")), np.asarray(colours))


def test_an_image_that_says_it_is_immense_is_refused(tmp_path: Any) -> None:
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pillow.new("1", (20_000, 20_000)).save("bomb.png")
    with pytest.raises(MalformedError, match="decompression bomb"):
        load("bomb.png")


def test_an_animation_has_its_frames_its_rate_and_its_size(plt: Any) -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    animation = pytest.importorskip("matplotlib.animation")
    figure, axes = plt.subplots(figsize=(1, 0.5))
    (line,) = axes.plot([0, 1])

    def show(number: int) -> None:
        line.set_ydata([0, number])

    film = animation.FuncAnimation(figure, show, frames=[0, 1, 2], interval=500)
    assert load(save(film, "f.gif", dpi=80)).shape == (3, 40, 80, 3)
    with sys.modules["PIL.Image"].open("f.gif") as image:
        assert image.info["duration"] == 500
    pytest.importorskip("av", reason="av is not installed")
    assert load(save(film, "f.mp4", dpi=80, fps=5)).shape == (3, 40, 80, 3)
    with sys.modules["av"].open("f.mp4") as opened:
        assert opened.streams.video[0].average_rate == 5


@pytest.mark.parametrize(
    "obj", [object, [], np.zeros((2, 4, 4)), np.zeros((2, 4, 4, 2), "u1"), "text"], ids=repr
)
def test_what_is_no_animation_is_refused(obj: Any) -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    with pytest.raises(UnsavableError, match="GIF takes matplotlib animations, and frames"):
        save(obj, "f.gif")
    with pytest.raises(ValueError, match="fps must be greater than 0"):
        save(np.zeros((2, 4, 4), "u1"), "f.gif", fps=0)
