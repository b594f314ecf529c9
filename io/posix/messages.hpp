#pragma once
// Sending and receiving one message on a socket: what recvmsg, sendmsg and their forms for many
// messages have in common. See send_receive.cpp.

#include "fiber/fiber.hpp"
#include "posix/descriptors.hpp"

#include <brio/time.hpp>

#include <optional>
#include <sys/socket.h>

namespace brio::inline v0::detail::posix {

inline bool never_waits(int flags) noexcept {
    return (flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)) != 0;
}

/// Control data belongs to the bytes it came with: the kernel ends a call there, MSG_WAITALL or not.
inline bool has_control(const msghdr& message) noexcept {
    return message.msg_control != nullptr && message.msg_controllen > 0;
}

/// Descriptors that came with a message: their numbers mean something new.
void forget_received(const msghdr& message) noexcept;

/// recvmsg: the count, or -errno.
long receive_message(fiber& self, int fd, msghdr* message, int flags) noexcept;

/// The rest of a sendmsg on a socket in blocking mode, after an attempt has answered `first`: EAGAIN,
/// or a part. `facts` are those of the open file behind `fd`, which stays open meanwhile.
long send_rest(fiber& self, int fd, const descriptor_facts& facts, msghdr message, int flags,
               long first) noexcept;

}  // namespace brio::inline v0::detail::posix
