#pragma once
// Descriptors of our own: the eventfds that wake a loop or tell it of signals, an epoll instance and what is
// registered there, a ring that has one, what a waiting call of the porting layer keeps open.
//
// 1. They take high numbers. The low ones are the user's, whose programs count on the lowest that is free.
// 2. They are known by number, so that the porting layer can say EBADF: a program that closes or lists
//    whatever is open does not mean those.
// 3. Not private: what event_loop::fd() gives to a host loop, and what native objects hold for their user
//    (a subprocess, a sendfile under way).
// 4. A number is made private just after it exists. Who closes all in that moment, on another thread, gets it.
// 5. A child of fork has them as the program's own, which it may close: nothing waits on them there.
//
// Any thread. errno stays as it is.

namespace brio::inline v0::detail {

/// The least number that a descriptor of ours takes now, under the process's limit.
[[nodiscard]] int first_private_number() noexcept;

/// Renumbers `fd`, which is new and has close-on-exec, and makes it ours; where there is no higher
/// number to be had it keeps its own. A negative one, an error, is returned as it is.
[[nodiscard]] int private_descriptor(int fd) noexcept;

/// A duplicate of `fd` that is ours, with a high number; or -errno.
[[nodiscard]] int private_duplicate(int fd) noexcept;

/// Nothing where it is private no longer, in a child.
void close_private(int fd) noexcept;

[[nodiscard]] bool is_private(int fd) noexcept;

/// The lowest one from `first` to `last`; -1: none.
[[nodiscard]] int next_private(unsigned first, unsigned last) noexcept;

/// Once for the process, best before it has threads: has the kernel make its table of descriptors large
/// enough for ours. When it grows with threads about, whoever opens something waits for an RCU grace
/// period (Linux's expand_fdtable), milliseconds that would hold a loop up.
void make_room_for_descriptors() noexcept;

/// In a child of fork.
void no_descriptor_is_private() noexcept;

}  // namespace brio::inline v0::detail
