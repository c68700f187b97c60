"""How streams follow from seed, scope and name: golden vectors, and laws of pure functions."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_repro._streams.borrowing import for_64_bits, for_numpy_legacy
from scitex_session_repro._streams.derive import (
    jax_key,
    seed_sequence,
    sklearn_seed,
    torch_seed,
)
from scitex_session_repro._streams.pcg64 import bits_of
from scitex_session_repro._streams.pcg64 import numpy_generator as generator_of
from scitex_session_repro._streams.streams import (
    MARKS,
    Streams,
    encode_path,
    encode_scope,
    in_process,
    normalise,
)

if TYPE_CHECKING:
    from scitex_session_repro._streams.streams import Scope

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
# Below the seed 42, the stream "data": the scope, then the same columns; at the end, for global
# generators: 64 bits for torch, and the first number of numpy's.
SCOPED = [
    (
        (("child", "fold 3"),),
        (0xD037B64521455C61, 0x631734E1D0244550),
        0xE06C445CAACA357C,
        1092052510,
        0xE63D6711ED93357A,
        3842918259,
    ),
    (
        (("spawn", "0"),),
        (0x4B9F11223055DE94, 0xEECC394683D15EFA),
        0xD6908F86C12D45A2,
        2860383382,
        0x78372D9787E0C596,
        331246844,
    ),
    (
        (("fork", "1"),),
        (0xCF6D63445CB2A718, 0x92E352C3A33AF8AF),
        0x16F88A5D3E2A29E1,
        999807305,
        0xFCC4B14F15453E5D,
        4201727270,
    ),
    (
        (("worker", "7:0"),),
        (0xCDE5B1D42C7951F0, 0x29050C5A230BB2B0),
        0x960431C51DB87406,
        3091524509,
        0xFBE20C9D08F6A086,
        150013666,
    ),
    (
        (("child", "caf\xe9"), ("fork", "2"), ("worker", "1:2")),
        (0x9238E9C89CC54092, 0x6D8842BD8BFA0B6A),
        0x74913C2DB835DB10,
        4251275797,
        0x40ACF2502E1BB47,
        4098182093,
    ),
]
JAX = [
    (0, "", 0xBF406BAC5AB02128),
    (42, "data", 0x0FFB4EDA6F01F4C6),
    (2**128 - 1, "\u65e5\u672c\u8a9e", 0xE76EDB05FD6F3760),
    (7, "\ud800", 0xB281CE7A0EA1B604),
]
# fmt: on
IDS = [f"{seed:x}-{name!a}" for seed, name, *_ in GOLDEN]

SEEDS = st.integers(0, 2**128 - 1)
NAMES = st.text(st.characters(), max_size=20)  # lone surrogates too
STEPS = st.tuples(st.sampled_from(sorted(MARKS)), NAMES.map(normalise))
SCOPES = st.lists(STEPS, max_size=4).map(tuple)
BELOW = st.lists(STEPS.filter(lambda step: step[0] in ("child", "spawn")), max_size=3)


def path(name: str, scope: Scope = ()) -> bytes:
    return encode_path(scope, name)


def numpy_generator(seed: int, name: str, scope: Scope = ()) -> np.random.Generator:
    return generator_of(seed, scope, normalise(name))


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
    assert sklearn_seed(seed, path(name)) == number


@pytest.mark.parametrize(("seed", "name", "_", "number", "__"), GOLDEN, ids=IDS)
def test_seeds_of_torch_generators_are_pinned(
    seed: int, name: str, _: tuple[int, int], number: int, __: int
) -> None:
    assert torch_seed(seed, path(name)) == number


@pytest.mark.parametrize(
    ("scope", "words", "for_torch", "for_sklearn", "global_torch", "global_numpy"), SCOPED
)
def test_streams_below_the_seed_are_pinned(
    scope: tuple[tuple[str, str], ...],
    words: tuple[int, int],
    for_torch: int,
    for_sklearn: int,
    global_torch: int,
    global_numpy: int,
) -> None:
    drawn = numpy_generator(42, "data", scope).bit_generator.random_raw(2)
    assert [int(word) for word in drawn] == [*words]
    assert torch_seed(42, path("data", scope)) == for_torch
    assert sklearn_seed(42, path("data", scope)) == for_sklearn
    seed = Streams(42, scope).global_seed()
    assert for_64_bits(seed) == global_torch
    legacy = np.random.RandomState(for_numpy_legacy(seed))
    assert legacy.randint(2**32, dtype=np.uint64) == global_numpy


@pytest.mark.parametrize(("seed", "name", "word"), JAX)
def test_keys_of_jax_are_pinned(seed: int, name: str, word: int) -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    high, low = jax.random.key_data(jax_key(seed, path(name))).tolist()
    assert (high << 32 | low) == word


def test_ten_thousand_names_share_no_block() -> None:
    # Among 10,000 blocks of 8 words of 64 bits, one word that occurs twice is a shared block but
    # for a chance of 2e-10.
    drawn = np.array(
        [numpy_generator(42, f"n{n}").bit_generator.random_raw(8) for n in range(10_000)]
    )
    assert len(np.unique(drawn)) == drawn.size


def test_names_that_are_alike_give_streams_that_are_not_correlated() -> None:
    drawn = np.array([numpy_generator(42, f"n{n}").standard_normal(2000) for n in range(200)])
    off_diagonal = np.corrcoef(drawn)[np.triu_indices(200, 1)]
    # 19,900 correlations of standard deviation 1 / sqrt(2000) around 0.
    assert np.abs(off_diagonal).max() < 6 / np.sqrt(2000)
    assert abs(off_diagonal.std() * np.sqrt(2000) - 1) < 0.05


def test_a_generator_is_restarted_where_it_stands() -> None:
    generator = numpy_generator(1, "a")
    sequence = generator.bit_generator.seed_seq
    generator.random(3)
    generator.spawn(2)
    bits_of(generator).restart(42, (("fork", "1"),), "data")
    fresh = numpy_generator(42, "data", (("fork", "1"),))
    assert generator.bit_generator.seed_seq is sequence
    assert generator.random(3).tolist() == fresh.random(3).tolist()
    assert generator.spawn(1)[0].random() == fresh.spawn(1)[0].random()


def test_what_a_generator_spawns_is_no_stream_of_a_name_or_a_fork() -> None:
    spawned = numpy_generator(42, "data").spawn(3)
    others = [numpy_generator(42, "data", (("fork", str(n)),)) for n in range(4)]
    others += [numpy_generator(42, "data", (("spawn", str(n)),)) for n in range(4)]
    assert len({generator.random() for generator in (*spawned, *others)}) == 11


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
    sequence = seed_sequence(seed, path(name))
    words = [int(word) for word in sequence.generate_state(7, np.uint64)]
    assert len(set(words)) == 7
    pcg_words = [int(word) for word in sequence.generate_state(4, np.uint64)]
    assert words[:4] == pcg_words
    assert torch_seed(seed, path(name)) == words[4]
    assert sklearn_seed(seed, path(name)) == words[5] % 2**32


@given(SCOPES, SCOPES)
def test_two_scopes_are_two_byte_strings(one: Scope, other: Scope) -> None:
    assert (encode_scope(one) == encode_scope(other)) is (one == other)


@given(NAMES, SCOPES.filter(bool), NAMES)
def test_no_name_looks_like_a_scope(name: str, scope: Scope, below: str) -> None:
    assert path(name) != path(below, scope)


@given(SEEDS, SEEDS, SCOPES, SCOPES)
def test_two_places_seed_global_generators_otherwise(
    seed: int, other_seed: int, scope: Scope, other: Scope
) -> None:
    same = (seed, scope) == (other_seed, other)
    one_seed = Streams(seed, scope).global_seed()
    assert (one_seed == Streams(other_seed, other).global_seed()) is same


@given(SEEDS)
def test_the_seed_itself_seeds_where_there_is_no_scope(seed: int) -> None:
    assert Streams(seed).global_seed() == seed


@given(st.text())
def test_names_are_brought_into_nfc(name: str) -> None:
    assert normalise(name) == unicodedata.normalize("NFC", name)


def test_a_place_is_shown_as_it_would_be_written() -> None:
    scope = (("child", "fold 3"), ("spawn", "0"), ("fork", "2"), ("worker", "7:0"))
    assert str(Streams(42, scope)) == (
        "RandomStateManager(seed=42).child('fold 3').spawn()[0] in fork 2 in worker 7:0"
    )


@given(st.lists(STEPS, max_size=3), BELOW, NAMES.map(normalise))
def test_a_child_alone_is_in_a_process_what_it_is_below_its_parent(
    parent: list[tuple[str, str]], below: list[tuple[str, str]], name: str
) -> None:
    moved = in_process(tuple(parent), ("worker", name))
    assert in_process((*parent, *below), ("worker", name)) == (*moved, *below)
