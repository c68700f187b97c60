from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scitex_session_repro import NotFingerprintableError, fingerprint

torch = pytest.importorskip("torch", reason="torch is not installed: no tensors")

GOLDEN = "sf1:65a4d37983bc63f771b2ad36ca1fdd9f9d6ba7b8aebcecf5c67e65ea4d05ba70"
GOLDEN_STATE = "sf1:c11596820386f5e0767ff84ac7be938e42882c9d5fc224642ba74f21273d7f8a"
DTYPES = ["float64", "float32", "float16", "bfloat16", "float8_e5m2", "float8_e4m3fn"]
DTYPES += ["int8", "int16", "int32", "int64", "uint8", "bool", "complex64"]


def test_prints_of_tensors_are_pinned() -> None:
    tensor = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    assert (
        fingerprint(tensor)
        == "sf1:65a4d37983bc63f771b2ad36ca1fdd9f9d6ba7b8aebcecf5c67e65ea4d05ba70"
    )
    assert (
        fingerprint({"w": tensor.bfloat16()})
        == "sf1:c11596820386f5e0767ff84ac7be938e42882c9d5fc224642ba74f21273d7f8a"
    )


@pytest.mark.parametrize("name", DTYPES)
def test_the_dtype_counts(name: str) -> None:
    tensor = torch.ones(4).to(getattr(torch, name))
    others = [torch.ones(4).to(getattr(torch, other)) for other in DTYPES if other != name]
    assert fingerprint(tensor) == fingerprint(tensor.clone())
    assert fingerprint(tensor) not in {fingerprint(other) for other in others}


def test_layout_and_gradients_do_not_count() -> None:
    tensor = torch.randn(4, 5, 6)
    permuted = tensor.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    assert not permuted.is_contiguous()
    with_gradient = tensor.clone().requires_grad_()
    parameter = torch.nn.Parameter(tensor.clone())
    prints = {fingerprint(t) for t in (tensor, permuted, with_gradient, parameter)}
    assert len(prints) == 1
    assert fingerprint(tensor) != fingerprint(tensor.permute(2, 0, 1))
    conjugate = torch.tensor([1 + 2j]).conj()
    assert fingerprint(conjugate) == fingerprint(torch.tensor([1 - 2j]))


CUTS = st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(1, 3)).map(lambda c: slice(*c))


@given(
    st.lists(CUTS, max_size=3),
    st.permutations(range(3)),
    st.sampled_from(["int64", "int8", "bfloat16", "complex64"]),
    st.sampled_from(["", "conj", "real", "imag"]),
)
def test_what_a_tensor_is_cut_from_does_not_count(
    cuts: list[slice], axes: list[int], dtype: str, part: str
) -> None:
    tensor = torch.arange(60).reshape(3, 4, 5).to(getattr(torch, dtype))
    if dtype == "complex64" and part:
        tensor = tensor * (1 - 2j)
        tensor = tensor.conj() if part == "conj" else getattr(tensor, part)
    cut = tensor.permute(axes)[tuple(cuts)]
    alone = torch.tensor(cut.tolist(), dtype=cut.dtype).reshape(cut.shape)
    assert fingerprint(cut) == fingerprint(alone)
    assert fingerprint(cut[..., :1]) == fingerprint(alone[..., :1])


def test_a_single_element_with_a_stride_has_a_print() -> None:
    assert fingerprint(torch.arange(10)[::2][:1]) == fingerprint(torch.tensor([0]))
    imaginary = torch.tensor([1 + 2j])
    assert fingerprint(imaginary.imag) == fingerprint(torch.tensor([2.0]))
    assert fingerprint(imaginary.conj().imag) == fingerprint(torch.tensor([-2.0]))


@pytest.mark.parametrize("name", ["float64", "float16", "bfloat16", "float8_e5m2", "float8_e4m3fn"])
def test_every_nan_is_alike(name: str) -> None:
    nan = torch.tensor([1.0, float("nan")]).to(getattr(torch, name))
    other = nan.view(torch.uint8).clone()
    other[-1] |= 0x80  # the sign
    other = other.view(nan.dtype)
    assert fingerprint(nan) == fingerprint(other)
    assert fingerprint(nan) != fingerprint(torch.ones(2).to(nan.dtype))


def test_a_large_tensor_is_its_values() -> None:
    tensor = torch.randn(300_000)
    other = tensor.clone()
    assert fingerprint(tensor) == fingerprint(other)
    other[-1] += 1
    assert fingerprint(tensor) != fingerprint(other)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "bool", "complex128"])
def test_a_large_tensor_is_its_values_in_every_order_of_its_axes(name: str) -> None:
    tensor = torch.arange(600_000).remainder(251).to(getattr(torch, name)).reshape(3, 400, 500)
    expected = fingerprint(tensor)
    for axes in ((2, 1, 0), (1, 0, 2), (1, 2, 0)):
        back = tuple(axes.index(axis) for axis in range(3))
        assert fingerprint(tensor.permute(axes).contiguous().permute(back)) == expected
    assert fingerprint(tensor.flip(1)) != expected


def test_state_dicts_are_what_they_hold() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(model.parameters())
    before = fingerprint([model.state_dict(), optimizer.state_dict()])
    assert before == fingerprint([dict(model.state_dict()), optimizer.state_dict()])
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    assert before != fingerprint([model.state_dict(), optimizer.state_dict()])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: torch.nn.Linear(1, 1), r"pass its state_dict\(\)"),
        (lambda: torch.eye(2).to_sparse(), r"sparse_coo: pass .* coalesce\(\)\.values\(\)"),
        (lambda: torch.eye(2).to_sparse_csr(), r"sparse_csr: pass .* crow_indices\(\)"),
        (lambda: torch.eye(2).to_sparse_csc(), r"sparse_csc: pass .* ccol_indices\(\)"),
        (lambda: torch.empty(2, device="meta"), "on the meta device, which has no values"),
        (lambda: torch.Generator(), r"pass its get_state\(\)"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8), "quantised"),
    ],
)
@pytest.mark.filterwarnings(
    "ignore:.*quantize:UserWarning",
    "ignore:.*quantize:DeprecationWarning",
    "ignore:Sparse CS. tensor support is in beta:UserWarning",
)
def test_what_has_no_values_of_its_own_is_refused(make: Any, message: str) -> None:
    with pytest.raises(
        NotFingerprintableError, match=rf"^cannot fingerprint obj\['m'\].*{message}"
    ):
        fingerprint({"m": make()})


def test_tensors_on_a_gpu_are_alike() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device: devices can't be compared")
    tensor = torch.randn(3000, 2000)
    assert fingerprint(tensor.cuda()) == fingerprint(tensor)
    assert fingerprint(tensor.cuda().t()) == fingerprint(tensor.t())
