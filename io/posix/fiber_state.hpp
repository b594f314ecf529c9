#pragma once
// What libc keeps in static memory between calls, or for each thread, is here kept for each fiber.
//
// 1. Results in static memory: fibers that call the same function do not overwrite each other's.
// 2. Settings of the thread (locale, signal mask, h_errno) that a fiber has changed are in the thread
//    while it runs; context.hpp has the rule. A fiber that sets them back has none again. Likewise
//    OpenSSL's errors (openssl_errors.hpp).
// 3. A fiber begins with its maker's signal mask, as a thread does, and with the locale and h_errno
//    that all have.

#include "fiber/fiber.hpp"
#include "posix/openssl_errors.hpp"

#include <cerrno>
#include <csignal>
#include <locale.h>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <utility>

namespace brio::inline v0::detail::posix {

/// Each value is the one that is not in the thread: others' while the fiber runs, its own while it does
/// not. None: the fiber has what others have.
class thread_settings final : public own_state {
public:
    void exchange() noexcept override;
    /// The running fiber has changed one, which was `before`.
    void note_locale(fiber& self, locale_t before) noexcept;
    void note_mask(fiber& self, const sigset_t& before) noexcept;
    void note_h_errno(fiber& self, int before) noexcept;
    /// From now on OpenSSL's errors are its own.
    void own_errors(fiber& self) noexcept;

    [[nodiscard]] bool has_mask() const noexcept { return mask_.has_value(); }
    /// The mask that the thread has now, for a fiber that is being made.
    void inherit_mask() noexcept;

private:
    void tell(fiber& self) noexcept;

    std::optional<locale_t> locale_;
    std::optional<sigset_t> mask_;
    std::optional<int> h_errno_;
    std::optional<openssl_errors> errors_;
};

class fiber_state final : public libc_state {
public:
    /// Made when it is first asked for. Throws std::bad_alloc.
    static fiber_state& of(fiber& self);

    /// The result of type Result is replaced. Throws std::bad_alloc.
    template <class Result>
    Result& keep(Result latest) {
        std::shared_ptr<void>& mine = results_[&name_of<Result>];
        mine = std::make_shared<Result>(std::move(latest));
        return *static_cast<Result*>(mine.get());
    }
    void inherit_to(fiber& child) const override;

    thread_settings settings;

private:
    template <class Result>
    static inline char name_of = 0;

    std::map<const void*, std::shared_ptr<void>> results_;
};

/// Keeps `latest` until the fiber ends or the next one of its type comes: each function has a type of
/// its own. Null without memory.
template <class Result>
Result* keep_for(fiber& self, Result latest) noexcept {
    try {
        return &fiber_state::of(self).keep(std::move(latest));
    } catch (const std::bad_alloc&) {
        errno = ENOMEM;
        return nullptr;
    }
}

/// At its first wait in the layer. (Without memory at the next one.)
void own_openssl_errors(fiber& self) noexcept;
/// Sets h_errno for the fiber alone; without memory for all fibers of the thread.
void set_h_errno(fiber& self, int error) noexcept;

}  // namespace brio::inline v0::detail::posix
