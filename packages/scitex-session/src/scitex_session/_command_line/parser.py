"""Parse the command line of a function with cyclopts; imported only if something is typed."""

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
from scitex_session._suggest import suggest

from . import hints
from .hints import ANY, EMPTY, MANY, MAPPINGS, kebab, keyword, kinds
from .session_options import COMMAND_LINE, PREFIX, SESSION_OPTIONS, VARIABLE_PREFIX, SessionOption
from .signature import KEYWORD_ONLY, VAR_KEYWORD, VARIADIC, Parameter, code_of, name_of
from .values import LONE_DASH, TYPED, Converter, YesNo, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .earlier import Earlier

# Returned instead of an annotation: only a file can give the value; nothing can.
_BY_FILE, _NEVER = object(), object()
_Shell = typing.Literal["bash", "zsh", "fish"]
_SESSION = "_options_of_the_session_"
_GROUP = "Session"  # of these options in the help
_LONG_DASHES = "\N{EN DASH}\N{EM DASH}"  # word processors and web pages put them for two hyphens
_BEING_READ: list[Any] = []  # structures; stops the recursion if a field is of its own class


def _cyclopts_annotation(hint: Any, default: Any = EMPTY, *, within: bool = False) -> Any:
    """Return an annotation that cyclopts can read, `_BY_FILE` or `_NEVER`.

    If the default is an instance, its class decides. Inside a container (`within`), only single
    words can be given. A union keeps the members that can be given.
    """
    hint = hints.resolved_alias(hint)
    args, kind = typing.get_args(hint), typing.get_origin(hint) or hint
    if kind is Annotated:
        own, inner = [extra for extra in args[1:] if isinstance(extra, Option)], args[0]
        if not any(option.converter for option in own):
            inner = _cyclopts_annotation(inner, default, within=within)
        checks = [partial(check, extra) for extra in args[1:] if extra not in own]
        is_marker = inner in (_BY_FILE, _NEVER)
        return inner if is_marker else Annotated[(inner, Option(validator=checks), *own)]
    if is_union(hint):
        held = [part for part in args if part is type(None) or hints.holds(part, default)]
        args = tuple(held) if any(map(hints.is_structure, held)) else args
        parts = [_cyclopts_annotation(part, default, within=within) for part in args]
        givable = [part for part in parts if part not in (_BY_FILE, _NEVER)]
        givable.sort(key=lambda part: 2 if part is type(None) else kinds(part)[:1][0] in MANY)
        fields = [field for part in givable for field in getattr(part, "stands_in", ())]
        alike = all(one == two or one.name != two.name for one in fields for two in fields)
        if alike and any(part is not type(None) for part in givable):
            return typing.Union[tuple(givable)]  # noqa: UP007  # known at run time only
        return _BY_FILE if _BY_FILE in parts or not alike else _NEVER
    if hint in ANY or kind is typing.Literal:
        return Any if hint is object else hint
    if hints.is_word(kind):
        return YesNo if kind is bool and within else hint
    if kind in (*MANY, *MAPPINGS):
        return _container(kind, args, within=within)
    return _stand_in(kind, default, within=within) if hints.is_structure(kind) else _NEVER


def _container(kind: Any, args: tuple[Any, ...], *, within: bool) -> Any:
    keyed = kind in MAPPINGS
    args = args or ((str, Any) if keyed else (Any, ...) if kind is tuple else (Any,))
    nested = keyed and any(each in (*MANY, *MAPPINGS) for each in kinds(args[1]))
    parts = [arg if arg is ... else _cyclopts_annotation(arg, within=not nested) for arg in args]
    if _NEVER in parts:
        return _NEVER
    if within or _BY_FILE in parts or (keyed and args[0] not in (str, Any)):
        return _BY_FILE
    return dict[str, parts[1]] if keyed else kind[tuple(parts)]  # type: ignore[valid-type]


def _stand_in(kind: Any, default: Any, *, within: bool) -> Any:
    """Return a class that cyclopts can read and that builds objects of `kind`.

    It keeps what cyclopts would lose: the class and the other fields of the default, names that
    stand under TYPE_CHECKING, and fields that only a file can give.
    """
    held = default if hints.holds(kind, default) else EMPTY
    actual = kind if held is EMPTY or isinstance(held, dict) else type(held)
    if actual in _BEING_READ:
        return _BY_FILE
    _BEING_READ.append(actual)
    try:
        fields = hints.fields_of(actual, held)
        slots = [f.replace(annotation=_prepared(f.annotation, f.default)) for f in fields]
        needed = [slot.annotation for slot in slots if slot.default is EMPTY]
        if any(annotation.__metadata__[0].show is False for annotation in needed):
            return _NEVER
    except NameError:
        return _NEVER
    finally:
        _BEING_READ.pop()

    def new(_class: type, **values: Any) -> Any:
        try:
            return hints.build(actual, held, values)
        except (ValueError, TypeError, AssertionError) as error:
            raise CoercionError(msg=str(error)) from error

    return _BY_FILE if within else _class(actual.__name__, slots, __new__=new, __doc__=kind.__doc__)


def _class(name: str, slots: list[inspect.Parameter], **body: Any) -> type:
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    init = _signed(lambda self, **values: None, [self, *slots])  # noqa: ARG005
    return type(name, (), {"__module__": __name__, **body, "__init__": init, "stands_in": slots})


def _signed(func: Any, slots: list[inspect.Parameter]) -> Any:
    func.__signature__ = inspect.Signature(slots)
    return func


def _prepared(hint: Any, default: Any, **option_keywords: Any) -> Any:
    """Return the annotation of an option, with all that cyclopts needs to know of it."""
    usable, name, why_not = _cyclopts_annotation(hint, default), get_hint_name(hint), ""
    structure = any(hasattr(kind, "stands_in") for kind in kinds(usable))
    if usable is _BY_FILE:
        why_not = f"its type is {name}; use --config FILE"
    elif usable is _NEVER:
        why_not = f"its type is {name}, which no text can give"
    elif structure:
        why_not = "set its fields"
    many = [kind in MANY for kind in kinds(usable)]
    option_keywords["n_tokens"] = 1 if why_not else -1 if any(many) and not all(many) else None
    option_keywords["json_list"] = False if hints.is_free(hint) else None
    if why_not and not structure:
        option_keywords |= {"metavar": f"{name} (by --config FILE)", "show": usable is _BY_FILE}
        usable = str
    option_keywords["converter"] = Converter(hint, usable, default, why_not)
    option = Option(consume_multiple=True, negative_iterable="", **option_keywords)
    inner, *own = typing.get_args(usable) if typing.get_origin(usable) is Annotated else [usable]
    return Annotated[(inner, option, *own)]


def _short_name(info: Any, used: frozenset[str]) -> str | None:
    """Return the first letter of a parameter, in lower case, unless another option has it."""
    short = f"-{kebab(info.name)[0].lower()}"
    return short if short[1].isalpha() and short not in {*used, "-h"} else None


def _session_slot(*, config: bool) -> inspect.Parameter:
    """Return the parameter whose fields are the session's options."""
    names = ["--config", f"{PREFIX}config"] if config else [f"{PREFIX}config"]
    files_help = "values for parameters (.yaml, .toml, .json); a later file wins"
    files = Annotated[list[str], Option(names, negative="", metavar="FILE", help=files_help)]
    shell_help = "print what makes a shell complete these options"
    shell = Annotated[_Shell, Option(f"{PREFIX}completion", help=shell_help)]
    slots = [keyword(option.keyword, _session_hint(option), None) for option in SESSION_OPTIONS]
    slots += [keyword("config", files, None), keyword("completion", shell, None)]
    group = cyclopts.Group(_GROUP, f"also as variables: {VARIABLE_PREFIX}SEED and so on")
    whole = Option("*", group=group, show_default=False)
    # Of no module: for the help, cyclopts would read ours to find descriptions beside its fields.
    options = _class(_GROUP, slots, __module__="")
    return keyword(_SESSION, Annotated[options, whole], None)


def _session_hint(option: SessionOption) -> Any:
    def convert(_kind: Any, tokens: Any) -> Any:
        values = [option.value_of(token.value) for token in tokens]
        return [tag for tags in values for tag in tags] if option.keyword == "tags" else values[0]

    if not option.form:
        opposite = PREFIX + f"no-{option.keyword}".removeprefix("no-no_")
        return Annotated[bool, Option(option.name, negative=opposite, help=option.help)]
    kind: Any = list[str] if option.keyword == "tags" else str
    own = Option(option.name, converter=convert, metavar=option.form, negative="", help=option.help)
    return Annotated[kind, own]


def _slot_of(parameter: Parameter, hint: Any) -> inspect.Parameter:
    name, long, variadic = parameter.name, kebab(parameter.name), parameter.kind in VARIADIC
    if not long:
        raise TypeError(f"the parameter {name} has no letter to make an option of; rename it")
    single = len(long) == 1 and long.isalpha() and not variadic
    short = {"alias": f"-{long}"} if single else {"short_alias": _short_name}
    default = EMPTY if parameter.required or variadic else parameter.default
    ready = _prepared(hint, default, **short)
    if parameter.required and ready.__metadata__[0].show is False:
        why = f"the parameter {name} can't come from a command line, since its type is"
        raise TypeError(f"{why} {get_hint_name(hint)}; give it a default, or a type such as str")
    kind: Any = parameter.kind if variadic else KEYWORD_ONLY
    return keyword(name, ready, default).replace(kind=kind)


class Parsed(typing.NamedTuple):
    """Values and origins by parameter, the session's options, and the words left over."""

    values: dict[str, Any]
    origins: dict[str, str]
    session: dict[str, Any]
    rest: list[str]


class CommandLine:
    """The command line of a signature. Raise UnsuitableFunctionError if it can't have one."""

    def __init__(
        self,
        func: Any,
        parameters: list[Parameter],
        program: str,
        session: bool,
        find_earlier: Callable[[dict[str, str]], Earlier | None] | None = None,
    ) -> None:
        self.name, self.parameters = name_of(func), parameters
        self.find_earlier = find_earlier
        names, annotations = [kebab(p.name) for p in parameters], hints.hints_of(func, parameters)
        try:
            slots = [_slot_of(p, annotations[p.name]) for p in parameters]
        except TypeError as error:
            raise UnsuitableFunctionError(self.name, str(error)) from None
        slots += [_session_slot(config="config" not in names)] if session else []
        slots.sort(key=lambda slot: slot.kind)
        target = _signed(lambda **values: None, slots)  # noqa: ARG005
        target.__doc__ = func.__doc__
        self.app = cyclopts.App(name=program, help_flags=(), version_flags=())
        self.app.default_parameter = Option(name_transform=kebab)
        self.app.default(target)
        self.help_flags = [flag for flag in ("--help", "-h") if flag.strip("-") not in names]
        version = getattr(code_of(func), "__globals__", {}).get("__version__")
        self.version = None if version is None or "version" in names else str(version)

    def answer(self, tokens: list[str]) -> Any:
        """Return a function that prints the help, version or completion; None if none is wanted."""
        options = tokens[: (*tokens, "--").index("--")]
        if any(flag in options for flag in self.help_flags):
            from .help import print_help

            answers = [(" ".join(self.help_flags), "Display this message and exit.")]
            if self.version is not None:
                answers.append(("--version", "Display the version and exit."))
            return lambda: print_help(self.app, answers, _GROUP)
        shell = re.search(rf"(?:^| ){PREFIX}completion(?:[ =](\S*))?", " ".join(options))
        text = _completion(self.app, shell[1]) if shell else None
        text = self.version if "--version" in options else text
        return None if text is None else lambda: print(text)

    def parse(self, tokens: list[str], *, partly: bool = False) -> Parsed:
        """Parse words; raise UsageError or ConfigFileError for what can't be read.

        With `partly`, only ``--session.*`` is ours; another parser reads the rest.
        """
        arguments = cyclopts.ArgumentCollection()  # type: ignore[no-untyped-call]

        def complete(_app: Any, _commands: Any, found: list[Argument]) -> None:
            arguments.extend(found)
            self._check_names(arguments)
            self._add_values(arguments, partly=partly)
            # As soon as anything has imported pydantic, cyclopts checks all values with it,
            # defaults too: ``n: int = None`` would be refused in one script, taken in the next.
            for argument in arguments:
                info: Any = argument.field_info
                if info.kind not in VARIADIC:
                    argument.field_info = info.evolve(annotation=Any, default=info.empty)

        self.app.config = (complete,)
        typed = self._rewritten(tokens)
        try:
            _, bound, rest, _ = self.app.parse_known_args(typed)
        except CycloptsError as error:
            error.verbose, argument = False, error.argument
            typed_at_all = getattr(error, "keyword", None) or getattr(argument, "tokens", ())
            if isinstance(error, cyclopts.MissingArgumentError) and argument and not typed_at_all:
                unused = error.unused_tokens or []  # perhaps its name was mistyped
                _refuse_unused(unused, typed, arguments, partly=partly)
                error = CycloptsError(msg=f"Missing option {argument.name}.", argument=argument)
            raise UsageError(_sentence(error, tokens)) from None
        _refuse_unused(rest, typed, arguments, partly=partly)
        values = {name: value for name, value in bound.arguments.items() if name != _SESSION}
        for p in self.parameters:
            if p.kind == VAR_KEYWORD and p.name in values:
                given = values[p.name].items()
                values[p.name] = {key.replace("-", "_"): item for key, item in given}
        session = {key: a.value for key, a in _session_of(arguments).items() if a.tokens}
        for name in ("config", "completion"):
            if partly and name in session:
                why = "can't be used here: the script has its own parser"
                raise UsageError(f"{PREFIX}{name} {why}")
        session.pop("config", None)
        return Parsed(values, _origins(arguments), session, rest)

    def _check_names(self, arguments: list[Argument]) -> None:
        """Refuse two options of one name, and keys of ``**kwargs`` that can't be options."""
        names = [name for argument in arguments for name in argument.names]
        if twice := [name for name in names if names.count(name) > 1]:
            raise UnsuitableFunctionError(self.name, f"two would be {twice[0]}; rename one")
        for argument in arguments:
            if argument.field_info.kind != VAR_KEYWORD:
                continue
            nested = any(kind in MAPPINGS for kind in kinds(argument.field_info.annotation))
            for token in argument.tokens:
                if token.keys[0] in ("help", "session") or (token.keys[1:] and not nested):
                    raise UsageError(_unknown(token.keyword or "", arguments))

    def _add_values(self, arguments: list[Argument], *, partly: bool) -> None:
        """Add the values of files, and those of the run that is resumed, where none is typed."""
        roots, session = list(_roots(arguments).values()), _session_of(arguments)
        if not partly and session and (files := session["config"].tokens):
            from .files import apply_files

            apply_files(roots, [token.value for token in files])
        words = {key: a.tokens[-1].value for key, a in session.items() if a.tokens}
        if self.find_earlier and (earlier := self.find_earlier(words)):
            from .files import apply_earlier

            apply_earlier(roots, earlier)

    def _rewritten(self, tokens: list[str]) -> list[str]:
        """Rewrite tokens, because cyclopts would read ``-lr`` as ``-l r``."""
        rewritten: list[str] = []
        longs = {p.name: f"--{kebab(p.name)}" for p in self.parameters if p.kind not in VARIADIC}
        for position, token in enumerate(tokens):
            if token == "--":  # noqa: S105
                return [*rewritten, *tokens[position:]]
            name, equals, value = token.partition("=")
            long = longs.get(name.lstrip("-").replace("-", "_"))
            if long and len(name) > 2 and name[0] == "-" != name[1]:
                raise UsageError(f"Unknown option: {name}. Did you mean {long}?")
            word = f"{long}{equals}{value}" if long and name[:2] == "--" else token
            rewritten.append(LONE_DASH if token == "-" else word)  # noqa: S105
        return rewritten


def _sentence(error: CycloptsError, tokens: list[str]) -> str:
    """Return the message in one line; cyclopts' own, if that says enough."""
    argument, token = error.argument, getattr(error, "token", None)
    why_not = _why_not(argument)
    if argument and why_not and (not argument.children or getattr(error, "msg", "") == why_not):
        return _not_typed(argument)
    if isinstance(error, cyclopts.MissingArgumentError) and error.keyword in tokens:
        after = tokens[tokens.index(error.keyword) + 1 :]
        if after and after[0].startswith("-"):
            return f"{error} For a value that begins with a dash, write {error.keyword}={after[0]}"
    elif isinstance(error, CoercionError) and error.msg and not token and argument:
        return f"Invalid value for {argument.name}: {error.msg}"
    if token is not None and argument is not None and (token.keyword or "[")[0] == "[":
        # ``[x][depth]`` of a field within JSON, or a token of an inner conversion
        error.token = token.evolve(keyword=argument.name)  # type: ignore[attr-defined]
    return str(error).replace("positional arguments", "values")


def _unknown(word: str, arguments: list[Argument]) -> str:
    """Return the message for an option that there is not."""
    name = word if word.startswith("--=") else word.partition("=")[0]
    root = _roots(arguments).get(name.partition(".")[0][2:])
    if root and _why_not(root) and not root.children:
        return _not_typed(root)
    said = f"Unknown option: {name}."
    if root and hints.is_free(getattr(root.parameter.converter, "hint", None)):
        return f"{said} Give {root.name} whole, as JSON or by --config FILE."
    near = suggest(name, [name for argument in arguments for name in argument.names])
    if name == "--version" and (near or PREFIX).startswith(PREFIX):  # it is no mistyped one of ours
        return f"{said} The script has no __version__."
    return f"{said} Did you mean {near}?" if near else said


def _not_typed(argument: Argument) -> str:
    fields = [field.name for field in argument.children if not _why_not(field)]
    example = f", such as {fields[0]}" if fields else ""
    return f"Invalid value for {argument.name}: {_why_not(argument)}{example}."


def _why_not(argument: Argument | None) -> str:
    return getattr(argument and argument.parameter.converter, "why_not", "")


def _refuse_unused(
    words: list[str], typed: list[str], arguments: list[Argument], *, partly: bool
) -> None:
    """Refuse words that no option took; with `partly`, only what begins as one of the session."""
    options = typed[: (*typed, "--").index("--")]
    for word in words:
        if word in options and word.startswith(PREFIX if partly else "-"):
            raise UsageError(_unknown(word, arguments))
    if words and not partly:
        raise UsageError(_unused(words[0].replace(LONE_DASH, "-")))


def _unused(token: str) -> str:
    if token and token[0] in _LONG_DASHES:
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
        named = dict.fromkeys(COMMAND_LINE if each == TYPED else each for each in sources if each)
        origins |= {root.field_info.name: ", ".join(named)} if named else {}
    return origins


def _completion(app: cyclopts.App, shell: Any) -> str:
    """Return a script that makes a shell complete the options."""
    if shell not in typing.get_args(_Shell):
        found = f", not {shell!r}" if shell else ""
        raise UsageError(f"{PREFIX}completion must be one of bash, zsh, fish{found}")
    # cyclopts refuses names such as ``script.py``: generate for another name, and register that.
    program = app.name[0].removeprefix("python -m ")
    name = "scitex_session_" + re.sub(r"[^A-Za-z0-9]", "_", program)
    text = app.generate_completion(prog_name=name, shell=shell)
    if shell == "bash":
        more = pathlib.Path(__file__).with_name("python.bash").read_text("utf-8")
        registered = f"complete -o default -F _{name} {program} ./{program}\n{more}"
        return text.replace(f"complete -F _{name} {name}", registered)
    if shell == "zsh":
        return f"{text}compdef _cyclopts_{name} {program}\n"
    # The condition that cyclopts writes for fish holds only until the first value.
    return text.replace(f"complete -c {name} -n __fish_use_subcommand", f"complete -c {program}")
