#!/usr/bin/env bash
# Runs all measuring scripts of docs/benchmarks.md one after the other; what each says goes to RESULTS/PART.txt as well.
#
#   cli/bench/all.sh RESULTS [PART...]
#
# All parts by default, in the order of the list below. Needs the build (./mvnw package -DskipTests), what the scripts name (fio,
# nbdkit, qemu-utils, tgt, btrfs-progs, root), room in /var/tmp, and an otherwise idle machine for many hours: btrfs alone takes more
# than one to make its history. Exit code 1: some part failed, and which is told at the end, the others having been measured all the
# same; 2: bad arguments, nothing was run.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
all=(throughput throughput-100000 latency import iscsi engine curve window sequential delete clean flush heap list rivals)

# measure PART DIRECTORY, which is empty and is removed afterwards
measure() {
    case $1 in
        throughput) "$here/throughput.py" --dir "$2" --repetitions 3 --seconds 2 \
            --targets raw,icecore,nbdkit-file,qemu-raw-direct,icecore-10000 \
            --out "$results/throughput.json" --svg "$results/throughput.svg" ;;
        throughput-100000) "$here/throughput.py" --dir "$2" --repetitions 4 --seconds 3 \
            --targets icecore,icecore-100000 --jobs write4k-32,read4k-32,read4k-32-middle ;;
        latency) "$here/latency.py" --dir "$2" --turns 7 --jobs flushed --seconds 2 --snapshots 12 ;;
        import) "$here/import.py" --dir "$2" ;;
        iscsi) "$here/iscsi.sh" "$2" 3 ;;
        engine) java -jar "$here"/../../store/bench/target/icecore-store-bench-*.jar -prof gc -wi 2 -i 3 ;;
        curve) "$here/history.py" --part curve --scale 25 --snapshots 100000 \
            --svg "$results/history-curve.svg" --svg-times "$results/history-times.svg" ;;
        window) "$here/history.py" --part window --memory 2g --directory "$2" ;;
        delete | clean) "$here/history.py" --part "$1" --scale 25 ;;
        flush) "$here/history.py" --part flush ;;
        heap) "$here/history.py" --part heap --chunks 268435456 --memory 512m --directory "$2" ;;
        sequential | list) "$here/history.py" --part "$1" --directory "$2" ;;
        rivals) "$here/history.py" --part rivals --snapshots 1000 --overwritten 10240 --turns 1 --directory "$2" ;;
    esac
}

refuse() {
    echo "$1" >&2
    echo "usage: cli/bench/all.sh RESULTS [PART...]; parts: ${all[*]}" >&2
    exit 2
}

[ $# -ge 1 ] || refuse "RESULTS, the directory for what is measured, is missing"
parts=("${@:2}")
[ $# -ge 2 ] || parts=("${all[@]}")
for part in "${parts[@]}"; do
    [[ " ${all[*]} " == *" $part "* ]] || refuse "no such part: $part"
done
mkdir -p "$1" && results=$(cd "$1" && pwd) || exit 2
directory=
trap 'rm -rf "$directory"' EXIT

failed=()
for part in "${parts[@]}"; do
    echo "== $part, $(date -u '+%F %H:%M')"
    directory=$(mktemp -d /var/tmp/icecore-bench-XXXXXX) || exit 1
    measure "$part" "$directory" 2>&1 | tee "$results/$part.txt" || failed+=("$part")
    rm -rf "$directory"
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}; see PART.txt in $results" >&2; exit 1; }
