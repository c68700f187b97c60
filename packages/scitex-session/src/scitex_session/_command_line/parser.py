"""The command line of a function, by cyclopts; imported when there is something to parse."""

from __future__ import annotations

import inspect
import pathlib
import re
import typing
from functools import partial
from typing import Annotated, Any

import cyclopts
from cyclopts import Argument, CoercionError, CycloptsError
from cyclopts import Parameter as Option
from cyclopts.annotations import get_hint_name, is_union

from scitex_session._errors import UnsuitableFunctionError, UsageError

from . import hints
from .hints import ANY, EMPTY, MANY, MAPPINGS, kebab, keyword, kinds
from .session_options import COMMAND_LINE, PREFIX, SESSION_OPTIONS, VARIABLE_PREFIX, SessionOption
from .signature import OPTIONS, VALUES, Parameter, code_of, name_of
from .values import LONE_DASH, TYPED, Converter, YesNo, check

_BY_FILE, _NEVER = object(), object()  # instead of an annotation that cyclopts takes
_Shell = typing.Literal["bash", "zsh", "fish"]
_KINDS = {VALUES: inspect.Parameter.VAR_POSITIONAL, OPTIONS: inspect.Parameter.VAR_KEYWORD}
_SESSION = "_options_of_the_session_"
_LONG_DASHES = "\N{EN DASH}\N{EM DASH}"  # what word processors and web pages make of two
_LOOKED_AT: list[Any] = []  # structures that are being looked at: a field may be of its own class


def _fit(hint: Any, default: Any = EMPTY, *, within: bool = False) -> Any:
    """Return an annotation as cyclopts takes it.

    The class of the default is the one that is meant. `within` a container, a command line says
    single words only. `_BY_FILE` where only a file can give such a value, `_NEVER` where nothing
    can. Of a union, the members that can be given remain.
    """
    hint = hints.named(hint)
    args, kind = typing.get_args(hint), typing.get_origin(hint) or hint
    if kind is Annotated:
        own = [extra for extra in args[1:] if isinstance(extra, Option)]
        theirs = any(option.converter for option in own)
        inner = args[0] if theirs else _fit(args[0], default, within=within)
        checks = [partial(check, extra) for extra in args[1:] if extra not in own]
        plain = inner in (_BY_FILE, _NEVER)
        return inner if plain else Annotated[(inner, Option(validator=checks), *own)]
    if is_union(hint):
        held = [part for part in args if part is type(None) or hints.holds(part, default)]
        one = any(hints.is_structure(part) for part in held)  # of several structures
        parts = [_fit(part, default, within=within) for part in (held if one else args)]
        told = [part for part in parts if part not in (_BY_FILE, _NEVER)]
        told.sort(key=lambda part: 2 if part is type(None) else kinds(part)[:1][0] in MANY)
        fields = [field for part in told for field in getattr(part, "stands_in", ())]
        alike = all(one == two or one.name != two.name for one in fields for two in fields)
        if alike and any(part is not type(None) for part in told):
            return typing.Union[tuple(told)]  # noqa: UP007  # not known before
        return _BY_FILE if _BY_FILE in parts or not alike else _NEVER
    if hint in ANY or kind is typing.Literal:
        return Any if hint is object else hint
    if hints.is_word(kind):
        return YesNo if kind is bool and within else hint
    if kind in (*MANY, *MAPPINGS):
        return _fit_container(kind, args, within=within)
    return _stand_in(kind, default, within=within) if hints.is_structure(kind) else _NEVER


def _fit_container(kind: Any, args: tuple[Any, ...], *, within: bool) -> Any:
    keyed = kind in MAPPINGS
    args = args or ((str, Any) if keyed else (Any, ...) if kind is tuple else (Any,))
    several = keyed and any(each in (*MANY, *MAPPINGS) for each in kinds(args[1]))
    parts = [arg if arg is ... else _fit(arg, within=not several) for arg in args]
    if _NEVER in parts:
        return _NEVER
    if within or _BY_FILE in parts or (keyed and args[0] not in (str, Any)):
        return _BY_FILE
    return dict[str, parts[1]] if keyed else kind[tuple(parts)]  # type: ignore[valid-type]


def _stand_in(kind: Any, default: Any, *, within: bool) -> Any:
    """Return a class whose constructor cyclopts can read, and that makes objects of `kind`.

    It keeps what cyclopts would lose: the class and the other fields of the default, names that
    only type checkers import, and fields that cyclopts can't take, which a file gives.
    """
    held = default if hints.holds(kind, default) else EMPTY
    actual = kind if held is EMPTY or isinstance(held, dict) else type(held)
    if actual in _LOOKED_AT:
        return _BY_FILE
    _LOOKED_AT.append(actual)
    try:
        fields = hints.fields_of(actual, held)
        slots = [f.replace(annotation=_prepared(f.annotation, f.default)) for f in fields]
        needed = [slot.annotation for slot in slots if slot.default is EMPTY]
        if any(annotation.__metadata__[0].show is False for annotation in needed):
            return _NEVER
    except NameError:
        return _NEVER
    finally:
        _LOOKED_AT.pop()

    def new(_class: type, **given: Any) -> Any:
        try:
            return hints.made(actual, held, given)
        except (ValueError, TypeError, AssertionError) as error:
            raise CoercionError(msg=str(error)) from error

    return _BY_FILE if within else _class(actual.__name__, slots, __new__=new, __doc__=kind.__doc__)


def _class(name: str, slots: list[inspect.Parameter], **body: Any) -> type:
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    init = _signed(lambda self, **given: None, [self, *slots])  # noqa: ARG005
    return type(name, (), {**body, "__init__": init, "__module__": __name__, "stands_in": slots})


def _signed(func: Any, slots: list[inspect.Parameter]) -> Any:
    func.__signature__ = inspect.Signature(slots)
    return func


def _prepared(hint: Any, default: Any, **said: Any) -> Any:
    """Return an annotation with all that cyclopts is to know of its option."""
    fit, name, why_not = _fit(hint, default), get_hint_name(hint), ""
    structure = any(hasattr(kind, "stands_in") for kind in kinds(fit))
    if fit is _BY_FILE:
        why_not = f"its type is {name}; give it by --config FILE."
    elif fit is _NEVER:
        why_not = f"its type is {name}; nothing that is typed can be one."
    elif structure:
        why_not = "only its fields take values."
    many = [kind in MANY for kind in kinds(fit)]
    said["n_tokens"] = 1 if why_not else -1 if any(many) and not all(many) else None
    if why_not and not structure:
        said |= {"metavar": name, "show": fit is _BY_FILE}
        fit = str
    said |= {"negative_iterable": "", "json_list": False if hints.is_free(hint) else None}
    converter = Converter(hint, fit, default, why_not)
    option = Option(converter=converter, consume_multiple=True, **said)
    inner, *own = typing.get_args(fit) if typing.get_origin(fit) is Annotated else [fit]
    return Annotated[(inner, option, *own)]


def _short_name(info: Any, used: frozenset[str]) -> str | None:
    """Return the first letter of a parameter, in lower case, if no other has it."""
    short = f"-{kebab(info.name)[0].lower()}"
    return short if short[1].isalpha() and short not in {*used, "-h"} else None


def _session_slot(*, config: bool) -> inspect.Parameter:
    """Return the parameter whose fields are the session's options."""
    names = ["--config", f"{PREFIX}config"] if config else [f"{PREFIX}config"]
    told = "values for parameters (.yaml, .toml, .json); a later file wins"
    files = Annotated[list[str], Option(names, negative="", metavar="FILE", help=told)]
    told = "print what makes a shell complete these options"
    shell = Annotated[_Shell, Option(f"{PREFIX}completion", help=told)]
    slots = [keyword(option.keyword, _session_hint(option), None) for option in SESSION_OPTIONS]
    slots += [keyword("config", files, None), keyword("completion", shell, None)]
    group = cyclopts.Group("Session", f"As variables: {VARIABLE_PREFIX}SEED and so on.", sort_key=1)
    whole = Option("*", group=group, show_default=False)
    return keyword(_SESSION, Annotated[_class("Session", slots), whole], None)


def _session_hint(option: SessionOption) -> Any:
    def convert(_kind: Any, tokens: Any) -> Any:
        found = [option.value_of(token.value) for token in tokens]
        return [each for tag in found for each in tag] if option.keyword == "tags" else found[0]

    said = {"name": option.name, "help": option.help}
    if not option.form:
        opposite = PREFIX + f"no-{option.keyword}".removeprefix("no-no_")
        return Annotated[bool, Option(negative=opposite, **said)]
    kind: Any = list[str] if option.keyword == "tags" else str
    return Annotated[kind, Option(converter=convert, metavar=option.form, negative="", **said)]


def _slot_of(parameter: Parameter, hint: Any) -> inspect.Parameter:
    name, long, variadic = parameter.name, kebab(parameter.name), parameter.kind in _KINDS
    if not long:
        raise TypeError(f"the parameter {name} has no letter to make an option of")
    single = len(long) == 1 and long.isalpha() and not variadic
    short = {"alias": f"-{long}"} if single else {"short_alias": _short_name}
    default = EMPTY if parameter.required or variadic else parameter.default
    ready = _prepared(hint, default, **short)
    if parameter.required and ready.__metadata__[0].show is False:
        why = f"the parameter {name} can't come from a command line, since its type is"
        raise TypeError(f"{why} {get_hint_name(hint)}; give it a default, or a type such as str")
    kind = _KINDS.get(parameter.kind, inspect.Parameter.KEYWORD_ONLY)
    return keyword(name, ready, default).replace(kind=kind)


class CommandLine:
    """The command line that a signature makes; UnsuitableFunctionError where it makes none.

    Its own options alone are assembled three times as quickly as those of the `session`, too.
    """

    def __init__(self, func: Any, parameters: list[Parameter], program: str, session: bool) -> None:
        self.name = name_of(func)
        self.parameters = parameters
        found, names = hints.hints_of(func, parameters), [kebab(p.name) for p in parameters]
        try:
            slots = [_slot_of(p, found[p.name]) for p in parameters]
        except TypeError as error:
            raise UnsuitableFunctionError(self.name, str(error)) from None
        slots += [_session_slot(config="config" not in names)] if session else []
        slots.sort(key=lambda slot: slot.kind)
        target = _signed(lambda **given: None, slots)  # noqa: ARG005
        target.__doc__ = func.__doc__
        self.app = cyclopts.App(name=program, help_flags=(), version_flags=())
        self.app.default_parameter = Option(name_transform=kebab)
        self.app.default(target)
        self.help_flags = [flag for flag in ("--help", "-h") if flag.strip("-") not in names]
        version = getattr(code_of(func), "__globals__", {}).get("__version__")
        self.version = None if version is None or "version" in names else str(version)

    def answer(self, tokens: list[str]) -> Any:
        """Return what prints the help, the version or a completion, if they are asked for."""
        options = tokens[: (*tokens, "--").index("--")]
        self.app.help_format = "plaintext"
        if any(flag in options for flag in self.help_flags):
            self.app.group_commands = "Parameters"  # its own panel would hold these flags only
            self.app.help_flags = self.help_flags
            self.app.version_flags = ["--version"] if self.version is not None else []
            return lambda: self.app.help_print([])
        asked = re.search(rf"(?:^| ){PREFIX}completion(?:[ =](\S*))?", " ".join(options))
        text = _completion(self.app, asked[1]) if asked else None
        text = self.version if "--version" in options else text
        return None if text is None else lambda: print(text)

    def parse(self, tokens: list[str], *, partly: bool = False) -> tuple[Any, Any, Any, list[str]]:
        """Return values and origins by parameter, session options, and what is left.

        Where a command line is ours `partly`, another parser reads what is left. UsageError or
        ConfigFileError where something can't be read.
        """
        fed = cyclopts.ArgumentCollection()  # type: ignore[no-untyped-call]

        def feed_files(_app: Any, _commands: Any, arguments: list[Argument]) -> None:
            fed.extend(arguments)
            names = [name for argument in fed for name in argument.names]
            if twice := [name for name in names if names.count(name) > 1]:
                raise UnsuitableFunctionError(self.name, f"two would be {twice[0]}; rename one")
            session = _session_of(fed)
            if not partly and session and (files := session["config"].tokens):
                from .files import feed

                feed(list(_roots(fed).values()), [token.value for token in files])
            # As soon as anything has imported pydantic, cyclopts checks all values with it,
            # defaults too: ``n: int = None`` would be refused in one script, taken in the next.
            for argument in fed:
                info: Any = argument.field_info
                if info.kind not in _KINDS.values():
                    argument.field_info = info.evolve(annotation=Any, default=info.empty)

        self.app.config = (feed_files,)
        try:
            _, bound, rest, _ = self.app.parse_known_args(self._spelled(tokens))
            for unknown in [each for each in rest if each.startswith(PREFIX if partly else "-")]:
                token = cyclopts.Token(keyword=unknown.partition("=")[0], source=TYPED)
                raise cyclopts.UnknownOptionError(token=token, argument_collection=fed)
        except CycloptsError as error:
            error.verbose = False
            raise UsageError(_sentence(error, tokens, _roots(fed))) from None
        if rest and not partly:
            raise UsageError(_unused(rest[0].replace(LONE_DASH, "-")))
        values = {name: value for name, value in bound.arguments.items() if name != _SESSION}
        for name in [p.name for p in self.parameters if p.kind == OPTIONS and p.name in values]:
            values[name] = {key.replace("-", "_"): item for key, item in values[name].items()}
        given = {key: a.value for key, a in _session_of(fed).items() if a.tokens}
        for name in {"config", "completion"} & {*given} if partly else ():
            raise UsageError(f"{PREFIX}{name} can't be used here: the script has its own parser")
        given.pop("config", None)
        return values, _origins(fed), given, rest

    def _spelled(self, tokens: list[str]) -> list[str]:
        """Return tokens that cyclopts reads rightly: it would take ``-lr`` for ``-l r``."""
        spelled: list[str] = []
        longs = {p.name: f"--{kebab(p.name)}" for p in self.parameters if p.kind not in _KINDS}
        for position, token in enumerate(tokens):
            if token == "--":  # noqa: S105
                return [*spelled, *tokens[position:]]
            name, equals, value = token.partition("=")
            long = longs.get(name.lstrip("-").replace("-", "_"))
            if long and len(name) > 2 and name[0] == "-" != name[1]:
                raise UsageError(f"Unknown option: {name}. Did you mean {long}?")
            word = f"{long}{equals}{value}" if long and name[:2] == "--" else token
            spelled.append(LONE_DASH if token == "-" else word)  # noqa: S105
        return spelled


def _sentence(error: CycloptsError, tokens: list[str], roots: dict[str, Argument]) -> str:
    """Return one line that says what is wrong: cyclopts' own, where that says enough."""
    argument, token = error.argument, getattr(error, "token", None)
    if isinstance(error, cyclopts.UnknownOptionError):
        argument = roots.get((error.token.keyword or "").partition(".")[0][2:])
    why_not = getattr(argument and argument.parameter.converter, "why_not", "")
    if why_not and argument and not argument.children:
        return f"Invalid value for {argument.name}: {why_not}"
    if isinstance(error, cyclopts.MissingArgumentError) and error.keyword in tokens:
        after = tokens[tokens.index(error.keyword) + 1 :]
        if after and after[0].startswith("-"):
            return f"{error} A value that begins with a dash: {error.keyword}={after[0]}"
    elif isinstance(error, CoercionError) and error.msg and not token and argument:
        return f"Invalid value for {argument.name}: {error.msg}"
    if token is not None and argument is not None and (token.keyword or "[")[0] == "[":
        # ``[x][depth]`` of a field within JSON, or a token of an inner conversion
        error.token = token.evolve(keyword=argument.name)  # type: ignore[attr-defined]
    return " ".join(str(error).split("\n"))


def _unused(token: str) -> str:
    if token[:1] in _LONG_DASHES:
        return f"Unused value {token}. Did you mean --{token.lstrip(_LONG_DASHES)}?"
    return f"Unused value {token!r}: every value is given by its option, as --name VALUE."


def _roots(arguments: list[Argument]) -> dict[str, Argument]:
    roots = [a for a in arguments if not a.keys and a.field_info.name != _SESSION]
    return {kebab(a.field_info.name): a for a in roots}


def _session_of(arguments: list[Argument]) -> dict[str, Argument]:
    roots = [a for a in arguments if a.field_info.name == _SESSION]
    return {child.keys[-1]: child for root in roots for child in root.children}


def _origins(arguments: list[Argument]) -> dict[str, str]:
    origins: dict[str, str] = {}
    for root in _roots(arguments).values():
        whole = [root, *root.children_recursive]
        sources = [token.source for each in whole for token in each.tokens]
        sources += [getattr(each.parameter.converter, "source", None) or "" for each in whole]
        told = dict.fromkeys(COMMAND_LINE if each == TYPED else each for each in sources if each)
        origins |= {root.field_info.name: ", ".join(told)} if told else {}
    return origins


def _completion(app: cyclopts.App, shell: Any) -> str:
    """Return a script for the shell that ``--session.completion`` names.

    cyclopts takes no name such as ``script.py``: it makes a script for another, registered for it.
    """
    if shell not in typing.get_args(_Shell):
        raise UsageError(f"{PREFIX}completion must be one of bash, zsh, fish, not {shell!r}")
    program = app.name[0].removeprefix("python -m ")
    name = "scitex_session_" + re.sub(r"[^A-Za-z0-9]", "_", program)
    text = app.generate_completion(prog_name=name, shell=shell)
    if shell == "bash":
        more = pathlib.Path(__file__).with_name("python.bash").read_text("utf-8")
        registered = f"complete -o default -F _{name} {program} ./{program}\n{more}"
        return text.replace(f"complete -F _{name} {name}", registered)
    if shell == "zsh":
        return f"{text}compdef _cyclopts_{name} {program}\n"
    # In fish, the condition of cyclopts holds until the first value only.
    return text.replace(f"complete -c {name} -n __fish_use_subcommand", f"complete -c {program}")
