"""The command line ``scitex-session``, as the reference reads it: each command with its help."""

from scitex_session._command.main import app as _app

app = _app()
for _name in [name for name in app if name not in (*app.help_flags, *app.version_flags)]:
    app[_name].help = _app(_name)[_name].help
    # The reference puts the name of the command before its usage, too.
    app[_name].usage = str(app[_name].usage).replace(f"{app.name[0]} {_name} ", "")
