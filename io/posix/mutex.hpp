#pragma once
// What others do to a mutex's owner: mutex.cpp has the rules.

#include "fiber/fiber.hpp"

#include <pthread.h>

namespace brio::inline v0::detail::posix {

/// libc has locked `m` again for the fiber, inside a call of its own.
void note_owner(pthread_mutex_t* m, fiber& self) noexcept;

}  // namespace brio::inline v0::detail::posix
