#!/usr/bin/env python3
"""Draws where the server's processor time goes, while one fio job runs, as a flame graph.

    cli/bench/flame.py --job write4k-flushed --svg docs/flame-flushed-write.svg [--dir DIR] [--seconds 6]

Needs root, perf, fio with its nbd engine, and cli/bin/icecore, built. Jobs are those of throughput.py. Widths are samples of the server's
threads that are on a processor; what waits (for the device, for the client) has no width. Frames below half a percent are left out.
"""
import argparse
import collections
import html
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import throughput  # noqa: E402

WIDTH, ROW, LEAST = 1200, 16, 0.005
JVM = ('-XX:+PreserveFramePointer -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit')


class Profiled(throughput.Icecore):
    def environment(self):
        return dict(super().environment(), ICECORE_OPTS=JVM)


def name_of(frame):
    """perf's name of a frame, as short as one can still read it."""
    name = re.sub(r'\+0x[0-9a-f]+$', '', frame)
    java = re.match(r'\S+ (?:[a-z]\w*\.)*(\w[\w$.]*\.\w+)\(', name) or re.match(r'[\w.$\[\]]+ (io\.\S+|sun\.\S+|java\.\S+)\(', name)
    if java:
        return '.'.join(java[1].split('.')[-2:])
    return name.split('(')[0][:60]


def stacks(text, comm):
    """Counter of stacks, outermost frame first, of the threads whose name matches."""
    found = collections.Counter()
    for sample in text.split('\n\n'):
        lines = sample.strip().split('\n')
        thread = re.match(r'(\S.*?)\s+\d+', lines[0]) if lines[0] else None
        if not thread or not re.match(comm, thread[1]):
            continue
        frames = [name_of(re.sub(r' \([^()]*\)$', '', line.strip().split(' ', 1)[1])) for line in lines[1:] if ' ' in line.strip()]
        frames = [frame for frame in reversed(frames) if not re.match(r'\[unknown\]|Interpreter|StubRoutines|JavaCalls|thread_entry|'
                                                                      r'JavaThread|Thread::|start_thread|__clone|clone3|.*java_start', frame)]
        found[tuple(frames)] += 1
    return found


def tree(counter):
    root = {}
    for stack, count in counter.items():
        level = root
        for frame in stack:
            node = level.setdefault(frame, [0, {}])
            node[0] += count
            level = node[1]
    return root


def colour(name):
    if '.' in name and name[0].isupper() or name.startswith('io.'):
        return '#8c6'
    return '#e95' if re.match(r'[a-z_0-9]+(\.\w+)?$', name) else '#ec6'


def draw(counter, caption):
    total = sum(counter.values())
    boxes, deepest = [], 0

    def place(level, left, depth):
        nonlocal deepest
        for name, (count, below) in sorted(level.items()):
            if count / total >= LEAST:
                boxes.append((left, depth, count, name))
                deepest = max(deepest, depth)
                place(below, left, depth + 1)
            left += count

    place(tree(counter), 0, 0)
    height = (deepest + 1) * ROW + 44
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="monospace" font-size="10">',
           '<rect width="100%" height="100%" fill="white"/>', f'<text x="6" y="14" font-size="12">{html.escape(caption)}</text>']
    for left, depth, count, name in boxes:
        x, width = left / total * WIDTH, count / total * WIDTH
        y = height - 20 - (depth + 1) * ROW
        text = html.escape(name[:int(width / 6.1)]) if width > 20 else ''
        out.append(f'<g><title>{html.escape(name)} {100 * count / total:.1f} %</title><rect x="{x:.1f}" y="{y}" width="{max(width - 0.5, 0.5):.1f}" '
                   f'height="{ROW - 1}" fill="{colour(name)}"/><text x="{x + 2:.1f}" y="{y + 11}">{text}</text></g>')
    return '\n'.join(out) + '</svg>\n'


def main():
    options = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    options.add_argument('--job', default='write4k-flushed', choices=throughput.JOBS)
    options.add_argument('--svg', required=True)
    options.add_argument('--dir', default='/var/tmp/icecore-bench')
    options.add_argument('--seconds', type=int, default=6)
    chosen = options.parse_args()
    pathlib.Path(chosen.dir).mkdir(parents=True, exist_ok=True)
    data = pathlib.Path(chosen.dir) / 'perf.data'
    target = Profiled('icecore', chosen.dir)
    try:
        target.up()
        server = target.process.pid
        throughput.measure(target, chosen.job, chosen.seconds)
        perf = subprocess.Popen(['sh', '-c', f'sleep {throughput.RAMP_SECONDS + 1}; exec perf record -q -F 1999 -g -p {server} '
                                             f'-o {data} -- sleep {chosen.seconds - 2}'], stderr=subprocess.DEVNULL)
        sample = throughput.measure(target, chosen.job, chosen.seconds)
        perf.wait()
    finally:
        target.stop()  # Java writes the names of its methods when it ends.
    time.sleep(1)
    text = subprocess.run(['perf', 'script', '-i', str(data), '-F', 'comm,tid,ip,sym'], capture_output=True, text=True, check=True).stdout
    counter = stacks(text, r'(nbd-|volume-worker)')
    caption = f'{throughput.JOBS[chosen.job][0]}: {sample["iops"]:,.0f}/s; {sum(counter.values())} samples of the threads that serve'
    pathlib.Path(chosen.svg).write_text(draw(counter, caption))
    data.unlink()


if __name__ == '__main__':
    main()
