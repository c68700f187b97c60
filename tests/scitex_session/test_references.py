"""References in the files of ``config/``: what they give, and what is wrong with them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.configured import read


def test_a_whole_reference_is_the_very_value_of_its_type() -> None:
    found = read(
        model="lr: 0.001\nlayers: [64, 32]\nopt: {name: adam, betas: [0.9, 0.99]}\non: true\n",
        train=(
            "lr: ${MODEL.lr}\nlayers: ${MODEL.layers}\nopt: ${MODEL.opt}\n"
            "first: ${MODEL.layers.0}\n"
            'on: "${MODEL.on}"\nbeta: ${opt.betas.1}\nall: ${MODEL}\n'
        ),
    ).values
    assert found["TRAIN"] == {
        "lr": 0.001,
        "layers": [64, 32],
        "opt": {"name": "adam", "betas": [0.9, 0.99]},
        "first": 64,
        "on": True,
        "beta": 0.99,
        "all": found["MODEL"],
    }
    found["TRAIN"]["opt"]["name"] = "sgd"
    assert found["MODEL"]["opt"]["name"] == "adam"


def test_within_a_text_a_value_stands_as_yaml_writes_it() -> None:
    found = read(a='n: 3\nx: 1e-5\nt: true\nnone:\nid: "${n}-${x}-${t}-${none}.csv"\ns: a${id}b\n')
    assert found.values["A"]["id"] == "3-1e-05-true-null.csv"
    assert found.values["A"]["s"] == "a3-1e-05-true-null.csvb"


def test_a_files_own_key_comes_before_a_file_of_that_name() -> None:
    found = read(model="lr: 1\n", a="MODEL: {lr: 2}\nx: ${MODEL.lr}\n", b="x: ${MODEL.lr}\n")
    assert (found.values["A"]["x"], found.values["B"]["x"]) == (2, 1)


def test_a_file_may_be_a_list_or_one_value() -> None:
    found = read(a="[1, 2]\n", b="${A.1}\n", c="x: ${B}\n")
    assert found.values == {"A": [1, 2], "B": 2, "C": {"x": 2}}


def test_variables_of_the_environment_are_read_as_if_they_stood_there() -> None:
    os.environ.update(N="4", NAME="run 1", NO="no", EMPTY="", X="1e-3")
    found = read(
        a=(
            'n: ${env:N}\ntext: "${env:N}"\nname: ${env:NAME}\nno: ${env:NO}\nx: ${env:X}\n'
            "path: /data/${env:N}/x\nempty: ${env:EMPTY}\ndefault: ${env:EMPTY:-5}\n"
            "unset: ${env:UNSET:-a:b}\nnothing: ${env:UNSET:-}\n"
        )
    )
    assert found.values["A"] == {
        "n": 4,
        "text": "4",
        "name": "run 1",
        "no": "no",
        "x": 1e-3,
        "path": "/data/4/x",
        "empty": "",
        "default": 5,
        "unset": "a:b",
        "nothing": "",
    }


def test_parts_are_named_as_yaml_writes_them() -> None:
    values = read(
        a="m: {2: a, '2': b, 3: c, true: d, null: e}\n"
        "x: ['${m.2}', '${m.3}', '${m.true}', '${m.null}']\n"
        "s: '${f} ${g}'\nf: .inf\ng: .nan\n"
    ).values["A"]
    assert values["x"] == ["b", "c", "d", "e"]
    assert values["s"] == ".inf .nan"


def test_a_tag_or_quotes_make_a_variable_a_text() -> None:
    os.environ["N"] = "4"
    values = read(a="x:\n- '${env:N}'\n- !!str '${env:N}'\n- !!str ${env:N}\n").values["A"]
    assert values["x"] == ["4", "4", "4"]


def test_a_dollar_is_a_dollar_and_a_doubled_one_escapes() -> None:
    found = read(
        a='price: $5\nshell: $HOME\nliteral: "$${x} and $${y.z}"\nn: 1\nboth: $${n}=${n}\n'
    )
    assert found.values["A"] == {
        "price": "$5",
        "shell": "$HOME",
        "literal": "${x} and ${y.z}",
        "n": 1,
        "both": "${n}=1",
    }


@pytest.mark.parametrize(
    ("files", "where", "said"),
    [
        ({"a": "x: 1\ny: ${z}\n"}, "a.yaml: line 2", "${z}: there is no 'z'; there are: x, y, A"),
        ({"a": "rate: 1\ny: ${rte}\n"}, "a.yaml: line 2", "did you mean 'rate'?"),
        ({"a": "x: ${model.lr}\n", "model": "lr: 1"}, "a.yaml: line 1", "did you mean 'MODEL'?"),
        ({"a": "x: ${MODEL.lrr}\n", "model": "lr: 1"}, "a.yaml: line 1", "did you mean 'lr'?"),
        ({"a": "n_layers: 1\ny: ${N-Layer}\n"}, "a.yaml: line 2", "did you mean 'n_layers'?"),
        ({"a": "x: 1\ny: ${x.z}\n"}, "a.yaml: line 2", "there are: none, it is a single value"),
        ({"a": "x: [1, 2]\ny: ${x.2}\n"}, "a.yaml: line 2", "there is no '2'; there are: 0, 1"),
        ({"a": "x: ${env:UNSET}\n"}, "a.yaml: line 1", "environment variable UNSET is not set"),
        ({"a": "x: ${}\n"}, "a.yaml: line 1", "${} is no reference"),
        ({"a": "x: ${a..b}\n"}, "a.yaml: line 1", "${a..b} is no reference"),
        ({"a": "x: a ${b\n"}, "a.yaml: line 1", "'${' without its '}'"),
        ({"a": "l: [1]\nx: a${l}\n"}, "a.yaml: line 2", "a list can't be part of the text"),
        ({"a": "x: ${x}\n"}, "a.yaml: line 1", "leads back to itself"),
        ({"a": "x: ${y}\ny: ${x}\n"}, "a.yaml: line 1", "leads back to itself"),
        (
            {"a": "x: a${y}\ny: b${x}\n"},
            "a.yaml: line 1",
            "/a.yaml:1 → config/a.yaml:2 → config/a.yaml:1",
        ),
        ({"a": "x:\n  y: ${x}\n"}, "a.yaml: line 2", "leads back to itself"),
        ({"a": "x: ${x.y}\n"}, "a.yaml: line 1", "leads back to itself"),
        ({"a": "x: ${B.x}\n", "b": "x: ${A.x}\n"}, "a.yaml: line 1", "leads back to itself"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    files: dict[str, str], where: str, said: str
) -> None:
    with pytest.raises(ValueError, match=r"config.\w+\.yaml: line ") as caught:
        read(**files)
    assert where in str(caught.value)
    assert said in str(caught.value)


def test_a_long_chain_of_texts_is_followed_at_once() -> None:
    lines = ["a0: x", *(f"a{n}: ${{a{n - 1}}}." for n in range(1, 60))]
    assert read(a="\n".join(lines)).values["A"]["a59"] == "x" + "." * 59


def test_an_alias_used_twice_is_no_cycle() -> None:
    assert read(a="x: &x {n: 1}\ny: [*x, *x]\nz: ${x}\n").values["A"]["y"] == [{"n": 1}, {"n": 1}]


def test_each_value_is_written_with_its_origin() -> None:
    os.environ["N"] = "4"
    written = read(
        model="lr: 1\nopt:\n  name: adam\n",
        train="lr: ${MODEL.lr}\nopt: ${MODEL.opt}\nsizes: [1, 2]\nm: ${env:N}\nname: a-${lr}\n",
    ).written
    assert (
        written[written.index("MODEL:") :]
        == """\
MODEL:
  lr: 1  # config/model.yaml:1
  opt:
    name: "adam"  # config/model.yaml:3
TRAIN:
  lr: 1  # config/train.yaml:1, ${MODEL.lr}
  opt:  # config/train.yaml:2, ${MODEL.opt}
    name: "adam"  # config/model.yaml:3
  sizes: [1, 2]  # config/train.yaml:3
  m: 4  # config/train.yaml:4, ${env:N}
  name: "a-1"  # config/train.yaml:5
"""
    )


def test_a_secret_of_the_environment_is_used_and_never_recorded() -> None:
    os.environ["WEATHER_API_KEY"] = "hunter2"
    os.environ.update(N="4", LAB_TOKEN="hunter3")
    found = read(
        b="${env:LAB_TOKEN}",
        a=(
            "auth: ${env:WEATHER_API_KEY}\nheader: Key ${auth}!\nall: ['${auth}', 1]\n"
            "again: ${auth}\nn: ${env:N}\n"
        ),
    )
    assert found.values["A"]["header"] == "Key hunter2!"
    assert found.values["A"]["again"] == "hunter2"
    assert (found.values["B"], found.recorded["B"]) == ("hunter3", "***")
    assert found.recorded["A"] == {
        "auth": "***",
        "header": "Key ***!",
        "all": ["***", 1],
        "again": "***",
        "n": 4,
    }


def test_the_default_of_a_secret_is_never_recorded() -> None:
    found = read(a="auth: ${env:LAB_KEY:-hunter2}\nmode: ${env:LAB_MODE:-fast}\n")
    assert found.values["A"] == {"auth": "hunter2", "mode": "fast"}
    assert found.recorded["A"] == {"auth": "***", "mode": "fast"}
    assert '  auth: "***"  # config/a.yaml:1, ${env:LAB_KEY:-***}\n' in found.written
    assert '  mode: "fast"  # config/a.yaml:2, ${env:LAB_MODE:-fast}\n' in found.written


@settings(max_examples=30)
@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"])))
def test_a_text_without_a_reference_is_itself(text: str) -> None:
    import json

    values = read(a=f"x: {json.dumps(text.replace('${', '$${'))}\n").values
    assert values["A"]["x"] == text
