#pragma once
// The loop's default executor: a pool that is made at the first use, or one of the user's.

#include <brio/fwd.hpp>
#include <brio/time.hpp>

#include <memory>

namespace brio::inline v0::detail {

class executor {
public:
    executor() noexcept;
    executor(const executor&) = delete;
    executor& operator=(const executor&) = delete;
    ~executor();

    /// usage_error, naming `call`, after shut_down().
    [[nodiscard]] thread_pool& pool(const char* call);
    void use(thread_pool& pool);
    /// Whether there is a pool that has not been shut down.
    [[nodiscard]] bool in_use() const noexcept { return pool_ != nullptr; }
    /// Suspends until its work is done; what is not done by then is left to itself, and reported.
    void shut_down(loop_core& loop, delay timeout);
    /// The loop closes.
    void close() noexcept;

private:
    void refuse_after_shutdown(const char* call) const;

    std::unique_ptr<thread_pool> own_;
    thread_pool* pool_ = nullptr;
    bool shut_down_ = false;
};

}  // namespace brio::inline v0::detail
