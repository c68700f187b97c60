from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_repro import NameTypeError
from scitex_session_repro._scope import normalise
from scitex_session_repro._streams import (
    numpy_generator,
    seed_sequence,
    sklearn_seed,
    torch_generator,
    torch_seed,
)

# Seed, name, the first two words of the numpy generator, torch's seed, scikit-learn's integer.
# Published results rest on them: they never change.
# fmt: off
GOLDEN = [
    (0, "", (0x381d4f934c3bd87d, 0x230b16b6855bac24), 0xd53cfcc0a70849a0, 1816439343),
    (42, "data", (0xda9da352f7b49c51, 0x788c7267c3f33b31), 0xdce9b14898674f60, 195762877),
    (42, "model", (0x0e1abe45c24c4dfd, 0xc2779ee3e2acc56b), 0x4261bc60939b2cdf, 1881630311),
    (43, "data", (0x92a2eb11354585bc, 0x125611b8be7af1ce), 0x71633968a5e11b59, 40558399),
    (42, "caf\xe9", (0x0384a66b662146b9, 0x4012f7669d159a87), 0xd83fee60566babe9, 1392741469),
    (2**32, "data", (0x30135729690cc7a0, 0xd07fec81cabe8152), 0xdc69255339b2c851, 3882103547),
    (2**128 - 1, "\u65e5\u672c\u8a9e",
     (0xe8757ca917252daf, 0xbd30d7d99602de0d), 0xaaa656ad18ff6150, 1300289272),
    (7, "\ud800", (0xac4e4a74894f56c2, 0xddf2d9e1e398515e), 0x07a36bd877cd8f68, 613585718),
]
# fmt: on
IDS = [f"{seed:x}-{name!a}" for seed, name, *_ in GOLDEN]

SEEDS = st.integers(0, 2**128 - 1)
NAMES = st.text(st.characters(), max_size=20)  # lone surrogates too


def start(seed: int, name: str) -> list[int]:
    """The first two words of a stream."""
    return [int(word) for word in numpy_generator(seed, name).bit_generator.random_raw(2)]


@pytest.mark.parametrize(("seed", "name", "words", "_", "__"), GOLDEN, ids=IDS)
def test_numpy_streams_are_pinned(
    seed: int, name: str, words: tuple[int, int], _: int, __: int
) -> None:
    assert start(seed, name) == [*words]


@pytest.mark.parametrize(("seed", "name", "_", "__", "number"), GOLDEN, ids=IDS)
def test_integers_for_sklearn_are_pinned(
    seed: int, name: str, _: tuple[int, int], __: int, number: int
) -> None:
    assert sklearn_seed(seed, name) == number


@pytest.mark.parametrize(("seed", "name", "_", "number", "__"), GOLDEN, ids=IDS)
def test_seeds_of_torch_generators_are_pinned(
    seed: int, name: str, _: tuple[int, int], number: int, __: int
) -> None:
    assert torch_seed(seed, name) == number


@given(SEEDS, NAMES, NAMES)
def test_two_names_are_two_streams(seed: int, one: str, other: str) -> None:
    same = normalise(one) == normalise(other)
    assert (start(seed, one) == start(seed, other)) is same


@given(SEEDS, SEEDS, NAMES)
def test_two_seeds_are_two_streams(one: int, other: int, name: str) -> None:
    assert (start(one, name) == start(other, name)) is (one == other)


@given(st.text())
def test_one_text_is_one_stream_however_unicode_spells_it(name: str) -> None:
    forms = {unicodedata.normalize(form, name) for form in ("NFC", "NFD")}
    assert len({tuple(start(1, form)) for form in forms}) == 1


@given(SEEDS, NAMES)
def test_the_library_generators_share_no_seed_words(seed: int, name: str) -> None:
    sequence = seed_sequence(seed, name)
    words = [int(word) for word in sequence.generate_state(6, np.uint64)]
    assert len(set(words)) == 6
    pcg_words = [int(word) for word in sequence.generate_state(4, np.uint64)]
    assert words[:4] == pcg_words
    assert sklearn_seed(seed, name) == words[5] % 2**32


@pytest.mark.parametrize("name", [1, None, b"data", ("data",), ["data"]])
def test_a_name_that_is_no_string_is_refused(name: object) -> None:
    with pytest.raises(NameTypeError, match=f"must be a str, not .* {type(name).__name__}$"):
        seed_sequence(1, name)  # type: ignore[arg-type]
