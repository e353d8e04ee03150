#!/usr/bin/env bash
# Measures what docs/benchmarks.md quotes, one thing after the other, each into a file of its own in RESULTS.
#
#   cli/bench/all.sh RESULTS [PART...]
#
# Parts, all by default and in this order: throughput, throughput-100000, latency, import, iscsi, engine, curve, window, sequential,
# delete, clean, flush, heap, list, rivals. Needs what its scripts name (fio, nbdkit, qemu-utils, tgt, btrfs-progs, root), the build
# (./mvnw package -DskipTests), 60 GiB in /var/tmp, and for all of it most of a day on an otherwise idle machine. A part that fails is
# told at the end, with its file; the others are measured all the same.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1" || exit 1
results=$(cd "$1" && pwd)
shift
work=$(mktemp -d /var/tmp/icecore-bench-XXXXXX)
trap 'rm -rf "$work"' EXIT

measure() {
    case $1 in
        throughput) "$here/throughput.py" --dir "$work" --repetitions 3 --seconds 2 \
            --targets raw,icecore,nbdkit-file,qemu-raw-direct,icecore-10000 \
            --out "$results/throughput.json" --svg "$results/throughput.svg" ;;
        throughput-100000) "$here/throughput.py" --dir "$work" --repetitions 3 --seconds 2 \
            --targets icecore,icecore-100000 --jobs write4k-32,read4k-32,read4k-32-middle ;;
        latency) "$here/latency.py" --dir "$work" --turns 7 --jobs flushed --seconds 2 --snapshots 12 ;;
        import) "$here/import.py" --dir "$work" ;;
        iscsi) "$here/iscsi.sh" "$work" 3 ;;
        engine) java -jar "$here"/../../store/bench/target/icecore-store-bench-*.jar -prof gc -wi 2 -i 3 ;;
        curve) "$here/history.py" --part curve --scale 25 --snapshots 100000 \
            --svg "$results/history-curve.svg" --svg-times "$results/history-times.svg" ;;
        window) "$here/history.py" --part window --memory 2g --directory "$work" ;;
        sequential) "$here/history.py" --part sequential --directory "$work" ;;
        delete | clean) "$here/history.py" --part "$1" --scale 25 ;;
        flush) "$here/history.py" --part flush ;;
        heap) "$here/history.py" --part heap --chunks 268435456 --memory 512m --directory "$work" ;;
        list) "$here/history.py" --part list --directory "$work" ;;
        rivals) "$here/history.py" --part rivals --snapshots 1000 --overwritten 10240 --turns 1 --directory "$work" ;;
        *) echo "no such part: $1" >&2; return 2 ;;
    esac
}

parts=("$@")
[ $# -ge 1 ] || parts=(throughput throughput-100000 latency import iscsi engine curve window sequential delete clean flush heap list rivals)
failed=0
for part in "${parts[@]}"; do
    echo "== $part, $(date -u '+%F %H:%M')"
    measure "$part" > >(tee "$results/$part.txt") 2> >(tee "$results/$part.err" >&2) && continue
    echo "== $part failed: $results/$part.err" >&2
    failed=1
done
exit $failed
