"""Tests that every chart has: each chart's test_common.py takes them in with its name."""

import copy
import functools
import json
import re
import shlex
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate.utils
import yaml

import charts
import definitions
import generate

# The validator has the schemas of Kubernetes' own kinds only; proof/run reads the others with definitions.py.
OF_CRDS = definitions.TYPES.keys()
# It reads all definitions of a version again for each manifest, which takes longer than the check.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)
# For an upgrade of a release that is there.
KEEP = "--reset-then-reuse-values"
NOT_OF_TYPE: dict[str, Any] = {
    "string": 1.5,
    "integer": "1",
    "boolean": "true",
    "object": ["x"],
    "array": {"x": 1},
    "number": "1",
}


def validate(chart: str, case: str, kubernetes: str) -> None:
    manifests = charts.render(chart, case=case, kubernetes=kubernetes)
    assert manifests
    for manifest in manifests:
        if manifest["kind"] not in OF_CRDS:
            kubernetes_validate.validate(manifest, kubernetes.rsplit(".", 1)[0], strict=True)


def confined(chart: str, case: str) -> None:
    manifests = charts.render(chart, case=case)
    found = {name: charts.unrestricted(pod) for name, pod in charts.pods(manifests)}
    assert found
    assert not {name: wrong for name, wrong in found.items() if wrong}


def without_secrets(chart: str, case: str) -> None:
    """No Secret, and nothing that collides with an application's variables, and the same text again."""
    first = charts.text(chart, case=case)
    assert first == charts.template(chart, case=case).stdout
    manifests = charts.parsed(first)
    assert "Secret" not in charts.kinds(manifests)
    services = [each["metadata"]["name"] for each in manifests if each["kind"] == "Service"]
    assert not [name for name in services if name.upper().replace("-", "_").startswith("TASKER")]


# A URL with a password in it, a known default, and a setting that says it is secret and is not empty.
LEAKS = (
    re.compile(r"://[^\s/:@$]+:[^\s/@]+@"),
    re.compile(r"(?i)change-?me|hunter2|letmein|admin123|passw0rd|postgres:postgres|BEGIN [A-Z ]*PRIVATE KEY"),
    re.compile(r"(?i)(?:password|passwd|api_key|private_key|secret_key|token)\"?\s*[=:]\s*\"?(?!false)[^\s\"$]+"),
)


def leaks(text: str) -> list[str]:
    return [match[0] for pattern in LEAKS for match in pattern.finditer(text)]


def without_passwords(chart: str, case: str) -> None:
    """Nothing in what is rendered is a password: they are all names of Secrets, or `${…}` for Core to fill in."""
    text = charts.text(chart, case=case)
    assert leaks(text) == []
    for _, pod in charts.pods(charts.parsed(text)):
        for container in charts.containers(pod):
            for name, value in charts.env(container).items():
                is_secret = re.search(r"PASSWORD|SECRET|TOKEN|(DATABASE|RABBITMQ|REDIS)_URL", name)
                assert not is_secret or name.endswith("_FILE") or "secretKeyRef" in value, (name, value)


def needs(pods: list[charts.Manifest], values: charts.Manifest) -> list[int]:
    """The ports that pods must reach: of names, and of all that their variables name."""
    variables: dict[str, Any] = {}
    for pod in pods:
        for container in charts.containers(pod):
            variables |= charts.env(container)
    ports = {int(variables.get("TASKER_DATABASE_PORT", values.get("database", {}).get("port", 5432)))}
    ports |= {port for name, port in (("RABBITMQ_URL", 5672), ("REDIS_URL", 6379)) if name in variables}
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "TASKER_ORCHESTRATION_URL"):
        if url := variables.get(name):
            parts = urllib.parse.urlsplit(url)
            ports.add(parts.port or {"http": 80, "https": 443}[parts.scheme])
    extra = values.get("networkPolicy", {}).get("extraEgress", [])
    return sorted([53, 53, *ports, *(each["port"] for rule in extra for each in rule["ports"])])


def egress(chart: str, case: str) -> None:
    """Pods reach names, the database, and what else their variables name; nothing else, and nothing less."""
    manifests = charts.render(chart, case=case)
    values = yaml.safe_load((charts.HELM / chart / "ci" / f"{case}.yaml").read_text()) or {}
    covered: set[str] = set()
    for policy in [each for each in manifests if each["kind"] == "NetworkPolicy"]:
        selector = policy["spec"]["podSelector"]["matchLabels"].items()
        chosen = {name: pod for name, labels, pod in charts.labelled(manifests) if selector <= labels.items()}
        covered |= chosen.keys()
        opened = [each["port"] for rule in policy["spec"]["egress"] for each in rule["ports"]]
        assert sorted(opened) == needs(list(chosen.values()), values), policy["metadata"]["name"]
    is_on = values.get("networkPolicy", {}).get("enabled", True)
    assert covered == ({name for name, _, _ in charts.labelled(manifests)} if is_on else set())


def golden(chart: str, case: str, folder: Path, update: bool) -> None:
    """What a case renders is what is written down."""
    file = folder / "golden" / f"{case}.yaml"
    rendered = charts.text(chart, case=case)
    if update:
        file.parent.mkdir(exist_ok=True)
        file.write_text(rendered)
    expected = file.read_text() if file.exists() else ""
    assert rendered == expected, f"look at the change, then run pytest --update-golden {folder.name}"


Leaf = tuple[tuple[str, ...], dict[str, Any], bool]


def leaves(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Path and schema of each value, and whether its section is closed. A chart inside closes its own."""
    for name, child in schema.get("properties", {}).items():
        yield (*path, name), child, schema.get("additionalProperties") is False
        yield from leaves(child, (*path, name))


def placed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    return dict(value)


def problems(schema: dict[str, Any], values: dict[str, Any]) -> list[str]:
    errors = jsonschema.Draft7Validator(schema).iter_errors(values)
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in errors]


def schema_of(chart: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((charts.HELM / chart / "values.schema.json").read_text())
    return loaded


def mistakes(chart: str) -> None:
    """A wrong type, and a misspelled name, of every value give one message that says where."""
    schema = schema_of(chart)
    jsonschema.Draft7Validator.check_schema(schema)
    count = 0
    for path, leaf, is_closed in leaves(schema):
        types = leaf.get("type", "string" if "enum" in leaf else None)
        if types is None:
            continue
        kind = types[0] if isinstance(types, list) else types
        said = problems(schema, placed(path, copy.deepcopy(NOT_OF_TYPE[kind])))
        assert len(said) == 1, (path, said)
        assert said[0].startswith(".".join(path) + ": "), said
        if not is_closed:
            continue
        said = problems(schema, placed((*path[:-1], path[-1] + "x"), 1))
        assert len(said) == 1, (path, said)
        assert f"{path[-1]}x" in said[0], said
        count += 1
    assert count > 20


def limits(chart: str) -> None:
    """One below the least, one above the most, a word that is not among the choices: each is refused."""
    schema = schema_of(chart)
    for path, leaf, _ in leaves(schema):
        bad = [leaf["minimum"] - 1] if "minimum" in leaf else []
        bad += [leaf["maximum"] + 1] if "maximum" in leaf else []
        bad += ["nonsense"] if "enum" in leaf else []
        bad += ["no pattern has a blank or ü"] if "pattern" in leaf else []
        for value in bad:
            assert len(problems(schema, placed(path, value))) == 1, (path, value)


def documented(page: Path, at_least: int) -> None:
    """Every `helm install` and `helm upgrade` of a page renders."""
    text = page.read_text().replace("\\\n", " ")
    commands = [line for line in text.splitlines() if re.match(r"helm (upgrade|install) .*ops/helm", line)]
    assert len(commands) >= at_least
    for command in commands:
        words = [word for word in shlex.split(command)[2:] if word not in ("--install", KEEP)]
        at = next(index for index, word in enumerate(words) if word.startswith("ops/helm/"))
        words[at] = str(charts.HELM.parent.parent / words[at])
        if KEEP in command:
            words += ["--values", f"{words[at]}/ci/minimal.yaml"]
        done = charts.helm("template", *words, *charts.with_crds())
        assert done.returncode == 0, (command, done.stderr)


def great_numbers(chart: str, case: str) -> None:
    """A template writes a float of a million as 1e+06, which Kubernetes takes for no whole number."""
    values: dict[str, Any] = {}
    for path, leaf, _ in leaves(schema_of(chart)):
        if path[0] in ("config", "global") or "integer" not in leaf.get("type", []) or leaf.get("maximum", 2e6) < 1e6:
            continue
        into = values
        for name in path[:-1]:
            into = into.setdefault(name, {})
        into[path[-1]] = 1000680000
    rendered = charts.text(chart, values, case)
    assert "e+" not in rendered
    assert "1000680000" in rendered


def umbrella(chart: str) -> None:
    """Helm gives every chart `global`, and parents say `enabled`."""
    charts.text(chart, {"global": {"anything": {"goes": 1}}, "enabled": True})


def up_to_date(chart: str) -> None:
    for file, wanted in generate.generated(chart).items():
        assert file.read_text() == wanted, f"{file.name} is out of date: run ops/helm/tests/generate.py"
    values = yaml.safe_load((charts.HELM / chart / "values.yaml").read_text())
    assert problems(schema_of(chart), values) == []
