// Sending on unix datagram sockets whose receiver's queue is full.

#include "posix/fibers.hpp"

#include <string>
#include <sys/un.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using std::string;

/// A unix datagram socket with a name that the kernel chooses.
struct named_socket {
    named_socket() : fd(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
        address.sun_family = AF_UNIX;
        EXPECT_EQ(::bind(fd, name(), sizeof(sa_family_t)), 0);
        EXPECT_EQ(::getsockname(fd, name(), &size), 0);
    }
    sockaddr* name() { return reinterpret_cast<sockaddr*>(&address); }
    descriptor fd;
    sockaddr_un address = {};
    socklen_t size = sizeof address;
};

enum class way { send, sendto, sendmsg, sendmmsg, write };
struct kind {
    int type;
    way how;
};

/// `text` by the call of `k`.
long send_by(kind k, int fd, named_socket& to, string text) {
    iovec part = {text.data(), text.size()};
    mmsghdr one = {};
    one.msg_hdr.msg_iov = &part;
    one.msg_hdr.msg_iovlen = 1;
    switch (k.how) {
        case way::send:
            return ::send(fd, text.data(), text.size(), 0);
        case way::sendto:
            return ::sendto(fd, text.data(), text.size(), 0, to.name(), to.size);
        case way::sendmsg:
            return ::sendmsg(fd, &one.msg_hdr, 0);
        case way::sendmmsg:
            return ::sendmmsg(fd, &one, 1, 0) == 1 ? one.msg_len : -1;
        default:
            return ::write(fd, text.data(), text.size());
    }
}

/// Sends until there is no room, from `first` on; returns the number that comes next.
int fill(int fd, named_socket& to, bool connected, int first = 0) {
    for (;; ++first) {
        const string text = "number " + std::to_string(first);
        const ssize_t sent =
            connected ? ::send(fd, text.data(), text.size(), MSG_DONTWAIT)
                      : ::sendto(fd, text.data(), text.size(), MSG_DONTWAIT, to.name(), to.size);
        if (sent < 0) return first;
    }
}

string receive_one(int fd) {
    char room[100];
    const ssize_t size = ::recv(fd, room, sizeof room, 0);
    return size < 0 ? "error" : string(room, static_cast<std::size_t>(size));
}

}  // namespace

TEST(datagrams, arrive_whole_and_in_order_behind_a_full_queue) {
    for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
        for (const way how : {way::send, way::sendto, way::sendmsg, way::sendmmsg, way::write}) {
            if (type == SOCK_SEQPACKET && how == way::sendto) continue;  // takes no address
            const bool connected = how != way::sendto;
            named_socket named;
            const two_ends pair =
                make_socketpair(type);  // each other's peers: no limit but the buffer
            const descriptor single(::socket(AF_UNIX, SOCK_DGRAM, 0));
            if (connected) {
                ASSERT_EQ(::connect(single, named.name(), named.size), 0);
            }
            const int from = type == SOCK_DGRAM ? single : pair.second;
            const int to = type == SOCK_DGRAM ? named.fd : pair.first;
            brio::run([&] {
                const int queued = fill(from, named, connected);
                auto sender = brio::create_task([&] {
                    for (int i = queued; i < queued + 40; ++i) {
                        const string text = "number " + std::to_string(i);
                        EXPECT_EQ(observe([&] {
                                      return send_by({type, how}, from, named, text);
                                  }),
                                  (observed{static_cast<long>(text.size()), 0}));
                    }
                });
                let_others_run();
                EXPECT_FALSE(sender.done());
                for (int i = 0; i < queued + 40; ++i)
                    EXPECT_EQ(receive_one(to), "number " + std::to_string(i))
                        << "type " << type << ", way " << static_cast<int>(how);
                sender.await();
            });
        }
    }
}

TEST(datagrams, room_is_found_where_nothing_announces_it) {
    // The queue is full of somebody else's, so that its end wakes nobody here.
    named_socket named;
    const descriptor filler(::socket(AF_UNIX, SOCK_DGRAM, 0));
    const descriptor from(::socket(AF_UNIX, SOCK_DGRAM, 0));
    brio::run([&] {
        const int queued = fill(filler, named, false);
        auto sender = brio::create_task([&] {
            return send_by({SOCK_DGRAM, way::sendto}, from, named, "the last one");
        });
        let_others_run();
        EXPECT_FALSE(sender.done());
        for (int i = 0; i < queued; ++i)
            EXPECT_EQ(receive_one(named.fd), "number " + std::to_string(i));
        EXPECT_EQ(receive_one(named.fd), "the last one");
        EXPECT_EQ(sender.await(), 12);
    });
}

TEST(datagrams, a_send_timeout_and_a_cancel_end_the_wait) {
    for (const bool connected : {true, false}) {
        named_socket named;
        const descriptor from(::socket(AF_UNIX, SOCK_DGRAM, 0));
        if (connected) {
            ASSERT_EQ(::connect(from, named.name(), named.size), 0);
        }
        const way how = connected ? way::send : way::sendto;
        set_timeout(from, SO_SNDTIMEO, 3600s);
        brio::testing::run([&] {
            fill(from, named, connected);
            const auto began = brio::clock::now();
            const auto call = [&] { return send_by({SOCK_DGRAM, how}, from, named, "late"); };
            EXPECT_EQ(observe(call), (observed{-1, EAGAIN}));
            EXPECT_EQ(brio::clock::now() - began, 1h);
            std::vector<observed> seen;
            auto sender = brio::create_task([&] {
                seen.push_back(observe(call));
                seen.push_back(observe(call));
            });
            brio::sleep(1s);
            EXPECT_FALSE(sender.done());
            sender.cancel();
            EXPECT_THROW(sender.await(), brio::cancelled_error);
            EXPECT_THAT(seen,
                        testing::ElementsAre(observed{-1, ECANCELED}, observed{-1, ECANCELED}));
        });
    }
}

TEST(datagrams, a_receiver_that_leaves_ends_the_wait_as_libc_says) {
    for (const bool connected : {true, false}) {
        named_socket named;
        const descriptor from(::socket(AF_UNIX, SOCK_DGRAM, 0));
        if (connected) {
            ASSERT_EQ(::connect(from, named.name(), named.size), 0);
        }
        const way how = connected ? way::send : way::sendto;
        brio::run([&] {
            fill(from, named, connected);
            auto sender = brio::create_task([&] {
                return observe([&] { return send_by({SOCK_DGRAM, how}, from, named, "late"); });
            });
            let_others_run();
            EXPECT_FALSE(sender.done());
            named.fd.close();
            EXPECT_EQ(sender.await(), (observed{-1, ECONNREFUSED}));
        });
    }
}

TEST(datagrams, what_does_not_wait_answers_at_once) {
    named_socket named;
    const descriptor from(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    fill(from, named, false);
    expect_same([&] { return ::sendto(from, "x", 1, 0, named.name(), named.size); }, "O_NONBLOCK");
    const descriptor other(::socket(AF_UNIX, SOCK_DGRAM, 0));
    expect_same([&] { return ::sendto(other, "x", 1, MSG_DONTWAIT, named.name(), named.size); },
                "MSG_DONTWAIT");
}
