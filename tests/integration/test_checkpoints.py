"""Where a session's manager writes its checkpoint."""

from __future__ import annotations

from pathlib import Path

from support import run_script


def test_a_checkpoint_without_a_path_lies_in_the_run_directory() -> None:
    done = run_script("""
        import os
        import scitex_session as stx

        @stx.session
        def main():
            rngg("a").random()
            path = rngg.checkpoint()
            following = rngg("a").random()
            os.chdir("/")
            rngg.restore()
            assert rngg("a").random() == following
            print(path)

        if __name__ == "__main__":
            main()
    """)
    assert done.returncode == 0, done.stderr
    (kept,) = Path().glob("*_out/FINISHED_SUCCESS/*/checkpoint.json")
    assert str(kept.parent.name) in done.stdout
