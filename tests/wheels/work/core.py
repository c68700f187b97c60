"""A session is registered, found alive, and closed."""

from scitex_session_core import SessionManager

manager = SessionManager()
manager.create_session("first", {"lr": 0.1}, script_path="work.py")
assert manager.get_session("first")["config"] == {"lr": 0.1}, manager.get_session("first")
assert set(manager.get_active_sessions()) == {"first"}, manager.get_active_sessions()
manager.close_session("first", status="success", exit_code=0)
assert manager.get_active_sessions() == {}, manager.get_active_sessions()
assert manager.list_sessions()["first"]["exit_code"] == 0, manager.list_sessions()
print("a session was registered, found alive and closed")
