#!/usr/bin/env bash
# Compares the iSCSI target with tgt (a file, read and written through the page cache) on the same file system.
#
#   cli/bench/iscsi.sh [DIRECTORY] [REPETITIONS]
#
# Needs tgt and qemu-utils with qemu-block-extra, and some 12 GiB in DIRECTORY (default: .). Prints for each job the median
# of the operations in a second, the CPU time of the server for each operation, and the median of the ratios of neighbours.
# Both are written once before; the two take turns within a repetition. Run as root, it gives itself and both servers a
# high priority, so that other work on the machine disturbs less.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
directory=$(realpath "${1:-.}")
repetitions=${2:-3}
icecore="$here/../bin/icecore"
control=91
work=$(mktemp -d "$directory/iscsi-bench-XXXXXX")
export ICECORE_STORE="$work/bench.store"
renice -n -15 $$ >/dev/null 2>&1 || true

cleanup() {
  [ -z "${served:-}" ] || kill "$served" 2>/dev/null || true
  [ -z "${tgtd:-}" ] || kill -9 "$tgtd" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

"$icecore" store create "$ICECORE_STORE" --size 8G --label bench >/dev/null
"$icecore" volume create vm1 --size 1G >/dev/null
"$icecore" serve --nbd "unix:$work/nbd" --iscsi 127.0.0.1:0 >"$work/serve.out" 2>"$work/serve.log" &
served=$!
truncate -s 1G "$work/tgt.img"
mkdir -p /var/run/tgtd
tgt_port=$((20000 + $$ % 20000))
tgtd -f -C $control --iscsi "portal=127.0.0.1:$tgt_port" >"$work/tgtd.log" 2>&1 &
tgtd=$!
for _ in $(seq 100); do
  grep -q iscsi:// "$work/serve.out" && tgtadm -C $control --op show --mode sys >/dev/null 2>&1 && break
  sleep 0.2
done
tgtadm -C $control --lld iscsi --op new --mode target --tid 1 -T iqn.2026-11.test:tgt
tgtadm -C $control --lld iscsi --op new --mode logicalunit --tid 1 --lun 1 -b "$work/tgt.img" --bstype rdwr --blocksize 512
tgtadm -C $control --lld iscsi --op bind --mode target --tid 1 -I ALL
portal=$(grep -o 'iscsi://[0-9.:]*' "$work/serve.out")

python3 - "$repetitions" "tgt=$tgtd=iscsi://127.0.0.1:$tgt_port/iqn.2026-11.test:tgt/1" \
  "icecore=$served=$portal/iqn.2026-11.io.icecore:bench.vm1/0" <<'PYTHON'
import re, statistics, subprocess, sys

MIB = 1 << 20
SCATTERED = 12289 * 4096  # A stride that meets every 4 KiB block once before it meets one again.
JOBS = {  # name: bytes, depth, operations, step, options of qemu-img bench
    "4 KiB write, depth 32": (4096, 32, 40000, SCATTERED, ["-w"]),
    "4 KiB read, depth 32": (4096, 32, 60000, SCATTERED, []),
    "1 MiB write, depth 4": (MIB, 4, 1000, MIB, ["-w"]),
    "1 MiB read, depth 4": (MIB, 4, 1500, MIB, []),
    "4 KiB read, depth 1": (4096, 1, 8000, SCATTERED, []),
    "4 KiB write, each flushed": (4096, 1, 1000, SCATTERED, ["-w", "--flush-interval=1"]),
}

def cpu_microseconds(process):
    fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 10_000

def bench(uri, length, depth, count, step, options):
    command = ["qemu-img", "bench", "-f", "raw", "-t", "none", "-d", str(depth), "-s", str(length), "-S", str(step), "-c", str(count)]
    out = subprocess.run([*command, *options, uri], capture_output=True, text=True, check=True).stdout
    return count / float(re.search(r"in ([\d.]+) seconds", out)[1])

targets = [argument.split("=", 2) for argument in sys.argv[2:]]
for _, _, uri in targets:
    bench(uri, MIB, 4, 1024, MIB, ["-w"])
print(f"{'job':26} {'tgt/s':>8} {'us':>7} {'icecore/s':>10} {'us':>7}  ratio (each)")
for name, job in JOBS.items():
    rates, costs = {}, {}
    for _ in range(int(sys.argv[1])):
        for label, process, uri in targets:
            before = cpu_microseconds(process)
            rates.setdefault(label, []).append(bench(uri, *job))
            costs.setdefault(label, []).append((cpu_microseconds(process) - before) / job[2])
    ratios = [ours / theirs for ours, theirs in zip(rates["icecore"], rates["tgt"])]
    median = statistics.median
    print(f"{name:26} {median(rates['tgt']):8.0f} {median(costs['tgt']):7.1f} {median(rates['icecore']):10.0f}"
          f" {median(costs['icecore']):7.1f}  {median(ratios):.2f} ({' '.join(f'{ratio:.2f}' for ratio in ratios)})", flush=True)
PYTHON
