"""The pages tell the truth: their commands run, their links lead somewhere, nothing is left out."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.homes import DEMO, demonstrated
from tests.repo.documents import DATABASE, REFERENCE, ROOT, Command, Page, missing_lines, pages
from tests.repo.warm import warm_warden

PAGES = pages()
SECONDS = 240
"""A page takes ten to twenty; the rest is room for a busy machine."""
FAILED = 70
SERVED = "127.0.0.1:8000"
MARK = "@@step"
STARTED_COLD = "README.md"
"""The page whose every command is started from nothing."""
BRIEF_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Compiling well what runs for seconds costs more than it saves."""
OUTSIDE = {"curl", "iconv", "java"}
"""Programs pages use that neither Python nor every machine brings."""

READY = """\
python - <<'END'
import time, urllib.request
for _ in range(300):
    try:
        urllib.request.urlopen("http://{served}/healthz", timeout=2)
        break
    except OSError:
        time.sleep(0.2)
else:
    raise SystemExit("the server did not come up")
END
"""


def with_commands() -> list[object]:
    """Every page with commands, marked where it needs a server of the test extra."""
    found: list[object] = []
    for page in PAGES:
        if page.commands:
            marks = [pytest.mark.postgres] if DATABASE in page.text else []
            marks += [pytest.mark.spark] if any("java" in c.text for c in page.commands) else []
            found.append(pytest.param(page, id=page.name, marks=marks))
    return found


@pytest.fixture(scope="module")
def warm() -> Iterator[Path]:
    """A folder whose `warden` need not wait for libraries."""
    with warm_warden(surroundings(ROOT)) as folder:
        yield folder


@pytest.mark.parametrize("page", with_commands())
def test_every_command_of_a_page_does_what_the_page_says(
    page: Page,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> None:
    steps = [c for c in page.commands if not c.only_checked]
    absent = {p for p in OUTSIDE for c in steps if p in c.text.split() and not shutil.which(p)}
    if absent:
        pytest.skip(f"not on this machine: {', '.join(sorted(absent))}")
    for name, text in page.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    script = script_of(steps)
    if DEMO in script:
        # several pages begin with it
        made = demonstrated(tmp_path_factory)
        script = script.replace(DEMO, f"cp -R {made}/warden-home . && cat {made}/printed")
    if DATABASE in script:
        script = script.replace(DATABASE, request.getfixturevalue("postgres_url"))
    tools = [] if page.name == STARTED_COLD else [request.getfixturevalue("warm")]
    printed = by_step(run(script, tmp_path, tools), len(steps))
    for step, text in zip(steps, printed, strict=True):
        absent_lines = missing_lines(step.shown, text)
        assert not absent_lines, f"$ {step.text}\nshown, not printed: {absent_lines}\n{text}"


def script_of(steps: list[Command]) -> str:
    """One shell script for a page, so that what a command sets holds for the next."""
    lines = ["trap 'kill $server 2>/dev/null; wait' EXIT"]
    served = f"127.0.0.1:{free_port()}"
    for number, step in enumerate(steps):
        text = step.text.replace(SERVED, served)
        lines.append(f"printf '\\n{MARK} {number}\\n'")
        if text.startswith("warden serve"):
            lines.append(f"{text} --port {served.split(':')[1]} &\nserver=$!")
            lines.append(READY.format(served=served))
            continue
        lines.append(f"{{ {text}\n}}; code=$?")
        lines.append(f"[ $code -eq {step.exit_code} ] || {{ echo exit $code; exit {FAILED}; }}")
    return "\n".join(lines)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def surroundings(home: Path, tools: Sequence[Path] = ()) -> dict[str, str]:
    """The environment of a reader's shell, with the programs of `tools` before ours."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WARDEN_")}
    folders = [*map(str, tools), str(Path(sys.executable).parent), os.environ["PATH"]]
    own = {"PATH": os.pathsep.join(folders), "HOME": str(home), "NO_COLOR": "1", "TERM": "dumb"}
    own["JAVA_TOOL_OPTIONS"] = BRIEF_JAVA
    return kept | own


def run(script: str, folder: Path, tools: Sequence[Path] = ()) -> str:
    """What the script printed; fails with the last command when one ended as it should not."""
    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=surroundings(folder, tools),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output = process.communicate(timeout=SECONDS)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 0, output[-3000:]
    return output


def by_step(output: str, count: int) -> list[str]:
    """The output cut at the marks between commands."""
    parts = re.split(rf"^{MARK} \d+\n", output, flags=re.M)
    assert len(parts) == count + 1
    return parts[1:]


def test_pages_show_their_commands_failing_when_they_do() -> None:
    """The runner itself: a wrong exit code and a line nobody printed are both noticed."""
    with pytest.raises(AssertionError):
        run(script_of([Command("false")]), ROOT)
    assert by_step(run(script_of([Command("false # exit 1"), Command("echo a b")]), ROOT), 2)
    assert missing_lines(["read 3", "x ... z"], "read 3\nx  y z\n") == []
    assert missing_lines(["x ... z", "read 3"], "read 3\nx y z\n") == ["read 3"]


def test_make_targets_named_in_the_pages_exist() -> None:
    targets = set(re.findall(r"^([\w.$()/-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {c.text.split()[1] for p in PAGES for c in p.commands if c.text.startswith("make ")}
    named |= {w for p in PAGES for w in re.findall(r"`make (\w+)", p.text)}
    assert {"demo", "test"} <= named
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Page) -> None:
    broken = []
    for link in page.links:
        name, _, fragment = link.partition("#")
        target = (page.path.parent / name).resolve() if name else page.path
        if not target.exists() or (fragment and fragment not in Page(target).anchors):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        names = (link.partition("#")[0] for link in Page(path).links)
        waiting += [(path.parent / name).resolve() for name in names if name]
    assert [p.name for p in PAGES if p.path not in seen] == []


def test_the_reference_is_what_the_code_says() -> None:
    from detector.reference import HEAD
    from detector.reference import pages as written

    current = {f"{name}.md": HEAD + text.strip() + "\n" for name, text in written().items()}
    committed = {
        p.relative_to(REFERENCE).as_posix(): p.read_text(encoding="utf-8")
        for p in REFERENCE.rglob("*.md")
    }
    stale = sorted(n for n in current | committed if current.get(n) != committed.get(n))
    assert stale == [], f"run `make docs` and commit docs/reference: {', '.join(stale)}"


def test_the_reference_does_not_depend_on_what_was_imported_first() -> None:
    """A registry is filled by imports; a page must not move with their order."""
    backwards = (
        "import importlib, pkgutil\n"
        "for top in ('detector.models', 'features.library', 'features.contracts'):\n"
        "    path = importlib.import_module(top).__path__\n"
        "    for name in sorted((m.name for m in pkgutil.iter_modules(path)), reverse=True):\n"
        "        importlib.import_module(f'{top}.{name}')\n"
        "from pathlib import Path\n"
        "from detector.reference import HEAD, pages\n"
        f"out = Path({str(REFERENCE)!r})\n"
        "for name, text in pages().items():\n"
        "    held = (out / f'{name}.md').read_text(encoding='utf-8')\n"
        "    assert held == HEAD + text.strip() + '\\n', name\n"
    )
    subprocess.run([sys.executable, "-c", backwards], check=True)


def test_every_command_is_in_the_reference_and_in_a_page() -> None:
    from typer.main import get_command

    from detector.cli.main import app

    def paths(command: object, path: str) -> list[str]:
        children = getattr(command, "commands", {})
        return [q for n, c in children.items() for q in paths(c, f"{path} {n}")] or [path]

    known = paths(get_command(app), "warden")
    reference = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    assert [c for c in known if f"`{c}" not in reference] == []
    by_hand = "\n".join(p.text for p in PAGES if REFERENCE not in p.path.parents)
    named = set(re.findall(r"(?:`|\$ )warden (?:--home \S+ )?([a-z][a-z-]*(?: [a-z]+)?)", by_hand))
    leading = {name.split()[0] for name in named}
    assert [c for c in known if c.split()[1] not in leading] == []
    assert [n for n in leading if f"`warden {n}" not in reference] == []


def test_every_setting_is_in_the_pages() -> None:
    from detector.settings import Jobs, Settings

    names = [n for n in Settings.model_fields if n != "jobs"]
    names += [f"jobs.{n}" for n in Jobs.model_validate({}).schedules()]
    everything = "\n".join(p.text for p in PAGES)
    assert [n for n in names if f"`{n}`" not in everything] == []
