#pragma once
// A fiber that ticks each millisecond beside the work of an example: was anything ever held up?
// With AUDIT=1 in the environment, the system calls that held the thread up are told on standard error.

#include <brio/audit.hpp>
#include <brio/brio.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

class ticking {
public:
    ticking() {
        if (std::getenv("AUDIT") != nullptr && brio::posix::audit::available()) audit_.emplace();
    }
    ticking(const ticking&) = delete;
    ticking& operator=(const ticking&) = delete;
    ~ticking() {
        ticker_.cancel();
        if (!audit_) return;
        for (const auto& call : audit_->findings()) std::fputs(call.describe().c_str(), stderr);
    }

    /// Between two ticks, in milliseconds.
    [[nodiscard]] double largest_gap() const {
        return std::chrono::duration<double, std::milli>(*largest_).count();
    }

private:
    static void tick(brio::duration& largest) {
        for (auto before = brio::clock::now();;) {
            brio::sleep(std::chrono::milliseconds(1));
            const auto now = brio::clock::now();
            largest = std::max<brio::duration>(largest, now - before);
            before = now;
        }
    }

    // Shared, as the fiber ends some time after it has been cancelled.
    std::shared_ptr<brio::duration> largest_ = std::make_shared<brio::duration>(0);
    brio::task<void> ticker_ = brio::create_task([largest = largest_] { tick(*largest); });
    std::optional<brio::posix::audit> audit_;
};
