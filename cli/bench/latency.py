#!/usr/bin/env python3
"""What clients feel of a deletion: the same fio jobs with a bulk deletion under way and without one, in turns.

    cli/bench/latency.py [--dir DIR] [--turns 5] [--seconds 5] [--jobs flushed,read32] [--memory 256m] [--warm] [--out FILE.json]
                         [--rolling SECONDS]

With --rolling there is no bulk deletion, but a policy: each so many seconds the daemon takes a snapshot and deletes the one that it took three times
as long ago.

Needs fio with its nbd engine and cli/bin/icecore, built; some 16 GiB in DIR. A volume gets a history of random overwrites; for
each turn with a deletion a run of its snapshots is deleted that lasts longer than the turn (if it does not, the line says so).
Before each turn the store's file is put out of the page cache, unless --warm, and the virtual machine is so small that its own cache
holds a part of the history only: so the leaves that a deletion visits are cold.

Prints for each job the medians with and without, and the median and range of the ratios of neighbouring turns.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

from throughput import ICECORE, fio, run

SIZE = '1G'
JOBS = {
    'flushed': ('4 KiB random write, each flushed, depth 1', ['--rw=randwrite', '--iodepth=1', '--fsync=1']),
    'read32': ('4 KiB random read, depth 32', ['--rw=randread', '--iodepth=32']),
    'write32': ('4 KiB random write, depth 32', ['--rw=randwrite', '--iodepth=32']),
}
RAMP_SECONDS = 2  # Not measured. In the middle of it a deletion begins.
KEPT = 3  # Snapshots, under the policy: measured when it has begun to delete.
MEASURES = ('p50', 'p99', 'p999', 'iops')


class Daemon:
    def __init__(self, directory, memory):
        self.store = directory + '/latency.store'
        self.socket = directory + '/latency.sock'
        self.environment = dict(os.environ, ICECORE_STORE=self.store)
        self.log = open(directory + '/latency.log', 'ab')
        self.memory = memory

    def command(self, *arguments):
        return run([ICECORE, *arguments], env=self.environment)

    def start(self):
        self.process = subprocess.Popen(
            [str(ICECORE), 'serve', '--nbd', 'unix:' + self.socket], stdout=self.log, stderr=self.log,
            env=dict(self.environment, ICECORE_OPTS='-Xmx' + self.memory))
        for _ in range(300):
            if os.path.exists(self.socket):
                return
            time.sleep(0.1)
        raise SystemExit('the daemon did not start: see ' + self.log.name)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def fio(self, options):
        return fio(['--ioengine=nbd', f'--uri=nbd+unix:///vm1?socket={self.socket}', '--bs=4k', '--size=' + SIZE, '--norandommap',
                    '--randrepeat=0', *options])

    def deletion(self):
        return json.loads(self.command('status', '--json'))['deletion']

    def settle(self):
        while self.deletion()['records'] > 0:
            time.sleep(0.5)
        time.sleep(1.5)  # Until the store has been sealed.

    def forget_pages(self):
        file = os.open(self.store, os.O_RDONLY)
        os.fdatasync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def prepare(daemon, snapshots, writes):
    daemon.command('store', 'create', daemon.store, '--size', '64G')
    daemon.command('volume', 'create', 'vm1', '--size', SIZE)
    daemon.start()
    daemon.fio(['--rw=write', '--bs=1m', '--iodepth=4'])
    for i in range(snapshots):
        daemon.command('snapshot', 'create', 'vm1', '--name', f's{i}')
        daemon.fio(['--rw=randwrite', '--iodepth=32', f'--number_ios={writes}'])


def turn(daemon, job, options, delete):
    """delete: None, or what makes the daemon delete something while fio runs."""
    if options.rolling:
        time.sleep(1.5)  # Under a policy some of what is deleted is always left to the next batch.
    else:
        daemon.settle()
    if not options.warm:
        daemon.forget_pages()
    before = daemon.deletion()['reclaimedBytes']
    begin = threading.Timer(RAMP_SECONDS / 2, lambda: daemon.command(*delete))
    if delete:
        begin.start()
    ramp = RAMP_SECONDS + (KEPT + 1) * (options.rolling or 0)
    result = daemon.fio([*JOBS[job][1], '--time_based', f'--runtime={round(options.seconds * 1000)}ms', f'--ramp_time={ramp}s'])
    after = daemon.deletion()
    if delete and options.rolling:
        daemon.command('policy', 'clear', 'vm1')
    way = result['write' if 'write' in JOBS[job][1][0] else 'read']
    waits = result['sync']['lat_ns'] if job == 'flushed' else way['clat_ns']
    percentile = {name: waits['percentile'][key] / 1000
                  for name, key in (('p50', '50.000000'), ('p99', '99.000000'), ('p999', '99.900000'))}
    return dict(percentile, job=job, deleting=bool(delete), iops=way['iops'], lasted=bool(options.rolling) or after['records'] > 0,
                reclaimedBytes=after['reclaimedBytes'] - before)


def table(samples):
    print('| job | ' + ' | '.join(f'{name} without / with, ratio' for name in MEASURES) + ' | deleted meanwhile |')
    print('|---|' + '---|' * (len(MEASURES) + 1))
    for job in dict.fromkeys(sample['job'] for sample in samples):
        pairs = list(zip([s for s in samples if s['job'] == job and not s['deleting']],
                         [s for s in samples if s['job'] == job and s['deleting']]))
        cells = []
        for name in MEASURES:
            ratios = [b[name] / a[name] for a, b in pairs]
            unit = '/s' if name == 'iops' else ' us'
            cells.append(f'{statistics.median(a[name] for a, _ in pairs):,.0f} / {statistics.median(b[name] for _, b in pairs):,.0f}'
                         f'{unit}, x{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})')
        deleted = statistics.median(b['reclaimedBytes'] for _, b in pairs) / 2**20
        short = sum(not b['lasted'] for _, b in pairs)
        print(f'| {JOBS[job][0]} | ' + ' | '.join(cells) + f' | {deleted:,.0f} MiB' + (f', {short} ended early' if short else '') + ' |')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--dir', default='/var/tmp/icecore-bench')
    parser.add_argument('--turns', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=5)
    parser.add_argument('--jobs', default='flushed,read32')
    parser.add_argument('--memory', default='256m', help='of the daemon')
    parser.add_argument('--snapshots', type=int, default=25, help='deleted in each turn')
    parser.add_argument('--writes', type=int, default=16384, help='before each snapshot')
    parser.add_argument('--rolling', type=int, metavar='SECONDS', help='a policy instead of a bulk deletion')
    parser.add_argument('--warm', action='store_true', help='leave the store in the page cache')
    parser.add_argument('--out')
    options = parser.parse_args()
    directory = os.path.join(options.dir, 'latency')
    os.makedirs(directory)
    daemon = Daemon(directory, options.memory)
    jobs = options.jobs.split(',')
    samples = []
    try:
        prepare(daemon, 1 if options.rolling else options.snapshots * options.turns * len(jobs) + 1, options.writes)
        first = 0
        for i in range(options.turns):
            for job in jobs:
                for deleting in (False, True):
                    delete = None
                    if deleting and options.rolling:
                        delete = ['policy', 'set', 'vm1', '--every', f'{options.rolling}s', '--keep', f'{KEPT * options.rolling}s:all']
                    elif deleting:
                        delete = ['snapshot', 'delete', f'vm1@s{first}..s{first + options.snapshots - 1}']
                        first += options.snapshots
                    samples.append(turn(daemon, job, options, delete))
                    print(samples[-1], file=sys.stderr)
        daemon.stop()
        daemon.command('check')
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
        shutil.rmtree(directory)
    table(samples)
    if options.out:
        with open(options.out, 'w', encoding='utf-8') as out:
            json.dump(samples, out, indent=0)


if __name__ == '__main__':
    main()
