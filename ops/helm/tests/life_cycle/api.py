"""A Kubernetes API in memory, on loopback: as much as helm needs to install, upgrade, roll back, test and uninstall.

It stores objects, refuses a change of what cannot be changed, and ends Jobs and Pods at once, well or badly as a test
says. It schedules nothing.
"""

import copy
import json
import re
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

Object = dict[str, Any]
# Kinds by group and version.
KINDS = {
    "v1": ["ConfigMap", "Pod", "Secret", "Service", "ServiceAccount"],
    "apps/v1": ["Deployment"],
    "batch/v1": ["Job"],
    "networking.k8s.io/v1": ["Ingress", "NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "postgresql.cnpg.io/v1": ["Cluster"],
}
# Paths that an update must leave as they are.
IMMUTABLE = {"Job": ("spec", "template"), "Deployment": ("spec", "selector")}


def plural(kind: str) -> str:
    lower = kind.lower()
    return lower[:-1] + "ies" if lower.endswith("y") else lower + ("es" if lower.endswith("s") else "s")


RESOURCES = {(version, plural(kind)): kind for version, kinds in KINDS.items() for kind in kinds}


def at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name, {})
    return value


def patched(old: Any, patch: Any) -> Any:
    """A merge patch; lists of objects are merged by the key that `$setElementOrder` shows, as a strategic one says."""
    if not isinstance(patch, dict) or not isinstance(old, dict):
        return patch
    out = dict(old)
    for name, value in patch.items():
        if name.startswith("$"):
            continue
        order = patch.get(f"$setElementOrder/{name}")
        if value is None:
            out.pop(name, None)
        elif order and isinstance(order[0], dict):
            out[name] = merged(old.get(name, []), value, order)
        else:
            out[name] = patched(old.get(name), value)
    return out


def merged(old: list[Object], patch: list[Object], order: list[Object]) -> list[Object]:
    key = next(iter(order[0]))
    items = {item[key]: item for item in old}
    for item in patch:
        if item.get("$patch") == "delete":
            items.pop(item[key], None)
        else:
            items[item[key]] = patched(items.get(item[key], {}), item)
    return [items[item[key]] for item in order if item[key] in items]


class Refused(Exception):
    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.answer = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
        self.answer |= {"reason": reason, "message": message}
        self.code = code


class Cluster:
    """What is stored, and what happened to it."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.happened: list[tuple[str, str, str]] = []
        self.fails: set[str] = set()
        self.lock = threading.Lock()

    def of(self, kind: str) -> dict[str, Object]:
        return {name: found for (which, name), found in self.objects.items() if which == kind}

    def since(self, mark: int) -> list[tuple[str, str, str]]:
        return self.happened[mark:]

    def store(self, verb: str, kind: str, name: str, found: Object) -> Object:
        self.happened.append((verb, kind, name))
        found["metadata"]["resourceVersion"] = str(len(self.happened))
        self.objects[kind, name] = found
        return found

    def create(self, version: str, kind: str, namespace: str, body: Object) -> Object:
        name = body["metadata"]["name"]
        if (kind, name) in self.objects:
            raise Refused(409, "AlreadyExists", f'{plural(kind)} "{name}" already exists')
        body |= {"apiVersion": version, "kind": kind}
        body["metadata"] |= {"uid": str(uuid.uuid4()), "namespace": namespace}
        is_well = not any(name.startswith(start) for start in self.fails)
        if kind == "Job":
            condition = {
                "type": "Complete" if is_well else "Failed",
                "status": "True",
                "reason": "BackoffLimitExceeded",
            }
            body["status"] = {"succeeded": int(is_well), "failed": int(not is_well), "conditions": [condition]}
        elif kind == "Pod":
            body["status"] = {"phase": "Succeeded" if is_well else "Failed"}
        return self.store("create", kind, name, body)

    def find(self, kind: str, name: str) -> Object:
        if (kind, name) not in self.objects:
            raise Refused(404, "NotFound", f'{plural(kind)} "{name}" not found')
        return self.objects[kind, name]

    def change(self, kind: str, name: str, patch: Object, is_whole: bool) -> Object:
        old = self.find(kind, name)
        new = patch if is_whole else patched(copy.deepcopy(old), patch)
        path = IMMUTABLE.get(kind)
        if path and at(new, path) != at(old, path):
            what = f"{'.'.join(path)}: Invalid value: field is immutable"
            raise Refused(422, "Invalid", f'{kind} "{name}" is invalid: {what}')
        return old if new == old else self.store("update", kind, name, new)

    def delete(self, kind: str, name: str) -> Object:
        self.find(kind, name)
        self.happened.append(("delete", kind, name))
        return self.objects.pop((kind, name))


def discovery(path: str) -> Object | None:
    """What clients ask before anything else."""
    if path == "/version":
        return {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [(version.split("/")[0], version) for version in KINDS if "/" in version]
        each = [(name, {"groupVersion": version, "version": version.split("/")[1]}) for name, version in groups]
        names = [{"name": name, "versions": [found], "preferredVersion": found} for name, found in each]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": names}
    if path == "/openapi/v3":
        paths = {f"{'apis' if '/' in version else 'api'}/{version}": version for version in KINDS}
        return {"paths": {at: {"serverRelativeURL": f"/openapi/v3/{version}"} for at, version in paths.items()}}
    if path.startswith("/openapi/v3/"):
        return openapi(path.removeprefix("/openapi/v3/"))
    version = re.sub(r"^/apis?/", "", path)
    if version in KINDS:
        verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
        listed: list[Object] = [
            {"name": plural(kind), "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": verbs}
            for kind in KINDS[version]
        ]
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": listed}
    return None


def openapi(version: str) -> Object:
    """Says of each kind that the server checks fields, so that helm does not."""
    group, _, number = version.rpartition("/")
    paths = {}
    for kind in KINDS[version]:
        which = {"group": group, "version": number, "kind": kind}
        parameters = [{"name": name, "in": "query"} for name in ("fieldValidation", "dryRun")]
        operation = {"parameters": parameters, "responses": {}, "x-kubernetes-group-version-kind": which}
        paths[f"/apis/{version}/namespaces/{{namespace}}/{plural(kind)}"] = {"patch": operation}
    return {"openapi": "3.0.0", "info": {"title": "x", "version": "1"}, "paths": paths}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: Cluster

    def log_message(self, *_: Any) -> None:
        pass

    def body(self) -> Any:
        if self.headers.get("Transfer-Encoding") != "chunked":
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        else:
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return json.loads(data) if data else None

    def answer(self, content: Object, code: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_one(self) -> None:
        url = urlparse(self.path)
        body = self.body()
        try:
            with self.cluster.lock:
                found = discovery(url.path.rstrip("/")) or self.resource(url.path, parse_qs(url.query), body)
        except Refused as refused:
            self.answer(refused.answer, refused.code)
            return
        if "watch" in parse_qs(url.query):
            self.watch(found["items"])
        else:
            self.answer(found, 201 if self.command == "POST" else 200)

    def resource(self, path: str, query: dict[str, list[str]], body: Any) -> Object:
        match = re.fullmatch(r"/apis?/(.+)/namespaces/([^/]+)/([^/]+)(?:/([^/]+))?", path)
        kind = RESOURCES.get((match[1], match[3])) if match else None
        if match is None or kind is None:
            raise Refused(404, "NotFound", f"the server could not find {path}")
        if self.command == "POST":
            return self.cluster.create(match[1], kind, match[2], body)
        if match[4] is None:
            return self.listed(match[1], kind, query)
        if self.command == "GET":
            return self.cluster.find(kind, match[4])
        if self.command == "DELETE":
            return self.cluster.delete(kind, match[4])
        return self.cluster.change(kind, match[4], body, self.command == "PUT")

    def listed(self, version: str, kind: str, query: dict[str, list[str]]) -> Object:
        name = query.get("fieldSelector", [""])[0].removeprefix("metadata.name=")
        items = [found for found in self.cluster.of(kind).values() if name in ("", found["metadata"]["name"])]
        revision = str(len(self.cluster.happened))
        meta = {"resourceVersion": revision}
        return {"kind": f"{kind}List", "apiVersion": version, "metadata": meta, "items": items}

    def watch(self, items: list[Object]) -> None:
        """Everything has ended already, so one event for each is all."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        for item in items:
            self.wfile.write(json.dumps({"type": "MODIFIED", "object": item}).encode() + b"\n")
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one


def serve(cluster: Cluster) -> ThreadingHTTPServer:
    """Serves a cluster on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"cluster": cluster}))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
