#!/bin/sh
# Runs fuzz targets for some minutes each, all of them unless some are named, and minimizes what is kept of their inputs,
# which is all that happens with 0 minutes:
#   host-tests/fuzz.sh MINUTES [TARGET…]
# Ends with an error at the first finding, and says where its input is. Takes cargo-fuzz:
#   cargo install --locked cargo-fuzz --version 0.13.2
#
# The targets are built without a sanitizer, so a stable compiler will do. The engine forbids `unsafe`, so there is little
# for one to find; debug assertions and overflow checks are on (fuzz/Cargo.toml).
set -eu
cd "$(dirname "$0")/.."
minutes=${1:?how many minutes for each target}
shift
test $# -gt 0 || set -- server client operations inspector differential component

export WEBSOCKET_COMPONENT="$PWD/target/component/websocket.wasm"
fuzz=host-tests/fuzz
for target in "$@"; do
    features=""
    length=1024
    # Inputs are kept for each new edge, and not for how often they meet one: so the corpora stay small.
    counters=0
    case $target in
    server | client) length=2048 ;;
    differential) length=512 counters=1 ;;
    component) features=--features=component && cargo xtask component ;;
    esac
    # No spaces in any of them.
    options="--sanitizer none --fuzz-dir $fuzz --target-dir target/fuzz $features $target"
    if test "$minutes" -gt 0; then
        mkdir -p $fuzz/regressions/$target
        cargo fuzz run $options $fuzz/corpus/$target $fuzz/regressions/$target -- -max_total_time=$((60 * minutes)) \
            -max_len=$length -timeout=10 -report_slow_units=3600 -rss_limit_mb=1024 -dict=$fuzz/dictionaries/wire.dict
    fi
    cargo fuzz cmin $options $fuzz/corpus/$target -- -max_len=$length -use_counters=$counters
done
du -sh $fuzz/corpus
