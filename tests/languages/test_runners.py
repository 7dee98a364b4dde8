"""The runner for a changed file, its place for a test, and what it refuses by the text alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ralph_hooks.languages.runners import CHANCE, NETWORK, READS_SOURCE, SLEEPS, runner_called, runner_for

VITEST = '{"devDependencies": {"vitest": "^4"}}'
JUNIT4 = "<artifactId>junit</artifactId>"
JUNIT5 = "<artifactId>junit-jupiter</artifactId>"


@pytest.mark.parametrize(
    ("path", "files", "name", "root", "place"),
    [
        ("a.py", {}, "python", "", "test_ralph_reproducer.py"),
        ("lib/a.js", {}, "node", "", "lib/ralph-reproducer.test.mjs"),
        ("lib/a.ts", {}, "node-types", "", "lib/ralph-reproducer.test.mts"),
        ("lib/a.tsx", {}, None, None, None),
        ("lib/a.tsx", {"package.json": VITEST}, "vitest", "", "lib/ralph-reproducer.test.tsx"),
        ("lib/a.js", {"package.json": '{"scripts": {"test": "jest"}, "devDependencies": {"jest": "*"}}'}, "jest", "",
         "lib/ralph-reproducer.test.js"),
        ("apps/shop/src/a.ts", {"package.json": "{}", "apps/shop/package.json": VITEST,
                                "apps/shop/tests/b.spec.ts": "", "e2e/c.spec.ts": ""},
         "vitest", "apps/shop/", "apps/shop/tests/ralph-reproducer.spec.ts"),
        ("a.go", {}, None, None, None),
        ("tools/a/a.go", {"tools/go.mod": ""}, "go", "tools/", "tools/a/ralph_reproducer_test.go"),
        ("crate/src/lib.rs", {"crate/Cargo.toml": ""}, "rust", "crate/", "crate/tests/ralph_reproducer.rs"),
        ("src/main/java/x/A.java", {}, None, None, None),
        ("src/main/java/x/A.java", {"pom.xml": JUNIT5}, "maven-junit5", "", "src/test/java/x/RalphReproducerTest.java"),
        ("m/src/main/java/x/A.java", {"pom.xml": JUNIT4, "m/pom.xml": "<parent/>"}, "maven-junit4", "",
         "m/src/test/java/x/RalphReproducerTest.java"),
        ("m/src/main/java/x/A.java", {"settings.gradle": "", "m/build.gradle.kts": "useJUnitPlatform()"},
         "gradle-junit5", "m/", "m/src/test/java/x/RalphReproducerTest.java"),
        ("A.java", {"pom.xml": JUNIT5}, None, None, None),
        ("a.rb", {}, None, None, None),
    ],
)  # fmt: skip
def test_runner_follows_what_the_project_has(
    path: str, files: Mapping[str, str], name: str | None, root: str | None, place: str | None
) -> None:
    runner = runner_for(path, files.get)
    assert (runner.name if runner else None) == name
    if runner is not None:
        assert runner.root(path, files.get) == root
        assert runner.place(path, {path, *files}) == place
        assert runner.root(str(place), files.get) == root


SCRIPT = "test('none', () => { BODY });"
JAVA = "class T { @Test void none() { BODY } }"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("vitest", SCRIPT.replace("BODY", "fs.readFileSync('lib/shop.ts')"), READS_SOURCE),
        ("vitest", "import text from './shop.ts?raw';\n" + SCRIPT, READS_SOURCE),
        ("vitest", SCRIPT.replace("BODY", "expect(first.toString().length).toBe(1)"), READS_SOURCE),
        ("vitest", SCRIPT.replace("BODY", "await new Promise((r) => setTimeout(r, 9))"), SLEEPS),
        ("vitest", SCRIPT.replace("BODY", "await fetch('http://192.0.2.1')"), NETWORK),
        ("vitest", SCRIPT.replace("BODY", "expect(Math.random()).toBeLessThan(0.5)"), CHANCE),
        ("vitest", "first([]);", "it has no test"),
        ("maven-junit5", JAVA.replace("BODY", 'Files.readString(Path.of("src/main/java/Shop.java"));'), READS_SOURCE),
        ("maven-junit5", JAVA.replace("BODY", "Thread.sleep(9);"), SLEEPS),
        ("maven-junit5", JAVA.replace("BODY", 'new Socket("192.0.2.1", 80);'), NETWORK),
        ("maven-junit5", JAVA.replace("BODY", "assertTrue(Math.random() < 0.5);"), CHANCE),
        ("maven-junit5", JAVA.replace("BODY", "assertTrue(new Random().nextBoolean());"), CHANCE),
        ("maven-junit5", JAVA.replace("BODY", "assertTrue(System.nanoTime() % 2 == 0);"), CHANCE),
        ("maven-junit5", "class T {}", "it has no test"),
        ("python", "import random\ndef test_it():\n    random.random()\n", CHANCE),
        ("python", "import random\ndef test_it():\n    random.Random().random()\n", CHANCE),
        ("python", "import random as r\ndef test_it():\n    r.random()\n", CHANCE),
        ("python", "import random\ndef test_it():\n    random.Random(42).random()\n", None),
        ("vitest", SCRIPT.replace("BODY", "expect(first([])).toBeNull()"), None),
        ("maven-junit5", JAVA.replace("BODY", "assertEquals(0, Shop.first(new int[0]));"), None),
    ],
)
def test_text_of_a_test_is_refused_for_what_no_test_may_do(name: str, text: str, reason: str | None) -> None:
    assert runner_called(name).refusals(text) == ([reason] if reason else [])
