#pragma once
// Look-ups in libc's databases (hosts, services, protocols, users, groups) by its reentrant functions.
// They wait by system calls inside libc, so a helper thread makes them.
//
// 1. The helper works on copies of the keys and in memory of its own. After a cancel nobody waits for
//    it: what it finds is freed with the look-up, and nothing is written to the caller's memory.
// 2. For a caller's buffer the helper's has the same size and the same alignment, so libc lays out the
//    same there, and says ERANGE when it would have. The bytes are then copied, and the pointers
//    among them moved along.
// 3. What libc's other forms keep in static memory is here one for each fiber and function: valid until
//    the same fiber calls the same function again, or ends.
// 4. errno is what libc leaves in the helper, which begins with the caller's.

#include "posix/caller.hpp"
#include "posix/fiber_state.hpp"
#include "posix/in_thread.hpp"
#include "posix/interruption.hpp"
#include "posix/real.hpp"
#include "thread/worker_pool.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <grp.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <new>
#include <optional>
#include <pwd.h>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace brio::inline v0::detail::posix {

// ------------------------------------------------------------------------------------------- keys

/// A network address, which is two arguments.
struct address_key {
    const void* bytes;
    socklen_t size;
};

template <class T>
std::tuple<T> arguments_of(T key) noexcept {
    return {key};
}
inline std::tuple<const void*, socklen_t> arguments_of(address_key key) noexcept {
    return {key.bytes, key.size};
}

/// A key as the helper has it.
template <class T>
struct kept_key {
    explicit kept_key(T number) noexcept : value(number) {}
    [[nodiscard]] std::tuple<T> arguments() const noexcept { return {value}; }
    T value;
};
template <>
struct kept_key<const char*> {
    explicit kept_key(const char* name) {
        if (name != nullptr) text = name;
    }
    [[nodiscard]] std::tuple<const char*> arguments() const noexcept {
        return {text ? text->c_str() : nullptr};
    }
    std::optional<std::string> text;
};
/// libc does not read more than the largest kind of address has.
template <>
struct kept_key<address_key> {
    explicit kept_key(const address_key& key) noexcept : size(key.size) {
        std::memcpy(bytes.data(), key.bytes, std::min<std::size_t>(size, bytes.size()));
    }
    [[nodiscard]] std::tuple<const void*, socklen_t> arguments() const noexcept {
        return {bytes.data(), size};
    }
    std::array<char, sizeof(in6_addr)> bytes = {};
    socklen_t size;
};

// ---------------------------------------------------------------------------------------- entries

/// Moves the pointers that lead into a buffer along to where its bytes have been copied.
class moved_buffer {
public:
    moved_buffer(const char* from, std::size_t size, char* to) noexcept
        : from_(reinterpret_cast<std::uintptr_t>(from)), size_(size), to_(to) {}

    template <class T>
    bool follow(T*& pointer) const noexcept {
        const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(pointer) - from_;
        if (offset >= size_) return false;  // null, or a constant of libc's
        pointer = reinterpret_cast<T*>(to_ + offset);
        return true;
    }
    /// And those of a list that ends with null. For numeric hosts libc does not align it.
    void follow_list(char**& list) const noexcept {
        if (!follow(list)) return;
        char* at = reinterpret_cast<char*>(list);
        for (char* element = load(at); element != nullptr; element = load(at)) {
            follow(element);
            std::memcpy(at, &element, sizeof element);
            at += sizeof element;
        }
    }

private:
    static char* load(const char* from) noexcept {
        char* element = nullptr;
        std::memcpy(&element, from, sizeof element);
        return element;
    }

    std::uintptr_t from_;
    std::size_t size_;
    char* to_;
};

inline void follow(const moved_buffer& buffer, hostent& e) noexcept {
    buffer.follow(e.h_name);
    buffer.follow_list(e.h_aliases);
    buffer.follow_list(e.h_addr_list);
}
inline void follow(const moved_buffer& buffer, servent& e) noexcept {
    buffer.follow(e.s_name);
    buffer.follow_list(e.s_aliases);
    buffer.follow(e.s_proto);
}
inline void follow(const moved_buffer& buffer, protoent& e) noexcept {
    buffer.follow(e.p_name);
    buffer.follow_list(e.p_aliases);
}
inline void follow(const moved_buffer& buffer, passwd& e) noexcept {
    buffer.follow(e.pw_name);
    buffer.follow(e.pw_passwd);
    buffer.follow(e.pw_gecos);
    buffer.follow(e.pw_dir);
    buffer.follow(e.pw_shell);
}
inline void follow(const moved_buffer& buffer, group& e) noexcept {
    buffer.follow(e.gr_name);
    buffer.follow(e.gr_passwd);
    buffer.follow_list(e.gr_mem);
}

/// Where the caller of a reentrant function wants the answer.
template <class Entry>
struct place {
    Entry* entry;
    char* buffer;
    std::size_t size;
    Entry** found;
    int* h_error = nullptr;  // only for hosts

    [[nodiscard]] auto arguments() const noexcept {
        if constexpr (std::is_same_v<Entry, hostent>)
            return std::tuple(entry, buffer, size, found, h_error);
        else
            return std::tuple(entry, buffer, size, found);
    }
};

// --------------------------------------------------------------------------------------- the call

/// One look-up: the question, and its answer. Reentrant: a member of `real`.
template <auto Reentrant, class Entry, class... Keys>
class look_up {
public:
    /// For a static result: with a buffer that grows.
    explicit look_up(const Keys&... keys) : keys_(kept_key<Keys>(keys)...), error_(errno) {}
    /// For a caller's buffer.
    look_up(const place<Entry>& where, const Keys&... keys) : look_up(keys...) {
        grows_ = false;
        size_ = where.size;
        skew_ = reinterpret_cast<std::uintptr_t>(where.buffer) % alignment;
        if (where.h_error != nullptr) h_error_ = *where.h_error;
    }

    void operator()() noexcept {
        errno = error_;
        status_ = call();
        while (grows_ && status_ == ERANGE) {
            size_ *= 2;
            status_ = call();
        }
        error_ = errno;
    }

    void tell_error(int* h_error) const noexcept {
        errno = error_;
        if (h_error != nullptr) *h_error = h_error_;
    }
    /// As the reentrant function answers.
    int give_to(const place<Entry>& where) const noexcept {
        tell_error(where.h_error);
        *where.found = found_ ? where.entry : nullptr;
        if (!found_) return status_;
        *where.entry = entry_;
        std::memcpy(where.buffer, buffer(), size_);
        follow(moved_buffer(buffer(), size_, where.buffer), *where.entry);
        return status_;
    }
    /// As the other one does; valid while this object is where it is.
    Entry* give(fiber& self) noexcept {
        int h_error = 0;
        tell_error(&h_error);
        if (h_error != 0) set_h_errno(self, h_error);
        return found_ ? &entry_ : nullptr;
    }

private:
    static constexpr std::size_t alignment = alignof(std::max_align_t);

    int call() noexcept {
        found_ = false;
        const bool is_possible = size_ <= PTRDIFF_MAX;
        memory_.reset(is_possible ? new (std::nothrow) char[size_ + skew_] : nullptr);
        if (memory_ == nullptr) return errno = ENOMEM;
        Entry* found = nullptr;
        const place<Entry> own = {&entry_, buffer(), size_, &found, &h_error_};
        const int status = std::apply(
            [&](const auto&... keys) {
                return std::apply(real.*Reentrant,
                                  std::tuple_cat(keys.arguments()..., own.arguments()));
            },
            keys_);
        found_ = found != nullptr;
        return status;
    }
    [[nodiscard]] char* buffer() const noexcept { return memory_.get() + skew_; }

    std::tuple<kept_key<Keys>...> keys_;
    bool grows_ = true;
    std::size_t size_ = 1024;
    std::size_t skew_ = 0;
    std::unique_ptr<char[]> memory_;
    Entry entry_ = {};
    bool found_ = false;
    int status_ = 0;
    int error_;
    int h_error_ = 0;
};

/// at_once: it takes no looking up, so no thread is asked.
enum class effort { at_once, may_wait };

/// The look-up that make() makes, when it has been made; none when the fiber has been cancelled, or
/// there is no memory or no thread: errno says which.
template <class Make>
auto looked_up(fiber& self, const char* what, effort needed, Make make)
    -> std::optional<decltype(make())> {
    if (refused(self)) {
        errno = ECANCELED;
        return {};
    }
    try {
        auto question = make();
        if (needed == effort::at_once) {
            question();
            return {std::move(question)};
        }
        const interruptible here(self, restarts::always);
        begin_wait(self);
        auto done = run_for_c(self, resolver_pool(), what, std::move(question));
        if (!done) errno = ECANCELED;
        return done;
    } catch (const std::exception&) {
        errno = ENOMEM;
        return {};
    }
}

/// What a reentrant function does on a fiber, and elsewhere.
template <auto Reentrant, class Entry, class... Keys>
int look_up_into(const char* what, effort needed, const place<Entry>& where, const Keys&... keys) {
    fiber* const self = suspendable_fiber();
    if (self == nullptr)
        return std::apply(real.*Reentrant,
                          std::tuple_cat(arguments_of(keys)..., where.arguments()));
    const landing when_left;
    const auto done = looked_up(*self, what, needed,
                                [&] { return look_up<Reentrant, Entry, Keys...>(where, keys...); });
    if (done) return done->give_to(where);
    *where.found = nullptr;
    if (where.h_error != nullptr) *where.h_error = NETDB_INTERNAL;
    return errno;
}

/// What the function with a static result does on a fiber.
template <auto Reentrant, class Entry, class... Keys>
Entry* look_up_for(fiber& self, const char* what, effort needed, const Keys&... keys) {
    using question = look_up<Reentrant, Entry, Keys...>;
    const landing when_left;
    const int before = errno;
    auto done = looked_up(self, what, needed, [&] { return question(keys...); });
    question* const kept = done ? keep_for(self, std::move(*done)) : nullptr;
    if (kept != nullptr) {
        Entry* const found = kept->give(self);
        if (needed == effort::at_once) errno = before;  // which libc leaves alone in this form
        return found;
    }
    if (std::is_same_v<Entry, hostent>) set_h_errno(self, NETDB_INTERNAL);
    return nullptr;
}

}  // namespace brio::inline v0::detail::posix
