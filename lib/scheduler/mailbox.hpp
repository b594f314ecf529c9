#pragma once
// The mailbox: how other threads (and signal handlers) reach a loop. It outlives the loop.
//
// State of `head_`: a Treiber stack of posted nodes, newest first, or the address of `closed_mark_`
// once the loop has closed. Posting to a closed box fails; nothing is lost in between, because
// close() and post() meet in one atomic word.
//
// Sleeping and waking (the wake-up cannot be lost):
//   loop:   armed_ = true (seq_cst); look at head_ again; sleep only when empty; armed_ = false
//   poster: push on head_ (seq_cst); if armed_.exchange(false), ring the bell
// Either the loop sees the node or the poster sees armed_.
//
// The bell is a futex word, on which an io_uring reactor holds a FUTEX_WAIT, or an eventfd where the
// reactor asked for one. Both live here, so that ringing is safe after the loop has gone.
// Ringing is async-signal-safe.

#include <brio/detail/ready_node.hpp>

#include <atomic>
#include <cstdint>

namespace brio::inline v0 {
namespace detail {

class ready_queue;

class mailbox {
public:
    mailbox() = default;
    mailbox(const mailbox&) = delete;
    mailbox& operator=(const mailbox&) = delete;

    // Reference count, any thread. The last release deletes.
    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept;

    /// Any thread. False when the loop is closed: the node stays the caller's.
    [[nodiscard]] bool post(ready_node& node) noexcept;
    /// Any thread, and signal handlers: wakes the loop without a node.
    void ring() noexcept;
    /// Any thread, and signal handlers. The loop sees it at its next turn.
    void interrupt() noexcept {
        interrupts_.fetch_add(1);
        ring();
    }
    [[nodiscard]] bool closed() const noexcept { return head_.load() == &closed_mark_; }

    // Loop thread only, from here on.
    [[nodiscard]] bool empty() const noexcept {
        return head_.load(std::memory_order_relaxed) == nullptr &&
               interrupts_.load(std::memory_order_relaxed) == 0;
    }
    /// Appends what was posted, oldest first.
    void collect(ready_queue& ready) noexcept;
    /// Interrupts since the last call.
    unsigned take_interrupts() noexcept { return interrupts_.exchange(0); }
    /// Announces that the loop is about to sleep; false: do not, something has arrived.
    [[nodiscard]] bool prepare_to_sleep() noexcept;
    void woke_up() noexcept { armed_.store(false, std::memory_order_relaxed); }
    /// No node is accepted afterwards. Returns those that never ran, oldest first, linked by next.
    ready_node* close() noexcept;

    /// For the reactor: the futex word. Each ring adds one and wakes whoever waits on it.
    [[nodiscard]] std::atomic<std::uint32_t>& futex_word() noexcept { return word_; }
    /// For a reactor that cannot wait on a futex: an eventfd, made at the first call and owned here;
    /// each ring writes to it. Throws std::system_error.
    int event_descriptor();

private:
    ~mailbox();
    static ready_node* reversed(ready_node* newest) noexcept;

    struct mark : ready_node {
        mark() noexcept : ready_node(kind::marker, nullptr) {}
    };
    static mark closed_mark_;

    std::atomic<ready_node*> head_{nullptr};
    std::atomic<std::uint32_t> word_{0};
    std::atomic<bool> armed_{false};
    std::atomic<int> event_fd_{-1};
    std::atomic<unsigned> interrupts_{0};
    std::atomic<unsigned> references_{1};
};

}  // namespace detail
}  // namespace brio
