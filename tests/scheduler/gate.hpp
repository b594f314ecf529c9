#pragma once
// What a test holds a worker thread with, and hears of it by.

#include <atomic>

namespace brio_tests {

/// Closed at first. Threads wait before it until it is opened.
class gate {
public:
    void open() noexcept {
        open_ = true;
        open_.notify_all();
    }
    void pass() noexcept {
        ++arrived_;
        arrived_.notify_all();
        open_.wait(false);
    }
    /// How many have come to it.
    [[nodiscard]] int arrived() const noexcept { return arrived_; }
    void await_arrivals(int count) const noexcept {
        for (int now; (now = arrived_) < count;) arrived_.wait(now);
    }

private:
    std::atomic<bool> open_ = false;
    std::atomic<int> arrived_ = 0;
};

}  // namespace brio_tests
