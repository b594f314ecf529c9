#pragma once
// What the tests of the scheduler and of the tasks share: a story is what happened, in order; hops
// are counted in turns of the loop.

#include "context/sanitizers.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/brio.hpp>
#include <brio/testing.hpp>

#include <cstdint>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(BRIO_ADDRESS_SANITIZER)
#include <sanitizer/lsan_interface.h>
#endif

namespace story {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// On a virtual clock: what a test does in asyncio.run.
using brio::testing::run;

using lines = std::vector<std::string>;

/// The number of the turn under way.
inline std::uint64_t turn() {
    return brio::detail::this_scheduler()->turns();
}

/// Counts turns from where it was made, or from the last restart.
class hops {
public:
    void restart() { from_ = turn(); }
    [[nodiscard]] int so_far() const { return static_cast<int>(turn() - from_); }

private:
    std::uint64_t from_ = turn();
};

/// Milliseconds on the loop's clock, which starts at 0 on a virtual one.
inline long now() {
    const auto since = brio::clock::now().time_since_epoch();
    return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

/// How f ends: "returned", or the error in asyncio's words: "CancelledError(message)".
template <class F>
std::string ending(F&& f) {
    try {
        static_cast<void>(std::forward<F>(f)());
        return "returned";
    } catch (const brio::cancelled_error& e) {
        return e.message() ? "cancelled(" + *e.message() + ")" : "cancelled";
    } catch (const brio::timeout_error&) {
        return "timeout";
    } catch (const std::exception& e) {
        return e.what();
    }
}

/// The text of the E that f throws; what else happens is in the text too.
template <class E, class F>
std::string text_of(F&& f) {
    try {
        static_cast<void>(std::forward<F>(f)());
    } catch (const E& e) {
        return e.what();
    } catch (const std::exception& e) {
        return std::string("another exception: ") + e.what();
    } catch (const brio::cancelled_error&) {
        return "another exception: cancelled_error";
    }
    return "no exception";
}

/// What the loop's exception handler is told while one lives: "message | error | future".
class reports {
public:
    explicit reports(brio::event_loop& loop = brio::get_running_loop()) {
        loop.set_exception_handler([told = told_](const brio::exception_report& r) {
            std::string line(r.message);
            if (r.exception != nullptr)
                line += " | " + ending([&] { std::rethrow_exception(r.exception); });
            told->push_back(std::move(line));
        });
    }
    [[nodiscard]] const lines& told() const { return *told_; }

private:
    std::shared_ptr<lines> told_ = std::make_shared<lines>();
};

/// While one lives, what is allocated may leak: the frames of a task that never ends.
#if defined(BRIO_ADDRESS_SANITIZER)
using leaks = __lsan::ScopedDisabler;
#else
struct leaks {
    leaks() noexcept {}
};
#endif

/// Lets the loop take n turns.
inline void turns(int n) {
    for (int i = 0; i < n; ++i) brio::yield();
}

}  // namespace story
