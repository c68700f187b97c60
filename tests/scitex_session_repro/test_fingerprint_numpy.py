from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from scitex_session_repro import NotFingerprintableError, fingerprint

BLOCK_BYTES = 2**18  # larger arrays are hashed in parts

DTYPES = (
    npst.boolean_dtypes()
    | npst.integer_dtypes(endianness="<")
    | npst.floating_dtypes(endianness="<", sizes=(16, 32, 64))
    | npst.complex_number_dtypes(endianness="<", sizes=(64, 128))
    | npst.datetime64_dtypes(endianness="<")
    | npst.unicode_string_dtypes(endianness="<", max_len=4)
    | npst.byte_string_dtypes(max_len=4)
)
ARRAYS = npst.arrays(DTYPES, npst.array_shapes(min_dims=0, min_side=0, max_dims=4, max_side=5))


def same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Say whether two arrays are the same to the bit, but for the bits of NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return all(
        repr(a) == repr(b)
        for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)
    )


@given(ARRAYS, ARRAYS)
def test_arrays_have_the_same_print_exactly_where_they_are_the_same(
    one: NDArray[Any], other: NDArray[Any]
) -> None:
    assert (fingerprint(one) == fingerprint(other)) is same(one, other)


@given(st.data(), DTYPES)
def test_one_changed_element_changes_the_print(data: st.DataObject, dtype: np.dtype[Any]) -> None:
    array = data.draw(npst.arrays(dtype, st.integers(1, 20)))
    other = array.copy()
    index = data.draw(st.integers(0, len(array) - 1))
    other[index] = data.draw(npst.from_dtype(dtype))
    assert (fingerprint(array) == fingerprint(other)) is same(array, other)


@given(ARRAYS, st.randoms(use_true_random=False))
def test_layout_and_byte_order_do_not_count(array: NDArray[Any], random: Any) -> None:
    expected = fingerprint(array)
    axes = random.sample(range(array.ndim), array.ndim)
    transposed = array.transpose(axes).copy().transpose(np.argsort(axes).astype(int))
    backwards: Any = (..., *[slice(None, None, -1)] * array.ndim)
    flipped = array[backwards].copy()[backwards]
    spread = np.zeros([*array.shape, 2], array.dtype)
    spread[..., 0] = array
    for other in (transposed, flipped, spread[..., 0], np.asfortranarray(array)):
        assert fingerprint(other.reshape(array.shape)) == expected
    assert fingerprint(array.astype(array.dtype.newbyteorder(">"))) == expected


@pytest.mark.parametrize("dtype", ["u1", ">f4", "c16", "U3"])
@pytest.mark.parametrize("shape", [(700, 1100), (3, 500, 700), (30, 1, 40, 500), (2, 700_000)])
def test_large_arrays_are_alike_in_every_order_of_their_axes(
    dtype: str, shape: tuple[int, ...]
) -> None:
    numbers = np.arange(np.prod(shape)).reshape(shape)
    array = numbers.astype(dtype) if dtype != "U3" else (numbers % 251).astype(dtype)
    expected = fingerprint(array)
    assert fingerprint(np.asfortranarray(array)) == expected
    assert fingerprint(np.swapaxes(np.swapaxes(array, 0, 1).copy(), 0, 1)) == expected
    backwards = np.asfortranarray(array[..., ::-1])[..., ::-1]
    assert fingerprint(backwards) == expected
    backwards[-1, ..., -1] = array[0, ..., 0]
    assert fingerprint(backwards) != expected


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16"])
def test_nan_is_nan_whatever_its_bits_and_wherever_it_stands(dtype: str) -> None:
    size = 3 * BLOCK_BYTES // np.dtype(dtype).itemsize
    one = np.zeros(size, dtype)
    one[[0, size // 2, -1]] = np.nan
    other = one.copy()
    words = other.view(f"u{other.real.dtype.itemsize}")
    words[np.isnan(other.view(other.real.dtype))] ^= 1
    assert one.tobytes() != other.tobytes()
    assert fingerprint(one) == fingerprint(other)
    other[1] = np.nan
    assert fingerprint(one) != fingerprint(other)


def test_padding_is_no_value() -> None:
    dtype = np.dtype([("a", "i1"), ("b", "f8", (2,)), ("c", [("d", "U3")])], align=True)
    one, other = np.zeros(5, dtype), np.zeros(5, dtype)
    other.view(np.uint8).reshape(5, -1)[:, 1] = 255  # between a and b
    assert one.tobytes() != other.tobytes()
    packed = np.zeros(5, np.dtype([(name, dtype[name]) for name in dtype.names or ()]))
    assert fingerprint(one) == fingerprint(other) == fingerprint(packed)
    other["c"]["d"][3] = "x"
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one[0]) != fingerprint(one[:1])


def test_what_stands_under_a_mask_is_no_value() -> None:
    mask = [False, True, False]
    one = np.ma.array([1.0, 2.0, 3.0], mask=mask)
    assert fingerprint(one) == fingerprint(np.ma.array([1.0, 9.0, 3.0], mask=mask))
    assert fingerprint(one) != fingerprint(np.ma.array([1.0, 2.0, 3.0]))
    assert fingerprint(np.ma.array([1, 2])) == fingerprint(np.ma.array([1, 2], mask=[False, False]))
    assert fingerprint(np.ma.masked) == fingerprint(np.ma.masked)


def test_ways_to_hold_an_array_do_not_count(tmp_path: Path) -> None:
    array = np.arange(6.0)
    np.save(tmp_path / "a.npy", array)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert fingerprint(mapped) == fingerprint(array)
    readonly = array.view()
    readonly.flags.writeable = False
    assert fingerprint(readonly) == fingerprint(array)


def test_array_scalar_list_and_number_differ() -> None:
    values = [np.array(1.0), np.float64(1), np.array([1.0]), [1.0], 1.0, np.float32(1)]
    assert len({fingerprint(value) for value in values}) == len(values)


def test_objects_are_encoded_one_by_one() -> None:
    array = np.array(["a", 1, None, 2.5], object)
    assert fingerprint(array) == fingerprint(np.array(["a", 1, None, 2.5], object))
    assert fingerprint(array) != fingerprint(np.array(["a", 1, None, 2], object))
    assert fingerprint(array) != fingerprint(array.reshape(2, 2))


@pytest.mark.skipif(np.__version__.startswith("1."), reason="numpy 1 has no StringDType")
def test_strings_of_variable_width_are_their_text() -> None:
    dtype = np.dtypes.StringDType()
    assert fingerprint(np.array(["a", "bc"], dtype)) == fingerprint(np.array(["a", "bc"], dtype))
    assert fingerprint(np.array(["a", "bc"], dtype)) != fingerprint(np.array(["ab", "c"], dtype))


class Metres(np.ndarray[Any, Any]):
    pass


def test_a_subclass_that_may_carry_a_unit_is_refused() -> None:
    with pytest.raises(NotFingerprintableError, match=r"obj\['x'\], which is of type Metres"):
        fingerprint({"x": np.arange(3).view(Metres)})


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="long double is a double here")
def test_a_float_that_other_processors_do_not_have_is_refused() -> None:
    with pytest.raises(NotFingerprintableError, match="other bits on other processors"):
        fingerprint({"x": np.zeros(2, np.longdouble)})


@pytest.mark.parametrize(
    "layout",
    [
        lambda array: array,
        lambda array: array.reshape(1000, -1).T,
        lambda array: array[::-2],
        lambda array: array.view(">f8"),
    ],
    ids=["contiguous", "transposed", "strided", "swapped"],
)
def test_large_arrays_are_not_copied(layout: Any) -> None:
    array = np.ones(4_000_000)
    array[::7] = np.nan
    values = layout(array)
    fingerprint(values[:1])  # what is imported for it is not counted
    tracemalloc.start()
    try:
        fingerprint(values)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * BLOCK_BYTES < array.nbytes / 10


def test_what_is_advised_for_a_sparse_matrix_works_for_one_that_does_not_fit_into_memory() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")
    places = [3, 5, 5], [7, 10**6, 10**6]
    matrix = sparse.coo_array(([1.0, 2.0, 3.0], places), shape=(10**7, 10**7))
    with pytest.raises(
        NotFingerprintableError, match=r"pass its shape and scipy\.sparse\.find\(\)"
    ):
        fingerprint(matrix)
    advised = [fingerprint([one.shape, sparse.find(one)]) for one in (matrix, matrix.tocsr())]
    assert advised[0] == advised[1]
