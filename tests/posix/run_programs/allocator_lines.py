"""Programs with another allocator preloaded, whose locks and threads are its own: as with it and without Brio."""
import subprocess
import sys

import servers

NEEDS = ["bash", "perl"]

LIBRARIES = ["libjemalloc.so.2", "libtcmalloc_minimal.so.4"]

BASH = """
    for i in {1..20}; do seq $((i * 100)) | sort -rn | head -n 1; done
    a=(); for i in {1..5000}; do printf -v text %0100d $i; a+=("$text"); done; echo ${#a[@]}
    sleep 0.02 & wait $!; echo $?; exit 7"""
PERL = r"""
    my @all; for my $n (1 .. 4) { pipe my $from, my $to; if (!fork) { select undef, undef, undef, 0.01 * $n;
        print $to "x" x (100000 * $n); close $to; exit 0 } close $to; push @all, $from }
    for my $from (@all) { local $/; print length(<$from>), "\n" } 1 while wait > 0; exit 3;
"""
PYTHON = """
import queue, socket, threading, time
def echo(end):
    while data := end.recv(1 << 16):
        end.sendall(bytes(reversed(data)))
pairs = [socket.socketpair() for _ in range(20)]
threads = [threading.Thread(target=echo, args=(far,)) for _, far in pairs]
for thread in threads: thread.start()
for n, (near, _) in enumerate(pairs):
    near.sendall(bytes([n]) * 1000 + b'.')
    print(near.recv(1 << 16)[:1], end=' ')
    near.close()
for thread in threads: thread.join()
made = queue.Queue()
def make(n):
    time.sleep(0.001); made.put([bytearray(size) for size in range(0, 50000, 50)])
makers = [threading.Thread(target=make, args=(n,)) for n in range(10)]
for maker in makers: maker.start()
print(sum(len(made.get()) for _ in makers))
raise SystemExit(4)
"""


def is_installed(library):
    """The dynamic loader says on standard error what it cannot preload."""
    refused = subprocess.run(["true"], env={"LD_PRELOAD": library}, stderr=subprocess.PIPE).stderr
    if refused:
        print(f"{library} is not installed")
    return not refused


def compare_with(both, library):
    is_mapped = f"grep -q {library} /proc/$$/maps && echo mapped"
    both.same(["bash", "-c", is_mapped], says="mapped", LD_PRELOAD=library)
    both.same(["bash", "-c", BASH], status=7, says="5000", LD_PRELOAD=library)
    both.same(["perl", "-e", PERL], status=3, says="400000", LD_PRELOAD=library)
    both.same([sys.executable, "-c", PYTHON], status=4, says="10000", LD_PRELOAD=library)


def compare(both):
    installed = [library for library in LIBRARIES if is_installed(library)]
    for library in installed:
        compare_with(both, library)
    if not installed:
        sys.exit(servers.NOT_INSTALLED)
