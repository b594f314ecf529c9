#pragma once
// What libc's functions keep in static memory between calls is here kept for each fiber, so fibers
// that call the same function do not overwrite each other's results. It is freed with the fiber.

#include "fiber/fiber.hpp"

#include <cerrno>
#include <map>
#include <memory>
#include <new>
#include <utility>

namespace brio::inline v0::detail::posix {

class results_of_fiber final : public static_results {
public:
    /// The result of type Result is replaced. Throws std::bad_alloc.
    template <class Result>
    Result& keep(Result&& latest) {
        std::shared_ptr<void>& mine = all_[&name_of<Result>];
        mine = std::make_shared<Result>(std::move(latest));
        return *static_cast<Result*>(mine.get());
    }

private:
    template <class Result>
    static inline char name_of = 0;

    std::map<const void*, std::shared_ptr<void>> all_;
};

/// Keeps `latest` until the fiber ends or the next one of its type comes: each function has a type of
/// its own. Null without memory.
template <class Result>
Result* keep_for(fiber& self, Result latest) noexcept {
    try {
        if (self.results == nullptr) self.results = std::make_unique<results_of_fiber>();
        return &static_cast<results_of_fiber&>(*self.results).keep(std::move(latest));
    } catch (const std::bad_alloc&) {
        errno = ENOMEM;
        return nullptr;
    }
}

}  // namespace brio::inline v0::detail::posix
