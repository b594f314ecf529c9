// A user's program without run-time type information: compiled with -fno-rtti. Exit status 0 when all
// is awaited, thrown and caught as with it.

#include <brio/brio.hpp>
#include <brio/testing.hpp>

#include <cstdio>
#include <string>

#if defined(__GXX_RTTI) || defined(__cpp_rtti)
#error "this file is to be compiled with -fno-rtti"
#endif

using namespace std::chrono_literals;

int main() {
    std::string seen;
    brio::testing::run([&] {
        auto t = brio::create_task([] {
            brio::sleep(1s);
            return 1;
        });
        auto [a, b] = brio::gather(t, [] { return 2; }).await();
        seen += std::to_string(a + b);

        try {
            brio::timeout(1s, [] { brio::sleep(1h); });
        } catch (const brio::timeout_error& e) {
            seen += std::string(", ") + e.what();
        }
        try {
            brio::timeout(1s, [] { brio::sleep(1h); });
        } catch (const std::system_error& e) {
            seen += e.code() == std::errc::timed_out ? ", system_error" : ", another code";
        }
        auto cancelled = brio::create_task([] { brio::sleep(1h); });
        brio::yield();
        cancelled.cancel("stop");
        try {
            cancelled.await();
        } catch (const brio::cancelled_error& e) {
            seen += std::string(", ") + e.what();
        }
        try {
            brio::task_group(
                [](auto& group) { group.create_task([] { throw std::runtime_error("child"); }); });
        } catch (const brio::exception_group& group) {
            if (const auto* e = group.find<std::runtime_error>())
                seen += std::string(", ") + e->what();
        }
        const auto all = brio::gather(brio::return_exceptions, []() -> int {
                             throw std::logic_error("outcome");
                         }).await();
        if (const auto* e = std::get<0>(all).error_as<std::logic_error>())
            seen += std::string(", ") + e->what();
    });
    std::puts(seen.c_str());
    return seen == "3, timed out, system_error, stop, child, outcome" ? 0 : 1;
}
