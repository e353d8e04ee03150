#!/usr/bin/env python3
"""Icecore beside a raw file and other NBD servers: the same fio jobs, in turns, on the same file system.

    cli/bench/throughput.py [--dir DIR] [--repetitions 3] [--seconds 4] [--targets raw,nbdkit-file,...] [--jobs ...]
                            [--out FILE.json] [--against FILE.json] [--svg FILE.svg]

Of targets, icecore-10000 is a store with ten thousand snapshots (any number will do), of which the middle one is read as well;
icecore-buffered and icecore-direct are served with --io.

Reads are measured once with all data in memory, as far as the server lets the page cache keep it, and once with nothing there.

Before each measurement free memory is filled with the pages of a file that is nothing but a hole, as memory is on a machine that has run for
a day. On a fresh one every block that is written to a new place takes a page that was never used, and a virtual machine whose host
takes free pages back waits for each: 5 to 11 us where this was written, more than most requests take.

Needs fio with its nbd engine and cli/bin/icecore, built; nbdkit and qemu-nbd where they are to be compared with. Takes about
4 GiB in DIR for each target, and some 50 minutes with the defaults. Within a repetition every job is run on every target in turn, so that
the ratios hold although the machine's speed drifts. While Icecore is measured its timer takes a snapshot every 5 s
and keeps those of two minutes.

Prints a Markdown table: medians, the ratio to raw within each repetition (median), and the spread of that ratio. --out keeps the
samples; --svg draws the ratios; --against compares those of an earlier file, of the same jobs, and exits with 1 if a job of icecore has fallen by more than
a fifth below all of them, as a ratio to each of the other targets.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
IO_MODES = ('auto', 'buffered', 'direct')
ICECORE = ROOT / 'cli' / 'bin' / 'icecore'

# name: what, fio options, unit
JOBS = {
    'write4k-flushed': ('4 KiB random write, each flushed, depth 1', 'randwrite 4k 1', True, 1),
    'write4k-flushed-8': ('4 KiB random write, each flushed, 8 connections', 'randwrite 4k 1', True, 8),
    'write4k-32': ('4 KiB random write, depth 32', 'randwrite 4k 32', False, 1),
    'read4k-1': ('4 KiB random read, depth 1', 'randread 4k 1', False, 1),
    'read4k-1-cold': ('4 KiB random read, depth 1, nothing cached', 'randread 4k 1', False, 1),
    'read4k-32': ('4 KiB random read, depth 32', 'randread 4k 32', False, 1),
    'read4k-32-cold': ('4 KiB random read, depth 32, nothing cached', 'randread 4k 32', False, 1),
    'read4k-32-middle': ('4 KiB random read of the middle snapshot, depth 32', 'randread 4k 32', False, 1),
    'mix4k-32': ('4 KiB 70/30 random mix, depth 32', 'randrw 4k 32', False, 1),
    'write1m-4': ('1 MiB sequential write, depth 4', 'write 1m 4', False, 1),
    'read1m-4': ('1 MiB sequential read, depth 4', 'read 1m 4', False, 1),
}
SIZE = '2G'

# Before each measurement: a server in Java has compiled its paths by then, as one that has run for an hour would have.
RAMP_SECONDS = 5


class Target:
    """Something that fio writes to. Servers run for a whole repetition, and stand still while others are measured."""

    def __init__(self, name, directory):
        self.name = name
        self.directory = directory
        self.process = None

    def does(self, job):
        return not job.endswith('-middle')

    def fio_target(self, job=''):
        return ['--ioengine=nbd', '--uri=' + self.uri(job)]

    def start(self, command, path):
        if os.path.exists(path):
            os.unlink(path)
        with open(f'{self.directory}/{self.name}.log', 'ab') as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment())
        for _ in range(300):
            if os.path.exists(path):
                time.sleep(0.3)
                return
            time.sleep(0.1)
        raise SystemExit(f'{self.name} did not start: {" ".join(map(str, command))}')

    def environment(self):
        return os.environ

    def pause(self):
        """Takes no time from the others while they are measured."""
        if self.process:
            self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.go_on()
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None


class Raw(Target):
    def file(self):
        return f'{self.directory}/raw.img'

    def up(self):
        fill(self.file())

    def fio_target(self, job=''):
        return ['--filename=' + self.file(), '--direct=1']


class Server(Target):
    def __init__(self, name, directory, command):
        super().__init__(name, directory)
        self.socket = f'{directory}/{name}.sock'
        self.command = [part.format(image=f'{directory}/{name}.img', socket=self.socket) for part in command]
        self.format = 'qcow2' if 'qcow2' in name else 'raw'

    def file(self):
        return f'{self.directory}/{self.name}.img'

    def up(self):
        image = self.file()
        if not os.path.exists(image):
            fill(image + '.raw')
            if self.format == 'qcow2':
                run(['qemu-img', 'convert', '-O', 'qcow2', image + '.raw', image])
                os.unlink(image + '.raw')
            else:
                os.rename(image + '.raw', image)
        self.start(self.command, self.socket)

    def uri(self, job):
        return f'nbd+unix:///?socket={self.socket}'


class Icecore(Target):
    """With a history of so many snapshots, each of a few random overwrites, that are kept."""

    def __init__(self, name, directory, io='auto', snapshots=0):
        super().__init__(name, directory)
        self.store = f'{directory}/{name}.store'
        self.socket = f'{directory}/{name}.sock'
        self.io = io
        self.snapshots = snapshots

    def file(self):
        return self.store

    def environment(self):
        return dict(os.environ, ICECORE_STORE=self.store)

    def up(self):
        first = not os.path.exists(self.store)
        if first:
            self.command('store', 'create', self.store, '--size', '32G')
            self.command('volume', 'create', 'vm1', '--size', SIZE)
            self.command('policy', 'set', 'vm1', '--every', '5s', '--keep', '2m:all')
        self.start([ICECORE, 'serve', '--io', self.io, '--nbd', 'unix:' + self.socket], self.socket)
        if first:
            fio(self.fio_target() + ['--rw=write', '--bs=1m', '--iodepth=4', '--size=' + SIZE, '--refill_buffers'])
            self.make_history()

    def make_history(self):
        if self.snapshots == 0:
            return
        writer = subprocess.Popen(
            ['fio', '--name=job', '--thread', '--output=/dev/null', *self.fio_target(), '--rw=randwrite', '--bs=4k', '--iodepth=4',
             '--size=' + SIZE, '--norandommap', '--randrepeat=0', '--refill_buffers', '--time_based', '--runtime=1h', '--rate_iops=5000'])
        for ordinal in range(self.snapshots):
            ask_daemon(self.store, 'snapshot', 'create', 'vm1', '--name', f'kept-{ordinal}')
        writer.terminate()
        writer.wait()

    def command(self, *arguments):
        run([ICECORE, *arguments], env=self.environment())

    def does(self, job):
        return self.snapshots > 0 or super().does(job)

    def uri(self, job):
        export = f'vm1@kept-{self.snapshots // 2}' if job.endswith('-middle') else 'vm1'
        return f'nbd+unix:///{export}?socket={self.socket}'


SERVERS = {
    'nbdkit-file': ['nbdkit', '-f', '-U', '{socket}', 'file', '{image}'],
    'qemu-raw-direct': ['qemu-nbd', '-t', '-e', '16', '-k', '{socket}', '-f', 'raw', '--cache=none', '--aio=native', '{image}'],
    'qemu-raw-cached': ['qemu-nbd', '-t', '-e', '16', '-k', '{socket}', '-f', 'raw', '--cache=writeback', '{image}'],
    'qemu-qcow2-cached': ['qemu-nbd', '-t', '-e', '16', '-k', '{socket}', '-f', 'qcow2', '--cache=writeback', '{image}'],
    'qemu-qcow2-direct': ['qemu-nbd', '-t', '-e', '16', '-k', '{socket}', '-f', 'qcow2', '--cache=none', '--aio=native', '{image}'],
}


def make_target(name, directory):
    if name == 'raw':
        return Raw(name, directory)
    if name.startswith('icecore'):
        what = name[len('icecore-'):]
        return Icecore(name, directory, io=what) if what in IO_MODES else Icecore(name, directory, snapshots=int(what or 0))
    return Server(name, directory, SERVERS[name])


def ask_daemon(store, *arguments):
    """As the program would over the control socket (cli/control/ControlRequest.java), without starting it ten thousand times."""
    def text(value):
        return struct.pack('>I', len(value.encode())) + value.encode()

    request = struct.pack('>HHI', 1, 0, 0) + text('UTC') + text('/') + struct.pack('>I', len(arguments)) + b''.join(map(text, arguments))
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(store + '.sock')
        daemon.sendall(struct.pack('>IB', len(request), 1) + request)
        with daemon.makefile('rb') as answer:
            while True:
                length, kind = struct.unpack('>IB', answer.read(5))
                payload = answer.read(length)
                if kind == 6:
                    if payload != bytes(4):
                        raise SystemExit(f'{arguments}: exit code {payload}')
                    return


def run(command, **options):
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, **options).stdout


def fio(options):
    output = run(['fio', '--name=job', '--thread', '--output-format=json', *options])
    return json.loads(output[output.index(b'{'):])['jobs'][0]  # Some engines say something first.


def fill(path):
    if not os.path.exists(path):
        fio(['--filename=' + path, '--rw=write', '--bs=1m', '--ioengine=psync', '--size=' + SIZE, '--end_fsync=1', '--refill_buffers'])


class Ballast:
    """Pages of a file that is one hole. Each is read once, so the kernel gives them up first."""

    LEFT_FREE = 512 << 20  # Bytes.

    def __init__(self, directory):
        self.path = directory + '/ballast'
        self.next = 0

    def fill_memory(self):
        with open('/proc/meminfo') as meminfo:
            free = next(int(line.split()[1]) * 1024 for line in meminfo if line.startswith('MemFree:'))
        until = self.next + free - self.LEFT_FREE
        if until <= self.next:
            return
        with open(self.path, 'ab+', buffering=0) as file:
            file.truncate(until)
            file.seek(self.next)
            while file.read(1 << 20):
                pass
        self.next = until

    def drop(self):
        self.next = 0
        if os.path.exists(self.path):
            os.unlink(self.path)


def measure(target, job, seconds, ballast):
    _, pattern, flushed, connections = JOBS[job]
    rw, length, depth = pattern.split()
    set_scene(target, job, ballast)
    options = target.fio_target(job) + [
        '--rw=' + rw, '--bs=' + length, '--iodepth=' + depth, '--size=' + SIZE, '--time_based', '--norandommap', '--randrepeat=0',
        '--refill_buffers', '--group_reporting', f'--numjobs={connections}', f'--runtime={round(seconds * 1000)}ms', f'--ramp_time={RAMP_SECONDS}s']
    if rw == 'randrw':
        options.append('--rwmixread=70')
    if isinstance(target, Raw):
        options.append('--ioengine=' + ('psync' if depth == '1' else 'libaio'))
        options += ['--fdatasync=1'] if flushed else []
    elif flushed:
        options.append('--fsync=1')
    result = fio(options)
    sample = {
        'target': target.name, 'job': job,
        'iops': sum(result[way]['iops'] for way in ('read', 'write')),
        'mib': sum(result[way]['bw_bytes'] for way in ('read', 'write')) / 2**20,
        'p99us': max(result[way]['clat_ns'].get('percentile', {}).get('99.000000', 0) for way in ('read', 'write')) / 1000}
    if flushed:
        sample['flushP99us'] = result['sync']['lat_ns']['percentile']['99.000000'] / 1000
    return sample


def set_scene(target, job, ballast):
    """Servers keep different parts of what was written in memory, which would decide the reads: all of it, or nothing."""
    cold = job.endswith('-cold')
    if cold:
        run(['sync'])
        with open(target.file(), 'rb') as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    ballast.fill_memory()
    if not cold and ('read' in JOBS[job][1] or 'rw' in JOBS[job][1]):
        fio(target.fio_target(job) + ['--rw=read', '--bs=1m', '--iodepth=4', '--size=' + SIZE])


def value(sample):
    return sample['mib'] if '1m' in JOBS[sample['job']][1] else sample['iops']


def ratios(samples, to='raw'):
    """{(job, target): [ratio to another target in each repetition]}"""
    other = {(s['job'], s['repetition']): value(s) for s in samples if s['target'] == to}
    found = {}
    for s in samples:
        if (s['job'], s['repetition']) in other:
            found.setdefault((s['job'], s['target']), []).append(value(s) / other[s['job'], s['repetition']])
    return found


def table(samples, targets):
    found = ratios(samples)
    print('| job | ' + ' | '.join(targets) + ' |')
    print('|---|' + '---|' * len(targets))
    for job, (what, pattern, _, _) in JOBS.items():
        cells = []
        for target in targets:
            values = [value(s) for s in samples if s['job'] == job and s['target'] == target]
            if not values:
                cells.append('')
                continue
            unit = ' MiB/s' if '1m' in pattern else '/s'
            text = f'{statistics.median(values):,.0f}{unit}'
            if target != 'raw' and (job, target) in found:
                r = found[job, target]
                text += f' x{statistics.median(r):.2f} ({min(r):.2f}-{max(r):.2f})'
            cells.append(text)
        if any(cells):
            print(f'| {what} | ' + ' | '.join(cells) + ' |')


COLOURS = {'icecore': '#0b6', 'nbdkit-file': '#47a', 'qemu-raw-direct': '#999', 'qemu-raw-cached': '#bbb'}


def svg(samples, targets):
    """Bars: each job's rate as a ratio to the raw file, cut off at 2."""
    found = ratios(samples)
    shown = [job for job in JOBS if any((job, target) in found for target in targets)]
    bars = [target for target in targets if target != 'raw']
    row, left, scale = 12 * len(bars) + 14, 300, 200
    height = row * len(shown) + 50
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + 2 * scale + 110}" height="{height}" font-family="sans-serif" '
           'font-size="12">', '<rect width="100%" height="100%" fill="white"/>']
    for tick in (0, 0.5, 1, 1.5, 2):
        at = left + tick * scale
        out.append(f'<path d="M{at} 20V{height - 30}" stroke="{"#888" if tick == 1 else "#ddd"}"/>'
                   f'<text x="{at}" y="{height - 14}" text-anchor="middle">{tick}</text>')
    for i, job in enumerate(shown):
        top = 24 + i * row
        out.append(f'<text x="{left - 8}" y="{top + row / 2 - 4}" text-anchor="end">{JOBS[job][0]}</text>')
        for k, target in enumerate(bars):
            if (job, target) in found:
                ratio = statistics.median(found[job, target])
                out.append(f'<rect x="{left}" y="{top + 12 * k}" width="{min(ratio, 2) * scale:.0f}" height="10" '
                           f'fill="{COLOURS.get(target, "#c84")}"/>'
                           f'<text x="{left + min(ratio, 2) * scale + 4:.0f}" y="{top + 12 * k + 9}" font-size="9">{ratio:.2f}</text>')
    for k, target in enumerate(bars):
        out.append(f'<text x="{left + 110 * k}" y="14" fill="{COLOURS.get(target, "#c84")}">{target}</text>')
    return '\n'.join(out) + '</svg>\n'


def fallen(samples, earlier):
    """Jobs whose median is a fifth below the lowest that was seen earlier, beside each of the others that both runs have.

    Raw depends on the disk, another server on the processor as well: a machine of which only one is slower moves one ratio."""
    others = {s['target'] for s in samples} & {s['target'] for s in earlier} - {'icecore'}
    worse = []
    for job in JOBS:
        told = []
        for other in sorted(others):
            now, then = (ratios(run, other).get((job, 'icecore')) for run in (samples, earlier))
            if now and then:
                told.append((statistics.median(now) < 0.8 * min(then),
                             f'x{statistics.median(now):.2f} of {other} (was: x{min(then):.2f} to {max(then):.2f})'))
        if told and all(fell for fell, _ in told):
            worse.append(f'{job}: ' + ', '.join(text for _, text in told))
    return worse


def main():
    options = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    options.add_argument('--dir', default='/var/tmp/icecore-bench')
    options.add_argument('--repetitions', type=int, default=3)
    options.add_argument('--seconds', type=float, default=4)
    options.add_argument('--targets', default='raw,icecore,' + ','.join(SERVERS))
    options.add_argument('--jobs', default=','.join(JOBS))
    options.add_argument('--out')
    options.add_argument('--against')
    options.add_argument('--svg')
    chosen = options.parse_args()
    os.makedirs(chosen.dir, exist_ok=True)
    names = chosen.targets.split(',')
    for left in pathlib.Path(chosen.dir).glob('icecore*.store*'):
        left.unlink()  # A store of an earlier run may be nearly full.
    samples = []
    ballast = Ballast(chosen.dir)
    for repetition in range(chosen.repetitions):
        targets = [make_target(name, chosen.dir) for name in names]
        try:
            for target in targets:
                target.up()
                target.pause()
            for job in chosen.jobs.split(','):
                for target in filter(lambda target: target.does(job), targets):
                    target.go_on()
                    samples.append(dict(measure(target, job, chosen.seconds, ballast), repetition=repetition))
                    target.pause()
                    print(f'{repetition} {job} {target.name} {value(samples[-1]):,.0f}', file=sys.stderr)
        finally:
            for target in targets:
                target.stop()
            ballast.drop()
    table(samples, names)
    if chosen.out:
        with open(chosen.out, 'w') as out:
            json.dump(samples, out, indent=0)
    if chosen.svg:
        pathlib.Path(chosen.svg).write_text(svg(samples, names))
    if chosen.against:
        with open(chosen.against) as earlier:
            worse = fallen(samples, json.load(earlier))
        print('\n'.join(worse), file=sys.stderr)
        sys.exit(1 if worse else 0)


if __name__ == '__main__':
    main()
