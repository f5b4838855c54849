"""Makes a schema for schema_provider.py out of a prebuilt provider of CDK for Terraform: `trim_schema.py PACKAGE.tgz OUT.json KIND…`.

Those packages (npm: @cdktf/provider-google, -azurerm, -datadog, -helm) are the only place but the provider itself where a registry of
packages has its schema. They hold TypeScript that was written from it; a KIND is a folder of theirs, such as sql-user or data-google-project.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

TYPES: dict[str, Any] = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "any": "dynamic",
    "stringList": ["list", "string"],
    "numberList": ["list", "number"],
    "booleanList": ["list", "bool"],
    "stringMap": ["map", "string"],
    "numberMap": ["map", "number"],
    "booleanMap": ["map", "bool"],
    "anyMap": ["map", "string"],
}
GETTERS: dict[str, Any] = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
}
WRITTEN = re.compile(r'^ +(\w+): \{\n.*\n +isBlock: (\w+),\n +type: "(\w+)",\n +storageClassType: "(\w+)",', re.M)
# Those packages do not say what the provider calls sensitive. These are read by a module here, so a test must refuse them in an output.
SENSITIVE = frozenset({"kube_admin_config", "kube_admin_config_raw", "kube_config", "kube_config_raw"})
SAID = re.compile(r"// (\w+) - computed: (\w+), optional: (\w+), required: (\w+)")
READ = re.compile(r"this\.get(\w+)Attribute\(['\"](\w+)['\"]\)")
HELD = re.compile(r"this\._\w+ = new (?:\w+\.)?(\w+)\(this, ['\"](\w+)['\"]")


class Kind:
    """One resource, data source or provider."""

    def __init__(self, code: str, types: str) -> None:
        self.code = code
        self.types = types
        # Those packages call nested attributes blocks. But a single block is a list there, and a struct is not, so a struct tells how a provider is written.
        self.has_nested_attributes = bool(re.search(r'type: "struct",\n +storageClassType: "\w+(?<!Timeouts)",', code))

    def part(self, start: str) -> str:
        """A function or class at the top of the file."""
        found = re.search(rf"^{re.escape(start)}.*?^\}}", self.code, re.M | re.S)
        return found.group(0) if found else ""

    def required(self, interface: str) -> set[str]:
        """Names that the interface of a configuration asks for."""
        body = re.search(rf"^export interface {interface} .*?^\}}", self.types, re.M | re.S)
        names = re.findall(r"#(\w+)\s+[\w#]+\}(?:(?!@link).)*?readonly \w+(\??):", body.group(0), re.S) if body else []
        return {name for name, optional in names if not optional}

    def computed_type(self, name: str) -> Any:
        """The type of an object or a map that can only be read."""
        if name in GETTERS:
            return GETTERS[name]
        base = re.sub(r"(List|Map|OutputReference)$", "", name)
        body = self.part(f"class {base}OutputReference ")
        fields = {field: GETTERS.get(getter, "string") for getter, field in READ.findall(body)}
        fields |= {field: self.computed_type(held) for held, field in HELD.findall(body)}
        kind = ["object", fields]
        return ["list", kind] if name.endswith("List") else kind

    def block(self, owner: str, writer: str, interface: str) -> dict[str, Any]:
        said = {name: computed == "true" for name, computed, _, _ in SAID.findall(owner)}
        required = self.required(interface)
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        for name, is_block, kind, storage in WRITTEN.findall(writer):
            if is_block == "true":
                made = self.nested(name, kind, storage, name in required)
                (attributes if "nested" in made else blocks)[name] = made
                continue
            of = TYPES.get(storage, "string")
            of = ["set", of[1]] if kind == "set" and isinstance(of, list) else of
            flags = {"required": True} if name in required else {"optional": True, "computed": said.get(name, False) or name == "id"}
            attributes[name] = {"type": of} | {flag: True for flag, value in flags.items() if value}
        for getter, name in READ.findall(owner):
            if name not in attributes and name not in blocks:
                attributes[name] = {"type": GETTERS.get(getter, "string"), "computed": True}
        for held, name in HELD.findall(owner):
            if name not in attributes and name not in blocks:
                attributes[name] = {"type": self.computed_type(held), "computed": True}
        for name in SENSITIVE & attributes.keys():
            attributes[name]["sensitive"] = True
        return {"attributes": attributes, "blocks": blocks}

    def nested(self, name: str, kind: str, storage: str, is_required: bool) -> dict[str, Any]:
        base = re.sub(r"(List|Map)$", "", storage)
        is_single = f"class {base}List " not in self.code
        writer = self.part(f"function {base[0].lower()}{base[1:]}ToHclTerraform(")
        made: dict[str, Any] = {"block": self.block(self.part(f"class {base}OutputReference "), writer, base)}
        if name == "timeouts":
            return made | {"nesting": "single"}
        if self.has_nested_attributes:
            nesting = "single" if kind == "struct" else kind
            return {"nested": made["block"] | {"nesting": nesting}, "required" if is_required else "optional": True}
        made["nesting"] = "set" if kind == "set" else "list"
        return made | ({"max": 1} if is_single else {}) | ({"min": 1} if is_required else {})

    def top(self) -> tuple[str, str, dict[str, Any]]:
        """Its name for Terraform, what it is, and its schema."""
        name = re.search(r"terraformResourceType: ['\"](\w+)['\"]", self.code)
        owner = re.search(r"^class (\w+) extends cdktf\.Terraform(Resource|DataSource|Provider) \{.*?^\}", self.code, re.M | re.S)
        if not name or not owner:
            raise SystemExit("error: that folder holds no resource, data source or provider")
        body = owner.group(0)
        return name.group(1), owner.group(2), self.block(body, body[body.find("synthesizeHclAttributes") :], f"{owner.group(1)}Config")


def main(package: str, out: str, kinds: list[str]) -> None:
    result: dict[str, Any] = {"notice": "", "provider": {}, "resources": {}, "data_sources": {}}
    with tarfile.open(package) as archive:
        files = {member.name: member for member in archive.getmembers()}

        def read(kind: str, ending: str) -> str:
            """The files of a kind; the large ones are in several."""
            texts = []
            for name in sorted(files):
                if re.fullmatch(rf"package/lib/{kind}/(index|index-structs/structs\d+){ending}", name):
                    file = archive.extractfile(files[name])
                    assert file
                    texts.append(file.read().decode())
            return "\n".join(texts)

        for kind in ["provider", *sorted(kinds)]:
            name, what, schema = Kind(read(kind, r"\.js"), read(kind, r"\.d\.ts")).top()
            if what == "Provider":
                result["provider"] = schema
            else:
                result["resources" if what == "Resource" else "data_sources"][name] = schema
        version = re.search(r"providerVersion: ['\"]([\d.]+)['\"]", read(kinds[0], r"\.js"))
    package_name = re.sub(r"\.tgz$", "", Path(package).name)
    result["notice"] = (
        f"Schemas of the Terraform provider {Path(out).stem} {version.group(1) if version else ''}, read from {package_name}. "
        "Copyright (c) HashiCorp, Inc., licensed under MPL-2.0: see LICENSE-MPL-2.0 beside this file. This file alone is under that licence."
    )
    Path(out).write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
