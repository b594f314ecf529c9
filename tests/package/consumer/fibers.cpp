// Uses brio::brio from two translation units.
#include <brio/brio.hpp>

#include <cstdio>

int answer_later();

int main() {
    using namespace std::chrono_literals;
    auto right = brio::run([] {
        auto [a, b] = brio::gather(answer_later, [] {
                          brio::sleep(1ms);
                          return 2;
                      }).await();
        return a == 40 && b == 2;
    });
    std::puts(right ? "fibers: ok" : "fibers: wrong result");
    return right ? 0 : 1;
}
