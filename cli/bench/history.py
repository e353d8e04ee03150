#!/usr/bin/env python3
"""What a long history costs: runs HistoryBenchmark, prints its results as tables, draws the curve.

    cli/bench/history.py                              all parts at full size; an hour on two cores
    cli/bench/history.py --scale 10 --part window     one part, at a tenth
    cli/bench/history.py --snapshots 100000 --scale 25 --part curve --svg docs/history-curve.svg
    cli/bench/history.py --results out.json           tables and drawing of an earlier run

Needs Python 3.8 and what the build needs, nothing else.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(options, results):
    command = [os.path.join(ROOT, "mvnw"), "-B", "-ntp", "-q", "test", "-pl", "volume/core", "-am",
               "-Dtest=HistoryBenchmark", "-Dsurefire.failIfNoSpecifiedTests=false",
               f"-Dhistory.scale={options.scale}", f"-Dhistory.out={results}"]
    for name in ("part", "snapshots", "directory"):
        value = getattr(options, name)
        if value is not None:
            command.append(f"-Dhistory.{name}={value}")
    subprocess.run(command, cwd=ROOT, check=True)


def text(value):
    if isinstance(value, list):
        return " ".join(map(str, value[:: max(1, len(value) // 10)]))
    return f"{value:.3g}" if isinstance(value, float) and value < 1000 else f"{value:.0f}"


def tables(lines):
    parts = {}
    for line in lines:
        parts.setdefault(line.pop("part"), []).append(line)
    for part, rows in parts.items():
        names = list(rows[0])
        print(f"\n### {part}\n")
        print("| " + " | ".join(names) + " |")
        print("|" + "---|" * len(names))
        for row in rows:
            print("| " + " | ".join(text(row[name]) for name in names) + " |")
    return parts


def svg(rows):
    """Ratios and latency against the number of snapshots, on a logarithmic axis."""
    import math
    width, height, left, bottom = 640, 320, 60, 40
    series = [("first write of a chunk after a snapshot", "firstWriteRatio", "#1f77b4"),
              ("rewrite", "rewriteRatio", "#ff7f0e"), ("read", "readRatio", "#2ca02c"),
              ("read of the middle snapshot / of the head", "middleReadRatio", "#9467bd"),
              ("create / one flushed write", "createToFlushedWrite", "#d62728")]
    most = max(1.2, max(row[key] for row in rows for _, key, _ in series)) * 1.1
    span = math.log10(max(10, rows[-1]["snapshots"])) - math.log10(rows[0]["snapshots"]) or 1

    def x(row):
        return left + (math.log10(row["snapshots"]) - math.log10(rows[0]["snapshots"])) / span * (width - left - 20)

    def y(value):
        return height - bottom - value / most * (height - bottom - 100)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
           f'font-size="12"><rect width="100%" height="100%" fill="white"/>']
    for tick in range(0, int(most * 2) + 1):
        value = tick / 2
        out.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>')
    for row in rows:
        out.append(f'<text x="{x(row):.1f}" y="{height - bottom + 18}" text-anchor="middle">{row["snapshots"]}</text>')
    for i, (name, key, colour) in enumerate(series):
        points = " ".join(f"{x(row):.1f},{y(row[key]):.1f}" for row in rows)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{left}" y="{18 + 16 * i}" fill="{colour}">{name}</text>')
    out.append(f'<text x="{width / 2}" y="{height - 6}" text-anchor="middle">snapshots; ratios to the same volume '
               f'without any</text></svg>')
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=int, default=100, help="percent of the full size")
    parser.add_argument("--part", choices=["curve", "sequential", "window", "delete", "clean", "heap"])
    parser.add_argument("--snapshots", type=int, help="of the curve; default: 100,000 by the scale")
    parser.add_argument("--directory", help="for stores in files; default: in memory")
    parser.add_argument("--results", help="lines of JSON of an earlier run; nothing is run")
    parser.add_argument("--svg", help="where the curve is drawn")
    options = parser.parse_args()
    results = options.results
    if results is None:
        results = os.path.join(tempfile.mkdtemp(), "history.json")
        run(options, results)
    with open(results, encoding="utf-8") as file:
        parts = tables([json.loads(line) for line in file if line.startswith("{")])
    if options.svg and "curve" in parts:
        with open(options.svg, "w", encoding="utf-8") as file:
            file.write(svg(parts["curve"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
