#!/usr/bin/env python3
"""How long `volume import` takes beside `cp --sparse=always` and a sync of the same image, in turns.

    cli/bench/import.py [--dir DIR] [--repetitions 3] [--images sparse,full]

Needs cli/bin/icecore, built, and some 9 GiB in DIR. Of images, sparse is 10 GiB long with 2 GiB of random data in extents of 4 KiB to
8 MiB all over it, full is 3 GiB of random data. Both are in the page cache before each turn, and both copies are durable after it: an
import ends with a commit, cp is followed by `sync -f`. An import goes to a fresh store; starting the program counts, creating the store
does not.

Prints for each image the median seconds of both, and the median and range of cp's time / import's time of neighbouring turns: the
speed of an import as a ratio to that of cp.
"""
import argparse
import os
import random
import shutil
import statistics
import sys
import time

from throughput import ICECORE, run

MIB = 1 << 20
CHUNK = 4096
IMAGES = {  # name: MiB, of it data
    'sparse': (10240, 2048),
    'full': (3072, 3072),
}


def make_image(path, length, data):
    """Data and holes in turns; a seed, so that every run has the same image."""
    source = random.Random(1)
    with open(path, 'wb') as image:
        at = 0
        while at < length:
            extent = min(source.randint(1, 8 * MIB // CHUNK) * CHUNK, length - at)
            image.seek(at)
            image.write(source.randbytes(extent))
            at += extent + round(extent * (length - data) / data / CHUNK) * CHUNK
        image.truncate(length)


def seconds(*commands):
    begin = time.monotonic()
    for command in commands:
        run(command)
    return time.monotonic() - begin


def copy(image, directory):
    target = directory + '/copy'
    took = seconds(['cp', '--sparse=always', image, target], ['sync', '-f', target])
    os.unlink(target)
    return took


def import_volume(image, directory):
    store = directory + '/import.store'
    run([ICECORE, 'store', 'create', store, '--size', '16G'])
    took = seconds([ICECORE, '--store', store, 'volume', 'import', 'vm1', image])
    os.unlink(store)
    return took


def set_scene(image):
    run(['sync'])
    with open(image, 'rb', buffering=0) as file:
        while file.read(8 * MIB):
            pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--dir', default='/var/tmp/icecore-bench')
    parser.add_argument('--repetitions', type=int, default=3)
    parser.add_argument('--images', default=','.join(IMAGES))
    options = parser.parse_args()
    directory = os.path.join(options.dir, 'import')
    os.makedirs(directory)
    try:
        print('| image | cp and sync, s | import, s | speed of import / cp |')
        print('|---|---|---|---|')
        for name in options.images.split(','):
            length, data = (mib * MIB for mib in IMAGES[name])
            image = f'{directory}/{name}.img'
            make_image(image, length, data)
            pairs = []
            for _ in range(options.repetitions):
                times = []
                for way in (copy, import_volume):
                    set_scene(image)
                    times.append(way(image, directory))
                pairs.append(times)
                print(name, times, file=sys.stderr)
            ratios = [copied / imported for copied, imported in pairs]
            print(f'| {name}: {data / 2**30:.0f} of {length / 2**30:.0f} GiB data | {statistics.median(c for c, _ in pairs):.2f} | '
                  f'{statistics.median(i for _, i in pairs):.2f} | x{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |',
                  flush=True)
            os.unlink(image)
    finally:
        shutil.rmtree(directory)


if __name__ == '__main__':
    main()
