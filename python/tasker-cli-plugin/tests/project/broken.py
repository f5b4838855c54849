"""Breaks every generated handler and requires that its test notices.

In a copy of the project each function of a handler module raises before it returns. A test file
that still passes tests nothing.
"""

import ast
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).parent
HANDLERS = [ROOT / "app" / "handlers", ROOT / "app" / "subscribers"]
DJANGO = ["step_handlers.py"]


def break_all(source: str) -> str:
    """The module with a `raise` at the beginning of each of its functions."""
    lines = source.splitlines(keepends=True)
    functions = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for function in sorted(functions, key=lambda function: -function.body[0].lineno):
        lines.insert(function.body[0].lineno - 1, '    raise RuntimeError("broken on purpose")\n')
    return "".join(lines)


def run_tests(copy: Path, *files: str) -> set[str]:
    """Test files with a failure, relative to the copy."""
    report = copy / "report.xml"
    subprocess.run(
        [
            *[sys.executable, "-m", "pytest", f"--junit-xml={report}", "-o", "junit_family=xunit1"],
            *files,
        ],
        cwd=copy,
        capture_output=True,
        check=False,
    )
    return {
        case.get("file", "")
        for case in ElementTree.parse(report).iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    }


def copy_project(scratch: str, name: str) -> Path:
    """A copy of the project without what tools leave in it."""
    copy = Path(scratch) / name
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    return copy


def unnoticed_handlers(scratch: str) -> tuple[int, list[str]]:
    """Break all handlers and subscribers; their number, and what passes all the same."""
    copy = copy_project(scratch, "project")
    broken = set()
    for folder in HANDLERS:
        for file in (copy / folder.relative_to(ROOT)).rglob("*.py"):
            source = file.read_text()
            if (text := break_all(source)) != source:
                file.write_text(text)
                broken.add(f"tests/test_{file.stem.rstrip('_')}.py")
    return len(broken), sorted(broken - run_tests(copy, "tests"))


def unnoticed_in_django(scratch: str) -> tuple[int, list[str]]:
    """Break one module of every Django app at a time; their number, and what passes all the same."""
    apps = sorted(file.parent.name for file in ROOT.glob("*/step_handlers.py"))
    tests = [f"{app}/tests.py" for app in apps]
    unnoticed = []
    for module in DJANGO if apps else ():
        copy = copy_project(scratch, module)
        for app in apps:
            file = copy / app / module
            source = file.read_text()
            text = break_all(source)
            assert text != source, f"{app}/{module} has nothing to break"
            file.write_text(text)
        failed = run_tests(copy, *tests)
        unnoticed += [f"{test} ({module})" for test in tests if test not in failed]
    return len(apps) * len(DJANGO), unnoticed


def main() -> int:
    """Print the test files that did not notice; their number is the exit code."""
    with tempfile.TemporaryDirectory(dir=ROOT.parent) as scratch:
        parts = [unnoticed_handlers(scratch), unnoticed_in_django(scratch)]
    broken = sum(count for count, _ in parts)
    unaware = [name for _, names in parts for name in names]
    for name in unaware:
        print(f"{name} passes although what it tests is broken")
    print(f"{broken} broken modules, {len(unaware)} unnoticed")
    return len(unaware) if broken else 1


if __name__ == "__main__":
    sys.exit(main())
