// On SIGTERM: take no more work, give what is under way a grace period, then cancel the rest.

#include <brio/brio.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <vector>

using namespace std::chrono_literals;

static void request(const char* name, brio::duration length) {
    try {
        brio::sleep(length);
        std::printf("%s: done\n", name);
    } catch (const brio::cancelled_error&) {
        std::printf("%s: cut short\n", name);
        throw;
    }
}

int main() {
    brio::run([] {
        brio::event terminate;
        brio::get_running_loop().add_signal_handler(SIGTERM, [&] { terminate.set(); });

        const std::vector<brio::task<void>> requests{
            brio::create_task([] { request("a short one", 50ms); }),
            brio::create_task([] { request("a long one", 1h); })};
        brio::yield();
        std::raise(SIGTERM);  // somebody wants us to stop

        terminate.wait();
        std::puts("stopping");
        const auto [done, late] = brio::wait(requests, {.timeout = 500ms});
        for (const auto& task : late) task.cancel();
        (void)brio::gather(brio::return_exceptions, late).await();  // until they have cleaned up
        std::printf("%zu done, %zu cancelled\n", done.size(), late.size());
    });
}

// Prints:
//   stopping
//   a short one: done
//   a long one: cut short
//   1 done, 1 cancelled
