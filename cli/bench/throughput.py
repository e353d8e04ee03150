#!/usr/bin/env python3
"""Icecore beside a raw file and other NBD servers: the same fio jobs, in turns, on the same file system.

    cli/bench/throughput.py [--dir DIR] [--repetitions 3] [--seconds 4] [--targets raw,nbdkit-file,...] [--jobs ...]
                            [--out FILE.json] [--against FILE.json]

Reads are measured once with all data in memory, as far as the server lets the page cache keep it, and once with nothing there
(needs root).

Needs fio with its nbd engine and cli/bin/icecore, built; nbdkit and qemu-nbd where they are to be compared with. Takes about
4 GiB in DIR for each target, and some 50 minutes with the defaults. Within a repetition every job is run on every target in turn, so that
the ratios hold although the machine's speed drifts. While Icecore is measured its timer takes a snapshot every 5 s
and keeps those of two minutes.

Prints a Markdown table: medians, the ratio to raw within each repetition (median), and the spread of that ratio. --out keeps the
samples; --against compares the ratios to raw with those of an earlier file and exits with 1 if one has fallen by more than a fifth.
"""
import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ICECORE = ROOT / 'cli' / 'bin' / 'icecore'

# name: what, fio options, unit
JOBS = {
    'write4k-flushed': ('4 KiB random write, each flushed, depth 1', 'randwrite 4k 1', True, 1),
    'write4k-flushed-8': ('the same, 8 connections', 'randwrite 4k 1', True, 8),
    'write4k-32': ('4 KiB random write, depth 32', 'randwrite 4k 32', False, 1),
    'read4k-1': ('4 KiB random read, depth 1', 'randread 4k 1', False, 1),
    'read4k-1-cold': ('the same, nothing cached', 'randread 4k 1', False, 1),
    'read4k-32': ('4 KiB random read, depth 32', 'randread 4k 32', False, 1),
    'read4k-32-cold': ('the same, nothing cached', 'randread 4k 32', False, 1),
    'mix4k-32': ('4 KiB 70/30 random mix, depth 32', 'randrw 4k 32', False, 1),
    'write1m-4': ('1 MiB sequential write, depth 4', 'write 1m 4', False, 1),
    'read1m-4': ('1 MiB sequential read, depth 4', 'read 1m 4', False, 1),
}
SIZE = '2G'

# Before each measurement: a server in Java has compiled its paths by then, as one that has run for an hour would have.
RAMP_SECONDS = 5


class Target:
    """Something that fio writes to. Servers are started for each job list and stopped afterwards."""

    def __init__(self, name, directory):
        self.name = name
        self.directory = directory
        self.process = None

    def fio_target(self):
        return ['--ioengine=nbd', '--uri=' + self.uri()]

    def start(self, command, socket):
        if os.path.exists(socket):
            os.unlink(socket)
        with open(f'{self.directory}/{self.name}.log', 'ab') as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment())
        for _ in range(300):
            if os.path.exists(socket):
                time.sleep(0.3)
                return
            time.sleep(0.1)
        raise SystemExit(f'{self.name} did not start: {" ".join(map(str, command))}')

    def environment(self):
        return os.environ

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None


class Raw(Target):
    def up(self):
        fill(f'{self.directory}/raw.img')

    def fio_target(self):
        return ['--filename=' + f'{self.directory}/raw.img', '--direct=1']


class Server(Target):
    def __init__(self, name, directory, command):
        super().__init__(name, directory)
        self.socket = f'{directory}/{name}.sock'
        self.command = [part.format(image=f'{directory}/{name}.img', socket=self.socket) for part in command]
        self.format = 'qcow2' if 'qcow2' in name else 'raw'

    def up(self):
        image = f'{self.directory}/{self.name}.img'
        if not os.path.exists(image):
            fill(image + '.raw')
            if self.format == 'qcow2':
                run(['qemu-img', 'convert', '-O', 'qcow2', image + '.raw', image])
                os.unlink(image + '.raw')
            else:
                os.rename(image + '.raw', image)
        self.start(self.command, self.socket)

    def uri(self):
        return f'nbd+unix:///?socket={self.socket}'


class Icecore(Target):
    def __init__(self, name, directory):
        super().__init__(name, directory)
        self.store = f'{directory}/icecore.store'
        self.socket = f'{directory}/icecore.sock'

    def environment(self):
        return dict(os.environ, ICECORE_STORE=self.store)

    def up(self):
        first = not os.path.exists(self.store)
        if first:
            self.command('store', 'create', self.store, '--size', '32G')
            self.command('volume', 'create', 'vm1', '--size', SIZE)
            self.command('policy', 'set', 'vm1', '--every', '5s', '--keep', '2m:all')
        self.start([ICECORE, 'serve', '--nbd', 'unix:' + self.socket], self.socket)
        if first:
            fio(self.fio_target() + ['--rw=write', '--bs=1m', '--iodepth=4', '--size=' + SIZE, '--refill_buffers'])

    def command(self, *arguments):
        run([ICECORE, *arguments], env=self.environment())

    def uri(self):
        return f'nbd+unix:///vm1?socket={self.socket}'


SERVERS = {
    'nbdkit-file': ['nbdkit', '-f', '-U', '{socket}', 'file', '{image}'],
    'qemu-raw-direct': ['qemu-nbd', '-t', '-e', '16', '-k', '{socket}', '-f', 'raw', '--cache=none', '--aio=native', '{image}'],
    'qemu-raw-cached': ['qemu-nbd', '-t', '-e', '16', '-k', '{socket}', '-f', 'raw', '--cache=writeback', '{image}'],
    'qemu-qcow2-cached': ['qemu-nbd', '-t', '-e', '16', '-k', '{socket}', '-f', 'qcow2', '--cache=writeback', '{image}'],
    'qemu-qcow2-direct': ['qemu-nbd', '-t', '-e', '16', '-k', '{socket}', '-f', 'qcow2', '--cache=none', '--aio=native', '{image}'],
}


def run(command, **options):
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, **options).stdout


def fio(options):
    output = run(['fio', '--name=job', '--thread', '--output-format=json', *options])
    return json.loads(output[output.index(b'{'):])['jobs'][0]  # Some engines say something first.


def fill(path):
    if not os.path.exists(path):
        fio(['--filename=' + path, '--rw=write', '--bs=1m', '--ioengine=psync', '--size=' + SIZE, '--end_fsync=1', '--refill_buffers'])


def measure(target, job, seconds):
    _, pattern, flushed, connections = JOBS[job]
    rw, length, depth = pattern.split()
    set_scene(target, job)
    options = target.fio_target() + [
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


def set_scene(target, job):
    """Servers keep different parts of what was written in memory, which would decide the reads: all of it, or nothing."""
    if job.endswith('-cold'):
        run(['sync'])
        pathlib.Path('/proc/sys/vm/drop_caches').write_text('1')
    elif 'read' in JOBS[job][1] or 'rw' in JOBS[job][1]:
        fio(target.fio_target() + ['--rw=read', '--bs=1m', '--iodepth=4', '--size=' + SIZE])


def value(sample):
    return sample['mib'] if '1m' in JOBS[sample['job']][1] else sample['iops']


def ratios(samples):
    """{(job, target): [ratio to raw in each repetition]}"""
    raw = {(s['job'], s['repetition']): value(s) for s in samples if s['target'] == 'raw'}
    found = {}
    for s in samples:
        if (s['job'], s['repetition']) in raw:
            found.setdefault((s['job'], s['target']), []).append(value(s) / raw[s['job'], s['repetition']])
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


def fallen(samples, earlier):
    now, then = ratios(samples), ratios(earlier)
    worse = []
    for key in now.keys() & then.keys():
        if key[1] == 'icecore' and statistics.median(now[key]) < 0.8 * statistics.median(then[key]):
            worse.append(f'{key[0]}: x{statistics.median(now[key]):.2f} (was: x{statistics.median(then[key]):.2f})')
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
    chosen = options.parse_args()
    os.makedirs(chosen.dir, exist_ok=True)
    names = chosen.targets.split(',')
    for left in pathlib.Path(chosen.dir).glob('icecore.store*'):
        left.unlink()  # A store of an earlier run may be nearly full.
    samples = []
    for repetition in range(chosen.repetitions):
        for name in names:
            target = (Raw if name == 'raw' else Icecore)(name, chosen.dir) if name in ('raw', 'icecore') \
                else Server(name, chosen.dir, SERVERS[name])
            try:
                target.up()
                for job in chosen.jobs.split(','):
                    samples.append(dict(measure(target, job, chosen.seconds), repetition=repetition))
                    print(f'{repetition} {name} {job} {value(samples[-1]):,.0f}', file=sys.stderr)
            finally:
                target.stop()
    table(samples, names)
    if chosen.out:
        with open(chosen.out, 'w') as out:
            json.dump(samples, out, indent=0)
    if chosen.against:
        with open(chosen.against) as earlier:
            worse = fallen(samples, json.load(earlier))
        print('\n'.join(worse), file=sys.stderr)
        sys.exit(1 if worse else 0)


if __name__ == '__main__':
    main()
