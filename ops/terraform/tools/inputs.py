"""Writes the tables of ops/terraform/README.md from the modules' variables and outputs; with --check it only compares."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
README = HERE / "README.md"
CLOUDS = [name for name in ("aws", "gcp", "azure") if (HERE / name).is_dir()]
MODULES = ("network", "postgres", "cluster", "tasker", "examples/minimal", "examples/production")
# Modules that no cloud has in its own way.
OTHERS = ("datadog", "datadog/examples/minimal")
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.M | re.S)
ARGUMENT = re.compile(r"^  (type|default)\s+= (.*?)(?=^  [\w#]|\Z)", re.M | re.S)


@dataclass(frozen=True)
class Declared:
    """A variable or an output. An output has no type, and the default of a variable that must be given is empty."""

    text: str
    type: str = ""
    default: str = ""


def on_one_line(value: str) -> str:
    """A type as it would be written in one line."""
    lines = [re.sub(r"\s+", " ", line.strip()) for line in value.splitlines()]
    return re.sub(r"([({]), | , (?=[)}])", r"\1 ", ", ".join(lines)).replace(", }", " }")


def expanded(default: str, kind: str) -> str:
    """A default that leaves all of an object to the defaults of its parts says these."""
    parts = re.findall(r"(\w+) = optional\(\w+, ([^()]*)\)", kind) if default == "{}" and kind.startswith("object(") else []
    return f"{{ {', '.join(f'{name} = {value}' for name, value in parts)} }}" if parts else default


def declared(file: Path) -> dict[str, Declared]:
    """The variables or outputs of a file."""
    found = {}
    for _, name, body in BLOCK.findall(file.read_text()):
        heredoc = re.search(r"^  description = <<-EOT\n(.*?)^  EOT", body, re.M | re.S)
        line = re.search(r'^  description = "(.*)"$', body, re.M)
        text = " ".join(heredoc.group(1).split()) if heredoc else line.group(1) if line else ""
        said = {key: value.strip() for key, value in ARGUMENT.findall(body)}
        kind = on_one_line(said.get("type", ""))
        found[name] = Declared(text.replace('\\"', '"').replace("|", "\\|"), kind, expanded(said.get("default", ""), kind))
    return found


def table(module: str) -> str:
    folder = HERE / module
    lines = [f"### {module}", "", "| Input | Type | Default | Meaning |", "| --- | --- | --- | --- |"]
    for name, input_ in declared(folder / "variables.tf").items():
        lines.append(f"| `{name}` | `{input_.type}` | {f'`{input_.default}`' if input_.default else 'required'} | {input_.text} |")
    lines += ["", "| Output | Meaning |", "| --- | --- |"]
    lines += [f"| `{name}` | {output.text} |" for name, output in declared(folder / "outputs.tf").items()]
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
