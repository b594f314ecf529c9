#pragma once
// A scheduler without tasks. A test gives it fibers, entries and timers that are plain functions,
// and compares the story: what ran, and in which turn.

#include "base/invariant.hpp"
#include "fiber/fiber.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/time.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace brio_tests {

using namespace brio::detail;
using namespace std::chrono_literals;
using brio::duration;
using brio::time_point;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// An entry of the ready queue, or a timer, that calls a function.
template <class Node>
class calling : public Node {
public:
    using function = std::function<void(ready_node::fate)>;

    calling(ready_node::kind k, function f) : Node(k, &call), function_(std::move(f)) {}

private:
    static void call(ready_node& node, ready_node::fate fate) {
        static_cast<calling&>(node).function_(fate);
    }

    function function_;
};
using entry = calling<ready_node>;
using timed_entry = calling<timer>;

/// Everything made here lives as long as the loop.
class bare_loop {
public:
    using body = std::function<void()>;

    explicit bare_loop(const scheduler_options& options = {.virtual_clock = true})
        : core_(options) {}

    [[nodiscard]] scheduler& core() { return core_; }

    /// A fiber that has not been started.
    fiber& make(body b) {
        // The scheduler hands the reference through to `begin` and looks at nothing behind it.
        auto& passed = reinterpret_cast<task_core&>(bodies_.emplace_back(std::move(b)));
        return core_.create_fiber(passed, &begin, 0);
    }
    fiber& start(body b) {
        fiber& f = make(std::move(b));
        core_.start(f);
        return f;
    }

    /// An entry that is nowhere yet.
    entry& make_entry(entry::function f, ready_node::kind k = ready_node::kind::callback) {
        return entries_.emplace_back(k, std::move(f));
    }
    void callback(body b) { core_.append(make_entry(unless_dropped(std::move(b)))); }
    void bookkeeping(body b) {
        core_.append(make_entry(unless_dropped(std::move(b)), ready_node::kind::bookkeeping));
    }
    timed_entry& make_timer(entry::function f) {
        return timers_.emplace_back(ready_node::kind::callback, std::move(f));
    }
    void at(duration since_epoch, body b) {
        core_.arm(make_timer(unless_dropped(std::move(b))), time_point(since_epoch));
    }

    /// Until stop(), or until nothing can happen any more.
    void run() {
        try {
            core_.run();
        } catch (const nothing_can_happen&) {
        }
    }

    void note(std::string_view what) {
        story_.push_back(std::to_string(core_.turns()) + " " + std::string(what));
    }
    /// What note() was told, each with its turn. Reading it empties it.
    [[nodiscard]] std::vector<std::string> story() { return std::exchange(story_, {}); }

private:
    static void begin(task_core& passed) noexcept { reinterpret_cast<body&>(passed)(); }
    static entry::function unless_dropped(body b) {
        return [b = std::move(b)](ready_node::fate f) {
            if (f == ready_node::fate::run) b();
        };
    }

    std::deque<body> bodies_;
    std::deque<entry> entries_;
    std::deque<timed_entry> timers_;
    std::vector<std::string> story_;
    scheduler core_;
};

/// A fixture with such a loop, on a virtual clock.
class with_loop : public ::testing::Test {
protected:
    bare_loop& loop() { return loop_; }
    scheduler& core() { return loop_.core(); }
    void note(std::string_view what) { loop_.note(what); }
    std::vector<std::string> story() { return loop_.story(); }
    void yield(int times = 1) {
        for (int i = 0; i < times; ++i) core().yield();
    }

private:
    bare_loop loop_;
};

/// A reactor without operations of its own: a test says whether it has work and what a wait does.
struct watched_reactor final : reactor {
    struct waiting {
        duration limit;
        bool on_a_fiber;
    };

    std::string_view name() const noexcept override { return "watched"; }
    void submit(operation&) override { ++in_flight_; }
    void cancel(operation&) noexcept override {}
    bool has_work() const noexcept override {
        ++(this_fiber() != nullptr ? asked_by_fibers : asked_by_the_loop);
        return work;
    }
    void wait(duration limit) override {
        waits.push_back({limit, this_fiber() != nullptr});
        if (during_wait) during_wait();
    }

    bool work = false;
    std::function<void()> during_wait;
    std::vector<waiting> waits;
    mutable int asked_by_fibers = 0;
    mutable int asked_by_the_loop = 0;
};

inline watched_reactor& use_watched_reactor(scheduler& loop) {
    auto made = std::make_unique<watched_reactor>();
    watched_reactor& watched = *made;
    loop.use_reactor(std::move(made));
    return watched;
}

/// In a death test: the dump of a broken invariant knows the loops of tasks only.
inline void without_dump(const std::function<void()>& f) {
    dump_on_broken_invariant = nullptr;
    f();
}

}  // namespace brio_tests
