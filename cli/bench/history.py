#!/usr/bin/env python3
"""What a long history costs: runs HistoryBenchmark, prints its results as tables, draws the curve.

    cli/bench/history.py                              all parts at full size; an hour on two cores
    cli/bench/history.py --scale 10 --part window     one part, at a tenth
    cli/bench/history.py --snapshots 100000 --scale 25 --part curve --svg docs/history-curve.svg
    cli/bench/history.py --snapshots 30000 --scale 25 --part curve --directory DIR --svg-times docs/history-times.svg
    cli/bench/history.py --results out.json           tables and drawing of an earlier run
    cli/bench/history.py --part rivals                bulk deletion beside others: see rivals.py

Needs Python 3.8 and what the build needs, nothing else.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(options, results):
    command = [os.path.join(ROOT, "mvnw"), "-o", "-B", "-ntp", "-q", "test", "-pl", "volume/core", "-am",
               "-Dtest=HistoryBenchmark", "-Dsurefire.failIfNoSpecifiedTests=false",
               f"-Dhistory.scale={options.scale}", f"-Dhistory.out={results}", f"-Dmore.jvm=-Xmx{options.memory}"]
    for name in ("part", "snapshots", "chunks", "directory"):
        value = getattr(options, name)
        if value is not None:
            command.append(f"-Dhistory.{name}={value}")
    subprocess.run(command, cwd=ROOT, check=True)


def list_all(directory):
    """Lists the snapshots of the store that the benchmark has left, with the whole command, and deletes it."""
    store = os.path.join(directory, "bench-list.store")
    program = os.path.join(ROOT, "cli", "bin", "icecore")

    def lists(where):
        for how in [], ["--json"]:
            taken = [list_once([program, "snapshot", "list", "--store", store] + how) for _ in range(6)]
            first, taken = taken[0], sorted(taken[1:])  # The first may make the archive of classes, or wake the daemon up.
            print(f"{where} {' '.join(how)}: {taken[2]:.2f} s ({taken[0]:.2f} to {taken[-1]:.2f}), first {first:.2f}")

    lists("store file")
    daemon = subprocess.Popen([program, "serve", "--store", store], stdout=subprocess.PIPE)
    try:
        daemon.stdout.readline()
        lists("daemon")
    finally:
        daemon.terminate()
        daemon.wait()
    os.unlink(store)


def list_once(command):
    begin = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return time.monotonic() - begin


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


RATIOS = [("first write of a chunk after a snapshot", "firstWriteRatio", "#1f77b4"),
          ("rewrite", "rewriteRatio", "#ff7f0e"), ("read", "readRatio", "#2ca02c"),
          ("read of the middle snapshot / of the head", "middleReadRatio", "#9467bd"),
          ("create / one flushed write", "createToFlushedWrite", "#d62728")]

TIMES = [("create a snapshot", "createMicros", "#d62728"),
         ("flushed write", "flushedWriteMicros", "#8c564b"),
         ("the same without snapshots", "flushedWriteMicrosWithout", "#c49c94"),
         ("first write of a chunk after a snapshot", "firstWriteMicros", "#1f77b4"),
         ("rewrite", "rewriteMicros", "#ff7f0e"), ("read", "readMicros", "#2ca02c"),
         ("read of the middle snapshot", "middleReadMicros", "#9467bd")]


def svg(rows, series, caption, logarithmic=False):
    """Lines against the number of snapshots, which is on a logarithmic axis."""
    width, height, left, bottom = 640, 340, 60, 40
    top = 20 + 16 * len(series)
    values = [row[key] for row in rows for _, key, _ in series]
    low, high = (min(values), max(values)) if logarithmic else (0, max(1.2, max(values)) * 1.1)
    if logarithmic:
        low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
        ticks = [10 ** e for e in range(round(math.log10(low)), round(math.log10(high)) + 1)]
    else:
        ticks = [tick / 2 for tick in range(0, int(high * 2) + 1)]
    span = math.log10(max(10, rows[-1]["snapshots"])) - math.log10(rows[0]["snapshots"]) or 1

    def x(row):
        return left + (math.log10(row["snapshots"]) - math.log10(rows[0]["snapshots"])) / span * (width - left - 30)

    def y(value):
        part = (math.log10(value / low) / math.log10(high / low)) if logarithmic else value / high
        return height - bottom - part * (height - bottom - top)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
           f'font-size="12"><rect width="100%" height="100%" fill="white"/>']
    for tick in ticks:
        out.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for row in rows:
        out.append(f'<text x="{x(row):.1f}" y="{height - bottom + 18}" text-anchor="middle">{row["snapshots"]}</text>')
    for i, (name, key, colour) in enumerate(series):
        points = " ".join(f"{x(row):.1f},{y(row[key]):.1f}" for row in rows)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{left}" y="{16 + 16 * i}" fill="{colour}">{name}</text>')
    out.append(f'<text x="{width / 2}" y="{height - 6}" text-anchor="middle">snapshots; {caption}</text></svg>')
    return "\n".join(out) + "\n"


def draw(path, *what, **how):
    if path:
        with open(path, "w", encoding="utf-8") as file:
            file.write(svg(*what, **how))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=int, default=100, help="percent of the full size")
    parser.add_argument("--part", choices=["curve", "sequential", "window", "delete", "clean", "flush", "heap", "list", "rivals"],
                        help="list: the whole command, on a store in --directory, best in memory; rivals: see rivals.py; all others by default")
    parser.add_argument("--snapshots", type=int, help="of the curve; default: 100,000 by the scale")
    parser.add_argument("--chunks", type=int, help="mapped, of the heap; default: 16,777,216 by the scale")
    parser.add_argument("--directory", help="for stores in files; default: in memory")
    parser.add_argument("--memory", default="6g", help="of the virtual machine; devices in memory take most of it")
    parser.add_argument("--results", help="lines of JSON of an earlier run; nothing is run")
    parser.add_argument("--svg", help="where the ratios of the curve are drawn")
    parser.add_argument("--svg-times", help="where its times are drawn")
    parser.add_argument("--rivals", default="icecore,btrfs,qcow2", help="those to be compared")
    parser.add_argument("--overwritten", type=int, default=2048, help="MiB written over in a run of snapshots, beside rivals")
    parser.add_argument("--turns", type=int, default=2, help="runs deleted, beside rivals")
    options = parser.parse_args()
    if options.part == "rivals":
        import rivals
        return rivals.main(options)
    results = options.results
    if results is None:
        results = os.path.join(tempfile.mkdtemp(), "history.json")
        run(options, results)
    if options.part == "list":
        list_all(options.directory)
        return 0
    with open(results, encoding="utf-8") as file:
        parts = tables([json.loads(line) for line in file if line.startswith("{")])
    if "curve" in parts:
        draw(options.svg, parts["curve"], RATIOS, "ratios to the same volume without any")
        draw(options.svg_times, parts["curve"], TIMES, "microseconds", logarithmic=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
