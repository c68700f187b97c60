"""A suffix names a format, its options and its library, and every mistake is one sentence."""

from __future__ import annotations

import gzip
import os
import pickle
import random
import re
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from scitex_session_io import (
    InvalidTypeError,
    InvalidValueError,
    IoError,
    MalformedError,
    MissingLibraryError,
    TooLargeError,
    UnknownFormatError,
    UnsafeFileError,
    UnsavableError,
    load,
    register_format,
    save,
)
from scitex_session_io._files.formats import FORMATS, options_of

DOCS = Path(__file__).parents[2] / "docs" / "formats.md"

# For each suffix the module that saves it, and a value that it takes.
EXAMPLES: dict[str, tuple[str, Any]] = {
    ".csv": ("", [{"a": 1}]),
    ".json": ("", {"a": 1}),
    ".jsonl": ("", [{"a": 1}, 2]),
    ".yaml": ("yaml", {"a": [1, None]}),
    ".yml": ("yaml", {"a": 1}),
    ".toml": ("tomli_w", {"a": {"b": 1}}),
    ".txt": ("", "text"),
    ".md": ("", "# text"),
    ".npy": ("numpy.lib.format", [1, 2, 3]),
    ".npz": ("numpy.lib.format", {"a": [1.0, 2.0], "b": 3}),
    ".mat": ("scipy.io", {"a": [1.0, 2.0], "b": {"c": "text"}}),
    ".parquet": ("pyarrow.parquet", [{"a": 1, "b": "x"}]),
    ".feather": ("pyarrow.feather", [{"a": 1, "b": "x"}]),
    ".xlsx": ("openpyxl", [{"a": 1, "b": "x"}]),
    ".h5": ("h5py", {"a": [1.0, 2.0], "b": {"c": "text"}}),
    ".hdf5": ("h5py", {"a": 1}),
    ".zarr": ("zarr", {"a": [1.0, 2.0], "b": {"c": "text"}}),
    ".safetensors": ("safetensors.numpy", {"a": [1.0, 2.0]}),
    ".joblib": ("joblib", {"a": {1, 2}}),
    ".pkl": ("", {"a": {1, 2}}),
    ".pickle": ("", {1, 2}),
    ".pt": ("torch", {"a": 1}),
    ".pth": ("torch", {"a": 1}),
    ".nc": ("xarray", None),
    ".png": ("PIL.Image", None),
    ".jpg": ("PIL.Image", None),
    ".jpeg": ("PIL.Image", None),
    ".tif": ("PIL.Image", None),
    ".tiff": ("PIL.Image", None),
    ".gif": ("PIL.Image", None),
    ".mp4": ("av", None),
    ".pdf": ("matplotlib", None),
    ".svg": ("matplotlib", None),
}
LOADABLE = sorted(suffix for suffix in EXAMPLES if suffix not in (".pdf", ".svg"))


def example(suffix: str) -> Any:
    """A value for a suffix; skips the test where its library is not installed."""
    module, value = EXAMPLES[suffix]
    if module:
        pytest.importorskip(module, reason=f"{module} is not installed")
    if value is None:
        np = pytest.importorskip("numpy", reason="numpy is not installed")
        if suffix == ".nc":
            pytest.importorskip("h5netcdf", reason="h5netcdf is not installed")
            return sys.modules["xarray"].Dataset({"a": ("x", [1, 2])})
        shape = (3, 8, 8, 3) if suffix in (".gif", ".mp4") else (8, 8, 3)
        value = np.arange(np.prod(shape), dtype="u1").reshape(shape)
    return value


def allowing(suffix: str) -> dict[str, Any]:
    return {"allow_pickle": True} if suffix in (".pkl", ".pickle", ".joblib") else {}


@pytest.mark.parametrize("suffix", LOADABLE)
def test_the_same_content_gives_the_same_bytes(suffix: str) -> None:
    value = example(suffix)
    one, other = save(value, f"one{suffix}"), save(value, f"other{suffix.upper()}")
    files = [sorted(p.rglob("*")) if p.is_dir() else [p] for p in (one, other)]
    contents = [[p.read_bytes() for p in each if p.is_file()] for each in files]
    assert contents[0] == contents[1]
    load(one, **allowing(suffix))
    assert sorted(os.listdir()) == sorted([one.name, other.name])


def test_the_registry_and_the_examples_have_the_same_formats() -> None:
    assert FORMATS.keys() == EXAMPLES.keys()


def rows_of_docs() -> dict[str, list[str]]:
    """The rows of the table of formats, by suffix."""
    rows = {}
    for line in DOCS.read_text().splitlines():
        if line.startswith("| `."):
            suffixes, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            rows.update(dict.fromkeys(re.findall(r"`([^`]+)`", suffixes), cells))
    return rows


def test_the_table_in_the_docs_has_every_format_with_its_options() -> None:
    documented = rows_of_docs()
    assert documented.keys() == FORMATS.keys()
    for suffix, (_, _, _, saving, loading) in documented.items():
        form = FORMATS[suffix]
        for which, cell in ((form.writer, saving), (form.reader, loading)):
            options = options_of(form.function(which)) if which else ()
            assert re.findall(r"`(\w+)`", cell) == list(options or ()), (suffix, cell)


@pytest.mark.parametrize("suffix", sorted(s for s, (module, _) in EXAMPLES.items() if module))
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if suffix in (".pdf", ".svg"):
        pytest.skip("a figure that is saved has its library")
    value = example(suffix)
    path = save(value, f"v{suffix}")
    module = EXAMPLES[suffix][0]
    monkeypatch.setitem(sys.modules, module, None)
    library = rows_of_docs()[suffix][0].strip("`")
    with pytest.raises(MissingLibraryError, match=f"needs {library}.*: pip install {library}"):
        save(value, path)
    if suffix != ".toml":  # which Python reads
        with pytest.raises(MissingLibraryError, match=f"needs {library}.*: pip install {library}"):
            load(path, **allowing(suffix))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("r.jsn", r"the suffix '\.jsn' names no format; did you mean \.json\?"),
        ("r.json.gzip", r"the suffix '\.gzip' names no format"),
        ("r.npy.gz", r"the suffix '\.gz' names no format"),
        ("r.xls", r"did you mean \.xlsx\?"),
        ("r", "it has no suffix"),
        (".json", "it has no suffix"),
    ],
)
def test_a_suffix_without_a_format_is_refused_and_names_those_that_have_one(
    name: str, message: str
) -> None:
    Path(name).touch()
    for function in (lambda: save([], name), lambda: load(name)):
        with pytest.raises(UnknownFormatError, match=rf"{message}.*allowed are \.csv, \.json"):
            function()


@pytest.mark.parametrize("name", ["fit.pdf", "fit.svg"])
def test_what_can_only_be_saved_says_so(name: str) -> None:
    Path(name).touch()
    with pytest.raises(UnknownFormatError, match=rf"a \{Path(name).suffix} file can only be saved"):
        load(name)


@pytest.mark.parametrize("suffix", LOADABLE)
def test_an_option_that_the_format_does_not_have_names_those_that_it_has(suffix: str) -> None:
    path = save(example(suffix), f"v{suffix}")
    for function in (lambda: save(0, path, dip=1), lambda: load(path, dip=1)):
        with pytest.raises(InvalidTypeError, match=rf"for a \{suffix} file, not dip="):
            function()


@pytest.mark.parametrize("suffix", LOADABLE)
def test_what_a_format_does_not_take_is_refused_and_leaves_the_older_file(suffix: str) -> None:
    if suffix in (".pkl", ".pickle", ".joblib", ".pt", ".pth"):
        pytest.skip("takes everything")
    path = save(example(suffix), f"v{suffix}")
    older = os.stat(path)
    with pytest.raises(UnsavableError, match="takes"):
        save(object(), path)
    assert os.path.samestat(older, os.stat(path))
    assert os.listdir() == [path.name]


# h5netcdf complains of itself when it could not open a file.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("suffix", LOADABLE)
def test_a_torn_or_foreign_file_is_malformed_and_nothing_worse(suffix: str) -> None:
    path = save(example(suffix), f"v{suffix}")
    if path.is_dir():
        (path / "zarr.json").write_text("{")
        with pytest.raises(MalformedError, match=r"v\.zarr: not a sound \.zarr file"):
            load(path)
        return
    whole = path.read_bytes()
    chance = random.Random(0)
    hostile = [whole[: len(whole) * part // 7] for part in range(7)]
    hostile += [b"\x00" * 100, b"\xff" * 100, chance.randbytes(1000), b"PK\x03\x04" + whole]
    for _ in range(60):
        bent = bytearray(whole)
        for _ in range(3):
            bent[chance.randrange(len(bent))] = chance.randrange(256)
        hostile.append(bytes(bent))
    for content in hostile:
        path.write_bytes(content)
        # Some are sound all the same. What is no IoError fails the test.
        said = ""
        try:
            load(path, **allowing(suffix))
        except IoError as error:
            said = str(error)
        assert not said or (str(path) in said and "\n" not in said)


@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".joblib", ".npy", ".npz", ".pt"])
def test_what_can_run_code_is_loaded_only_where_that_is_allowed(suffix: str) -> None:
    np = pytest.importorskip("numpy", reason="numpy is not installed")
    example(suffix)
    bomb = {"a": Path("ran")}  # what is no plain value needs its class, by import
    path = Path(f"v{suffix}").absolute()
    if suffix == ".npy":
        np.save(path, np.array([bomb]), allow_pickle=True)
    elif suffix == ".npz":
        np.savez(path, a=np.array([bomb]))
    else:
        save(bomb, path)
    with pytest.raises(UnsafeFileError, match=r"runs any code.*load\(\.\.\., allow_pickle=True\)"):
        load(path)
    loaded = load(path, allow_pickle=True)
    assert str(bomb["a"]) in str(loaded if suffix != ".npz" else loaded["a"])


def test_a_pickle_does_nothing_before_it_is_allowed() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, ("ran",)

    Path("v.pkl").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UnsafeFileError):
        load("v.pkl")
    assert not Path("ran").exists()


def test_a_compressed_file_that_would_fill_the_memory_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A machine with 16 MiB of memory.
    monkeypatch.setattr(os, "sysconf", lambda name: 4096)
    Path("v.txt.gz").write_bytes(gzip.compress(b"x" * 2**26))
    with pytest.raises(TooLargeError, match=r"v\.txt\.gz"):
        load("v.txt.gz")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_file_is_smaller_and_torn_it_is_malformed(suffix: str) -> None:
    if suffix == ".zst":
        pytest.importorskip("backports.zstd", reason="backports.zstd is not installed")
    plain = save([{"a": n % 3} for n in range(1000)], "t.csv")
    path = save([{"a": n % 3} for n in range(1000)], f"t.csv{suffix}")
    assert load(path) == load(plain)
    assert path.stat().st_size < plain.stat().st_size / 5
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(MalformedError, match=rf"not a sound \{suffix} file"):
        load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_or_a_device_is_not_waited_for() -> None:
    os.mkfifo("v.json")
    Path("z.txt").symlink_to("/dev/zero")
    for name in ("v.json", "z.txt"):
        with pytest.raises(MalformedError, match="neither a file nor a directory"):
            load(name)


def test_a_format_of_one_s_own_is_saved_and_loaded_like_any_other() -> None:
    def save_words(words: list[str], file: BinaryIO, *, sep: str = " ") -> None:
        file.write(words[0].encode())
        file.writelines((sep + word).encode() for word in words[1:])

    def load_words(file: BinaryIO, *, sep: str = " ") -> list[str]:
        return file.read().decode().split(sep)

    restore = register_format(".Words.txt", save_words, load_words)
    try:
        path = save(["a", "b"], "some.WORDS.txt", sep="-")
        assert (path.read_text(), load(path, sep="-")) == ("a-b", ["a", "b"])
        assert load(save("text", "plain.txt")) == "text"
        with pytest.raises(TypeError, match="can only concatenate str"):
            save(["a", 1], path)
        assert path.read_text() == "a-b"
        with pytest.raises(InvalidTypeError, match=r"sep for a \.words\.txt file, not sap="):
            load(path, sap="-")
        Path("some.words.txt").write_bytes(b"\xff")
        with pytest.raises(UnicodeDecodeError):  # its errors are its own
            load("some.words.txt")
    finally:
        restore()
    restore()
    assert load(path, encoding="utf-8") == "a-b"


def test_a_format_that_is_registered_twice_is_the_latest_one_s_until_that_ends() -> None:
    def writer(content: bytes) -> Any:
        return lambda obj, file: file.write(content)

    first = register_format(".json", writer(b"1"), None)
    second = register_format(".json", writer(b"2"), None)
    first()
    assert save(0, "v.json").read_bytes() == b"2"
    with pytest.raises(UnknownFormatError, match=r"a \.json file can only be saved"):
        load("v.json")
    second()
    assert load(save(0, "v.json")) == 0


@pytest.mark.parametrize("suffix", ["json", "", ".", "..", ".a/b", "a.b", None])
def test_a_suffix_that_can_be_none_is_refused(suffix: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"suffix must be a text such as '\.fif'"):
        register_format(suffix, lambda obj, file: None)


def test_functions_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidTypeError, match="save and load must be a function, at least one"):
        register_format(".own")
    with pytest.raises(InvalidTypeError, match="load must be a function, not str"):
        register_format(".own", load="load")  # type: ignore[arg-type]


def test_what_contains_itself_is_refused_in_one_sentence() -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    circle: list[Any] = []
    circle.append(circle)
    for name in ("v.yaml", "v.json"):
        with pytest.raises(UnsavableError, match=r"circle|does not contain itself"):
            save(circle, name)
