// select, pselect. As poll.cpp: asked with a time of 0, then waited, then asked again.
//
// The sets are of any size (nfds may exceed FD_SETSIZE), and the kernel overwrites them with its
// answer, so the question is kept in a copy. For the wait it becomes a list for poll.
//
// A poll wakes for POLLHUP and POLLERR always, select only where a set asks for what they mean. A
// descriptor that woke the fiber by something nobody asked for is not waited for any more in this
// call: it would wake it again at once, for ever.

#include "base/system_call.hpp"
#include "posix/caller.hpp"
#include "posix/deadlines.hpp"
#include "posix/interpose.hpp"
#include "posix/readiness.hpp"
#include "posix/real.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <new>
#include <vector>

namespace brio::inline v0::detail::posix {

namespace {

// What select(2) says each set stands for.
constexpr short readable_events = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
constexpr short writable_events = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
constexpr short exceptional_events = POLLPRI;
constexpr short set_events[3] = {readable_events, writable_events, exceptional_events};

using set_word = unsigned long;
constexpr int bits = 8 * sizeof(set_word);

/// As the kernel, which looks at no more of the sets than it has descriptors: getdtablesize() is given
/// for the count, with sets of FD_SETSIZE.
int within_table(int count) noexcept {
    if (count <= FD_SETSIZE) return count;
    char text[4096];
    const long fd = system_call(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return count;
    const long size = system_call(SYS_read, fd, text, sizeof text - 1);
    system_call(SYS_close, fd);
    text[std::max(size, 0L)] = '\0';
    const char* const line = std::strstr(text, "FDSize:");
    return line == nullptr ? count : std::min(count, std::atoi(line + 7));
}

/// The caller's; some are null.
struct three_sets {
    int count;
    fd_set* readable;
    fd_set* writable;
    fd_set* exceptional;
};

/// The caller's sets, and a copy of what they asked.
class question {
public:
    explicit question(const three_sets& sets) noexcept
        : count_(within_table(sets.count)), sets_{sets.readable, sets.writable, sets.exceptional} {}

    /// False: out of memory.
    [[nodiscard]] bool keep() noexcept {
        if (3 * words() > few_.size()) {
            many_.reset(new (std::nothrow) set_word[3 * words()]);
            if (many_ == nullptr) return false;
            asked_ = many_.get();
        }
        for (std::size_t i = 0; i < 3; ++i)
            if (sets_[i] != nullptr) std::memcpy(copy(i), sets_[i], words() * sizeof(set_word));
        return true;
    }

    /// The caller's sets as they were.
    void restore() noexcept {
        for (std::size_t i = 0; i < 3; ++i)
            if (sets_[i] != nullptr) std::memcpy(sets_[i], copy(i), words() * sizeof(set_word));
    }
    /// The kernel's answer, in the caller's sets; when it is an error, they are as they were.
    long ask(const sigset_t* mask) noexcept {
        restore();
        timespec none = {};
        const struct {
            const sigset_t* set;
            std::size_t size;
        } mask_and_size = {mask, kernel_sigset_size};
        const long ready =
            system_call(SYS_pselect6, count_, sets_[0], sets_[1], sets_[2], &none, &mask_and_size);
        if (ready < 0) restore();
        return ready;
    }

    /// What to poll for. False: out of memory.
    [[nodiscard]] bool list(std::vector<pollfd>& items) const noexcept try {
        for (int fd = 0; fd < count_; ++fd) {
            const short events = events_of(fd);
            if (events != 0) items.push_back({fd, events, 0});
        }
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }

private:
    [[nodiscard]] std::size_t words() const noexcept {
        return static_cast<std::size_t>((count_ + bits - 1) / bits);
    }
    [[nodiscard]] set_word* copy(std::size_t i) const noexcept { return asked_ + i * words(); }
    [[nodiscard]] short events_of(int fd) const noexcept {
        int events = 0;
        for (std::size_t i = 0; i < 3; ++i)
            if (sets_[i] != nullptr && (copy(i)[fd / bits] >> (fd % bits) & 1) != 0)
                events |= set_events[i];
        return static_cast<short>(events);
    }

    int count_;
    fd_set* sets_[3];
    std::array<set_word, 3 * FD_SETSIZE / bits> few_;
    std::unique_ptr<set_word[]> many_;
    set_word* asked_ = few_.data();
};

void leave_out_what_nobody_asked_for(std::vector<pollfd>& items) noexcept {
    for (pollfd& item : items)
        if (item.revents != 0 && (item.revents & item.events) == 0) item.fd = -1;
}

/// `length`: empty for no limit.
long select_on_fiber(fiber& self, const three_sets& sets, std::optional<duration> length,
                     const sigset_t* mask) noexcept {
    if (refused(self)) return -ECANCELED;
    question q(sets);
    if (!q.keep()) return -ENOMEM;
    const interruptible here(self, restarts::never);  // also while the mask lets a handler in
    const long ready = q.ask(mask);
    if (ready != 0 || (length && *length == duration::zero())) return ready;
    std::vector<pollfd> items;
    if (!q.list(items)) return -ENOMEM;
    std::optional<time_point> until;
    if (length) until = from_now(self, *length);
    const long answer = wait_for_answer(self, items, mask, until, [&] {
        const long told = q.ask(mask);
        if (told == 0) leave_out_what_nobody_asked_for(items);
        return told;
    });
    if (answer < 0) q.restore();
    return answer;
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                      timeval* timeout) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || count < 0)
        return real.select(count, readable, writable, exceptional, timeout);
    const three_sets sets = {count, readable, writable, exceptional};
    if (timeout == nullptr)
        return static_cast<int>(answer(select_on_fiber(*self, sets, {}, nullptr)));

    if (timeout->tv_sec < 0 || timeout->tv_usec < 0) return static_cast<int>(answer(-EINVAL));
    const duration length = length_of(
        {timeout->tv_sec + timeout->tv_usec / 1'000'000, timeout->tv_usec % 1'000'000 * 1000});
    const time_point until = from_now(*self, length);
    const long ready = select_on_fiber(*self, sets, length, nullptr);
    // Linux says in the argument how much was left.
    const timespec left = to_timespec(std::max(until - self->owner.now(), duration::zero()));
    *timeout = {left.tv_sec, left.tv_nsec / 1000};
    return static_cast<int>(answer(ready));
}

int brio_posix_pselect(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                       const timespec* timeout, const sigset_t* mask) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr || count < 0)
        return real.pselect(count, readable, writable, exceptional, timeout, mask);
    std::optional<duration> length;
    if (timeout != nullptr) {
        if (!is_valid(*timeout)) return static_cast<int>(answer(-EINVAL));
        length = length_of(*timeout);
    }
    const three_sets sets = {count, readable, writable, exceptional};
    return static_cast<int>(answer(select_on_fiber(*self, sets, length, mask)));
}

}  // extern "C"

BRIO_INTERPOSE(select);
BRIO_INTERPOSE(pselect);
