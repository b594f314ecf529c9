#include "scheduler/mailbox.hpp"

#include "base/private_descriptor.hpp"
#include "scheduler/ready_queue.hpp"

#include <cerrno>
#include <climits>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace brio::inline v0 {
namespace detail {

mailbox::mark mailbox::closed_mark_;

mailbox::~mailbox() {
    if (const int fd = event_fd_.load(); fd >= 0) close_private(fd);
}

void mailbox::release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

bool mailbox::post(ready_node& node) noexcept {
    ready_node* head = head_.load(std::memory_order_relaxed);
    do {
        if (head == &closed_mark_) return false;
        node.next = head;
    } while (!head_.compare_exchange_weak(head, &node));
    if (armed_.exchange(false)) ring();
    return true;
}

void mailbox::ring() noexcept {
    const int saved = errno;
    word_.fetch_add(1);
    if (const int fd = event_fd_.load(); fd >= 0) {
        const std::uint64_t one = 1;
        ::syscall(SYS_write, fd, &one, sizeof one);
    } else {
        // Not private, as the wait for it: see the io_uring reactor.
        ::syscall(SYS_futex, &word_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    }
    errno = saved;
}

ready_node* mailbox::reversed(ready_node* newest) noexcept {
    ready_node* oldest = nullptr;
    while (newest != nullptr) {
        ready_node* const older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

void mailbox::collect(ready_queue& ready) noexcept {
    if (head_.load(std::memory_order_relaxed) == nullptr) return;
    ready_node* node = reversed(head_.exchange(nullptr, std::memory_order_acquire));
    while (node != nullptr) {
        ready_node* const after = node->next;
        ready.push_back(*node);
        node = after;
    }
}

bool mailbox::prepare_to_sleep() noexcept {
    armed_.store(true);
    if (head_.load() == nullptr && interrupts_.load() == 0) return true;
    armed_.store(false, std::memory_order_relaxed);
    return false;
}

ready_node* mailbox::close() noexcept {
    return reversed(head_.exchange(&closed_mark_));
}

int mailbox::event_descriptor() {
    int fd = event_fd_.load();
    if (fd >= 0) return fd;
    fd = private_descriptor(
        static_cast<int>(::syscall(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK)));
    if (fd < 0) throw std::system_error(errno, std::system_category(), "eventfd");
    event_fd_.store(fd);
    return fd;
}

}  // namespace detail
}  // namespace brio
