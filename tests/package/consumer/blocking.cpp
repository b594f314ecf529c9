// A read(2) in one fiber that only another fiber can end: it hangs unless brio::posix has taken
// effect.
#include <brio/brio.hpp>
#include <brio/posix.hpp>

#include <cstdio>
#include <unistd.h>

int main() {
    brio::posix::require();
    int ends[2];
    if (pipe(ends) != 0) return 1;
    auto [received, sent] = brio::run([&] {
        return brio::gather(
                   [&] {
                       char letter = 0;
                       return read(ends[0], &letter, 1) == 1 ? letter : '?';
                   },
                   [&] { return write(ends[1], "x", 1); })
            .await();
    });
    std::printf("blocking: received %c\n", received);
    return received == 'x' && sent == 1 ? 0 : 1;
}
