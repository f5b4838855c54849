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


def main() -> int:
    """Print the test files that did not notice; their number is the exit code."""
    with tempfile.TemporaryDirectory(dir=ROOT.parent) as scratch:
        copy = Path(scratch) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        broken = set()
        for folder in HANDLERS:
            for file in (copy / folder.relative_to(ROOT)).rglob("*.py"):
                source = file.read_text()
                if (text := break_all(source)) != source:
                    file.write_text(text)
                    broken.add(f"tests/test_{file.stem.rstrip('_')}.py")
        for file in copy.glob("*/step_handlers.py"):
            for module in (file, file.with_name("client.py"), file.with_name("worker.py")):
                module.write_text(break_all(module.read_text()))
            broken.add(f"{file.parent.name}/tests.py")
        report = copy / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", f"--junit-xml={report}", "-o", "junit_family=xunit1"],
            cwd=copy,
            capture_output=True,
            check=False,
        )
        failed = {
            case.get("file", "")
            for case in ElementTree.parse(report).iter("testcase")
            if case.find("failure") is not None or case.find("error") is not None
        }
    unaware = sorted(broken - failed)
    for name in unaware:
        print(f"{name} passes although what it tests is broken")
    print(f"{len(broken)} broken modules, {len(unaware)} unnoticed")
    return len(unaware) if broken else 1


if __name__ == "__main__":
    sys.exit(main())
