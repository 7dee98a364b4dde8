"""Tests of compiled languages: Go, Rust, the JVM, .NET, C and C++."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from ralph_hooks.cli.init.suites.suite import Suite, first, table, text


def go(folder: Path) -> Iterator[Suite]:
    """Yield the tests of a module, or of the modules of a workspace."""
    if not (folder / "go.mod").is_file():
        return
    if shutil.which("gotestsum"):
        line = "gotestsum --format=standard-quiet --junitfile={junit} ./..."
        yield Suite(line=line, why="go.mod", programs=("go",), whole=False)
    else:
        advice = "install gotestsum so that only new failures count"
        yield Suite(line="go test ./...", why="go.mod", programs=("go",), advice=advice, whole=False)


def cargo(folder: Path) -> Iterator[Suite]:
    """Yield the tests of a package or a workspace, by nextest if the project configures its report."""
    manifest = table(folder / "Cargo.toml") if (folder / "Cargo.toml").is_file() else None
    if manifest is None:
        return
    whole = " --workspace" if "workspace" in manifest else ""
    profiles = table(folder / ".config" / "nextest.toml").get("profile")
    for name, profile in profiles.items() if isinstance(profiles, dict) else ():
        junit = profile.get("junit") if isinstance(profile, dict) else None
        path = junit.get("path") if isinstance(junit, dict) else None
        if isinstance(path, str):
            yield Suite(
                line=f"cargo nextest run{whole} --profile {name} --no-fail-fast",
                why=".config/nextest.toml",
                programs=("cargo", "cargo-nextest"),
                junit=(f"target/nextest/{name}/{path}",),
                whole=bool(whole),
            )
            return
    advice = ""
    if shutil.which("cargo-nextest"):
        advice = "give a profile of .config/nextest.toml a `junit.path` so that only new failures count"
    line = f"cargo test --quiet --no-fail-fast{whole}"
    yield Suite(line=line, why="Cargo.toml", programs=("cargo",), advice=advice, whole=bool(whole))


def jvm(folder: Path) -> Iterator[Suite]:
    """Yield the tests of Maven and Gradle, by the project's wrapper if it has one."""
    if (folder / "pom.xml").is_file():
        wrapper = os.access(folder / "mvnw", os.X_OK)
        yield Suite(
            line=f"{'./mvnw' if wrapper else 'mvn'} -B -q --fail-at-end test",
            why="pom.xml",
            programs=("java",) if wrapper else ("mvn",),
            junit=("**/target/surefire-reports/TEST-*.xml",),
        )
        return
    name = first(folder, "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
    if name:
        wrapper = os.access(folder / "gradlew", os.X_OK)
        yield Suite(
            line=f"{'./gradlew' if wrapper else 'gradle'} --no-daemon --quiet --continue test",
            why=name,
            programs=("java",) if wrapper else ("gradle",),
            junit=("**/build/test-results/**/TEST-*.xml",),
        )


def dotnet(folder: Path) -> Iterator[Suite]:
    """Yield the tests of a solution, or of a single project."""
    name = first(folder, "*.sln", "*.slnx", "*.csproj", "*.fsproj", "*.vbproj")
    if not name:
        return
    projects = [*sorted(folder.glob("*.*proj")), *sorted(folder.glob("*/*.*proj")), *sorted(folder.glob("*/*/*.*proj"))]
    texts = [text(path) for path in projects]
    if not any("Microsoft.NET.Test.Sdk" in each or "IsTestProject" in each for each in texts):
        return
    if any("JunitXml.TestLogger" in each for each in texts):
        line = 'dotnet test --nologo --logger "junit;LogFilePath=TestResults/{assembly}.xml"'
        yield Suite(line=line, why=name, programs=("dotnet",), junit=("**/TestResults/*.xml",))
        return
    advice = "add the package JunitXml.TestLogger to its test projects so that only new failures count"
    yield Suite(line="dotnet test --nologo", why=name, programs=("dotnet",), advice=advice)


def cmake(folder: Path) -> Iterator[Suite]:
    """Yield the tests of CTest, which writes JUnit reports since 3.21."""
    written = text(folder / "CMakeLists.txt")
    if re.search(r"(?im)^\s*(?:enable_testing|include\s*\(\s*CTest|add_test|gtest_discover_tests)\b", written):
        build = "cmake -S . -B build && cmake --build build"
        yield Suite(
            line=f"{build} && ctest --test-dir build --output-on-failure --output-junit {{junit}}",
            why="CMakeLists.txt",
            programs=("cmake", "ctest"),
        )
