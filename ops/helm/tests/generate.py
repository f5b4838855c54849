"""Writes what the charts have twice.

values.yaml, values.schema.json, README.md and the shared templates come from ops/helm/source, Core's keys from
xtask/contract, alerts and dashboards from ops/monitoring: a chart cannot read files outside of itself.

    python generate.py [CHART…]            writes
    python generate.py [CHART…] --check    fails if a file would change
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli
import yaml

HELM = Path(__file__).resolve().parent.parent
CONTRACT = HELM.parent.parent / "xtask" / "contract"
MONITORING = HELM.parent / "monitoring"
CHARTS = ("tasker-orchestration", "tasker-worker", "tasker-full-stack")
HEAD = "# Generated from ops/helm/source by ops/helm/tests/generate.py. Do not edit.\n"
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
CORE_TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str_list": {"type": "array", "items": {"type": "string"}},
    "int_list": {"type": "array", "items": {"type": "integer"}},
}

Node = dict[str, Any]


def load(name: str) -> Node:
    loaded: Node = yaml.safe_load((HELM / "source" / f"{name}.yaml").read_text())
    return loaded


def children(node: Node) -> Node:
    """The values in a section; `open` says of it that others may be in it, too."""
    return {name: child for name, child in node.items() if name != "open"}


def is_leaf(node: Node) -> bool:
    if "doc" in node and not (isinstance(node["doc"], str) and node["doc"].endswith(".")):
        raise SystemExit(f"a doc is no sentence: {node}")
    return "doc" in node


def overridden(node: Node, defaults: Node) -> Node:
    """A shared part with other defaults."""
    if unknown := defaults.keys() - node.keys():
        raise SystemExit(f"`with` names {sorted(unknown)}, which the shared part does not have")
    return {name: {**child, "default": defaults[name]} if name in defaults else child for name, child in node.items()}


def expanded(node: Node, shared: Node) -> Node:
    """The tree with every `use` replaced by the shared part."""
    out: Node = {}
    for name, child in node.items():
        if name == "open":
            out[name] = child
        elif isinstance(child, dict) and "use" in child:
            part = shared[child["use"]]
            part = part if is_leaf(part) else overridden(expanded(part, shared), child.get("with", {}))
            out.update(part if child.get("inline") else {name: part})
        else:
            out[name] = child if is_leaf(child) else expanded(child, shared)
    return out


def core_keys(contexts: list[str]) -> list[tuple[str, str, Node]]:
    """Section, name and row of Core's keys in the order of the table."""
    table = tomli.loads((CONTRACT / "config.toml").read_text())

    def walk(path: str, node: Node) -> Iterator[tuple[str, str, Node]]:
        for name, child in node.items():
            if "default" in child and not isinstance(child["default"], dict):
                yield path, name, child
        for name, child in node.items():
            if not ("default" in child and not isinstance(child["default"], dict)):
                yield from walk(f"{path}.{name}", child)

    return [row for context in contexts for row in walk(context, table[context])]


def core_table(source: Node) -> Node:
    """What the template renders the TOML file from."""
    optional = [row["path"] for row in tomli.loads((CONTRACT / "config.toml").read_text())["optional_section"]]
    sections: dict[str, Node] = {}
    for section, name, row in core_keys(source["contract"]):
        above = [path for path in optional if f"{section}.".startswith(f"{path}.")]
        entry = sections.setdefault(section, {"path": section, "optional": above, "keys": []})
        default = source["defaults"].get(f"{section}.{name}", row["default"])
        entry["keys"].append({"name": name, "type": row["type"], "default": default})
    return {"sections": list(sections.values()), "owned": source["owned"]}


def core_schema(source: Node) -> Node:
    """The closed schema of `config`."""
    root: Node = {"type": "object", "additionalProperties": False, "properties": {}}
    for section, name, row in core_keys(source["contract"]):
        node = root
        for part in section.split("."):
            fresh: Node = {"type": "object", "additionalProperties": False, "properties": {}}
            node = node["properties"].setdefault(part, fresh)
        leaf = dict(CORE_TYPES[row["type"]])
        leaf |= {
            new: row[old] for old, new in (("min", "minimum"), ("max", "maximum"), ("choices", "enum")) if old in row
        }
        node["properties"][name] = without_type_of_choices(leaf)
    return root


def without_type_of_choices(leaf: Node) -> Node:
    """A wrong type among choices would be said twice."""
    return {key: value for key, value in leaf.items() if key != "type" or "enum" not in leaf}


def schema(node: Node, source: Node) -> Node:
    if node.get("contract"):
        return {"description": node["doc"], **core_schema(source)}
    if is_leaf(node):
        return leaf_schema(node)
    properties = {name: schema(child, source) for name, child in children(node).items()}
    return {"type": "object", "additionalProperties": bool(node.get("open")), "properties": properties}


def leaf_schema(node: Node) -> Node:
    words = {key: value for key, value in node.items() if key not in ("doc", "default", "refused", "map")}
    if node.get("refused"):
        return {"description": node["doc"]}
    out: Node = {
        "description": node["doc"],
        "type": TYPES[type(node["default"])] if node["default"] is not None else None,
    }
    if node.get("map"):
        out["additionalProperties"] = {"type": "string"}
    return without_type_of_choices(out | words)


def defaults(node: Node) -> Node:
    out: Node = {}
    for name, child in children(node).items():
        if child.get("refused"):
            continue
        out[name] = {} if child.get("contract") else child["default"] if is_leaf(child) else defaults(child)
    return out


def values_yaml(node: Node, indent: str = "") -> str:
    out = ""
    for name, child in children(node).items():
        if child.get("refused"):
            continue
        if not is_leaf(child):
            out += f"{indent}{name}:\n{values_yaml(child, indent + '  ')}"
            continue
        value = {} if child.get("contract") else child["default"]
        out += f"{indent}# {child['doc']}\n{indent}{name}: {json.dumps(value)}\n"
    return out


def rows(node: Node, path: str = "") -> Iterator[str]:
    for name, child in children(node).items():
        if child.get("refused"):
            continue
        if is_leaf(child):
            value = "{}" if child.get("contract") else json.dumps(child["default"])
            yield f"| `{path}{name}` | `{value}` | {child['doc'].replace('|', '/')} |"
        else:
            yield from rows(child, f"{path}{name}.")


def admit_former(whole: Node, former: dict[str, str]) -> None:
    """Lets names of earlier versions through the schema, so that the template can say what they are called now."""
    for old, new in former.items():
        *sections, name = old.split(".")
        node = whole
        for section in sections:
            node = node["properties"].setdefault(section, {"type": "object", "properties": {}})
        node["properties"][name] = {"description": f"Refused: it is called `{new}` now."}


def generated(chart: str, former: dict[str, str] | None = None) -> dict[Path, str]:
    """The generated files of a chart and their texts. A test gives former names that the chart never had."""
    source, folder = load(chart), HELM / chart
    former = source.get("former", {}) if former is None else former
    tree = expanded(source["values"], load("shared"))
    whole = schema(tree, source)
    admit_former(whole, former)
    whole["properties"] = {"global": {"type": "object"}, "enabled": {"type": "boolean"}} | whole["properties"]
    whole = {"$schema": "http://json-schema.org/draft-07/schema#", "title": chart, **whole}
    readme = (HELM / "source" / f"{chart}.md").read_text()
    table = "\n".join(["| Value | Default | Meaning |", "| --- | --- | --- |", *rows(tree)])
    files = {
        folder / "values.yaml": HEAD + values_yaml(tree),
        folder / "values.schema.json": json.dumps(whole, indent=1) + "\n",
        folder / "README.md": readme.replace("VALUES", table),
        folder / "files" / "former.json": json.dumps(former, indent=1) + "\n",
    }
    if "contract" in source:
        files[folder / "files" / "core-config.json"] = json.dumps(core_table(source), indent=1) + "\n"
    if source.get("monitoring"):
        rules = MONITORING / "prometheus-rules" / "tasker.rules.yml"
        files[folder / "files" / "rules.yaml"] = rules.read_text()
        for dashboard in sorted((MONITORING / "grafana-dashboards").glob("*.json")):
            files[folder / "files" / "dashboards" / dashboard.name] = dashboard.read_text()
    if source.get("templates", True):
        files[folder / "templates" / "_tasker.tpl"] = (HELM / "source" / "_tasker.tpl").read_text()
    return files


def charts() -> list[str]:
    return [chart for chart in CHARTS if (HELM / chart / "Chart.yaml").exists()]


def main() -> int:
    named = [word for word in sys.argv[1:] if word != "--check"] or charts()
    files = {path: text for chart in named for path, text in generated(chart).items()}
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(HELM.parent.parent)} is out of date: run ops/helm/tests/generate.py")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
