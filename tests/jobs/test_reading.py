"""Laws of files of jobs: whatever is wrong is listed with its line, all of it at once, and nothing is begun."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import caches
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import tilepack
from tilepack.jobs.keys import KINDS
from tilepack.jobs.reading import Problems, read_jobs
from tilepack.keys import TileKey
from tilepack_cli.main import app

GOOD = """
[[job]]
name = "cut"
do = "export"
source = "Source"
target = "out.tpkx"
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cache") / "Source"
    caches.write_v2(folder, caches.web_mercator(), {TileKey(3, 1, 1): caches.payload(TileKey(3, 1, 1))})
    return folder


@pytest.fixture
def place(tmp_path, cache) -> Path:
    shutil.copytree(cache, tmp_path / "Source")
    return tmp_path / "jobs.toml"


def refused(place: Path, text: str, **options) -> dict[int, list[str]]:
    """Give what is told of a file, by line."""
    place.write_text(text, encoding="utf-8")
    before = sorted(place.parent.rglob("*"))
    with pytest.raises(tilepack.JobFileError) as raised:
        tilepack.run_jobs(place, **options)
    assert sorted(place.parent.rglob("*")) == before, "nothing is begun, nothing is left"
    found: dict[int, list[str]] = {}
    for line in str(raised.value).splitlines()[1:]:
        number, said = re.fullmatch(r"  line (\d+): (.+)", line).groups()
        found.setdefault(int(number), []).append(said)
    return found


def test_all_that_is_wrong_is_told_at_once_with_its_line(place):
    text = """colour = 1
[variables]
data = "${daat}/x"

[[job]]
name = "first"
do = "exprot"

[[job]]
name = "a"
do = "export"
source = "nowhere"
target = "x.tpk"
storage-format = "exploded"
levels = "7-3"
thumbnail = "no.png"
whole_tiles = true
replace = "yes"
needs = ["b", "zz"]
[[job.areas]]
sauce = "u.gpkg"
[[job.areas]]
source = "u.gpkg"
levels = "0-3"

[[job]]
name = "b"
do = "import"
needs = "a"
merge = true
overwrite = true
target = "Source"

[[job]]
name = "b"
do = "verify"
source = "Source"
"""
    wanted = {
        1: "unknown key 'colour'",
        3: "there is no variable 'daat'",
        7: "do is 'exprot'; there are export, import",
        12: "nowhere: there is nothing of that name",
        14: "a .tpk holds COMPACT, not EXPLODED",
        15: "levels 7-3 run backwards",
        16: "no.png: there is no such picture",
        17: "did you mean whole-tiles?",
        18: "replace is text; write true or false",
        19: "needs 'zz'",
        20: "the area has no source",
        21: "unknown key 'sauce'",
        23: "there is no such file for an area",
        26: "job b has no source",
        31: "job b has merge and overwrite",
        35: "job b is there already, in line 26",
    }
    found = refused(place, text)
    for line, words in wanted.items():
        assert any(words in said for said in found[line]), (line, words, found.get(line))
    assert any("circle: " in said for said in found[19] + found.get(29, []))
    assert found.keys() == wanted.keys() | ({29} & found.keys())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('levels = "0-3"\nscales = [500000]', "has levels and scales"),
        ("extent = [0, 0, 1, 1]\nbbox = [0, 0, 1, 1]", "has extent and bbox"),
        ("replace = true\nmerge = true", "has merge and replace"),
        ("delete-missing = true", "which belongs to overwrite"),
        ("levels = [1.5]", "write levels as"),
        ("levels = true", "write levels as"),
        ("scales = [0]", "scale 0"),
        ("scales = []", "scales is empty"),
        ('scales = ["x"]', "write scales as"),
        ("scales = [nan]", "write scales as"),
        ("extent = [1, 2, 3]", "write four numbers"),
        ('extent = "a,b,c,d"', "write four numbers"),
        ("extent = [2, 0, 1, 1]", "an extent's minima lie below its maxima"),
        ("bbox = [0, 50, 10, 40]", "is no rectangle in degrees"),
        ("bbox = [-190, 50, 10, 60]", "is no rectangle in degrees"),
        ('background = "reddish"', 'write "#rrggbb"'),
        ('background = "#ff000080"', 'write "#rrggbb"'),
        ('background = "1,2"', "is no colour"),
        ("background = [1, 2, 300]", "is no colour"),
        ("storage-format = 'zip'", "storage format 'zip' is unknown"),
        ("title = 1979-05-27", "title is a date or a time"),
        ("tags = 5", "write a list of texts"),
        ("title = ''", "title is empty"),
        ("title = '$'", "a dollar sign stands alone"),
        ("title = '${'", "a dollar sign stands alone"),
        ("title = '${nothing-of-that-name}'", "there is no variable"),
        ("areas = 5", "areas is no list"),
        ("areas = []", "areas is no list"),
        ("areas = [5]", "an area is no table"),
        ('areas = ["8-0=Source"]', "levels 8-0 run backwards"),
        ('areas = [{ source = "0-3=Source", levels = "4" }]', "is for levels or scales in two ways"),
        ('areas = [{ source = "Source", levels = "4", scales = [1] }]', "is for levels or scales in two ways"),
        ('areas = [{ source = "none.gpkg", crs = true }]', "area's crs is true or false"),
        ("needs = 5", "needs is no list of names"),
        ('needs = ["cut"]', "circle: cut needs cut"),
        ("[job.options]\nx = 1", "unknown key 'options'"),
    ],
)
def test_each_wrong_value_is_named_with_its_line(place, more, words):
    found = refused(place, GOOD.strip() + "\n" + more + "\n")
    assert len(found) == 1
    (line, said), *_ = found.items()
    assert any(words in each for each in said), found
    assert line in (6, 7)


def test_source_and_target_may_not_be_one(place):
    found = refused(place, GOOD.replace("out.tpkx", "./Source/../Source") + "replace = true")
    assert "one path as source and target" in found[6][0]


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ('do = "delete"\ntarget = "Source"', "says nothing of which tiles"),
        ('do = "delete"\ntarget = "Source"\nall = true\npixels = true', "belongs to areas"),
        ('do = "delete"\ntarget = "Source"\nall = true\nlevels = "3"', "has all and levels"),
        ('do = "delete"\ntarget = "Source"\nall = true\nbackground = "red"', "belongs to pixels"),
        ('do = "import"\nsource = "Source"\ntarget = "x"\noverwrite = true\nonly-missing = true', "choose one"),
        ('do = "status"\nsource = "Source"\nlevels = "3"', "no target"),
        ('do = "status"\nsource = "Source"\ntarget = "reports"', "no such folder for reports"),
        ('do = "status"\nsource = "Source"\ntarget = "."\nformat = "xls"', "there are gdb, gpkg"),
        ('do = "import"\nsource = "Source"\ntarget = "none"', "nothing of that name"),
        ('do = "convert"\nsource = "Source"\ntarget = "none/x.tpk"', "no folder for it to stand in"),
        ('do = "convert"\nsource = "Source"\ntarget = "jobs.toml"', "exists already; say replace = true"),
        ('do = "verify"\nsource = "Source"\ntarget = "x"', "unknown key 'target' in a verify"),
        ('do = "verify"', "has no source, which a verify needs"),
        ('source = "Source"', "the job has no do"),
    ],
)
def test_each_kind_is_looked_at_for_its_own_sense(place, job, words):
    found = refused(place, f'[[job]]\nname = "x"\n{job}\n')
    assert any(words in said for each in found.values() for said in each), found


@pytest.mark.parametrize("name", ["", " ", "a b", "../up", "x" * 65, "ü"])
def test_names_are_plain(place, name):
    assert refused(place, GOOD.replace('"cut"', f'"{name}"'))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a = ", "is no TOML"),
        (b"[[job]\n", "is no TOML"),
        (b"\xff\xfe", "line 1 is not written in UTF-8"),
        (b"a = 1\nb = '\xe4'", "line 2 is not written in UTF-8"),
        (b"a = " + b"[" * 200_000, "is no TOML"),
        (b"#" * (1 << 20) + b"\n\n", "is no file of jobs: it has 1048578 bytes, those 1048576 at most"),
        (b'a = "C:\\maps"', "write paths with / or between 'single quotes'"),
        (b"", "there is no job in it"),
        (b"job = 5", "begin each job with"),
        (b"[job]\nname = 'x'", "begin each job with"),
        (b"variables = 5\n[[job]]", "variables is no table"),
        (b"[variables]\na = [1]\n[[job]]", "variable a is no text"),
        (b"[[job]]\n" * 1001, "a file holds at most 1000"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_files_of_strangers_are_refused_in_sentences(place, data, words):
    place.write_bytes(data)
    with pytest.raises(tilepack.JobFileError, match=re.escape(words)):
        tilepack.run_jobs(place)


def test_variables_that_swell_are_refused(place):
    swelling = "".join(f'v{n} = "{f"${{v{n - 1}}}" * 10 if n else "x" * 100}"\n' for n in range(9))
    found = refused(place, f"[variables]\n{swelling}{GOOD}")
    assert any("longer than 65536" in said for each in found.values() for said in each)


def test_file_that_is_missing_or_a_folder_is_told(tmp_path):
    with pytest.raises(tilepack.CacheNotFoundError, match="no such file of jobs"):
        tilepack.run_jobs(tmp_path / "none.toml")
    with pytest.raises(tilepack.JobFileError, match="is no plain file"):
        tilepack.run_jobs(tmp_path)


def test_variables_come_from_the_file_then_the_environment_and_paths_are_the_files(tmp_path):
    place = tmp_path / "jobs.toml"
    place.write_text(
        '[variables]\nroot = "${home}/x"\nhome = "mine"\nnumber = 5\n[[job]]\nname = "a"\ndo = "export"\n'
        'source = "${root}/${outer}"\ntarget = "/abs/${number}.tpk"\ntitle = "$$ ${number}"\n'
        'areas = ["0-3=in.gpkg", "x.gdb/layer", "POINT (1 2)"]\n',
        encoding="utf-8",
    )
    problems = Problems(place)
    (job,) = read_jobs(place, {"outer": "o", "home": "theirs"}, problems)
    assert not problems.found
    assert job.options["source"] == tmp_path / "mine/x/o"
    assert job.options["target"] == Path("/abs/5.tpk")
    assert job.options["title"] == "$ 5"
    places = [area.split() for area in job.options["areas"]]
    assert places == [
        (((0, 3),), str(tmp_path / "in.gpkg")),
        (None, str(tmp_path / "x.gdb/layer")),
        (None, "POINT (1 2)"),
    ]


@pytest.mark.parametrize("text", ['"#ff8000"', "[255, 128, 0]", '"255,128,0"'])
def test_colours_are_written_as_on_the_command_line(text, tmp_path):
    place = tmp_path / "jobs.toml"
    place.write_text(f"{GOOD}background = {text}")
    problems = Problems(place)
    (job,) = read_jobs(place, {}, problems)
    assert (job.options["background"], problems.found) == ((255, 128, 0), [])


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("export", ["export"]),
        ("import", ["import"]),
        ("convert", ["convert"]),
        ("status", ["status", "report"]),
        ("delete", ["delete"]),
        ("verify", ["verify"]),
    ],
)
def test_jobs_say_what_the_command_line_says(do, words):
    command = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
    options = {option[2:] for parameter in command.params for option in parameter.opts if option.startswith("--")}
    run = {"dry-run", "jobs", "json", "quiet", "verbose", "help", "report-folder"}
    area = {option for option in options if option.startswith("aoi")}
    assert KINDS[do].keys() - {"source", "target"} == options - run - area | ({"areas"} if area else set())


VALUE = st.recursive(
    st.one_of(st.integers(-5, 5), st.booleans(), st.floats(), st.text("a$\\{}0-,;=.", max_size=6)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["source", "levels", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def written(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value + "'"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {written(each)}" for key, each in value.items()) + "}"
    return str(value)


@given(do=st.sampled_from(sorted(KINDS)), data=st.data())
def test_whatever_the_values_are_there_is_a_sentence_or_a_job(tmp_path_factory, do, data):
    keys = data.draw(st.dictionaries(st.sampled_from([*KINDS[do], "needs", "other"]), VALUE, max_size=5))
    place = tmp_path_factory.getbasetemp() / "any.toml"
    lines = [f"{key} = {written(value)}" for key, value in keys.items()]
    place.write_text("\n".join(["[[job]]", "name = 'x'", f"do = '{do}'", *lines]), encoding="utf-8")
    problems = Problems(place)
    read_jobs(place, {}, problems)
    assert all(1 <= line <= len(lines) + 3 and said for line, said in problems.found)
