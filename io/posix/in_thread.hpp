#pragma once
// What no reactor can wait for, for C code.

#include "posix/caller.hpp"
#include "thread/blocking_call.hpp"

#include <brio/error.hpp>

#include <optional>
#include <utility>

namespace brio::inline v0::detail::posix {

/// run_in(), from which nothing is thrown for a cancel: none when one ended the wait, and it counts as
/// told. Throws what else run_in() throws: there is no memory, or no thread.
template <class Work>
std::optional<Work> run_for_c(fiber& self, worker_pool& pool, const char* what, Work work) {
    try {
        return run_in(pool, what, std::move(work));
    } catch (const cancelled_error& cancel) {
        // Delivered here, in the middle of C code: it has to wait for a better place.
        request_cancel(self, message_view(cancel.message()));
        tell_cancelled(self);
        return {};
    }
}

}  // namespace brio::inline v0::detail::posix
