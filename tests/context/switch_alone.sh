#!/bin/sh
# Builds switch_test.cpp alone and runs it:
#   switch_alone.sh lto|aarch64 SOURCE_DIR WORK_DIR
# lto: everything in one optimisation unit, by g++ and by clang++. aarch64: cross-compiled, in an emulator.
# Exit status 77 when a compiler or the emulator is missing.
set -eu
kind=$1 source=$2 work=$3
mkdir -p "$work"

# one NAME SWITCH RUNNER COMPILER FLAGS...
one() {
    name=$1 switch=$2 runner=$3
    shift 3
    echo "== $*"
    "$@" -std=c++20 -O2 -g -Wall -Wextra -Werror -pthread \
        -I"$source/tests/context/alone" -I"$source/tests" -I"$source/lib" \
        "$source/tests/context/switch_test.cpp" "$source/lib/context/context.cpp" "$source/lib/context/backtrace.cpp" \
        "$source/lib/base/invariant.cpp" "$source/lib/context/$switch" -o "$work/$name"
    $runner "$work/$name"
}

need() {
    for program; do
        command -v "$program" > /dev/null || { echo "missing: $program"; exit 77; }
    done
}

case $kind in
lto)
    switch=switch_$(uname -m).S
    [ -e "$source/lib/context/$switch" ] || { echo "no own switch for this machine"; exit 77; }
    need g++ clang++ ld.lld
    one switch_lto_gcc "$switch" "" g++ -flto=auto -fwhole-program
    one switch_lto_gcc_parts "$switch" "" g++ -flto=auto -flto-partition=max
    one switch_lto_clang "$switch" "" clang++ -flto -fuse-ld=lld
    ;;
aarch64)
    need aarch64-linux-gnu-g++ qemu-aarch64
    one switch_aarch64 switch_aarch64.S qemu-aarch64 aarch64-linux-gnu-g++ -static -mbranch-protection=standard
    ;;
*)
    echo "unknown kind: $kind" >&2
    exit 2
    ;;
esac
