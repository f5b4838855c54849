"""Which branches of a chart's templates its cases render.

A copy of the chart notes in each branch that it was there. `.Release` is the one map that all templates of a render
share, so that is where it is noted; the template whose name sorts first is rendered last, and prints it. What else the
copy renders is the same, byte for byte.
"""

import json
import re
import shutil
from pathlib import Path

import charts

# Braces in a string end nothing.
ACTION = re.compile(r"""\{\{(-?)\s*(/\*.*?\*/|(?:"(?:\\.|[^"\\])*"|`[^`]*`|[^"`])*?)\s*(-?)\}\}""", re.DOTALL)
# The last one of its folder to be rendered.
RECORD = "0branches.yaml"
PRINTS = """apiVersion: v1
kind: ConfigMap
metadata: {name: branches}
data: {branches: {{ .Release | toJson | quote }}}
"""
NOTED = "branch:"
# A template that takes a dictionary without `root` gets the one of its caller.
WITHOUT_ROOT = re.compile(r'\(dict (?!"root")(?="(?:type|config)")')

SECTION = "a section of values is never empty: `with` only shortens its name"
FORMER = "no value was renamed yet; test_upgrade.py renders it"
# Branches that no case can render, and why.
EXCEPTIONS = {
    "_server.tpl: not with .Values.migration": SECTION,
    "_server.tpl: not with .Values.migration.database": SECTION,
    '_server.tpl: not with dict "Values" $values "Chart" .Chart "Release" .Release "Capabilities" .Capabilities '
    '"Template" .Template': SECTION,
    "_tasker.tpl: not with $database": SECTION,
    "_tasker.tpl: not with .Values.image": SECTION,
    "_tasker.tpl: not with .root.Values.autoscaling": SECTION,
    '_tasker.tpl: not with include "tasker.database" . | fromJson': SECTION,
    '_tasker.tpl: range $old, $new := .Files.Get "files/former.json" | fromJson': FORMER,
    '_tasker.tpl: range $part := splitList "." $old': FORMER,
    "_tasker.tpl: if $isSet": FORMER,
    "_tasker.tpl: not if $isSet": FORMER,
}


class Branch:
    """A way through an action, and whether all that it does is to refuse values: those have tests of their own."""

    def __init__(self, file: str, line: int, says: str) -> None:
        self.name = f"{NOTED}{file}:{line}:{says.replace(chr(34), chr(39))}"
        self.line = line
        self.says = f"{file}: {says}"
        self.refuses = False


class Marked:
    """A template with a note in each branch."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text
        self.branches: list[Branch] = []
        # Of each open block: its words, the branch that is open in it, and whether there was an `else`.
        self.open: list[tuple[str, Branch | None, bool]] = []
        self.marked = ACTION.sub(self.action, WITHOUT_ROOT.sub('(dict "root" $ ', text))

    def note(self, match: re.Match[str], says: str) -> tuple[Branch, str]:
        # Lines are those of the file: what is put in has no line breaks.
        branch = Branch(self.file, match.string.count("\n", 0, match.start()) + 1, says)
        self.branches.append(branch)
        release = '(ternary $.root $ (hasKey $ "root")).Release'
        return branch, f'{{{{ $_ := set {release} "{branch.name}" true }}}}'

    def action(self, match: re.Match[str]) -> str:
        keyword = match[2].split(" ", 1)[0]
        if keyword in ("if", "with", "range"):
            return self.at_block(match)
        if keyword == "else":
            return self.at_else(match)
        if keyword == "end":
            return self.at_end(match)
        if keyword == "define":
            self.open.append((match[2], None, True))
        if keyword == "fail" and self.open[-1][1]:
            self.open[-1][1].refuses = True
        return match[0]

    def at_block(self, match: re.Match[str]) -> str:
        branch, note = self.note(match, match[2])
        # An empty list is no branch of its own.
        self.open.append((match[2], branch, match[2].startswith("range")))
        return match[0][:-2].rstrip("-") + "}}" + self.trimmed(note, match[3])

    def at_else(self, match: re.Match[str]) -> str:
        words, _, _ = self.open.pop()
        branch, note = self.note(match, f"{match[2]} of {words}" if match[2] == "else" else match[2])
        self.open.append((match[2] if match[2] != "else" else words, branch, match[2] == "else"))
        return match[0][:-2].rstrip("-") + "}}" + self.trimmed(note, match[3])

    def at_end(self, match: re.Match[str]) -> str:
        words, _, has_else = self.open.pop()
        if has_else:
            return match[0]
        _, note = self.note(match, f"not {words}")
        return f"{{{{{match[1]} else }}}}{note}{{{{ end {match[3]}}}}}"

    @staticmethod
    def trimmed(note: str, right: str) -> str:
        return note[:-2] + f"{right}}}}}"


def mark(chart: str, folder: Path) -> list[Branch]:
    """Copies a chart into a folder, and notes its own branches; those that it shares are noted where they are used."""
    shutil.copytree(charts.HELM / chart, folder / chart)
    branches = []
    for file in sorted((folder / chart / "templates").rglob("*.*")):
        if file.name == "_tasker.tpl" and (folder / chart / "charts").exists():
            continue
        marked = Marked(file.name, file.read_text())
        assert not marked.open, (file, marked.open)
        file.write_text(marked.marked)
        branches += marked.branches
    (folder / chart / "templates" / RECORD).write_text(PRINTS)
    return branches


def rendered(chart: str, folder: Path, case: str, values: charts.Manifest, kubernetes: str) -> set[str]:
    """The branches that a render goes through."""
    done = charts.template(chart, values, case, kubernetes, source=folder / chart)
    assert done.returncode == 0, done.stderr
    rest, noted = [], set()
    for document in done.stdout.split("---\n"):
        if f"/templates/{RECORD}" in document:
            (manifest,) = charts.parsed(document)
            noted = {name for name in json.loads(manifest["data"]["branches"]) if name.startswith(NOTED)}
        else:
            rest.append(document)
    assert "---\n".join(rest) == charts.text(chart, values, case, kubernetes), "the notes change what is rendered"
    return noted


def missed(chart: str, folder: Path, more: list[charts.Manifest]) -> tuple[list[Branch], list[Branch]]:
    """All branches that do not only refuse something, and those of them that nothing goes through.

    Gone through are all cases, and `more`: values on top of the case minimal that are too long for a golden file.
    """
    branches = [branch for branch in mark(chart, folder) if not branch.refuses]
    renders: list[tuple[str, charts.Manifest]] = [(case, {}) for case in charts.cases(chart)]
    renders += [("minimal", values) for values in more]
    noted: set[str] = set()
    for case, values in renders:
        for kubernetes in (charts.KUBERNETES[0], charts.NEWEST):
            noted |= rendered(chart, folder, case, values, kubernetes)
    return branches, [branch for branch in branches if branch.name not in noted]


def check(chart: str, folder: Path, more: list[charts.Manifest]) -> str:
    """Fails with the branches that nothing goes through; says how many there are."""
    branches, found = missed(chart, folder, more)
    wrong = [f"{branch.says} (line {branch.line})" for branch in found if branch.says not in EXCEPTIONS]
    assert not wrong, "no case renders these branches: " + "; ".join(wrong)
    stale = {branch.says for branch in branches if branch.says in EXCEPTIONS and branch not in found}
    assert not stale, f"these exceptions are rendered: take them out of branches.py: {sorted(stale)}"
    hit = len(branches) - len(found)
    return f"{chart}: {hit} of {len(branches)} branches are rendered, and {len(found)} are excepted"
