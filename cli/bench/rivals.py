#!/usr/bin/env python3
"""Bulk deletion beside others: a run of snapshots of the same random overwrites is deleted, in turns, until the space is back.

    cli/bench/history.py --part rivals [--snapshots 200] [--overwritten 2048] [--turns 2] [--rivals icecore,btrfs,qcow2] [--directory DIR]

    icecore   served over NBD on a Unix socket; 'snapshot delete A..B --wait'
    btrfs     a file in a subvolume, on a loop device with direct I/O; 'subvolume delete -c' of all, then 'subvolume sync'
    qcow2     internal snapshots, written by qemu-io; 'qemu-img snapshot -d' one by one, for there is no other way

All of them on the same file system. Needs root for btrfs, qemu-utils, btrfs-progs, and a Python that has libnbd's module (Debian's
python3-libnbd). dm-thin needs a kernel with device-mapper and is not here.

Every one gets the same writes: 4 KiB each, at random in 512 MiB, as many MiB during each run as --overwritten says. How much of that is
dead once the run is deleted is counted chunk by chunk. Between two runs a snapshot stays.
"""
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time

from throughput import ICECORE, ask_daemon, run

CHUNK = 4096
VOLUME_CHUNKS = (512 << 20) // CHUNK
IN_FLIGHT = 32
SYSTEM_PYTHON = '/usr/bin/python3'


class Plan:
    """Chunks to write before each snapshot, and what is dead when a run of snapshots has gone."""

    def __init__(self, snapshots, writes, turns):
        self.snapshots = snapshots
        self.turns = turns
        choice = random.Random(4711)
        self.rounds = [[choice.randrange(VOLUME_CHUNKS) for _ in range(writes)] for _ in range(turns * (snapshots + 1))]

    def run(self, turn):
        """First and last snapshot of a run. The one before it and the one after it stay."""
        first = turn * (self.snapshots + 1) + 1
        return first, first + self.snapshots - 1

    def dead(self, turn):
        """Bytes of versions that only the run sees: written after the snapshot before, replaced before the one after."""
        first, last = self.run(turn)
        versions = 0
        newest = set()
        for index in range(first, last + 2):
            if index < len(self.rounds):
                now = set(self.rounds[index])
                versions += len(now & newest)
                newest |= now
        return versions * CHUNK


def payload(value):
    return value.to_bytes(8, 'little') * (CHUNK // 8)


class Icecore:
    def __init__(self, directory):
        self.store = directory + '/icecore.store'
        self.socket = directory + '/icecore.sock'
        self.environment = dict(os.environ, ICECORE_STORE=self.store)
        self.log = open(directory + '/icecore.log', 'ab')

    def command(self, *arguments):
        return run([ICECORE, *arguments], env=self.environment)

    def up(self):
        import nbd
        self.command('store', 'create', self.store, '--size', '64G')
        self.command('volume', 'create', 'vm1', '--size', str(VOLUME_CHUNKS * CHUNK))
        self.process = subprocess.Popen([str(ICECORE), 'serve', '--nbd', 'unix:' + self.socket], stdout=self.log, stderr=self.log,
                                        env=self.environment)
        while not os.path.exists(self.socket):
            time.sleep(0.1)
        self.client = nbd.NBD()
        self.client.connect_uri('nbd+unix:///vm1?socket=' + self.socket)
        self.nbd = nbd

    def write(self, offset, data):
        while self.client.aio_in_flight() >= IN_FLIGHT:
            self.client.poll(-1)
        self.client.aio_pwrite(self.nbd.Buffer.from_bytearray(bytearray(data)), offset, completion=lambda error: 1)

    def flush(self):
        while self.client.aio_in_flight() > 0:
            self.client.poll(-1)
        self.client.flush()

    def snapshot(self, index):
        ask_daemon(self.store, 'snapshot', 'create', 'vm1', '--name', f's{index}')

    def delete(self, first, last):
        self.command('snapshot', 'delete', f'vm1@s{first}..s{last}', '--wait')

    def used(self):
        return json.loads(self.command('store', 'info', '--json'))['usedBytes']

    def down(self):
        self.client.shutdown()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.command('check')


class Btrfs:
    def __init__(self, directory):
        self.image = directory + '/btrfs.img'
        self.mount = directory + '/btrfs'
        self.loop = None

    def up(self):
        with open(self.image, 'wb') as image:
            image.truncate(32 << 30)
        os.mkdir(self.mount)
        self.loop = run(['losetup', '-f', '--show', '--direct-io=on', self.image]).decode().strip()
        run(['mkfs.btrfs', '-q', self.loop])
        run(['mount', '-o', 'noatime', self.loop, self.mount])
        run(['btrfs', 'subvolume', 'create', self.mount + '/volume'])
        os.mkdir(self.mount + '/snapshots')
        self.file = os.open(self.mount + '/volume/data', os.O_CREAT | os.O_RDWR)

    def write(self, offset, data):
        os.pwrite(self.file, data, offset)

    def flush(self):
        os.fdatasync(self.file)

    def snapshot(self, index):
        run(['btrfs', 'subvolume', 'snapshot', '-r', self.mount + '/volume', f'{self.mount}/snapshots/s{index}'])

    def delete(self, first, last):
        run(['btrfs', 'subvolume', 'delete', '-c', *(f'{self.mount}/snapshots/s{i}' for i in range(first, last + 1))])
        run(['btrfs', 'subvolume', 'sync', self.mount])
        run(['btrfs', 'filesystem', 'sync', self.mount])

    def used(self):
        usage = run(['btrfs', 'filesystem', 'usage', '-b', self.mount]).decode()
        return next(int(line.split()[1]) for line in usage.splitlines() if line.strip().startswith('Used:'))

    def down(self):
        if self.loop:
            os.close(self.file)
            run(['umount', self.mount])
            run(['losetup', '-d', self.loop])


class Qcow2:
    def __init__(self, directory):
        self.image = directory + '/qcow2.img'
        self.pending = []

    def up(self):
        run(['qemu-img', 'create', '-q', '-f', 'qcow2', self.image, str(VOLUME_CHUNKS * CHUNK)])

    def write(self, offset, data):
        self.pending.append(f'write -q -P {data[0] or 1} {offset} {len(data)}')

    def flush(self):
        subprocess.run(['qemu-io', '-f', 'qcow2', '-t', 'writeback', self.image], check=True, stdout=subprocess.DEVNULL,
                       input='\n'.join(self.pending + ['flush', 'quit']).encode())
        self.pending = []

    def snapshot(self, index):
        run(['qemu-img', 'snapshot', '-c', f's{index}', self.image])

    def delete(self, first, last):
        for index in range(first, last + 1):
            run(['qemu-img', 'snapshot', '-d', f's{index}', self.image])

    def used(self):
        return os.stat(self.image).st_blocks * 512

    def down(self):
        pass


RIVALS = {'icecore': Icecore, 'btrfs': Btrfs, 'qcow2': Qcow2}


def prepare(rival, plan):
    rival.up()
    for chunk in range(0, VOLUME_CHUNKS, 256):
        for at in range(chunk, chunk + 256):
            rival.write(at * CHUNK, payload(at + 1))
    rival.flush()
    value = VOLUME_CHUNKS
    for index, chunks in enumerate(plan.rounds):
        for chunk in chunks:
            value += 1
            rival.write(chunk * CHUNK, payload(value))
        rival.flush()
        rival.snapshot(index)


def main(options):
    try:
        import nbd  # noqa: F401
    except ImportError:
        if sys.executable == SYSTEM_PYTHON:
            sys.exit('libnbd\'s module for Python is missing; on Debian the package python3-libnbd')
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])  # By its path, or it takes another one's modules.
    directory = os.path.join(options.directory or '/var/tmp', 'icecore-rivals')
    os.makedirs(directory)
    snapshots = options.snapshots or 200
    plan = Plan(snapshots, options.overwritten * 256 // snapshots, options.turns)
    names = options.rivals.split(',')
    rivals = {name: RIVALS[name](directory) for name in names}
    taken = {name: [] for name in names}
    back = {name: [] for name in names}
    try:
        for name in names:
            begin = time.monotonic()
            prepare(rivals[name], plan)
            print(f'{name} prepared in {time.monotonic() - begin:.0f} s', file=sys.stderr)
        for turn in range(options.turns):
            for name in names:
                os.sync()
                before = rivals[name].used()
                begin = time.monotonic()
                rivals[name].delete(*plan.run(turn))
                taken[name].append(time.monotonic() - begin)
                back[name].append(before - rivals[name].used())
                print(f'{name} {taken[name][-1]:.2f} s, {back[name][-1] >> 20} MiB back', file=sys.stderr)
    finally:
        for name in names:
            rivals[name].down()
        shutil.rmtree(directory)
    dead = statistics.median(plan.dead(turn) for turn in range(options.turns))
    print(f'{snapshots} snapshots, {dead / 2**20:,.0f} MiB of versions that only they see, {options.turns} turns')
    print('| | until the space is back, s | dead data, MiB/s | snapshots/s | space back, MiB | time / Icecore |')
    print('|---|---|---|---|---|---|')
    for name in names:
        seconds = statistics.median(taken[name])
        ratio = statistics.median(a / b for a, b in zip(taken[name], taken[names[0]]))
        print(f'| {name} | {seconds:.2f} | {dead / 2**20 / seconds:,.0f} | {snapshots / seconds:,.0f} | '
              f'{statistics.median(back[name]) / 2**20:,.0f} | {ratio:.1f} |')
