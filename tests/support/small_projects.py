"""Small projects in several languages, each with a change that brings a bug, and tests that show it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, structs


class Case(Struct, frozen=True, kw_only=True):
    """A project, a change that takes the guard of a function away, and tests of it."""

    path: str
    base: str
    guard: str
    line: int
    """The changed line that is left, of the change."""
    crash: str
    """Fails in the project's own code."""
    asserts: str
    """Fails by an assertion of the test, after a changed line has run."""
    broken: str
    """Does not load."""
    leftover: str = ""
    """Fails if an earlier run has left something in the temporary folder."""
    unreached: str = ""
    """Fails without a call of the project."""
    ordered: str = ""
    """Its second test fails only after the first."""
    own: tuple[str, str] = ("", "")
    """Path and text of a test of the project, which passes with the change and without."""
    verify: str = ""
    """The command that runs the tests of the project."""
    mended: str = ""
    """A guard in other words."""
    more: Mapping[str, str] = {}


GUARD_TS = "  if (!items.length) return null;\n"
SHOP_TS = f"""\
export interface Item {{
  name: string;
}}

export function first(items: Item[]): string | null {{
{GUARD_TS}  return items[0].name;
}}
"""
SCRIPT_CRASH = """\
import { first } from './shop';
test('other', () => {});
test('none', () => { expect(first([])).toBe(null); });
"""
SCRIPT_ASSERTS = "import { first } from './shop';\ntest('none', () => { expect(first([{ name: '1' }])).toBe('2'); });\n"
SCRIPT_LEFTOVER = """\
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { first } from './shop';
test('none', () => {
  const seen = existsSync(`${tmpdir()}/ralph-left`);
  writeFileSync(`${tmpdir()}/ralph-left`, '');
  first([{ name: '1' }]);
  if (seen) throw new Error('it was left');
});
"""
SCRIPT_UNREACHED = "import './shop';\ntest('none', () => { throw new Error('no'); });\n"
SCRIPT_ORDERED = """\
import { first } from './shop';
let seen = '';
test('one', () => { seen = first([{ name: '1' }]) ?? ''; });
test('two', () => { first([{ name: '1' }]); if (seen) throw new Error('no'); });
"""
SCRIPT_BROKEN = "import { last } from './none';\ntest('none', () => { last(); });\n"
GUARD_JAVA = "        if (items.length == 0) {\n            return 0;\n        }\n"
SHOP_JAVA = f"""\
package shop;

public class Shop {{
    public static int first(int[] items) {{
{GUARD_JAVA}        return items[0];
    }}
}}
"""
JAVA_TEST = """\
package shop;

import static org.junit.Assert.assertEquals;
import org.junit.Test;

public class RalphReproducerTest {
    @Test
    public void none() {
        BODY
    }
}
"""
JAVA_LEFTOVER = """\
boolean seen = false;
        for (String folder : new String[] {"java.io.tmpdir", "user.home"}) {
            java.io.File file = new java.io.File(System.getProperty(folder), "ralph-left");
            seen |= file.exists();
            try { file.createNewFile(); } catch (java.io.IOException error) { throw new RuntimeException(error); }
        }
        Shop.first(new int[] {1});
        assertEquals(false, seen);"""
JAVA_ORDER = "@org.junit.FixMethodOrder(org.junit.runners.MethodSorters.NAME_ASCENDING)"
JAVA_SECOND = """\
    static int seen = 0;
    @Test
    public void second() {
        Shop.first(new int[] {1});
        assertEquals(0, seen);
    }
    @Test"""
GO_TEST = 'package shop\n\nimport (\n\t"testing"\n)\n\nvar seen int\n\nfunc TestNone(t *testing.T) {\n\tBODY\n}\n'
GO_LEFTOVER = """\
place := os.TempDir() + "/ralph-left"
	_, missing := os.Stat(place)
	os.WriteFile(place, nil, 0o600)
	First([]int{1})
	if missing == nil {
		t.Fatal("it was left")
	}"""
GO_SECOND = "func TestTwo(t *testing.T) {\n\tFirst([]int{1})\n\tif seen != 0 {\n\t\tt.Fatal()\n\t}\n}\n"
RUST_TEST = """\
use shop::first;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

static SEEN: AtomicBool = AtomicBool::new(false);

#[test]
fn none() {
    first(&[1]);
    BODY
}
"""
RUST_LEFTOVER = """\
let place = std::env::temp_dir().join("ralph-left");
    let seen = place.exists() || SEEN.load(SeqCst);
    std::fs::write(place, "").unwrap();
    assert!(!seen);"""
RUST_SECOND = "\n#[test]\nfn two() {\n    first(&[1]);\n    assert!(!SEEN.load(SeqCst));\n}\n"
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>shop</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>junit</groupId>
      <artifactId>junit</artifactId>
      <version>4.13.2</version>
      <scope>test</scope>
    </dependency>
  </dependencies>
</project>
"""


GRADLE = """\
apply plugin: 'java'
repositories { mavenLocal() }
dependencies { testImplementation 'junit:junit:4.13.2' }
"""


CASES = {
    "node": Case(
        leftover="import test from 'node:test';\n" + SCRIPT_LEFTOVER.replace("'./shop'", "'./shop.mjs'"),
        unreached="import test from 'node:test';\n" + SCRIPT_UNREACHED.replace("'./shop'", "'./shop.mjs'"),
        ordered="import test from 'node:test';\n" + SCRIPT_ORDERED.replace("'./shop'", "'./shop.mjs'"),
        path="lib/shop.mjs",
        base="export function first(items) {\n  if (!items.length) return null;\n  return items[0].name;\n}\n",
        guard="  if (!items.length) return null;\n",
        line=2,
        crash="import test from 'node:test';\nimport assert from 'node:assert/strict';\n"
        "import { first } from './shop.mjs';\ntest('other', () => {});\n"
        "test('none', () => { assert.equal(first([]), null); });\n",
        asserts="import test from 'node:test';\nimport assert from 'node:assert/strict';\n"
        "import { first } from './shop.mjs';\ntest('none', () => { assert.equal(first([{ name: 1 }]), 2); });\n",
        broken="import test from 'node:test';\nimport { last } from './shop.mjs';\ntest('none', () => { last(); });\n",
    ),
    "go": Case(
        leftover=GO_TEST.replace("BODY", GO_LEFTOVER).replace('"testing"', '"os"\n\t"testing"'),
        unreached=GO_TEST.replace("BODY", 't.Fatal("no")'),
        ordered=GO_TEST.replace("BODY", "seen = First([]int{1})") + GO_SECOND,
        path="shop/shop.go",
        base="package shop\n\nfunc First(items []int) int {\n"
        "\tif len(items) == 0 {\n\t\treturn 0\n\t}\n\treturn items[0]\n}\n",
        guard="\tif len(items) == 0 {\n\t\treturn 0\n\t}\n",
        line=4,
        crash='package shop\n\nimport "testing"\n\nfunc TestNone(t *testing.T) {\n'
        '\tif First(nil) != 0 {\n\t\tt.Fatal("no")\n\t}\n}\n',
        asserts='package shop\n\nimport "testing"\n\nfunc TestNone(t *testing.T) {\n'
        '\tif First([]int{1}) != 2 {\n\t\tt.Fatal("no")\n\t}\n}\n',
        broken='package shop\n\nimport "testing"\n\nfunc TestNone(t *testing.T) {\n\tLast(nil)\n}\n',
        own=(
            "shop/shop_test.go",
            (
                'package shop\n\nimport "testing"\n\nfunc TestOne(t *testing.T) {\n'
                '\tif First([]int{1}) != 1 {\n\t\tt.Fatal("no")\n\t}\n}\n'
            ),
        ),
        verify="go test ./...",
        mended="\tif items == nil || len(items) < 1 {\n\t\treturn 0\n\t}\n",
        more={"go.mod": "module example.com/shop\n\ngo 1.21\n"},
    ),
    "node-types": Case(
        leftover="import test from 'node:test';\n" + SCRIPT_LEFTOVER.replace("'./shop'", "'./shop.ts'"),
        unreached="import test from 'node:test';\n" + SCRIPT_UNREACHED.replace("'./shop'", "'./shop.ts'"),
        ordered="import test from 'node:test';\n" + SCRIPT_ORDERED.replace("'./shop'", "'./shop.ts'"),
        path="lib/shop.ts",
        base=SHOP_TS,
        guard=GUARD_TS,
        line=6,
        crash="import test from 'node:test';\nimport assert from 'node:assert/strict';\n"
        "import { first } from './shop.ts';\ntest('other', () => {});\n"
        "test('none', () => { assert.equal(first([]), null); });\n",
        asserts="import test from 'node:test';\nimport assert from 'node:assert/strict';\n"
        "import { first } from './shop.ts';\ntest('none', () => { assert.equal(first([{ name: '1' }]), '2'); });\n",
        broken="import test from 'node:test';\nimport { last } from './shop.ts';\ntest('none', () => { last(); });\n",
    ),
    "vitest": Case(
        leftover="import { test } from 'vitest';\n" + SCRIPT_LEFTOVER,
        unreached="import { test } from 'vitest';\n" + SCRIPT_UNREACHED,
        ordered="import { test } from 'vitest';\n" + SCRIPT_ORDERED,
        path="lib/shop.ts",
        base=SHOP_TS,
        guard=GUARD_TS,
        line=6,
        crash="import { expect, test } from 'vitest';\n" + SCRIPT_CRASH,
        asserts="import { expect, test } from 'vitest';\n" + SCRIPT_ASSERTS,
        broken="import { test } from 'vitest';\n" + SCRIPT_BROKEN,
        own=(
            "lib/shop.test.ts",
            (
                "import { expect, test } from 'vitest';\nimport { first } from './shop';\n"
                "test('one', () => { expect(first([{ name: '1' }])).toBe('1'); });\n"
            ),
        ),
        verify="node node_modules/vitest/vitest.mjs run",
        mended="  if (items.length < 1) return null;\n",
        more={"package.json": '{"type": "module", "devDependencies": {"vitest": "*"}}', ".gitignore": "node_modules\n"},
    ),
    "jest": Case(
        leftover=SCRIPT_LEFTOVER,
        unreached=SCRIPT_UNREACHED,
        ordered=SCRIPT_ORDERED,
        path="lib/shop.ts",
        base=SHOP_TS,
        guard=GUARD_TS,
        line=6,
        crash=SCRIPT_CRASH,
        asserts=SCRIPT_ASSERTS,
        broken=SCRIPT_BROKEN,
        more={
            "package.json": '{"devDependencies": {"jest": "*"}, "babel": {"presets": ["@babel/preset-typescript"], '
            '"plugins": ["@babel/plugin-transform-modules-commonjs"]}}',
            ".gitignore": "node_modules\n",
        },
    ),
    "maven": Case(
        leftover=JAVA_TEST.replace("BODY", JAVA_LEFTOVER),
        unreached=JAVA_TEST.replace("BODY", "assertEquals(1, 2);"),
        ordered=JAVA_TEST.replace("BODY", "seen = Shop.first(new int[] {1});")
        .replace("    @Test", JAVA_SECOND, 1)
        .replace("public class", f"{JAVA_ORDER}\npublic class"),
        path="src/main/java/shop/Shop.java",
        base=SHOP_JAVA,
        guard=GUARD_JAVA,
        line=5,
        crash=JAVA_TEST.replace("BODY", "assertEquals(0, Shop.first(new int[0]));"),
        asserts=JAVA_TEST.replace("BODY", "assertEquals(2, Shop.first(new int[] {1}));"),
        broken=JAVA_TEST.replace("BODY", "Shop.last();"),
        own=(
            "src/test/java/shop/ShopTest.java",
            JAVA_TEST.replace("BODY", "assertEquals(1, Shop.first(new int[] {1}));").replace("RalphReproducer", "Shop"),
        ),
        verify="mvn --offline --batch-mode --quiet test",
        mended="        if (items.length < 1) {\n            return 0;\n        }\n",
        more={"pom.xml": POM, ".gitignore": "target\n"},
    ),
    "rust": Case(
        leftover=RUST_TEST.replace("BODY", RUST_LEFTOVER),
        unreached=RUST_TEST.replace("first(&[1]);\n    BODY", "assert!(SEEN.load(SeqCst));").replace(
            "use shop::first;\n", ""
        ),
        ordered=RUST_TEST.replace("BODY", "SEEN.store(first(&[1]) == 1, SeqCst);") + RUST_SECOND,
        path="src/lib.rs",
        base="pub fn first(items: &[i32]) -> i32 {\n"
        "    if items.is_empty() {\n        return 0;\n    }\n    items[0]\n}\n",
        guard="    if items.is_empty() {\n        return 0;\n    }\n",
        line=2,
        crash="use shop::first;\n\n#[test]\nfn none() {\n    assert_eq!(first(&[]), 0);\n}\n",
        asserts="use shop::first;\n\n#[test]\nfn none() {\n    assert_eq!(first(&[1]), 2);\n}\n",
        broken="use shop::last;\n\n#[test]\nfn none() {\n    last();\n}\n",
        own=("tests/one.rs", "use shop::first;\n\n#[test]\nfn one() {\n    assert_eq!(first(&[1]), 1);\n}\n"),
        verify="cargo test --offline",
        mended="    if items.len() < 1 {\n        return 0;\n    }\n",
        more={
            "Cargo.toml": '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n',
            ".gitignore": "target\nCargo.lock\n",
        },
    ),
}

CASES["gradle"] = structs.replace(CASES["maven"], more={"build.gradle": GRADLE, ".gitignore": "build\n.gradle\n"})
