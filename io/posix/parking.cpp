#include "posix/parking.hpp"

#include "posix/caller.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace brio::inline v0::detail::posix {

struct parked::bucket {
    short_lock lock;
    parked* first = nullptr;
    parked* last = nullptr;
    std::atomic<std::uint32_t> size{0};
};

struct parked::limit final : timer {
    explicit limit(parked& p) noexcept : timer(kind::bookkeeping, &ring), self(p) {}
    static void ring(ready_node& node, fate f) {
        parked& p = static_cast<limit&>(node).self;
        if (f != fate::run || !p.leave()) return;
        p.timed_out_ = true;
        p.finish();
    }
    parked& self;
};

parked::bucket& parked::bucket_of(const void* address) noexcept {
    constexpr std::size_t count = 256;
    static constinit bucket all[count];
    // The bits above those that alignment keeps equal, mixed.
    const auto number = reinterpret_cast<std::uintptr_t>(address) >> 3;
    return all[(number ^ (number >> 8) ^ (number >> 16)) % count];
}

parked::parked(fiber& self, const void* address, const char* what) noexcept
    : private_wait(self), address_(address), what_(what), bucket_(bucket_of(address)) {
    const std::scoped_lock held(bucket_.lock);
    previous_ = bucket_.last;
    (previous_ != nullptr ? previous_->next_ : bucket_.first) = this;
    bucket_.last = this;
    bucket_.size.fetch_add(1);
}

parked::~parked() {
    if (!leave()) wait_for_arrival();
}

/// Precondition: linked; the lock is held.
void parked::take_out() noexcept {
    linked_ = false;
    (previous_ != nullptr ? previous_->next_ : bucket_.first) = next_;
    (next_ != nullptr ? next_->previous_ : bucket_.last) = previous_;
    next_ = previous_ = nullptr;
    bucket_.size.fetch_sub(1);
}

/// False: it has been chosen.
bool parked::leave() noexcept {
    const std::scoped_lock held(bucket_.lock);
    if (!linked_) return false;
    take_out();
    return true;
}

void parked::wait_for_arrival() noexcept {
    if (done()) return;
    const int before = errno;
    const not_cut_short whole(waiter());
    waiter().owner.expect_post();
    private_wait::wait();
    waiter().owner.expected_post_came();
    errno = before;
}

bool parked::wait(std::optional<time_point> until) noexcept {
    scheduler& loop = waiter().owner;
    limit end(*this);
    if (until) {
        loop.arm(end, *until);
        limit_ = &end;
    }
    wait_for_arrival();
    limit_ = nullptr;
    return !timed_out_;
}

/// The limit must not become due while the fiber is in the ready queue already: its entry would come
/// behind the fiber, which is to destroy it.
void parked::arrive() noexcept {
    if (limit_ != nullptr) waiter().owner.disarm(*limit_);
    finish();
}

/// The last touch of `*this` by who has chosen it.
void parked::wake_from_anywhere() noexcept {
    scheduler& loop = waiter().owner;
    mailbox& box = loop.box();
    if (this_scheduler() == &loop)
        arrive();
    else
        (void)box.post(arrival_);  // a closed loop has no fibers that wait
    box.release();
}

void parked::arrival::come(ready_node& node, fate f) {
    if (f == fate::run) static_cast<arrival&>(node).self.arrive();
}

int unpark(const void* address, int most) noexcept {
    if (!anyone_parked(address)) return 0;
    parked* chosen = nullptr;
    parked** end = &chosen;
    int count = 0;
    {
        parked::bucket& b = parked::bucket_of(address);
        const std::scoped_lock held(b.lock);
        for (parked *p = b.first, *next = nullptr; p != nullptr && count < most; p = next) {
            next = p->next_;
            if (p->address_ != address) continue;
            p->take_out();
            p->waiter().owner.box().retain();
            *end = p;
            end = &p->next_;
            ++count;
        }
    }
    while (chosen != nullptr) {
        parked& p = *chosen;
        chosen = p.next_;
        p.wake_from_anywhere();
    }
    return count;
}

bool anyone_parked(const void* address) noexcept {
    return parked::bucket_of(address).size.load() != 0;
}

}  // namespace brio::inline v0::detail::posix
