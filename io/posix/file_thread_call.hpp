#pragma once
// Calls on disk files that no reactor can make, and that keep their thread for as long as the disk
// needs: a helper thread makes them.

#include "posix/in_thread.hpp"
#include "thread/worker_pool.hpp"

#include <utility>

namespace brio::inline v0::detail::posix {

/// whole_in_thread() on a file thread: a count or -errno.
template <class Call>
long on_file_thread(fiber& self, const char* what, Call call) noexcept {
    return whole_in_thread(self, file_pool(), what, std::move(call));
}

}  // namespace brio::inline v0::detail::posix
