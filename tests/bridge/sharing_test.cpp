// Boost's fibers and Brio's tasks on one thread: who runs when, and what a Boost fiber may call.

#include "bridge/boost_fibers.hpp"

#include <cerrno>
#include <exception>
#include <memory>
#include <stdexcept>

namespace {

using namespace bridge_tests;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(run_in_place_of_an_old_main, gives_back_its_result) {
    const int result = brio::boost_fiber::run([] {
        fibers::future<int> answer = fibers::async([] { return 42; });
        return answer.get();
    });
    EXPECT_EQ(result, 42);
}

TEST(run_in_place_of_an_old_main, may_return_nothing_or_a_reference) {
    int number = 0;
    brio::boost_fiber::run([&] { ++number; });
    int& same = brio::boost_fiber::run([&]() -> int& { return number; });
    EXPECT_EQ(&same, &number);
    EXPECT_EQ(number, 1);
}

TEST(run_in_place_of_an_old_main, throws_what_it_throws_when_the_other_fibers_have_ended) {
    bool ended = false;
    EXPECT_THROW(brio::boost_fiber::run([&] {
                     fibers::fiber([&] {
                         brio::sleep(1ms);
                         ended = true;
                     }).detach();
                     throw std::runtime_error("old");
                 }),
                 std::runtime_error);
    EXPECT_TRUE(ended);
}

TEST(boost_fibers, that_only_yield_take_turns_with_tasks) {
    brio::boost_fiber::run([] {
        story told;
        const auto three_times = [&](const char* name, auto yield) {
            return [&told, name, yield] {
                for (int i = 0; i < 3; ++i) {
                    told.add(name);
                    yield();
                }
            };
        };
        auto task = brio::create_task(three_times("task", [] { brio::yield(); }));
        fibers::fiber a(three_times("a", [] { this_fiber::yield(); }));
        fibers::fiber b(three_times("b", [] { this_fiber::yield(); }));
        a.join();
        b.join();
        task.await();
        EXPECT_THAT(told.lines, ElementsAre("task", "a", "b", "task", "a", "b", "task", "a", "b"));
    });
}

TEST(boost_fibers, that_are_never_idle_let_tasks_do_io) {
    brio::boost_fiber::run([] {
        auto [near, far] = make_connection();
        bool stop = false;
        fibers::fiber busy([&] {
            while (!stop) this_fiber::yield();
        });
        auto echo = brio::create_task([&far = far] { far.write(read_some(far)); });
        near.write("hello");
        EXPECT_EQ(read_some(near), "hello");
        echo.await();
        stop = true;
        busy.join();
    });
}

TEST(boost_fibers, go_on_while_tasks_are_never_idle) {
    brio::boost_fiber::run([] {
        const bystander busy;
        const auto goes_on = [&](auto sleep) {
            const int before = busy.turns();
            bool woken = false;
            fibers::fiber([&] {
                sleep();
                woken = true;
            }).join();
            EXPECT_TRUE(woken);
            EXPECT_GT(busy.turns(), before);
        };
        goes_on([] { this_fiber::sleep_for(1ms); });
        goes_on([] { brio::sleep(1ms); });
    });
}

TEST(boost_fibers, sleep_in_brio_while_the_others_run) {
    brio::boost_fiber::run([] {
        story told;
        fibers::fiber sleeper([&] {
            told.add("sleeps");
            brio::sleep(1ms);
            told.add("slept");
        });
        fibers::fiber other([&] { told.add("other"); });
        other.join();
        sleeper.join();
        EXPECT_THAT(told.lines, ElementsAre("sleeps", "other", "slept"));
    });
}

TEST(boost_fibers, and_tasks_are_not_held_up_by_longer_sleeps_of_the_other_kind) {
    brio::boost_fiber::run([] {
        fibers::mutex mutex;
        fibers::condition_variable changed;
        bool over = false;
        fibers::fiber long_in_boost([&] {
            std::unique_lock lock(mutex);
            EXPECT_TRUE(changed.wait_for(lock, 1h, [&] { return over; }));
        });
        auto long_in_brio = brio::create_task([] { brio::sleep(2h); });
        brio::create_task([] { brio::sleep(1ms); }).await();
        fibers::fiber([] { this_fiber::sleep_for(1ms); }).join();
        over = true;
        changed.notify_one();
        long_in_boost.join();
        long_in_brio.cancel();
        EXPECT_THROW(long_in_brio.await(), brio::cancelled_error);
    });
}

TEST(boost_fibers, sleep_in_brio_on_the_virtual_clock) {
    brio::testing::run([] {
        const brio::boost_fiber::scope scope;
        const auto start = brio::clock::now();
        fibers::fiber([] { brio::sleep(1h); }).join();
        EXPECT_EQ(brio::clock::now() - start, 1h);
    });
}

TEST(boost_fibers, await_tasks_and_gather_them) {
    brio::boost_fiber::run([] {
        fibers::fiber([] {
            auto seven = brio::create_task([] {
                brio::yield();
                return 7;
            });
            EXPECT_EQ(seven.await(), 7);
            const auto [a, b] = brio::gather([] { return 1; }, [] { return 2; }).await();
            EXPECT_EQ(a + b, 3);
            auto failing = brio::create_task([] { throw std::runtime_error("no"); });
            EXPECT_THROW(failing.await(), std::runtime_error);
        }).join();
    });
}

TEST(boost_fibers, talk_through_sockets) {
    brio::boost_fiber::run([] {
        const bystander beside;
        brio::io::tcp_listener listener("127.0.0.1", 0);
        fibers::fiber server([&] {
            std::vector<fibers::fiber> sessions;
            for (int i = 0; i < 3; ++i)
                sessions.emplace_back([stream = listener.accept()]() mutable {
                    for (std::string line; !(line = read_some(stream)).empty();) stream.write(line);
                });
            for (auto& session : sessions) session.join();
        });
        std::vector<fibers::future<std::string>> answers;
        for (const char* word : {"one", "two", "three"})
            answers.push_back(fibers::async([&listener, word] {
                auto stream = brio::io::tcp_stream::connect("127.0.0.1", listener.port());
                stream.write(word);
                return read_some(stream);
            }));
        EXPECT_EQ(answers[0].get() + answers[1].get() + answers[2].get(), "onetwothree");
        server.join();
    });
}

TEST(boost_fibers, start_eager_tasks_and_go_on_at_their_first_suspension) {
    brio::boost_fiber::run([] {
        fibers::fiber([] {
            story told;
            auto eager = brio::create_task(
                [&] {
                    told.add("starts");
                    brio::yield();
                    told.add("ends");
                },
                {.eager_start = true});
            told.add("goes on");
            eager.await();
            EXPECT_THAT(told.lines, ElementsAre("starts", "goes on", "ends"));
        }).join();
    });
}

TEST(boost_fibers, have_an_exception_each_while_they_wait_inside_a_catch) {
    brio::boost_fiber::run([] {
        const auto keep = [](const char* word, auto wait) {
            try {
                throw std::runtime_error(word);
            } catch (...) {
                wait();
                try {
                    throw;
                } catch (const std::runtime_error& e) {
                    EXPECT_STREQ(e.what(), word);
                }
            }
        };
        fibers::fiber a(keep, "a", [] { this_fiber::yield(); });
        fibers::fiber b(keep, "b", [] { brio::sleep(1ms); });
        fibers::fiber c(fibers::launch::dispatch, keep, "c", [] { this_fiber::sleep_for(1ms); });
        keep("main", [&] { a.join(); });
        b.join();
        c.join();
        EXPECT_EQ(std::current_exception(), nullptr);
    });
}

struct joins_when_it_dies {
    fibers::fiber& joined;
    ~joins_when_it_dies() {
        joined.join();
        EXPECT_EQ(std::uncaught_exceptions(), 1);
    }
};

TEST(boost_fibers, count_their_own_exceptions_while_one_waits_during_unwinding) {
    brio::boost_fiber::run([] {
        fibers::fiber other([] {
            brio::sleep(1ms);
            EXPECT_EQ(std::uncaught_exceptions(), 0);
        });
        fibers::fiber([&] {
            try {
                const joins_when_it_dies late{other};
                throw std::runtime_error("unwinds");
            } catch (const std::runtime_error&) {
                EXPECT_EQ(std::uncaught_exceptions(), 0);
            }
        }).join();
    });
}

TEST(boost_fibers, begin_with_a_copy_of_their_creators_context) {
    brio::boost_fiber::run([] {
        static brio::context_var<int> level("level", 0);
        level.set(1);
        const auto go_deeper = [] {
            EXPECT_EQ(level.get(), 1);
            level.set(2);
            brio::sleep(1ms);
            EXPECT_EQ(level.get(), 2);
        };
        fibers::fiber posted(fibers::launch::post, go_deeper);
        fibers::fiber dispatched(fibers::launch::dispatch, go_deeper);
        posted.join();
        dispatched.join();
        EXPECT_EQ(level.get(), 1);
    });
}

TEST(boost_fibers, take_their_fiber_local_values_with_them) {
    brio::boost_fiber::run([] {
        static brio::fiber_local<std::shared_ptr<int>> own;
        const auto value = std::make_shared<int>(1);
        fibers::fiber([&] { *own = value; }).join();
        EXPECT_EQ(value.use_count(), 1);
    });
}

TEST(boost_fibers, are_in_call_graphs_without_their_calls) {
    brio::boost_fiber::run([] {
        const auto awaited = brio::create_future<void>();
        const auto main = brio::current_task();
        fibers::fiber waiting([&] { awaited.await(); });
        auto looking = brio::create_task([&] {
            for (int turn = 0; turn < 3; ++turn) brio::yield();
            const auto graph = brio::capture_call_graph(awaited);
            EXPECT_EQ(graph.nodes.size(), 2U);
            EXPECT_THAT(graph.nodes.back().text, HasSubstr(": parked, a guest, waits for future"));
            EXPECT_THAT(graph.nodes.back().call_stack, IsEmpty());
            EXPECT_THAT(brio::get_stack(main), IsEmpty());
            awaited.set_result();
        });
        waiting.join();
        looking.await();
    });
}

TEST(boost_fibers, have_an_errno_each) {
    brio::boost_fiber::run([] {
        errno = EDOM;
        fibers::fiber([] {
            errno = ERANGE;
            this_fiber::yield();
            EXPECT_EQ(errno, ERANGE);
        }).join();
        EXPECT_EQ(errno, EDOM);
    });
}

}  // namespace
