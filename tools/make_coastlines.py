#!/usr/bin/env python3
"""Writes Sources/Reports/CoastlineData.swift: the coastlines of the world at 1:110 million.

Source: Natural Earth (https://www.naturalearthdata.com), 1:110m cultural vectors, Admin 0
countries, in the public domain; taken from the copy inside the wheel geopandas 0.14.4 (PyPI),
so no other site is needed. The countries are united; what remains are coasts and the shores of
enclosed seas. The artificial edges along longitude 180 and the south pole are dropped.

Format: little-endian Int16 numbers in base64. For each line: the number of points, longitude and
latitude of the first point in hundredths of a degree, then the differences point to point.

Usage:
  python3 -m venv venv && venv/bin/pip install pyshp==3.1.6 shapely==2.2.0
  venv/bin/pip download geopandas==0.14.4 --no-deps
  venv/bin/python tools/make_coastlines.py geopandas-0.14.4-py3-none-any.whl
"""

import base64
import io
import pathlib
import struct
import sys
import zipfile

import shapefile
from shapely.geometry import Polygon, shape
from shapely.ops import unary_union

FOLDER = "geopandas/datasets/naturalearth_lowres/naturalearth_lowres"
SMALLEST_SEA = 2.0  # square degrees; smaller holes are slivers between neighbouring borders
SCALE = 100


def on_artificial_edge(a, b):
    """Whether the step a -> b follows the date line or the south pole rather than a shore."""
    along_date_line = abs(a[0]) > 179.99 and abs(b[0]) > 179.99
    along_pole = a[1] < -89.9 and b[1] < -89.9
    return along_date_line or along_pole


def lines_of(ring):
    """The ring as open lines without artificial edges."""
    points = list(ring.coords)
    line = [points[0]]
    lines = []
    for a, b in zip(points, points[1:]):
        if on_artificial_edge(a, b):
            lines.append(line)
            line = [b]
        else:
            line.append(b)
    lines.append(line)
    if len(lines) > 1 and lines[0][0] == lines[-1][-1]:
        lines[0] = lines.pop() + lines[0][1:]
    return [line for line in lines if len(line) > 1]


def main(wheel):
    with zipfile.ZipFile(wheel) as archive:
        parts = {x: io.BytesIO(archive.read(f"{FOLDER}.{x}")) for x in ("shp", "shx", "dbf")}
    countries = [shape(record.__geo_interface__).buffer(0) for record in shapefile.Reader(**parts).shapes()]
    # A hair's breadth of buffer closes the gaps where two countries digitised a border differently.
    land = unary_union([country.buffer(0.01, join_style=2) for country in countries]).buffer(-0.01, join_style=2)
    numbers = []
    lines = []
    for polygon in sorted(land.geoms, key=lambda p: -p.area):
        holes = [hole for hole in polygon.interiors if Polygon(hole).area > SMALLEST_SEA]
        for ring in [polygon.exterior, *holes]:
            lines += lines_of(ring)
    points = 0
    for line in lines:
        whole = [(round(x * SCALE), round(y * SCALE)) for x, y in line]
        whole = [whole[0]] + [b for a, b in zip(whole, whole[1:]) if b != a]
        if len(whole) < 2:
            continue
        points += len(whole)
        numbers += [len(whole), *whole[0]]
        for a, b in zip(whole, whole[1:]):
            numbers += [b[0] - a[0], b[1] - a[1]]
    text = base64.b64encode(struct.pack(f"<{len(numbers)}h", *numbers)).decode()
    rows = "\\\n".join("    " + text[i : i + 100] for i in range(0, len(text), 100))
    path = pathlib.Path(__file__).parent.parent / "Sources/Reports/CoastlineData.swift"
    path.write_text(
        f"""// Written by tools/make_coastlines.py; do not edit.
// Source: Natural Earth (https://www.naturalearthdata.com), 1:110m Admin 0 countries, united to land.
// Licence: public domain. {len(lines)} lines, {points} points.

enum CoastlineData {{
  /// Little-endian Int16 numbers in base64: for each line its number of points, longitude and latitude
  /// of the first point [0.01 degree], then the differences point to point.
  static let base64 = \"\"\"
{rows}
    \"\"\"
}}
"""
    )
    print(f"{len(lines)} lines, {points} points, {len(text)} characters")


if __name__ == "__main__":
    main(sys.argv[1])
