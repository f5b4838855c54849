"""Writes the tables of ops/terraform/README.md from the modules' variables and outputs; with --check it only compares."""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
README = HERE / "README.md"
CLOUDS = [name for name in ("aws", "gcp", "azure") if (HERE / name).is_dir()]
MODULES = ("network", "postgres", "cluster", "tasker")
# Modules that no cloud has in its own way.
OTHERS = ("datadog",)
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.M | re.S)


def declared(file: Path) -> dict[str, tuple[str, str]]:
    """Description and default of each variable or output of a file; the default of one that must be given is empty."""
    found = {}
    for _, name, body in BLOCK.findall(file.read_text()):
        heredoc = re.search(r"^  description = <<-EOT\n(.*?)^  EOT", body, re.M | re.S)
        line = re.search(r'^  description = "(.*)"$', body, re.M)
        text = " ".join(heredoc.group(1).split()) if heredoc else line.group(1) if line else ""
        default = re.search(r"^  default\s+= (.*)$", body, re.M)
        found[name] = (text.replace('\\"', '"').replace("|", "\\|"), default.group(1) if default else "")
    return found


def table(module: str) -> str:
    folder = HERE / module
    lines = [f"### {module}", "", "| Input | Default | Meaning |", "| --- | --- | --- |"]
    for name, (text, default) in declared(folder / "variables.tf").items():
        lines.append(f"| `{name}` | {f'`{default}`' if default else 'required'} | {text} |")
    lines += ["", "| Output | Meaning |", "| --- | --- |"]
    lines += [f"| `{name}` | {text} |" for name, (text, _) in declared(folder / "outputs.tf").items()]
    return "\n".join(lines)


def main(words: list[str]) -> int:
    begin, end = "<!-- written by tools/inputs.py -->\n", "<!-- end -->"
    text = README.read_text()
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    tables = "\n\n".join(table(module) for module in [*(f"{cloud}/{module}" for cloud in CLOUDS for module in MODULES), *OTHERS])
    wanted = f"{before}{begin}\n{tables}\n\n{end}{after}"
    if "--check" not in words:
        README.write_text(wanted)
    elif text != wanted:
        print("error: ops/terraform/README.md is not what the modules say\nfix: run python3 ops/terraform/tools/inputs.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
