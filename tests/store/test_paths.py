from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ralph_hooks.errors import RalphError
from ralph_hooks.store.paths import Home, locate, prepare
from tests.support.store import Processes


def test_one_variable_moves_everything() -> None:
    environ = {"RALPH_HOOKS_HOME": "/srv/ralph", "XDG_STATE_HOME": "/x", "XDG_CONFIG_HOME": "/y", "HOME": "/home/ada"}
    for platform in ("linux", "darwin", "win32"):
        assert locate(environ, platform) == Home(Path("/srv/ralph/state"), Path("/srv/ralph/config.toml"))


def test_without_it_the_xdg_folders_are_used() -> None:
    environ = {"XDG_STATE_HOME": "/x", "XDG_CONFIG_HOME": "/y", "HOME": "/home/ada"}
    assert locate(environ, "linux") == Home(Path("/x/ralph-hooks"), Path("/y/ralph-hooks/config.toml"))


@pytest.mark.parametrize("ignored", ["", "relative/folder"])
def test_xdg_folders_that_are_not_absolute_are_ignored_as_their_specification_says(ignored: str) -> None:
    environ = {"XDG_STATE_HOME": ignored, "XDG_CONFIG_HOME": ignored, "HOME": "/home/ada"}
    expected = Home(Path("/home/ada/.local/state/ralph-hooks"), Path("/home/ada/.config/ralph-hooks/config.toml"))
    assert locate(environ, "linux") == expected


def test_other_systems_have_their_own_places_and_still_heed_the_configuration_folder() -> None:
    home = locate({"XDG_CONFIG_HOME": "/y"}, "darwin")
    assert home.state.is_absolute()
    assert home.state.name == "ralph-hooks"
    assert home.config == Path("/y/ralph-hooks/config.toml")


def test_a_relative_home_is_refused_because_it_would_be_another_one_in_each_repository() -> None:
    with pytest.raises(RalphError, match="'state', which is not an absolute path"):
        locate({"RALPH_HOOKS_HOME": "state"})


def test_an_ordinary_commit_on_linux_does_not_pay_for_platformdirs(start: Processes) -> None:
    script = (
        "import os, sys; from ralph_hooks.store.paths import locate; locate(os.environ, 'linux');"
        "print('platformdirs' in sys.modules)"
    )
    assert start(script).communicate()[0] == "False\n"


def test_the_folder_is_made_for_its_owner_alone(state: Path) -> None:
    prepare(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_a_folder_that_is_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    prepare(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["of another user", "a link"])
def test_what_others_have_put_into_a_folder_that_was_open_to_them_is_not_believed(tmp_path: Path, kind: str) -> None:
    planted = tmp_path / "state" / "state.db"
    planted.parent.mkdir()
    if kind == "a link":
        planted.symlink_to(tmp_path / "elsewhere")
    elif os.geteuid() == 0:
        planted.touch()
        os.chown(planted, 12_345, 12_345)
    else:
        pytest.skip("only the superuser can give files away")
    planted.parent.chmod(0o777)
    for _ in range(2):
        with pytest.raises(RalphError, match=r"state\.db in the state folder .* is not yours"):
            prepare(planted.parent)
    planted.unlink()
    prepare(planted.parent)
    assert stat.S_IMODE(planted.parent.stat().st_mode) == 0o700


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "state"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RalphError, match="is a symbolic link") as caught:
        prepare(link)
    assert "RALPH_HOOKS_HOME" in caught.value.hint


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state"
    file.touch()
    with pytest.raises(RalphError, match="is not a folder"):
        prepare(file)


def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 12_345, 12_345)
        foreign = tmp_path
    else:
        foreign = Path("/")  # root's
    with pytest.raises(RalphError, match="belongs to another user"):
        prepare(foreign)


def test_files_that_another_process_takes_away_meanwhile_are_nobodys_business(tmp_path: Path) -> None:
    """SQLite makes and removes the log beside the state whenever a process begins and ends."""
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            for number in range(20):
                Path(tmp_path, f"state.db-{number}").touch()
            for number in range(20):
                Path(tmp_path, f"state.db-{number}").unlink()

    tmp_path.chmod(0o700)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(come_and_go)
        try:
            for _ in range(500):
                prepare(tmp_path)
        finally:
            ended.set()
        other.result()
