// Other threads: call_soon_threadsafe through a loop_handle, before, while and after the loop runs.
// The loops here have the real clock; nothing waits for it.

#include "task/story.hpp"

#include <atomic>
#include <thread>

namespace {

using namespace story;

TEST(loop_handle, wakes_a_loop_that_sleeps) {
    const int answer = brio::run([] {
        auto f = brio::create_future<int>();
        std::thread foreign([loop = brio::loop_handle(brio::get_running_loop()), &f] {
            loop.call_soon_threadsafe([&f] { f.set_result(42); });
        });
        const int result = f.await();
        foreign.join();
        return result;
    });
    EXPECT_EQ(answer, 42);
}

TEST(loop_handle, wakes_a_loop_again_and_again) {
    brio::run([] {
        constexpr int rounds = 200;
        auto turn_of = std::make_shared<brio::future<void>>(brio::create_future<void>());
        std::atomic<int> round{0};
        std::thread foreign([loop = brio::loop_handle(brio::get_running_loop()), &round, turn_of] {
            for (int i = 1; i <= rounds; ++i) {
                while (round.load() < i) std::this_thread::yield();
                loop.call_soon_threadsafe([turn_of] { turn_of->set_result(); });
            }
        });
        for (int i = 1; i <= rounds; ++i) {
            round = i;
            turn_of->await();
            *turn_of = brio::create_future<void>();
        }
        foreign.join();
    });
}

TEST(loop_handle, calls_what_many_threads_post_each_in_its_order) {
    brio::run([] {
        constexpr int threads = 4, calls = 2000;
        std::vector<std::vector<int>> seen(threads);
        int left = threads * calls;
        auto all = brio::create_future<void>();
        std::vector<std::thread> posters;
        for (int t = 0; t < threads; ++t)
            posters.emplace_back([&, t, loop = brio::loop_handle(brio::get_running_loop())] {
                for (int i = 0; i < calls; ++i)
                    loop.call_soon_threadsafe([&, t, i] {
                        seen[static_cast<std::size_t>(t)].push_back(i);
                        if (--left == 0) all.set_result();
                    });
            });
        all.await();
        for (auto& p : posters) p.join();
        for (const auto& order : seen) {
            ASSERT_EQ(order.size(), static_cast<std::size_t>(calls));
            EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
        }
    });
}

TEST(loop_handle, runs_callbacks_on_the_loop_s_thread_outside_every_task) {
    brio::run([] {
        auto f = brio::create_future<bool>();
        const auto home = std::this_thread::get_id();
        std::thread foreign([&, loop = brio::loop_handle(brio::get_running_loop())] {
            loop.call_soon_threadsafe([&] {
                f.set_result(std::this_thread::get_id() == home && !brio::current_task().valid());
            });
        });
        EXPECT_TRUE(f.await());
        foreign.join();
    });
}

TEST(loop_handle, reports_what_a_callback_throws) {
    brio::run([] {
        const reports handler;
        auto f = brio::create_future<void>();
        std::thread foreign([&, loop = brio::loop_handle(brio::get_running_loop())] {
            loop.call_soon_threadsafe([] { throw std::runtime_error("from a thread"); });
            loop.call_soon_threadsafe([&] { f.set_result(); });
        });
        f.await();
        foreign.join();
        EXPECT_THAT(handler.told(), ElementsAre("exception in a callback | from a thread"));
    });
}

TEST(loop_handle, may_be_used_on_the_loop_s_own_thread) {
    run([] {
        lines seen;
        auto& loop = brio::get_running_loop();
        loop.call_soon_threadsafe([&] { seen.push_back("posted"); });
        loop.call_soon([&] { seen.push_back("soon"); });
        turns(2);
        EXPECT_THAT(seen, ElementsAre("posted", "soon"));
    });
}

TEST(loop_handle, outlives_the_loop_and_says_so) {
    std::unique_ptr<brio::loop_handle> kept;
    run([&] {
        kept = std::make_unique<brio::loop_handle>(brio::get_running_loop());
        EXPECT_FALSE(kept->is_closed());
    });
    const brio::loop_handle copy = *kept;
    EXPECT_TRUE(copy.is_closed());
    auto token = std::make_shared<int>();
    std::thread([&] {
        EXPECT_EQ(
            text_of<brio::usage_error>([&] { copy.call_soon_threadsafe([token] { FAIL(); }); }),
            "call_soon_threadsafe: the loop is closed");
    }).join();
    EXPECT_EQ(token.use_count(), 1);
}

TEST(loop_handle, is_copied_and_assigned_on_any_thread) {
    brio::testing::runner first, second;
    brio::loop_handle a(first.get_loop());
    const brio::loop_handle b(second.get_loop());
    std::thread([&] {
        for (int i = 0; i < 1000; ++i) {
            brio::loop_handle copy(a);
            copy = b;
            copy = static_cast<const brio::loop_handle&>(copy);
        }
    }).join();
    a = b;
    second.close();
    EXPECT_TRUE(a.is_closed());
}

TEST(loop_handle, that_posts_while_the_loop_closes_loses_nothing) {
    struct counted {
        explicit counted(std::atomic<int>& n) : alive(&n) { ++*alive; }
        counted(counted&& other) noexcept : alive(std::exchange(other.alive, nullptr)) {}
        ~counted() {
            if (alive != nullptr) --*alive;
        }
        std::atomic<int>* alive;
    };
    std::atomic<int> alive{0}, accepted{0}, refused{0};
    int called = 0;
    std::vector<std::thread> posters;
    {
        std::atomic<bool> begun{false};
        brio::run([&] {
            for (int t = 0; t < 3; ++t)
                posters.emplace_back([&, loop = brio::loop_handle(brio::get_running_loop())] {
                    for (;;) try {
                            loop.call_soon_threadsafe([&, c = counted(alive)] { ++called; });
                            ++accepted;
                            begun = true;
                        } catch (const brio::usage_error&) {
                            ++refused;
                            return;
                        }
                });
            while (!begun) brio::yield();
        });
    }
    for (auto& p : posters) p.join();
    EXPECT_EQ(refused, 3);
    EXPECT_LE(called, accepted);
    EXPECT_EQ(alive, 0);
}

TEST(call_soon_threadsafe, before_the_loop_runs_is_called_in_its_first_turn) {
    brio::testing::runner r;
    lines seen;
    const brio::loop_handle loop(r.get_loop());
    std::thread([&] { loop.call_soon_threadsafe([&] { seen.push_back("posted"); }); }).join();
    r.run([&] {
        seen.push_back("main");
        brio::yield();
    });
    EXPECT_THAT(seen, ElementsAre("main", "posted"));
}

TEST(loop, of_another_thread_refuses_what_is_not_threadsafe) {
    run([] {
        auto& loop = brio::get_running_loop();
        lines seen;
        std::thread([&] {
            const auto note = [&](auto&& call) {
                seen.push_back(text_of<brio::usage_error>(call));
            };
            note([&] { loop.call_soon([] {}); });
            note([&] { loop.call_later(1s, [] {}); });
            note([&] { loop.create_task([] {}); });
            note([&] { loop.run_forever(); });
        }).join();
        EXPECT_THAT(seen, ElementsAre("call_soon: the loop belongs to another thread",
                                      "call_later: the loop belongs to another thread",
                                      "create_task: the loop belongs to another thread",
                                      "run_forever: the loop belongs to another thread"));
    });
}

TEST(task_group, of_another_thread_s_loop_is_refused) {
    run([] {
        brio::task_group([](brio::task_group_scope& group) {
            lines seen;
            std::thread([&] {
                seen.push_back(text_of<brio::usage_error>([&] { group.create_task([] {}); }));
                seen.push_back(text_of<brio::usage_error>([&] { group.cancel(); }));
            }).join();
            EXPECT_THAT(
                seen,
                ElementsAre("task_group_scope::create_task: the task group belongs to another "
                            "thread",
                            "task_group_scope::cancel: the task group belongs to another thread"));
        });
    });
}

TEST(loops, in_several_threads_run_side_by_side) {
    std::vector<std::thread> threads;
    std::atomic<long> total{0};
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            total += run([] {
                std::vector<brio::task<int>> tasks;
                for (int i = 0; i < 100; ++i)
                    tasks.push_back(brio::create_task([i] {
                        brio::sleep(i * 1ms);
                        try {
                            throw i;
                        } catch (int n) {
                            brio::yield();
                            return n;
                        }
                    }));
                int sum = 0;
                for (const int n : brio::gather(tasks).await()) sum += n;
                return sum;
            });
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(total, 4 * 4950);
}

}  // namespace
