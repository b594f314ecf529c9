// The primitives and the queues are for one loop: other threads and other loops are refused, and nothing
// is changed by the attempt.

#include "task/story.hpp"

#include <thread>

namespace {

using namespace story;

/// What f throws on a thread of its own.
template <class F>
std::string on_another_thread(F f) {
    std::string text;
    std::thread([&] { text = text_of<brio::usage_error>(f); }).join();
    return text;
}

TEST(sync_threads, refuse_a_wake_up_from_another_thread_and_stay_as_they_were) {
    run([] {
        brio::mutex m;
        brio::event e;
        brio::condition c;
        brio::semaphore s(0);
        m.acquire();
        auto all = brio::gather([&] { m.acquire(); }, [&] { e.wait(); },
                                [&] {
                                    c.acquire();
                                    c.wait();
                                    c.release();
                                },
                                [&] { s.acquire(); });
        turns(1);
        c.acquire();
        EXPECT_EQ(on_another_thread([&] { m.release(); }),
                  "mutex::release: it belongs to another thread");
        EXPECT_EQ(on_another_thread([&] { e.set(); }), "event::set: it belongs to another thread");
        EXPECT_EQ(on_another_thread([&] { c.notify(); }),
                  "condition::notify: it belongs to another thread");
        EXPECT_EQ(on_another_thread([&] { s.release(); }),
                  "semaphore::release: it belongs to another thread");
        EXPECT_TRUE(m.locked());
        EXPECT_FALSE(e.is_set());
        EXPECT_TRUE(s.locked());
        m.release();
        e.set();
        c.notify();
        c.release();
        s.release();
        all.await();
    });
}

TEST(sync_threads, report_an_unlock_on_another_thread) {
    run([] {
        brio::mutex m;
        m.acquire();
        auto t = brio::create_task([&] { m.acquire(); });
        turns(1);
        ::testing::internal::CaptureStderr();
        std::thread([&] { m.unlock(); }).join();
        EXPECT_THAT(::testing::internal::GetCapturedStderr(),
                    HasSubstr("mutex::release: it belongs to another thread"));
        EXPECT_TRUE(m.locked());
        m.unlock();
        t.await();
    });
}

TEST(sync_threads, refuse_a_queue_s_wake_ups_from_another_thread_and_leave_the_item_where_it_is) {
    run([] {
        brio::queue<std::unique_ptr<int>> q;
        auto getter = brio::create_task([&] { return *q.get(); });
        turns(1);
        auto item = std::make_unique<int>(1);
        EXPECT_EQ(on_another_thread([&] { q.put_nowait(std::move(item)); }),
                  "queue::put: it belongs to another thread");
        EXPECT_EQ(on_another_thread([&] { q.shutdown(); }),
                  "queue::shutdown: it belongs to another thread");
        ASSERT_NE(item, nullptr);
        EXPECT_TRUE(q.empty());
        q.put_nowait(std::move(item));
        EXPECT_EQ(getter.await(), 1);

        brio::queue<int> full(1);
        full.put_nowait(1);
        auto putter = brio::create_task([&] { full.put(2); });
        auto joiner = brio::create_task([&] { full.join(); });
        turns(1);
        EXPECT_EQ(on_another_thread([&] { static_cast<void>(full.get_nowait()); }),
                  "queue::get: it belongs to another thread");
        EXPECT_EQ(full.get(), 1);
        putter.await();
        EXPECT_EQ(full.get(), 2);
        full.task_done();
        EXPECT_EQ(on_another_thread([&] { full.task_done(); }),
                  "queue::task_done: it belongs to another thread");
        full.task_done();
        joiner.await();
    });
}

TEST(sync_threads, refuse_to_be_waited_for_on_a_second_loop_once_somebody_has_waited) {
    brio::mutex m;
    brio::event e;
    brio::semaphore s(0);
    brio::condition c;
    brio::queue<int> q(1);
    const auto contend = [&] {
        m.acquire();
        q.put_nowait(1);
        auto all = brio::gather([&] { m.acquire(); }, [&] { e.wait(); }, [&] { s.acquire(); },
                                [&] {
                                    c.acquire();
                                    c.wait();
                                    c.release();
                                },
                                [&] { q.put(2); }, [&] { q.join(); });
        turns(1);
        m.release();
        e.set();
        s.release();
        c.acquire();
        c.notify();
        c.release();
        turns(2);
        static_cast<void>(q.get());
        q.task_done();
        turns(1);
        static_cast<void>(q.get());
        q.task_done();
        all.await();
    };
    run(contend);
    e.clear();
    run([&] {
        EXPECT_TRUE(m.locked());
        EXPECT_EQ(text_of<brio::usage_error>([&] { m.acquire(); }),
                  "mutex::acquire: it belongs to another loop");
        EXPECT_EQ(text_of<brio::usage_error>([&] { e.wait(); }),
                  "event::wait: it belongs to another loop");
        EXPECT_EQ(text_of<brio::usage_error>([&] { s.acquire(); }),
                  "semaphore::acquire: it belongs to another loop");
        c.acquire();
        EXPECT_EQ(text_of<brio::usage_error>([&] { c.wait(); }),
                  "condition::wait: it belongs to another loop");
        EXPECT_TRUE(c.locked());
        q.put(3);
        EXPECT_EQ(text_of<brio::usage_error>([&] { q.put(4); }),
                  "queue::put: it belongs to another loop");
        EXPECT_EQ(text_of<brio::usage_error>([&] { q.join(); }),
                  "queue::join: it belongs to another loop");
        EXPECT_EQ(q.get(), 3);
    });
}

TEST(sync_threads, may_serve_one_loop_after_another_while_nobody_has_to_wait) {
    brio::mutex m;
    brio::queue<int> q;
    for (int i = 0; i < 3; ++i)
        run([&] {
            m.acquire();
            q.put(i);
            EXPECT_EQ(q.get(), i);
            m.release();
        });
}

}  // namespace
