"""Laws of ``tilepack export``: titles, tags and pictures that a target is given."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
import zipfile

import pytest
from command_line import run
from PIL import Image

import tilepack

DESCRIBED = ["--title", "Müller & Söhne <Nord>", "--tags", "Straßen, Wege,,Straßen", "--description", 'Ein "Plan"']
DESCRIBED += ["--attribution", "© Müller"]


def members(path):
    with zipfile.ZipFile(path) as package:
        return {name.rpartition("/")[2]: package.read(name) for name in package.namelist()}


def test_descriptions_reach_every_document_of_a_tpkx(exploded, tmp_path):
    result = run("export", exploded, tmp_path / "made.tpkx", *DESCRIBED)
    assert (result.exit_code, result.stderr) == (0, "")
    held = members(tmp_path / "made.tpkx")
    item, root = json.loads(held["iteminfo.json"]), json.loads(held["root.json"])
    assert item["title"] == "Müller & Söhne <Nord>"
    assert item["tags"] == ["Straßen", "Wege"]
    assert item["description"] == root["serviceDescription"] == 'Ein "Plan"'
    assert item["accessInformation"] == root["copyrightText"] == "© Müller"


def test_descriptions_reach_every_document_of_a_tpk(exploded, tmp_path):
    result = run("export", exploded, tmp_path / "made.tpk", *DESCRIBED)
    assert (result.exit_code, result.stderr) == (0, "")
    held = members(tmp_path / "made.tpk")
    item = ET.fromstring(held["iteminfo.xml"])
    assert item.findtext("title") == "Müller & Söhne <Nord>"
    assert item.findtext("tags") == "Straßen, Wege"
    assert item.findtext("description") == 'Ein "Plan"'
    assert item.findtext("accessinformation") == "© Müller"
    package = ET.fromstring(held["item.pkinfo"])
    assert package.findtext("ID") == item.findtext("guid")
    assert package.findtext("name") == item.findtext("name")
    service = json.loads(held["mapserver.json"])["contents"]
    assert service["description"] == 'Ein "Plan"'
    assert service["copyrightText"] == "© Müller"
    assert service["documentInfo"]["Title"] == "Müller & Söhne <Nord>"
    assert service["documentInfo"]["Keywords"] == "Straßen, Wege"


@pytest.mark.parametrize("suffix", ["tpk", "tpkx"])
def test_descriptions_are_read_again_and_may_be_changed_one_by_one(exploded, tmp_path, suffix):
    run("export", exploded, tmp_path / f"a.{suffix}", *DESCRIBED)
    run("export", tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}", "--title", "Neu")
    with tilepack.open(tmp_path / f"b.{suffix}") as cache:
        about = cache.info.description
    assert (about.title, about.tags) == ("Neu", ("Straßen", "Wege"))
    assert (about.description, about.attribution) == ('Ein "Plan"', "© Müller")


def test_packages_without_title_or_tags_are_warned_of(exploded, tmp_path):
    both = run("export", exploded, tmp_path / "a.tpkx").stderr
    assert "has no title but its name" in both
    assert "portals refuse" in both
    assert "title" not in run("export", exploded, tmp_path / "b.tpkx", "--title", "T").stderr
    assert run("export", exploded, tmp_path / "c").stderr == ""


def test_folders_with_conf_xml_say_that_they_carry_no_descriptions(exploded, tmp_path):
    result = run("export", exploded, tmp_path / "made", "--title", "T")
    assert result.exit_code == 0
    assert "a folder with conf.xml has no place for them" in result.stderr


def test_folders_ready_to_serve_carry_descriptions(exploded, tmp_path):
    result = run("export", exploded, tmp_path / "made", "--ready-to-serve", *DESCRIBED)
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads((tmp_path / "made" / "iteminfo.json").read_bytes())["title"] == "Müller & Söhne <Nord>"


@pytest.mark.parametrize("suffix", ["tpk", "tpkx"])
@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("L", "JPEG"), ("CMYK", "JPEG")]
)
def test_thumbnail_is_made_to_fit(exploded, tmp_path, suffix, mode, kind):
    Image.new("RGB", (900, 300), (200, 0, 0)).convert(mode).save(tmp_path / "Bild ä.x", kind)
    target = tmp_path / f"made.{suffix}"
    assert run("export", exploded, target, "--thumbnail", tmp_path / "Bild ä.x", *DESCRIBED).exit_code == 0
    with Image.open(io.BytesIO(members(target)["thumbnail.png"])) as image:
        assert (image.format, image.size, image.mode) == ("PNG", (200, 133), "RGB")
        assert image.getpixel((0, 0)) == (255, 255, 255)
        middle = image.getpixel((100, 66))
    assert len(set(middle)) == 1 if mode == "L" else middle[0] > middle[1] + 100


@pytest.mark.parametrize("data", [None, b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(30), b"\xff\xd8\xff\xe0"])
def test_a_thumbnail_that_cannot_be_read_fails_with_a_sentence(exploded, tmp_path, data):
    path = tmp_path / "picture.png"
    if data is not None:
        path.write_bytes(data)
    result = run("export", exploded, tmp_path / "made.tpkx", "--thumbnail", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"tilepack: {path}: cannot be read as a thumbnail: ")
    assert not (tmp_path / "made.tpkx").exists()


def test_a_truncated_thumbnail_fails_with_a_sentence(exploded, tmp_path):
    path = tmp_path / "picture.jpg"
    Image.effect_noise((300, 300), 80).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:2000])
    result = run("export", exploded, tmp_path / "made.tpkx", "--thumbnail", path)
    assert result.exit_code == 1
    assert "cannot be read as a thumbnail" in result.stderr
