"""Documents that are broken, lie about the grid, or attack who reads them."""

import json
from collections.abc import Iterator

from hostile_builders import RESOLUTIONS, conf_xml, lods_xml, root_json, root_members
from hostile_case import Case, changed

from tilepack.errors import MetadataError, TilepackError, UnsupportedError

CONF = {"v1": "conf.xml", "v2": "conf.xml", "exploded": "conf.xml", "tpk": "v101/Small/conf.xml"}
ROOT = {"ready": "root.json", "tpkx": "root.json"}
BOMB = (
    '<!DOCTYPE CacheInfo [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
EXTERNAL = '<!DOCTYPE CacheInfo [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
PARAMETER = '<!DOCTYPE CacheInfo [<!ENTITY % a SYSTEM "http://192.0.2.1/a.dtd"> %a;]>'
REMOTE = '<!DOCTYPE CacheInfo SYSTEM "http://192.0.2.1/cache.dtd">'
LARGE = 17 << 20


def broken_conf() -> Iterator[Case]:
    for layout, path in CONF.items():
        kind = "v1" if layout == "tpk" else layout

        def case(name: str, data: bytes, *words, layout=layout, path=path, error: type[TilepackError] = MetadataError):
            return Case(f"{layout}-conf-{name}", changed(layout, path, lambda _: data), error, (path, *words))

        def says(name: str, words: tuple[str, ...], error=MetadataError, case=case, kind=kind, **parts: str):
            return case(name, conf_xml(kind, **parts), *words, error=error)

        sound = conf_xml(kind)
        yield case("empty", b"", "empty")
        yield case("blank", b" \n\t ", "empty")
        yield case("cut", sound[:400], "no well-formed XML")
        yield case("cut-to-declaration", sound[:38], "no well-formed XML")
        yield case("no-xml", b"Not found", "no well-formed XML")
        yield case("binary", bytes(range(256)) * 20, "no well-formed XML")
        yield case("of-another-root", b"<html><body>Not found</body></html>", "html", "CacheInfo")
        yield case("with-nothing-inside", b"<CacheInfo/>", "incomplete")
        yield case("bomb", conf_xml(kind, before=BOMB, extra="<x>&j;</x>"), "DOCTYPE", "remove")
        yield case("external-entity", conf_xml(kind, before=EXTERNAL, tile_format="&a;"), "DOCTYPE", "remove")
        yield case("parameter-entity", conf_xml(kind, before=PARAMETER), "DOCTYPE", "remove")
        yield case("remote-dtd", conf_xml(kind, before=REMOTE), "DOCTYPE", "remove")
        yield case("bomb-in-utf-16", sound_in("utf-16", conf_xml(kind, before=BOMB)), "DOCTYPE", "remove")
        yield case("bomb-in-utf-16-be", sound_in("utf-16-be", conf_xml(kind, before=BOMB)), "DOCTYPE", "remove")
        yield case("undeclared-entity", conf_xml(kind, tile_format="&a;"), "no well-formed XML")
        yield case("xml-1.1-with-controls", sound.replace(b'"1.0"', b'"1.1"').replace(b"PNG", b"\1PNG"), "XML")
        yield case("utf-16-said-but-not-used", sound.replace(b"utf-8", b"utf-16", 1), "no well-formed XML")
        yield case("unknown-encoding", sound.replace(b"utf-8", b"no-such", 1), "no well-formed XML")
        yield case("utf-16-cut", sound_in("utf-16", sound)[:601], "no well-formed XML")
        yield case("nested", conf_xml(kind, extra="<a>" * 5000 + "</a>" * 5000), "no well-formed XML")
        yield case("nested-far", conf_xml(kind, extra="<a>" * 90_000 + "</a>" * 90_000), "no well-formed XML")
        yield case("too-many-tags", conf_xml(kind, extra="<a/>" * 250_000), "parts")
        yield says("levels-100000", ("parts", "200,000"), lods=lods_xml((n, 1) for n in range(100_000)))
        yield says("levels-10000", ("10,000 levels", "256"), lods=lods_xml((n, 1) for n in range(10_000)))
        yield says("levels-none", ("no levels", "at least one"), lods="")
        yield says("level-10**9", ("LevelID", "1000000000", "999"), lods=lods_xml([(10**9, 1)]))
        yield says("level-negative", ("LevelID", "-1"), lods=lods_xml([(-1, 1)]))
        yield says("level-fraction", ("LevelID", "1.5"), lods=lods_xml([(1.5, 1)]))
        yield says("level-twice", ("LevelID 0", "twice"), lods=lods_xml([(0, 2), (0, 1)]))
        for value in ("0", "-5", "NaN", "INF", "1e999", "x", "1e-300", "9" * 500):
            yield says(f"resolution-{value[:9]}", ("Resolution", value[:9]), lods=lods_xml([(0, value)]))
        for value in ("0", "-256", "2147483648", "1e30", "1e999", "16.5", "NaN"):
            yield says(f"tiles-of-{value}", (), cols=value)
        yield says("origin-far", ("origin", "1e+300"), x="1e300")
        yield says("origin-nan", ("X", "NaN"), x="NaN")
        yield says("unknown-tile-format", ("'BMP'", "knows"), error=UnsupportedError, tile_format="BMP")
        yield says("unknown-storage", ("'esriX'", "knows"), error=UnsupportedError, storage="esriX")
        if kind != "exploded":
            yield says("packet-64", ("PacketSize is 64", "128"), packet="64")
            yield says("packet-0", ("PacketSize is 0", "128"), packet="0")
    yield Case(
        "v2-conf-of-17-mib",
        changed("v2", "conf.xml", lambda data: data + b" " * LARGE),
        MetadataError,
        ("conf.xml", "bytes"),
    )
    yield Case(
        "v2-cdi-cut",
        changed("v2", "conf.cdi", lambda data: data[:50]),
        MetadataError,
        ("conf.cdi", "no well-formed XML"),
    )
    yield Case(
        "v2-cdi-inverted",
        changed("v2", "conf.cdi", lambda data: data.replace(b"<XMin>-", b"<XMin>9")),
        MetadataError,
        ("conf.cdi", "envelope", "minima"),
    )
    yield Case(
        "v2-cdi-bomb",
        changed("v2", "conf.cdi", lambda data: BOMB.replace("CacheInfo", "EnvelopeN").encode() + data),
        MetadataError,
        ("conf.cdi", "DOCTYPE"),
    )


def sound_in(encoding: str, document: bytes) -> bytes:
    return document.decode().replace('encoding="utf-8"', f'encoding="{encoding}"').encode(encoding)


def lods(*levels: tuple[object, object]) -> dict[str, object]:
    return root_members()["tileInfo"] | {"lods": [{"level": n, "resolution": r, "scale": 1} for n, r in levels]}


def broken_root() -> Iterator[Case]:
    for layout, path in ROOT.items():

        def case(name: str, data: bytes, *words, layout=layout, path=path, error: type[TilepackError] = MetadataError):
            return Case(f"{layout}-root-{name}", changed(layout, path, lambda _: data), error, (path, *words))

        def says(name: str, *words, case=case, error=MetadataError, **changes):
            return case(name, root_json(**changes), *words, error=error)

        sound = root_json()
        yield case("empty", b"", "empty")
        yield case("cut", sound[:300], "no JSON")
        yield case("no-json", b"Not found", "no JSON")
        yield case("binary", bytes(range(256)) * 9, "no JSON")
        yield case("array", b"[1, 2]", "topmost", "object")
        yield case("text", b'"x"', "topmost", "object")
        yield case("null", b"null", "topmost", "object")
        yield case("object-of-nothing", b"{}", "tileInfo", "incomplete")
        yield case("nan", sound.replace(b"96", b"NaN"), "NaN")
        yield case("infinite", sound.replace(b"96", b"-Infinity"), "Infinity")
        yield case("1e999", sound.replace(b"96", b"1e999"), "1e999")
        yield case("huge-integer", sound.replace(b"96", b"9" * 400), "dpi")
        yield case("huger-integer", sound.replace(b"96", b"9" * 5000), "no JSON")
        yield case("nested", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested")
        yield case("nested-open", b'{"a":' + b"[" * 100_000, "nested")
        yield case("nested-objects", b'{"a":' * 1000 + b"1" + b"}" * 1000, "nested")
        yield case("many-values", b'{"a":[' + b"0," * 600_000 + b"0]}", "parts")
        yield case("half-a-surrogate", sound.replace(b'"PNG"', b'"\\ud800"'), "tile format", error=UnsupportedError)
        for outside in (
            "../..",
            "/etc",
            "C:\\x",
            "C:/x",
            "tile/../../x",
            "\\\\host\\x",
            "..",
            ".. /x",
            "tile\0",
            "//h/x",
        ):
            yield says(f"bundles-path-{outside}", "tileBundlesPath", "inside the package", tileBundlesPath=outside)
        yield says("bundles-path-list", "tileBundlesPath", "inside the package", tileBundlesPath=["tile"])
        yield says("bundles-path-missing", "tileBundlesPath", "'./tiles'", "no such folder", tileBundlesPath="./tiles")
        yield says("packet-64", "PacketSize is 64", "128", storageInfo={"packetSize": 64})
        yield says("levels-100000", "100,000 levels", tileInfo=lods(*((n, 1) for n in range(100_000))))
        yield says("levels-none", "no levels", tileInfo=lods())
        yield says("levels-number", "lods", "list", tileInfo=root_members()["tileInfo"] | {"lods": 7})
        yield says("levels-of-text", "lods", "object", tileInfo=root_members()["tileInfo"] | {"lods": ["x"]})
        yield says("level-10**9", "LevelID", "1000000000", tileInfo=lods((10**9, 1)))
        yield says("level-twice", "LevelID 1", "twice", tileInfo=lods((1, 2), (1, 1)))
        yield says("resolution-0", "Resolution", tileInfo=lods((0, 0)))
        yield says("resolution-negative", "Resolution", "-1", tileInfo=lods((0, -1)))
        yield says("tiles-huge", "2147483648", "8192", tileInfo=root_members()["tileInfo"] | {"rows": 1 << 31})
        yield says("tiles-text", "rows", tileInfo=root_members()["tileInfo"] | {"rows": "many"})
        yield says("min-above-max", "minLOD", "maxLOD", minLOD=9, maxLOD=2)
        yield says("min-level-huge", "minLOD", minLOD=10**30)
        yield says("vector", "vector tile", error=UnsupportedError, type="indexedVector")
        yield says("unknown-format", "'PDF'", error=UnsupportedError, tileImageInfo={"format": "PDF"})
        yield says("extent-inverted", "fullExtent", "minima", fullExtent={"xmin": 2, "ymin": 0, "xmax": 1, "ymax": 1})
    yield Case(
        "ready-root-of-17-mib",
        changed("ready", "root.json", lambda data: data + b" " * LARGE),
        MetadataError,
        ("root.json", "bytes"),
    )


def tiles_without_level() -> Iterator[Case]:
    """Tiles on a level that the scheme lacks cannot be placed; only a conversion has to know where they lie."""
    kept = [(level, resolution) for level, resolution in RESOLUTIONS.items() if level != 8]
    for layout, data in (("v1", conf_xml("v1", lods=lods_xml(kept))), ("ready", root_json(tileInfo=lods(*kept)))):
        path = "root.json" if layout == "ready" else "conf.xml"
        yield Case(
            f"{layout}-tiles-on-a-level-that-the-scheme-lacks",
            changed(layout, path, lambda _, data=data: data),
            TilepackError,
            ("level 8", "scheme", "--levels"),
        )


CASES = [*broken_conf(), *broken_root()]
CONVERT_CASES = list(tiles_without_level())


def sound_oddities() -> dict[str, tuple[str, str, bytes]]:
    """What looks odd and is sound: layout, path and bytes by name."""
    twice = json.dumps(root_members())[:-1] + ', "name": "Other"}'
    return {
        "conf-utf-16": ("v2", "conf.xml", sound_in("utf-16", conf_xml("v2"))),
        "conf-with-mark": ("v2", "conf.xml", b"\xef\xbb\xbf" + conf_xml("v2")),
        "conf-with-comments": ("v2", "conf.xml", conf_xml("v2", extra="<!-- x --><?php x?><Unknown>1</Unknown>")),
        "root-duplicate-keys": ("ready", "root.json", twice.encode()),
        "root-utf-16": ("ready", "root.json", root_json().decode().encode("utf-16")),
        "root-with-mark": ("ready", "root.json", b"\xef\xbb\xbf" + root_json()),
        "root-path-of-dots": ("ready", "root.json", root_json(tileBundlesPath="././tile//")),
        "item-broken": ("ready", "iteminfo.json", b"{"),
    }
