"""What goes into a file comes back from it, for every format whose library is installed.

``docs/formats.md`` has the table; here it is held to be true.
"""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scitex_session_io import load, save

if TYPE_CHECKING:
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

np = pytest.importorskip("numpy", reason="numpy is not installed")
arrays = pytest.importorskip("hypothesis.extra.numpy").arrays
shapes = pytest.importorskip("hypothesis.extra.numpy").array_shapes

few = settings(max_examples=30)
NUMBERS = ("?", "i1", "u2", "i4", "i8", "u8", "f4", "f8", "c16")

texts = st.text(st.characters(codec="utf-8"), max_size=20)
names = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=8)
names = names.filter(lambda name: name not in (".", "..", "zarr.json"))
numbers = st.sampled_from(NUMBERS).flatmap(
    lambda kind: arrays(kind, shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
# numpy's texts can't end with NUL, and HDF5's can't have any.
written = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
words = st.lists(written, min_size=1, max_size=4).map(np.array)


def same(one: Any, other: Any) -> bool:
    """Compare values and arrays with their types and shapes; NaN equals NaN."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        equal = np.array_equal(one, other, equal_nan=one.dtype.kind in "fcM")
        kinds = (one.dtype, "U") if one.dtype.kind == "U" else (one.dtype,)
        return equal and (other.dtype in kinds or other.dtype.kind == "U" == one.dtype.kind)
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and bool(one == other)


def back(value: Any, name: str, /, **options: Any) -> Any:
    return load(save(value, name), **options)


def trees(leaves: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Dicts of leaves and of such dicts."""
    inner = st.recursive(
        leaves, lambda tree: st.dictionaries(names, tree, max_size=3), max_leaves=5
    )
    return st.dictionaries(names, inner, max_size=3)


@given(texts, st.sampled_from(["t.txt", "t.md", "t.txt.gz", "t.txt.zst"]))
def test_texts(text: str, name: str) -> None:
    if name.endswith(".zst"):
        pytest.importorskip("backports.zstd", reason="backports.zstd is not installed")
    assert back(text, name) == text


plain = st.none() | st.booleans() | st.integers() | st.floats() | texts


@given(st.lists(st.recursive(plain, lambda v: st.lists(v) | st.dictionaries(texts, v))))
def test_lines_of_json(values: list[Any]) -> None:
    assert same(values, back(values, "v.jsonl"))
    assert same(values, back(values, "v.jsonl.gz"))


times = st.datetimes(timezones=st.none() | st.just(datetime.UTC))
yaml_scalars = plain | st.dates() | times | st.binary(max_size=5)


@given(
    st.recursive(
        yaml_scalars,
        lambda v: st.lists(v) | st.dictionaries(texts | st.integers(), v) | st.sets(texts),
    )
)
def test_yaml(value: Any) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    assert same(value, back(value, "v.yaml"))


toml_scalars = st.booleans() | st.integers() | st.floats() | texts | st.dates() | times | st.times()


@given(
    st.dictionaries(
        texts,
        st.recursive(toml_scalars, lambda v: st.lists(v) | st.dictionaries(texts, v), max_leaves=6),
    )
)
@few
def test_toml(value: dict[str, Any]) -> None:
    pytest.importorskip("tomli_w", reason="tomli-w is not installed")
    assert same(value, back(value, "v.toml"))


@given(numbers | words | arrays("M8[ns]", 3) | arrays([("a", "i4"), ("b", "U3")], 2))
def test_an_array(array: Any) -> None:
    assert same(array, back(array, "a.npy"))


@given(st.dictionaries(texts.filter(lambda name: "\0" not in name), numbers | words), st.booleans())
def test_named_arrays(named: dict[str, Any], compressed: bool) -> None:
    assert same(named, load(save(named, "a.npz", compressed=compressed)))


@given(trees(numbers | words))
@few
def test_trees_of_arrays_in_hdf5(tree: dict[str, Any]) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    assert same(*plainly(tree, back(tree, "t.h5")))


@given(trees(numbers | words))
@settings(max_examples=5)  # many files, each of them synced
def test_trees_of_arrays_in_zarr(tree: dict[str, Any]) -> None:
    pytest.importorskip("zarr", reason="zarr is not installed")
    assert same(*plainly(tree, back(tree, "t.zarr")))


def plainly(tree: Any, loaded: Any) -> tuple[Any, Any]:
    """Make arrays of what is single, which comes back as a scalar."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        return np.asarray(value)

    return plain(tree), plain(loaded)


matlab_names = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,62}\Z")
# No dimension of length 1 or 0, which MATLAB has at will; booleans come back as 0 and 1.
matlab_arrays = st.sampled_from(NUMBERS[1:]).flatmap(
    lambda kind: arrays(kind, shapes(min_dims=1, max_dims=3, min_side=2, max_side=4))
)
matlab_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
matlab_scalars = st.integers(-(2**63), 2**63 - 1) | st.floats() | matlab_texts


@given(
    st.dictionaries(
        matlab_names,
        st.recursive(
            matlab_arrays | matlab_scalars,
            lambda v: st.dictionaries(matlab_names, v, max_size=3),
            max_leaves=5,
        ),
        max_size=3,
    )
)
@few
def test_variables_of_matlab(variables: dict[str, Any]) -> None:
    pytest.importorskip("scipy", reason="scipy is not installed")
    assert same(variables, back(variables, "v.mat"))


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.fixed_dictionaries(
            {
                "int": st.lists(st.integers(-(2**63), 2**63 - 1), min_size=n, max_size=n),
                "float": st.lists(st.floats() | st.none(), min_size=n, max_size=n),
                "text": st.lists(texts | st.none(), min_size=n, max_size=n),
                "bool": st.lists(st.booleans() | st.none(), min_size=n, max_size=n),
                "time": st.lists(st.datetimes(), min_size=n, max_size=n),
                "": st.lists(st.lists(st.integers(0, 9)), min_size=n, max_size=n),
            }
        )
    ),
    st.sampled_from(["t.parquet", "t.feather"]),
)
@few
def test_columns_with_types(columns: dict[str, list[Any]], name: str) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    assert same(columns, back(columns, name, into="columns"))
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert same(rows, back(rows, name, into="dicts"))


@pytest.mark.parametrize("name", ["t.parquet", "t.feather"])
def test_frames_keep_their_types_and_their_index(name: str) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pd.DataFrame(
        {
            "int": pd.array([1, None], "Int64"),
            "kind": pd.Categorical(["a", "b"]),
            "time": pd.to_datetime(["2026-01-01", "2026-01-02"]).tz_localize("Europe/Berlin"),
        },
        index=pd.Index(["x", "y"], name="id"),
    )
    pd.testing.assert_frame_equal(load(save(frame, name)), frame)
    counted = frame.reset_index()
    pd.testing.assert_frame_equal(load(save(counted, name)), counted)
    pl = pytest.importorskip("polars", reason="polars is not installed")
    modern = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    assert load(save(modern, name), into="polars").equals(modern)


# An empty text is an empty cell there, a date is a time, and times have milliseconds.
excel_cells = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(min_size=1, max_size=20)
    | st.sampled_from(["=1+1", "#N/A", "NA", "_x000D_", "a\r\nb", "1", " ", "TRUE"])
)


@given(st.lists(st.fixed_dictionaries({"a": excel_cells, " b": excel_cells, "1": st.just(7)})))
@few
def test_rows_in_a_workbook(rows: list[dict[str, Any]]) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    if rows:
        assert same(rows, back(rows, "t.xlsx", into="dicts"))


@given(
    st.dictionaries(texts, st.integers() | st.floats() | texts | numbers),
    st.sampled_from(["v.pkl", "v.pickle", "v.joblib"]),
)
@few
def test_objects(value: dict[str, Any], name: str) -> None:
    if name.endswith(".joblib"):
        pytest.importorskip("joblib", reason="joblib is not installed")
    assert same(value, back(value, name, allow_pickle=True))


@given(st.dictionaries(texts, numbers.filter(lambda a: a.dtype.kind != "c")))
@few
def test_tensors(tensors: dict[str, Any]) -> None:
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    assert same(tensors, back(tensors, "t.safetensors"))


def test_tensors_of_torch() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    layer = torch.nn.Linear(2, 3)
    state = dict(layer.state_dict(), step=torch.tensor(7))
    for back in (load(save(state, "s.pt")), load(save(state, "s.pth"))):
        assert back.keys() == state.keys()
        assert all(torch.equal(back[name], state[name]) for name in state)
    assert same(load(save(layer.weight, "w.npy")), layer.weight.detach().numpy())
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    half = {"half": layer.weight.detach().bfloat16().T}
    assert torch.equal(load(save(half, "h.safetensors"), into="torch")["half"], half["half"])
    assert load(save(state, "s.safetensors"))["step"] == 7


def test_datasets() -> None:
    pytest.importorskip("h5netcdf", reason="h5netcdf is not installed")
    xr = pytest.importorskip("xarray", reason="xarray is not installed")
    values = xr.Dataset(
        {"t": (("x", "y"), np.arange(6.0).reshape(2, 3), {"units": "K"})},
        coords={"x": [1, 2], "time": np.datetime64("2026-01-01", "ns")},
        attrs={"title": "ä"},
    )
    xr.testing.assert_identical(load(save(values, "d.nc")), values)


@given(arrays("u1", st.sampled_from([(3, 5), (3, 5, 3), (3, 5, 4), (1, 1)])))
@few
def test_images(image: Any) -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    assert same(image, back(image, "i.png"))
    assert same(image, back(image, "i.tif"))


def test_lossy_images_and_animations_keep_size_and_nearly_the_colours(tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    height, width = np.mgrid[0:32, 0:48]
    one = np.stack([height * 8, width * 5, height + width], axis=-1).astype("u1")
    frames = np.stack([one, one[::-1], one[:, ::-1]])
    assert close(load(save(one, "i.jpg")), one, 12)
    assert close(load(save(frames, "f.gif", fps=20)), frames, 30)
    pytest.importorskip("av", reason="av is not installed")
    assert close(load(save(frames, "f.mp4")), frames, 40)
    odd = load(save(frames[:, :-1, :-1], "odd.mp4"))
    assert odd.shape == frames.shape


def close(one: Any, other: Any, most: float) -> bool:
    far = np.abs(one.astype(int) - other.astype(int))
    return bool(one.shape == other.shape and np.quantile(far, 0.99) <= most)
