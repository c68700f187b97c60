"""Completion of a script's options by shells."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from .rows import rows_of
from .session_table import OTHERS, PREFIX, SESSION_OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .parser import CommandLine

_BASH = """\
# Completion of {program}: `source` this in ~/.bashrc, or keep it in
# ~/.local/share/bash-completion/completions/{program}
{name}() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
    COMPREPLY=()
    case "$before" in
{cases}
        *) ;;
    esac
    case "$word" in
        -*) COMPREPLY=($(compgen -W "{options}" -- "$word")) ;;
        *)
            local IFS=$'\n'
            COMPREPLY=($(compgen -f -- "$word"))
            ;;
    esac
}}
# Behind `python` and `python -m`: the script's own completion, where there is one; else files.
_scitex_session_python() {{
    local i script
    for ((i = 1; i < COMP_CWORD; i++)); do
        script="${{COMP_WORDS[i]##*/}}"
        if [[ "$script" == *.py || "${{COMP_WORDS[i-1]}}" == -m ]]; then
            script="_scitex_session_${{script//[^A-Za-z0-9]/_}}"
            declare -F "$script" >/dev/null && "$script" && return
            break
        fi
    done
    local IFS=$'\n'
    COMPREPLY=($(compgen -f -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o filenames -F {name} {program} ./{program}
for _scitex_session_name in python python3; do
    complete -p "$_scitex_session_name" >/dev/null 2>&1 ||
        complete -o filenames -F _scitex_session_python "$_scitex_session_name"
done
"""
_ZSH = """\
# Completion of {program}: `source` this in ~/.zshrc
autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
"""


class _Word(NamedTuple):
    """The names of an option, and what may follow them."""

    names: list[str]
    choices: list[str]
    takes_value: bool
    help: str


def completion_script(line: CommandLine, program: str, shell: str) -> str:
    """Return what makes a shell complete the options of a script.

    Parameters
    ----------
    line : CommandLine
        What the script takes.
    program : str
        How it is called.
    shell : {"bash", "zsh", "fish"}
        For which.

    Returns
    -------
    str
        To be sourced by the shell. It holds the options as they are now, so that completing starts
        no Python: made anew when the signature changes.
    """
    words = list(_words(line))
    if shell == "fish":
        return _fish(words, program)
    cases = [
        f"        {'|'.join(word.names)}) COMPREPLY=($(compgen -W "
        f'{shlex.quote(" ".join(word.choices))} -- "$word")); return ;;'
        for word in words
        if word.choices
    ]
    script = _BASH.format(
        program=program,
        name="_scitex_session_" + re.sub(r"[^A-Za-z0-9]", "_", program),
        cases="\n".join(cases),
        options=" ".join(name for word in words for name in word.names),
    )
    return _ZSH.format(program=program) + script if shell == "zsh" else script


def _words(line: CommandLine) -> Iterator[_Word]:
    for row in rows_of(line):
        names = [name.removesuffix("KEY") for name in row.names if name.startswith("-")]
        names = [name for name in names if name != "--"]  # of **kwargs
        plain = [choice for choice in row.choices if not re.search(r"\s", choice)]
        if names:
            yield _Word(names, plain, bool(row.form), row.help)
    if line.help_flags:
        yield _Word(line.help_flags, [], takes_value=False, help="show help and exit")
    for option in SESSION_OPTIONS:
        choices = option.form.split("|") if "|" in option.form else []
        yield _Word([PREFIX + option.name], choices, bool(option.form), option.text)
    for name, (_, text) in OTHERS.items():
        choices = ["bash", "zsh", "fish"] if name == "completion" else []
        short = ["--config"] if name == "config" and "config" not in line.names else []
        yield _Word([PREFIX + name, *short], choices, takes_value=True, help=text)


def _fish(words: list[_Word], program: str) -> str:
    path = f"~/.config/fish/completions/{program}.fish"
    lines = [f"# Completion of {program}: keep this in {path}"]
    for word in words:
        names = [f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in word.names]
        parts = [f"complete -c {shlex.quote(program)}", *names]
        if word.choices:
            parts.append(f"-x -a {shlex.quote(' '.join(word.choices))}")
        elif word.takes_value:
            parts.append("-r")
        if word.help:
            parts.append(f"-d {_fish_quoted(word.help)}")
        lines.append(" ".join(parts))
    return "\n".join(lines) + "\n"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
