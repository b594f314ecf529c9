#pragma once
// Where queues keep their items. Where a push throws, its argument and the store are as before; where a
// pop throws, the item is still there.

#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace brio::inline v0::detail {

/// First in, first out. A power of two of slots, of which it is given more when they are used up; so
/// an item costs no allocation.
template <class T>
class ring {
public:
    ring() noexcept = default;
    ring(ring&& other) noexcept { swap(other); }
    ring& operator=(ring other) noexcept {
        swap(other);
        return *this;
    }
    ~ring() {
        while (first_ != last_) slot(first_++).~T();
        ::operator delete(slots_, std::align_val_t(alignof(T)));
    }
    template <class U>
    void push(U&& item) {
        if (last_ - first_ == capacity_) [[unlikely]]
            grow();
        ::new (static_cast<void*>(&slot(last_))) T(std::forward<U>(item));
        ++last_;
    }
    T pop() {
        T& oldest = slot(first_);
        T item(std::move(oldest));
        oldest.~T();
        ++first_;
        return item;
    }

private:
    explicit ring(std::size_t capacity)
        : slots_(
              static_cast<T*>(::operator new(capacity * sizeof(T), std::align_val_t(alignof(T))))),
          capacity_(capacity) {}
    /// Positions count on for ever; unsigned arithmetic wraps them.
    [[nodiscard]] T& slot(std::size_t position) const noexcept {
        return slots_[position & (capacity_ - 1)];
    }
    void grow() {
        ring larger(capacity_ > 0 ? 2 * capacity_ : 8);
        for (std::size_t i = first_; i != last_; ++i) larger.push(std::move_if_noexcept(slot(i)));
        swap(larger);
    }
    void swap(ring& other) noexcept {
        std::swap(slots_, other.slots_);
        std::swap(capacity_, other.capacity_);
        std::swap(first_, other.first_);
        std::swap(last_, other.last_);
    }

    T* slots_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t first_ = 0;
    std::size_t last_ = 0;
};

/// Last in, first out.
template <class T>
class pile {
public:
    template <class U>
    void push(U&& item) {
        items_.push_back(std::forward<U>(item));
    }
    T pop() {
        T item(std::move(items_.back()));
        items_.pop_back();
        return item;
    }

private:
    std::vector<T> items_;
};

/// The smallest first: a binary heap. Neither Compare nor a move of T may throw.
template <class T, class Compare>
class heap {
public:
    template <class U>
    void push(U&& item) {
        items_.push_back(std::forward<U>(item));
        rise(items_.size() - 1);
    }
    T pop() {
        sink();
        T item(std::move(items_.back()));
        items_.pop_back();
        return item;
    }

private:
    void rise(std::size_t at) {
        while (at > 0 && less_(items_[at], items_[(at - 1) / 2])) {
            std::swap(items_[at], items_[(at - 1) / 2]);
            at = (at - 1) / 2;
        }
    }
    /// Brings the smallest to the back, the rest into order.
    void sink() {
        const std::size_t end = items_.size() - 1;
        if (end > 0) std::swap(items_.front(), items_.back());
        for (std::size_t at = 0, child = 1; child < end; at = child, child = 2 * at + 1) {
            if (child + 1 < end && less_(items_[child + 1], items_[child])) ++child;
            if (!less_(items_[child], items_[at])) return;
            std::swap(items_[at], items_[child]);
        }
    }

    std::vector<T> items_;
    [[no_unique_address]] Compare less_{};
};

}  // namespace brio::inline v0::detail
