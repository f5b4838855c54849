"""A provider that knows its schema and nothing else: `schema_provider.py SCHEMA.json`.

That is all that Terraform asks of a provider to validate a configuration and to run tests with mocks. It speaks version 6 of the plugin protocol, as far as it is
needed, and prints how to attach to it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

Schema = dict[str, Any]

SERVICE = "tfplugin6.Provider"
NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}


def number(value: int) -> bytes:
    """A number as protobuf writes it."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def flag(field: int, value: bool) -> bytes:
    return number(field << 3) + b"\x01" if value else b""


def enum(field: int, value: int) -> bytes:
    return number(field << 3) + number(value) if value else b""


def data(field: int, value: bytes) -> bytes:
    return number(field << 3 | 2) + number(len(value)) + value


def attribute(name: str, about: Schema) -> bytes:
    """tfplugin6.Schema.Attribute."""
    return (
        data(1, name.encode())
        + (data(10, objects(about["nested"])) if "nested" in about else data(2, json.dumps(about["type"]).encode()))
        + flag(4, about.get("required", False))
        + flag(5, about.get("optional", False))
        + flag(6, about.get("computed", False))
        + flag(7, about.get("sensitive", False) or name.endswith("_wo"))
        + flag(11, name.endswith("_wo"))
    )


def objects(about: Schema) -> bytes:
    """tfplugin6.Schema.Object: what a nested attribute holds."""
    return b"".join(data(1, attribute(name, each)) for name, each in about["attributes"].items()) + enum(3, NESTING[about["nesting"]])


def nested(name: str, about: Schema) -> bytes:
    """tfplugin6.Schema.NestedBlock."""
    return data(1, name.encode()) + data(2, block(about["block"])) + enum(3, NESTING[about["nesting"]]) + enum(4, about.get("min", 0)) + enum(5, about.get("max", 0))


def block(about: Schema) -> bytes:
    """tfplugin6.Schema.Block."""
    attributes = [data(2, attribute(name, each)) for name, each in about.get("attributes", {}).items()]
    blocks = [data(3, nested(name, each)) for name, each in about.get("blocks", {}).items()]
    return b"".join(attributes + blocks)


def schema(about: Schema) -> bytes:
    """tfplugin6.Schema."""
    return data(2, block(about))


def entries(field: int, kinds: dict[str, Schema]) -> bytes:
    """A map from names to schemas."""
    return b"".join(data(field, data(1, name.encode()) + data(2, schema(about))) for name, about in kinds.items())


def provider_schema(about: Schema) -> bytes:
    """tfplugin6.GetProviderSchema.Response; Terraform may keep it for all runs of a process."""
    capabilities = flag(2, True)
    return data(1, schema(about.get("provider", {}))) + entries(2, about["resources"]) + entries(3, about["data_sources"]) + data(6, capabilities)


def main(file: Path) -> None:
    about = json.loads(file.read_text())
    answers = {"GetProviderSchema": provider_schema(about)}
    silent = ("ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig", "ConfigureProvider", "StopProvider")
    answers |= {method: b"" for method in silent}
    methods = {method: grpc.unary_unary_rpc_method_handler(lambda request, context, answer=answer: answer) for method, answer in answers.items()}
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/provider"
        server.add_insecure_port(f"unix:{socket}")
        server.start()
        entry = {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "unix", "String": socket},
        }
        print(f"TF_REATTACH_PROVIDERS='{json.dumps({f'hashicorp/{file.stem}': entry})}'", flush=True)
        server.wait_for_termination()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
