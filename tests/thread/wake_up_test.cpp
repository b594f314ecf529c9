// The wake-up that cannot be lost: threads that call into a loop which goes to sleep, again and again,
// and which closes meanwhile. For the thread sanitizer, too.

#include "task/story.hpp"

#include <atomic>
#include <cstdlib>
#include <thread>

namespace {

using namespace story;

int rounds() {
    return std::getenv("BRIO_LONG") != nullptr ? 20000 : 300;
}

/// On each of some threads.
template <class F>
std::vector<std::thread> threads(int count, F f) {
    std::vector<std::thread> all;
    for (int t = 0; t < count; ++t) all.emplace_back(f);
    return all;
}
void join(std::vector<std::thread>& all) {
    for (std::thread& t : all) t.join();
}

TEST(wake_up, is_not_lost_when_the_loop_is_just_going_to_sleep) {
    brio::run([] {
        const brio::loop_handle loop(brio::get_running_loop());
        std::atomic<int> called = 0;
        const int each = rounds();
        auto all = threads(3, [&, loop] {
            // Each waits for its own call: mostly the loop has nothing else, and sleeps.
            for (int i = 0; i < each; ++i) {
                std::atomic<bool> mine = false;
                loop.call_soon_threadsafe([&] {
                    ++called;
                    mine = true;
                    mine.notify_one();
                });
                mine.wait(false);
            }
        });
        brio::to_thread([&] { join(all); });
        EXPECT_EQ(called, 3 * each);
    });
}

TEST(wake_up, brings_every_task_and_its_result_across) {
    brio::run([] {
        const brio::loop_handle loop(brio::get_running_loop());
        const int each = rounds();
        std::atomic<long> sum = 0;
        auto all = threads(3, [&, loop] {
            for (int i = 0; i < each; ++i)
                sum += brio::run_threadsafe(
                           [i] {
                               if (i % 4 == 0) brio::sleep(1us);
                               return i;
                           },
                           loop)
                           .result();
        });
        brio::to_thread([&] { join(all); });
        EXPECT_EQ(sum, 3L * each * (each - 1) / 2);
    });
}

TEST(wake_up, of_a_cancel_that_races_with_the_end_of_the_task_ends_both) {
    brio::run([] {
        const brio::loop_handle loop(brio::get_running_loop());
        const int each = rounds();
        auto all = threads(2, [&, loop] {
            for (int i = 0; i < each; ++i) {
                auto f = brio::run_threadsafe([] { brio::yield(); }, loop);
                if (i % 2 == 0) std::this_thread::yield();
                const bool cancelled = f.cancel();
                EXPECT_EQ(ending([&] {
                              f.result();
                              return 0;
                          }),
                          cancelled ? "cancelled" : "returned");
            }
        });
        brio::to_thread([&] { join(all); });
    });
}

TEST(wake_up, that_comes_while_the_loop_closes_is_refused_or_cancelled_and_leaves_nobody_waiting) {
    for (int round = 0; round < rounds() / 10; ++round) {
        std::atomic<int> begun = 0;
        std::vector<std::thread> all;
        brio::run([&] {
            all = threads(3, [&, loop = brio::loop_handle(brio::get_running_loop())] {
                ++begun;
                begun.notify_one();
                try {
                    for (;;) {
                        try {
                            brio::run_threadsafe([] {}, loop).result();
                        } catch (const brio::cancelled_error&) {
                        }
                    }
                } catch (const brio::usage_error&) {
                }
            });
            for (int n; (n = begun) < 3;) begun.wait(n);
            // Tasks that are made when run() has cancelled all others never start, as in asyncio.
            brio::get_running_loop().set_exception_handler([](const brio::exception_report&) {});
            turns(round % 5);
        });
        join(all);
    }
}

TEST(wake_up, of_a_pool_that_ends_its_work_while_the_loop_closes_touches_nothing) {
    for (int round = 0; round < rounds() / 10; ++round) {
        brio::thread_pool pool({.threads = 2});
        brio::run([&] {
            for (int i = 0; i < 8; ++i) {
                auto f = brio::run_in_executor(pool, [i] { return i; });
                if (i % 2 == 0) f.cancel();
            }
            turns(round % 3);
        });
    }
}

}  // namespace
