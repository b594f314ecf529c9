#pragma once
// What no reactor can wait for, for C code.

#include "posix/caller.hpp"
#include "posix/interruption.hpp"
#include "thread/blocking_call.hpp"

#include <brio/error.hpp>

#include <cerrno>
#include <exception>
#include <optional>
#include <utility>

namespace brio::inline v0::detail::posix {

/// run_until_interrupted(), from which nothing is thrown for a cancel: none when one ended the wait, and it
/// counts as told, or when a handler did (interruption.hpp). early_end() says which. Throws what else
/// run_in() throws: there is no memory, or no thread.
template <class Work>
std::optional<Work> run_for_c(fiber& self, worker_pool& pool, const char* what, Work work) {
    try {
        return run_until_interrupted(pool, what, std::move(work));
    } catch (const cancelled_error& cancel) {
        // Delivered here, in the middle of C code: it has to wait for a better place.
        request_cancel(self, message_view(cancel.message()));
        tell_cancelled(self);
        return {};
    }
}

/// -ECANCELED or -EINTR.
[[nodiscard]] inline long early_end(const fiber& self) noexcept {
    return cancel_is_due(self) ? -ECANCELED : -EINTR;
}

/// What call() returns, on a thread of `pool`. Never cut short, so `call` may use what lives on the
/// fiber's stack. Without memory or a thread it is made here: late is better than not at all.
template <class Call>
long whole_in_thread(fiber& self, worker_pool& pool, const char* what, Call call) noexcept {
    struct work {
        Call call;
        long result = 0;
        void operator()() noexcept { result = call(); }
    };
    begin_wait(self);
    const not_cut_short whole(self);
    const int before = errno;
    long result = 0;
    try {
        result = run_in(pool, what, work{call}).result;
    } catch (const std::exception&) {
        result = call();
    }
    errno = before;
    return result;
}

}  // namespace brio::inline v0::detail::posix
