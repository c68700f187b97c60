"""`DotDict` is a dict in everything that dict does, and its keys are attributes too."""

from __future__ import annotations

import copy
import json
import pickle
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from scitex_session_core import DotDict

KEYS = st.sampled_from(["a", "b", "items", "keys", "not an identifier", 1, None])
VALUES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=5,
)


class AgainstDict(RuleBasedStateMachine):
    """Whatever is done to both, a DotDict equals the dict."""

    def __init__(self) -> None:
        super().__init__()
        self.ours: Any = DotDict()
        self.model: dict[Any, Any] = {}

    @rule(key=KEYS, value=VALUES)
    def set_item(self, key: Any, value: Any) -> None:
        self.ours[key] = value
        self.model[key] = value

    @rule(key=KEYS)
    def pop(self, key: Any) -> None:
        assert self.ours.pop(key, "absent") == self.model.pop(key, "absent")

    @rule(key=KEYS, value=VALUES)
    def setdefault(self, key: Any, value: Any) -> None:
        assert self.ours.setdefault(key, value) == self.model.setdefault(key, value)

    @rule(other=st.dictionaries(KEYS, VALUES, max_size=3))
    def update(self, other: dict[Any, Any]) -> None:
        self.ours.update(other)
        self.model.update(other)

    @rule(other=st.dictionaries(KEYS, VALUES, max_size=3))
    def merge(self, other: dict[Any, Any]) -> None:
        assert self.ours | other == self.model | other
        assert other | self.ours == other | self.model
        assert type(self.ours | other) is type(other | self.ours) is DotDict
        self.ours |= other
        self.model |= other

    @rule()
    def clear(self) -> None:
        self.ours.clear()
        self.model.clear()

    @rule(how=st.sampled_from(["copy", "copy.copy", "deepcopy", "pickle", "to_dict", "init"]))
    def replace_by_a_copy(self, how: str) -> None:
        before = self.ours
        self.ours = {
            "copy": before.copy,
            "copy.copy": lambda: copy.copy(before),
            "deepcopy": lambda: copy.deepcopy(before),
            "pickle": lambda: pickle.loads(pickle.dumps(before)),
            "to_dict": lambda: DotDict(before.to_dict()),
            "init": lambda: DotDict(before),
        }[how]()
        assert self.ours is not before

    @invariant()
    def equal(self) -> None:
        assert type(self.ours) is DotDict
        assert self.ours == self.model
        assert list(self.ours) == list(self.model)
        assert all(type(v) is not dict for v in self.ours.values())


TestAgainstDict = AgainstDict.TestCase
TestAgainstDict.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_to_dict_gives_back_plain_dicts(plain: dict[Any, Any]) -> None:
    back = DotDict(plain).to_dict()
    assert back == plain
    assert type(back) is dict
    assert all(type(value) is not DotDict for value in back.values())


def test_nested_dicts_are_reached_by_attributes() -> None:
    config = DotDict({"MODEL": {"layers": {"width": 3}}})
    assert config.MODEL.layers.width == 3
    config.MODEL.layers = {"width": 4}
    assert config["MODEL"]["layers"].width == 4


def test_methods_win_over_keys_and_items_always_work() -> None:
    config = DotDict(items=3)
    assert config["items"] == 3
    assert list(config.items()) == [("items", 3)]


def test_an_attribute_named_like_a_method_is_refused_not_hidden() -> None:
    config: Any = DotDict()
    with pytest.raises(AttributeError, match=r"'items' is a method of dict; .*d\['items'\]"):
        config.items = 3
    assert not config


def test_a_missing_attribute_names_the_keys() -> None:
    with pytest.raises(AttributeError, match="no key 'lr'; the keys are: a, b"):
        _ = DotDict(a=1, b=2).lr
    assert not hasattr(DotDict(), "lr")
    assert getattr(DotDict(), "lr", 5) == 5


def test_attributes_are_set_and_deleted_as_items() -> None:
    config = DotDict()
    config.lr = 1
    assert config == {"lr": 1}
    del config.lr
    assert config == {}
    with pytest.raises(AttributeError, match="no key 'lr'"):
        del config.lr


def test_other_mappings_and_lists_stay_the_objects_they_are() -> None:
    ordered, rows = OrderedDict(a=1), [{"x": 1}]
    config = DotDict(ordered=ordered, rows=rows)
    assert config.ordered is ordered
    assert config.rows is rows


def test_a_copy_is_shallow_and_a_deepcopy_is_not() -> None:
    config = DotDict(inner={"rows": [1]})
    assert config.copy().inner is config.inner
    deep = copy.deepcopy(config)
    deep.inner.rows.append(2)
    assert config.inner.rows == [1]


def test_json_and_star_star_and_isinstance_take_it_for_a_dict() -> None:
    config = DotDict(a={"b": 1})
    assert json.loads(json.dumps(config)) == {"a": {"b": 1}}
    assert dict(**config) == {"a": {"b": 1}}
    assert isinstance(config, dict)


def test_completion_offers_the_keys_that_can_be_attributes() -> None:
    offered = dir(DotDict({"lr": 1, "not an identifier": 2, 3: 4}))
    assert "lr" in offered
    assert "items" in offered
    assert "not an identifier" not in offered


def test_repr_shows_what_it_is() -> None:
    assert repr(DotDict(a=1)) == "DotDict({'a': 1})"
    assert eval(repr(DotDict(a={"b": 1}))) == DotDict(a={"b": 1})


def test_fromkeys_makes_the_same_type() -> None:
    made = DotDict.fromkeys(["a", "b"], 0)
    assert made == {"a": 0, "b": 0}
    assert type(made) is DotDict


def test_merging_with_no_mapping_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        DotDict() | 5
    with pytest.raises(TypeError):
        5 | DotDict()
