#include "thread/blocking_call.hpp"

#include "scheduler/bare_loop.hpp"
#include "scheduler/gate.hpp"
#include "scheduler/threads.hpp"

#include <brio/error.hpp>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace brio_tests {
namespace {

using brio::cancelled_error;
using brio::usage_error;

/// How many of these live: the work of a blocking call owns one.
class counted {
public:
    explicit counted(std::atomic<int>& n) : number_(&n) { ++*number_; }
    counted(counted&& other) noexcept : number_(std::exchange(other.number_, nullptr)) {}
    counted& operator=(counted&&) = delete;
    ~counted() {
        if (number_ != nullptr) --*number_;
    }

private:
    std::atomic<int>* number_;
};

/// Waits at a gate, when it has one; then knows where it ran.
struct held_work {
    void operator()() noexcept {
        if (held != nullptr) held->pass();
        thread = std::this_thread::get_id();
    }
    counted alive;
    gate* held = nullptr;
    std::thread::id thread = {};
};

/// A loop on the kernel's clock and a pool of one thread.
class blocking : public ::testing::Test {
protected:
    scheduler& core() { return loop->core(); }
    void run() {
        // For a test that fails: nothing else ends a loop whose fiber is never woken.
        core().arm(loop->make_timer([this](ready_node::fate f) {
            if (f == ready_node::fate::drop) return;
            ADD_FAILURE() << "the loop has slept too long";
            core().stop();
        }),
                   core().now() + 20s);
        core().run();
    }
    held_work work(gate* held = nullptr) { return {counted(alive), held}; }

    /// A fiber that makes a call and notes how that ends; the last one stops the loop.
    fiber& start_call(gate* held) {
        ++callers;
        return loop->start([this, held] {
            try {
                run_in(*pool, "some_call", work(held));
                loop->note("returned");
            } catch (const cancelled_error& e) {
                loop->note("cancelled(" + e.message().value_or("") + ")");
            }
            if (--callers == 0) core().stop();
        });
    }
    /// What happened, without the turns: those depend on the thread.
    std::string story() {
        std::string all;
        for (const std::string& line : loop->story())
            all += (all.empty() ? "" : ", ") + line.substr(line.find(' ') + 1);
        return all;
    }

    std::atomic<int> alive = 0;
    int callers = 0;
    std::optional<bare_loop> loop{std::in_place, scheduler_options{}};
    std::optional<worker_pool> pool{std::in_place, "test-calls", 1U};
};

// What could throw on another thread is refused when it is compiled.
template <class Work>
concept can_run = requires(worker_pool& pool, Work work) {
    run_in(pool, "call", work);
};
static_assert(can_run<void (*)() noexcept>);
static_assert(!can_run<void (*)()>);

TEST_F(blocking, runs_elsewhere_and_brings_back_what_it_found) {
    loop->start([&] {
        const held_work done = run_in(*pool, "some_call", work());
        EXPECT_NE(done.thread, std::thread::id());
        EXPECT_NE(done.thread, std::this_thread::get_id());
        EXPECT_EQ(alive, 1);
        core().stop();
    });
    run();
    EXPECT_EQ(alive, 0);
}

TEST_F(blocking, lets_others_run_meanwhile) {
    gate held;
    start_call(&held);
    loop->start([&] {
        core().yield();
        loop->note("other");
        held.open();
    });
    run();
    EXPECT_EQ(story(), "other, returned");
}

TEST_F(blocking, comes_one_after_the_other) {
    int left = 50;
    loop->start([&] {
        while (left > 0) {
            run_in(*pool, "some_call", work());
            --left;
        }
        core().stop();
    });
    run();
    EXPECT_EQ(left, 0);
    EXPECT_EQ(alive, 0);
}

TEST_F(blocking, comes_from_many_fibers_at_once) {
    pool.emplace("test-calls", 4U);
    for (int i = 0; i < 200; ++i) start_call(nullptr);
    run();
    EXPECT_EQ(callers, 0);
    EXPECT_EQ(alive, 0);
}

TEST_F(blocking, says_what_it_waits_for) {
    gate held;
    fiber& f = start_call(&held);
    loop->callback([&] {
        EXPECT_EQ(f.waiting_for->describe(), "some_call in a thread");
        held.open();
    });
    run();
    EXPECT_EQ(story(), "returned");
}

TEST_F(blocking, outside_fibers_is_refused) {
    EXPECT_THROW(run_in(*pool, "some_call", work()), usage_error);
    loop->callback([&] {
        EXPECT_THROW(run_in(*pool, "some_call", work()), usage_error);
        core().stop();
    });
    run();
    EXPECT_EQ(alive, 0);
}

// ---------------------------------------------------------------------------------------- cancel

TEST_F(blocking, is_left_at_once_when_it_is_cancelled) {
    gate held;
    fiber& f = start_call(&held);
    loop->callback([&] {
        held.await_arrivals(1);
        request_cancel(f, "enough");
    });
    run();
    EXPECT_EQ(story(), "cancelled(enough)");
    EXPECT_EQ(alive, 1) << "the thread is in it";
    held.open();
    pool.reset();
    EXPECT_EQ(alive, 1) << "the loop's to delete";
    loop->callback([&] { loop->callback([&] { core().stop(); }); });
    run();
    EXPECT_EQ(alive, 0);
}

TEST_F(blocking, that_has_not_begun_never_does_when_it_is_cancelled) {
    gate held;
    gate never;
    start_call(&held);
    fiber& second = start_call(&never);
    loop->callback([&] {
        EXPECT_EQ(alive, 2);
        request_cancel(second, "enough");
    });
    loop->callback([&] {
        loop->callback([&] {
            EXPECT_EQ(alive, 1);
            held.open();
        });
    });
    run();
    EXPECT_EQ(story(), "cancelled(enough), returned");
    pool.reset();
    EXPECT_EQ(never.arrived(), 0);
    EXPECT_EQ(alive, 0);
}

TEST_F(blocking, is_not_made_when_a_cancel_is_pending) {
    const auto threads = threads_of_this_process();
    fiber& f = start_call(nullptr);
    request_cancel(f, "before");
    run();
    EXPECT_EQ(story(), "cancelled(before)");
    EXPECT_TRUE(no_thread_but(threads)) << "a thread was started for it";
    EXPECT_EQ(alive, 0);
}

TEST_F(blocking, that_is_done_can_still_be_cancelled_before_the_loop_has_heard) {
    gate held;
    held.open();
    fiber& f = start_call(&held);
    loop->callback([&] {
        pool.reset();  // the thread has posted the result
        request_cancel(f, "late");
    });
    run();
    EXPECT_EQ(held.arrived(), 1);
    EXPECT_EQ(story(), "cancelled(late)");
    EXPECT_EQ(alive, 0);
}

TEST_F(blocking, is_waited_for_while_cancels_are_deferred) {
    gate held;
    bool deferred = false;
    loop->start([&] {
        fiber& self = *core().current();
        ++self.deferred;
        loop->callback([&] {
            request_cancel(self, "kept");
            deferred = self.cancel_pending;
            held.open();
        });
        const held_work done = run_in(*pool, "some_call", work(&held));
        EXPECT_NE(done.thread, std::thread::id());
        --self.deferred;
        EXPECT_THROW(deliver_cancel(self), cancelled_error);
        core().stop();
    });
    run();
    EXPECT_TRUE(deferred);
    EXPECT_EQ(alive, 0);
}

// ----------------------------------------------------------------------------------- the loop ends

TEST_F(blocking, is_deleted_by_the_thread_when_the_loop_has_closed) {
    gate held;
    start_call(&held);
    loop->callback([&] { core().stop(); });
    run();
    held.await_arrivals(1);
    loop.reset();
    EXPECT_EQ(alive, 1);
    held.open();
    pool.reset();
    EXPECT_EQ(alive, 0);
}

TEST_F(blocking, is_deleted_by_the_loop_that_closes_before_it_has_heard) {
    start_call(nullptr);
    loop->callback([&] { core().stop(); });
    run();
    pool.reset();
    EXPECT_EQ(alive, 1);
    loop.reset();
    EXPECT_EQ(alive, 0);
}

TEST_F(blocking, races_with_the_end_of_its_loop) {
    for (int i = 0; i < 100; ++i) {
        loop.emplace(scheduler_options{});
        start_call(nullptr);
        start_call(nullptr);
        loop->callback([&] { core().stop(); });
        run();
        loop.reset();
    }
    pool.reset();
    EXPECT_EQ(alive, 0);
}

TEST_F(blocking, races_with_a_cancel) {
    for (int i = 0; i < 300; ++i) {
        fiber& f = start_call(nullptr);
        loop->callback([&] { request_cancel(f, "race"); });
        run();
    }
    pool.reset();
    loop.reset();
    EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace brio_tests
