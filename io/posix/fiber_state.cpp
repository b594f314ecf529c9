// uselocale, pthread_sigmask, sigprocmask: what they change is the calling fiber's own.

#include "posix/fiber_state.hpp"

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"
#include "scheduler/scheduler.hpp"

#include <cstring>
#include <netdb.h>

namespace brio::inline v0::detail::posix {

namespace {

sigset_t mask_of_thread() noexcept {
    sigset_t now = {};
    real.pthread_sigmask(SIG_BLOCK, nullptr, &now);
    return now;
}

bool equal(const sigset_t& a, const sigset_t& b) noexcept {
    return std::memcmp(&a, &b, kernel_sigset_size) == 0;
}

/// Null without memory.
thread_settings* settings_of(fiber& self) noexcept {
    try {
        return &fiber_state::of(self).settings;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

/// `change` as libc makes it: 0 or an errno.
template <class Change>
int change_mask(const sigset_t* set, sigset_t* old, Change change) noexcept {
    fiber* const self = set != nullptr ? served_fiber() : nullptr;
    if (self == nullptr) return change(old);
    thread_settings* const mine = settings_of(*self);
    if (mine == nullptr) return ENOMEM;
    sigset_t before = {};
    const int error = change(&before);
    if (error != 0) return error;
    if (old != nullptr) *old = before;
    mine->note_mask(*self, before);
    return 0;
}

}  // namespace

void thread_settings::exchange() noexcept {
    if (locale_) locale_ = real.uselocale(*locale_);
    if (mask_) {
        const sigset_t other = *mask_;
        real.pthread_sigmask(SIG_SETMASK, &other, &*mask_);
    }
    if (h_errno_) h_errno_ = std::exchange(h_errno, *h_errno_);
    if (errors_) errors_->exchange();
}

void thread_settings::note_locale(fiber& self, locale_t before) noexcept {
    if (!locale_) locale_ = before;
    if (real.uselocale(nullptr) == *locale_) locale_.reset();
    tell(self);
}

void thread_settings::note_mask(fiber& self, const sigset_t& before) noexcept {
    if (!mask_) mask_ = before;
    if (equal(mask_of_thread(), *mask_)) mask_.reset();
    tell(self);
}

void thread_settings::note_h_errno(fiber& self, int before) noexcept {
    if (!h_errno_) h_errno_ = before;
    if (h_errno == *h_errno_) h_errno_.reset();
    tell(self);
}

void thread_settings::own_errors(fiber& self) noexcept {
    errors_.emplace();
    tell(self);
}

void thread_settings::inherit_mask() noexcept {
    mask_ = mask_of_thread();
}

void thread_settings::tell(fiber& self) noexcept {
    self.owner.set_own_state(locale_ || mask_ || h_errno_ || errors_ ? this : nullptr);
}

fiber_state& fiber_state::of(fiber& self) {
    if (self.libc == nullptr) self.libc = std::make_unique<fiber_state>();
    return static_cast<fiber_state&>(*self.libc);
}

void fiber_state::inherit_to(fiber& child) const {
    if (!settings.has_mask()) return;
    fiber_state& its = of(child);
    its.settings.inherit_mask();
    child.saved.own = &its.settings;
}

void own_openssl_errors(fiber& self) noexcept {
    self.has_waited_in_c = true;  // OpenSSL may call the layer from here on
    look_for_openssl();
    if (!has_openssl()) return;
    thread_settings* const mine = settings_of(self);
    if (mine == nullptr) {
        self.has_waited_in_c = false;
        return;
    }
    mine->own_errors(self);
}

void set_h_errno(fiber& self, int error) noexcept {
    thread_settings* const mine = settings_of(self);
    const int before = std::exchange(h_errno, error);
    if (mine != nullptr) mine->note_h_errno(self, before);
}

}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

locale_t brio_posix_uselocale(locale_t next) noexcept {
    fiber* const self = next != nullptr ? served_fiber() : nullptr;
    if (self == nullptr) return real.uselocale(next);
    thread_settings* const mine = settings_of(*self);
    if (mine == nullptr) {
        errno = ENOMEM;
        return nullptr;
    }
    const locale_t before = real.uselocale(next);
    if (before != nullptr) mine->note_locale(*self, before);
    return before;
}

int brio_posix_pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
    return change_mask(set, old,
                       [&](sigset_t* before) { return real.pthread_sigmask(how, set, before); });
}

int brio_posix_sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
    const int error = change_mask(set, old, [&](sigset_t* before) {
        return real.sigprocmask(how, set, before) == 0 ? 0 : errno;
    });
    if (error == 0) return 0;
    errno = error;
    return -1;
}

}  // extern "C"

BRIO_INTERPOSE(uselocale);
BRIO_INTERPOSE(pthread_sigmask);
BRIO_INTERPOSE(sigprocmask);
