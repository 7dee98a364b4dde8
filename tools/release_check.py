"""Build wheel and sdist, install each into an empty environment, and use it: ``make release-check``.

The wheel is built twice and has to be the same to the byte. Each artifact installs the hooks into a new repository,
lets a clean commit through and blocks a syntax error and a made-up key.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Mapping
from email.parser import Parser
from pathlib import Path

import ralph_hooks

TOP = Path(__file__).parents[1]
DIST = TOP / "dist"
_WANTED = ("Summary", "Author", "License-Expression", "Requires-Python", "Description-Content-Type", "Keywords")
_KEY = "sk_live_" + "7Qp2vXc9RtLm4KzWb8NsYd3H"  # in two pieces, so that no scanner takes this file for a leak


def main() -> None:
    """Run every step; exit with 1 and a sentence at the first that fails."""
    print("build", flush=True)
    wheel, sdist = build(DIST)
    with tempfile.TemporaryDirectory() as again:
        if digest(build(Path(again))[0]) != digest(wheel):
            fail("the wheel is not reproducible: two builds differ")
    check_metadata(wheel)
    check_files(wheel, sdist)
    run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist))
    for artifact in (wheel, sdist):
        print(f"install and use {artifact.name}", flush=True)
        use(artifact)
    print(f"{wheel.name} and {sdist.name} are fit for a release")


def build(folder: Path) -> tuple[Path, Path]:
    """Return wheel and sdist of the checkout, built into ``folder``; their times are those of the last commit."""
    stamp = run("git", "log", "-1", "--format=%ct", cwd=TOP).strip()
    env = {**os.environ, "SOURCE_DATE_EPOCH": stamp}
    for old in (*folder.glob("*.whl"), *folder.glob("*.tar.gz")):
        old.unlink()
    run(sys.executable, "-m", "hatchling", "build", "-d", str(folder), cwd=TOP, env=env)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def check_metadata(wheel: Path) -> None:
    """Fail where a field that a package index shows is missing, or the version is not the package's."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        fields = Parser().parsestr(archive.read(name).decode("utf-8"))
    if missing := [field for field in _WANTED if not fields.get(field)]:
        fail(f"the metadata lacks {', '.join(missing)}")
    if fields["Version"] != ralph_hooks.__version__:
        fail(f"the wheel has version {fields['Version']}, the package {ralph_hooks.__version__}")
    changelog = (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    if f"## [{ralph_hooks.__version__}]" not in changelog:
        fail(f"CHANGELOG.md has no section for {ralph_hooks.__version__}")


def check_files(wheel: Path, sdist: Path) -> None:
    """Fail where the type marker, a data file or the licence is missing."""
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    wanted = {"ralph_hooks/py.typed", "ralph_hooks/config/schema.json", "ralph_hooks/providers/providers.toml"}
    if wanted - held or not any(name.endswith("licenses/LICENSE") for name in held):
        fail(f"the wheel lacks {', '.join(sorted(wanted - held)) or 'its licence'}")
    with tarfile.open(sdist) as source:
        if not any(name.endswith("/README.md") for name in source.getnames()):
            fail("the sdist lacks README.md")


def use(artifact: Path) -> None:
    """Install ``artifact`` into an empty environment and commit with it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place / "venv", with_pip=True)
        programs = place / "venv" / ("Scripts" if os.name == "nt" else "bin")
        run(str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(artifact))
        run(str(programs / "python"), "-m", "pip", "check")
        env = clean_environment(place, programs)
        repository = place / "project"
        run("git", "init", "--quiet", str(repository), env=env)
        (repository / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n', encoding="utf-8")
        run("ralph-hooks", "install", cwd=repository, env=env)
        for name, text, passes in (
            ("clean.py", "def total(prices):\n    return sum(prices)\n", True),
            ("broken.py", "def total(prices:\n    return sum(prices)\n", False),
            ("broken.go", "package shop\n\nfunc Total( int {\n", False),
            ("card.py", f'API_KEY = "{_KEY}"\n', False),
        ):
            (repository / name).write_text(text, encoding="utf-8")
            run("git", "add", "-A", cwd=repository, env=env)
            done = subprocess.run(
                ["git", "commit", "--quiet", "-m", f"Add {name}"],
                cwd=repository, env=env, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if (done.returncode == 0) is not passes:
                fail(f"a commit of {name} ends with {done.returncode}:\n{done.stdout}{done.stderr}")
            if not passes:
                run("git", "rm", "--quiet", "--cached", name, cwd=repository, env=env)
                (repository / name).unlink()


def clean_environment(place: Path, programs: Path) -> dict[str, str]:
    """Return an environment without the user's settings, keys and virtual environment."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TMPDIR", "LANG") if name in os.environ}
    who = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    return {**kept, **who, "PATH": path, "HOME": str(place), "RALPH_HOOKS_HOME": str(place / "state")}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(*args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Return what a program prints; fail with all of it where it fails."""
    done = subprocess.run(args, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        fail(f"{' '.join(args)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def fail(why: str) -> None:
    """End the program with exit code 1."""
    raise SystemExit(f"release-check: {why}")


if __name__ == "__main__":
    main()
