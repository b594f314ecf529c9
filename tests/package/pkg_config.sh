#!/bin/sh
# pkg_config.sh CXX PC_DIR WORK_DIR TLS: builds and runs the consumers with a compiler and pkg-config alone.
set -eu
cxx=$1 work=$3 tls=$4
export PKG_CONFIG_PATH="$2"
source=$(dirname "$0")/consumer
mkdir -p "$work"

for mode in "" --static; do
    flags=$(pkg-config $mode --cflags --libs brio)
    $cxx -std=c++20 "$source/fibers.cpp" "$source/other_unit.cpp" -o "$work/fibers" $flags
    timeout 60 "$work/fibers"
    flags=$(pkg-config $mode --cflags --libs brio-posix)
    $cxx -std=c++20 "$source/blocking.cpp" -o "$work/blocking" $flags
    timeout 60 "$work/blocking"
    flags=$(pkg-config $mode --cflags --libs brio-testing)
    $cxx -std=c++20 "$source/virtual_clock.cpp" -o "$work/virtual_clock" $flags
    timeout 60 "$work/virtual_clock"
done
if [ "$tls" = OFF ]; then
    if pkg-config --exists brio-tls; then exit 1; fi
else
    $cxx -std=c++20 "$source/secure.cpp" -o "$work/secure" $(pkg-config --cflags --libs brio-tls)
    timeout 60 "$work/secure"
fi

pkg-config --exists 'brio >= 0.1 brio < 0.2'
if pkg-config --exists 'brio >= 0.2'; then
    echo "pkg-config takes this version for a later one" >&2
    exit 1
fi
