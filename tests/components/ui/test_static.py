"""What is shipped with the pages: whose it is, that nothing of it is changed, and that nothing asks for what is not here."""

import hashlib
import json
import re
from pathlib import Path

import archsmith.ui

UI = Path(archsmith.ui.__file__).parent
STATIC = UI / "static"
THEIRS = json.loads((STATIC / "SOURCES.json").read_text())


def test_scripts_of_others_are_as_their_package_has_them_and_their_licence_is_beside_them() -> None:
    for name, of in THEIRS.items():
        data = (STATIC / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == of["sha256"]
        assert f'version="{of["version"]}"'.encode() in data.replace(b"t.version=", b"version=") or of["version"].encode() in data
        assert "Apache License" in (STATIC / f"{of['package']}.LICENSE").read_text()
        assert (STATIC / f"{of['package']}.NOTICE").read_text().startswith("Apache ECharts")


def test_our_scripts_and_styles_name_nothing_outside_and_make_no_code_of_text() -> None:
    ours = [p for p in STATIC.iterdir() if p.suffix in {".js", ".css"} and p.name not in THEIRS]
    assert len(ours) > 8
    for path in ours:
        text = path.read_text()
        assert "http://www.w3.org/2000/svg" not in text or path.name == "dom.js"
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), path
        assert not re.search(r"\beval\(|new Function|insertAdjacentHTML|document\.write|\.(inner|outer)HTML\s*=[^=]", text), path


def test_templates_have_neither_scripts_nor_styles_within_them() -> None:
    for path in (UI / "templates").iterdir():
        text = path.read_text()
        assert not re.search(
            r"\sstyle=|\son[a-z]+=|<style|javascript:|\| *safe", text.replace("""' class="differ"' | safe""", "")
        ), path
        for script in re.findall(r"<script[^>]*>", text):
            assert "src=" in script or 'type="application/json"' in script, path


def test_no_letters_are_smaller_than_eleven_pixels() -> None:
    for path in STATIC.glob("*.js"):
        if path.name not in THEIRS:
            sizes = [int(n) for n in re.findall(r"fontSize: (\d+)", path.read_text())]
            assert all(n >= 11 for n in sizes), path
    sizes_rem = [float(n) for n in re.findall(r"font(?:-size)?: (\.\d+|\d+\.\d+)rem", (STATIC / "ui.css").read_text())]
    assert sizes_rem
    assert all(16 * n >= 11 for n in sizes_rem)
