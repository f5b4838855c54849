"""What a chart owes to those who have its previous version. Each chart's test_upgrade.py takes it in with its name."""

import shutil
import tarfile
from pathlib import Path
from typing import Any

import yaml

import charts
import contents
import generate

PREVIOUS = Path(__file__).parent / "previous"
GUIDE = charts.HELM / "UPGRADING.md"


def previous(chart: str) -> Path:
    """The packed chart of the previous version; previous/README.md says which one."""
    (file,) = PREVIOUS.glob(f"{chart}-[0-9]*.tgz")
    return file


def member(chart: str, name: str) -> Any:
    """A YAML or JSON file of the previous chart."""
    with tarfile.open(previous(chart)) as archive:
        file = archive.extractfile(f"{chart}/{name}")
        assert file is not None
        return yaml.safe_load(file.read())


def paths(schema: dict[str, Any]) -> set[str]:
    return {".".join(path) for path, _, _ in contents.leaves(schema)}


def flat(values: dict[str, Any], path: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in values.items():
        is_section = isinstance(value, dict) and value
        out |= flat(value, f"{path}{name}.") if is_section else {f"{path}{name}": value}
    return out


def unexplained(before: dict[str, Any], after: dict[str, Any], guide: str) -> set[str]:
    """Defaults that differ, without a word about it."""
    old, new = flat(before), flat(after)
    return {name for name in old.keys() & new.keys() if old[name] != new[name] and f"`{name}`" not in guide}


def keeps_values(chart: str) -> None:
    """Every value of the previous version is there, or is refused with its new name; both are in UPGRADING.md."""
    schema, guide = contents.schema_of(chart), GUIDE.read_text()
    lost = paths(member(chart, "values.schema.json")) - paths(schema)
    assert not lost, f"gone without a word: put {sorted(lost)} into `former` of ops/helm/source/{chart}.yaml"
    values = yaml.safe_load((charts.HELM / chart / "values.yaml").read_text())
    for old, new in generate.load(chart)["former"].items():
        assert f"`{old}`" in guide, f"UPGRADING.md does not say that {old} was renamed"
        assert new in paths(schema), f"{old} is said to be called {new}, which the chart does not have"
        assert old not in flat(values)
    found = unexplained(member(chart, "values.yaml"), values, guide)
    assert not found, f"UPGRADING.md does not say that other defaults hold: {sorted(found)}"


def identity(manifests: list[charts.Manifest]) -> dict[str, Any]:
    """What an upgrade cannot change, or would make anew: names of what has pods or data, and selectors."""
    kinds = ("Cluster", "Deployment", "Service")
    return {
        f"{each['kind']} {each['metadata']['name']}": each["spec"].get("selector")
        for each in manifests
        if each["kind"] in kinds
    }


def keeps_names(chart: str) -> None:
    """Kubernetes refuses a changed selector, and a changed name is a second Deployment."""
    before = charts.template(chart, case="minimal", source=previous(chart))
    assert before.returncode == 0, before.stderr
    old, new = identity(charts.parsed(before.stdout)), identity(charts.render(chart))
    assert old
    changed = {name for name in old if old[name] != new.get(name)}
    assert not changed, f"an upgrade cannot change a name or a selector: {sorted(changed)}"


def renamed(chart: str, folder: Path) -> None:
    """A name of an earlier version is answered with the one that it has now, however deep it stands."""
    new = next(name for name in flat(yaml.safe_load((charts.HELM / chart / "values.yaml").read_text())))
    copy = folder / chart
    shutil.copytree(charts.HELM / chart, copy)
    for file, text in generate.generated(chart, {"older.name": new, "flatName": new}).items():
        (folder / file.relative_to(charts.HELM)).write_text(text)
    given: list[tuple[str, charts.Manifest]] = [("older.name", {"older": {"name": "x"}}), ("flatName", {"flatName": 1})]
    for old, values in given:
        refused = charts.template(chart, values, "minimal", source=copy)
        assert f"{old} is called {new} now: rename it in your values" in refused.stderr
    # The section itself is none of them.
    assert charts.template(chart, {"older": {}}, "minimal", source=copy).returncode == 0
    assert "Additional property other" in charts.template(chart, {"other": 1}, "minimal", source=copy).stderr
