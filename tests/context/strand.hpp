#pragma once
// The least that can be switched to: a function on a stack of its own, continued and paused by
// hand.

#include "context/backtrace.hpp"
#include "context/context.hpp"

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <span>
#include <utility>

namespace brio_tests {

namespace detail = brio::detail;

class strand {
public:
    static constexpr std::size_t default_size = 256 * 1024;

    explicit strand(std::function<void()> body, std::size_t size = default_size)
        : body_(std::move(body)), size_(size), memory_(std::aligned_alloc(64, size)) {
        detail::prepare_context(own_, memory_, top(), begin, this);
    }
    strand(const strand&) = delete;
    strand& operator=(const strand&) = delete;
    ~strand() {
        detail::release_context(own_);
        detail::unpoison_stack(memory_, size_);
        std::free(memory_);
    }

    /// Continues the strand until it pauses or ends. May be called on another strand.
    void resume() {
        strand* const resumer = std::exchange(running_, this);
        resumer_ = resumer == nullptr ? &thread_ : &resumer->own_;
        if (resumer == nullptr) thread_.own = nullptr;
        detail::switch_context(cells(), *resumer_, own_);
        running_ = resumer;
    }

    /// Goes back to the one who resumed the running strand.
    static void pause() {
        strand& self = *running_;
        detail::switch_context(cells(), self.own_, *self.resumer_);
    }

    /// Likewise; what the strand has of its own stays in the thread.
    static void pause_and_leave_own() {
        running_->resumer_->own = cells().own;
        pause();
    }
    /// Of the running strand: what it keeps has just come into the thread. Null: none any more.
    static void set_own(detail::own_state* own) { running_->own_.own = cells().own = own; }

    /// The calls it is in the middle of while it is paused.
    std::size_t backtrace(std::span<const void*> into) const {
        return detail::backtrace(top(), own_.stack_pointer, into);
    }
    /// Those of the running strand.
    static std::size_t backtrace_of_running(std::span<const void*> into) {
        return detail::backtrace(running_->top(), into);
    }

    bool done() const { return done_; }
    /// What came out of the function.
    std::exception_ptr escaped() const { return escaped_; }

    static detail::thread_cells& cells() {
        static thread_local detail::thread_cells of_thread = detail::thread_cells::of_this_thread();
        return of_thread;
    }

private:
    std::byte* top() const { return static_cast<std::byte*>(memory_) + size_; }

    static void begin(void* argument) {
        auto& self = *static_cast<strand*>(argument);
        try {
            self.body_();
        } catch (...) {
            self.escaped_ = std::current_exception();
        }
        self.done_ = true;
        detail::switch_context_for_good(cells(), self.own_, *self.resumer_,
                                        self.resumer_->stack_pointer);
    }

    static inline thread_local strand* running_ = nullptr;
    static inline thread_local detail::machine_context thread_ = {};

    std::function<void()> body_;
    std::size_t size_;
    void* memory_;
    detail::machine_context own_ = {};
    detail::machine_context* resumer_ = nullptr;
    std::exception_ptr escaped_;
    bool done_ = false;
};

}  // namespace brio_tests
