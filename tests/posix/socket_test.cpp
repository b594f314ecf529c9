// recv, send and their kin, connect, accept: what they answer on a fiber is what they answer on a
// thread.

#include "posix/fibers.hpp"

#include <csignal>
#include <cstring>
#include <string>
#include <sys/uio.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using std::string;

}  // namespace

TEST(sockets, answer_errors_as_libc_does) {
    char room[16];
    const two_ends pair = make_socketpair();
    const two_ends pipe = make_pipe();
    msghdr message = {};
    expect_same([&] { return ::recv(-1, room, 1, 0); }, "recv: no descriptor");
    expect_same([&] { return ::send(-1, room, 1, 0); }, "send: no descriptor");
    expect_same([&] { return ::recv(pipe.first, room, 1, 0); }, "recv: no socket");
    expect_same([&] { return ::send(pipe.second, room, 1, 0); }, "send: no socket");
    expect_same([&] { return ::recvmsg(pipe.first, &message, 0); }, "recvmsg: no socket");
    expect_same([&] { return ::recvmsg(pair.first, reinterpret_cast<msghdr*>(nowhere()), 0); },
                "recvmsg: a message nowhere");
    expect_same([&] { return ::sendmsg(pair.first, reinterpret_cast<msghdr*>(nowhere()), 0); },
                "sendmsg: a message nowhere");
    EXPECT_EQ(::send(pair.second, "abcd", 4, 0), 4);
    expect_same([&] { return ::recv(pair.first, nowhere(), 1, 0); }, "recv: into nowhere");
    expect_same([&] { return ::recv(pair.first, room, 1, MSG_OOB); }, "recv: no urgent data");
    const udp_socket datagrams;
    expect_same([&] { return ::recv(datagrams.fd, room, 1, MSG_ERRQUEUE); }, "recv: no errors");
    expect_same([&] { return ::recv(pair.second, room, 1, MSG_DONTWAIT); }, "recv: MSG_DONTWAIT");
    expect_same([&] { return ::send(pair.first, nowhere(), 1, 0); }, "send: from nowhere");
    const descriptor fresh(::socket(AF_INET, SOCK_STREAM, 0));
    expect_same([&] { return ::recv(fresh, room, 1, 0); }, "recv: not connected");
    expect_same([&] { return ::send(fresh, room, 1, MSG_NOSIGNAL); }, "send: not connected");
    expect_same([&] { return ::accept(fresh, nullptr, nullptr); }, "accept: not listening");
    expect_same([&] { return ::accept(pipe.first, nullptr, nullptr); }, "accept: no socket");
    expect_same([&] { return ::accept(-1, nullptr, nullptr); }, "accept: no descriptor");
    const listener listening;
    expect_same([&] { return ::accept4(listening.fd, nullptr, nullptr, 1); },
                "accept4: wrong flags");
    const sockaddr_in address = loopback(listening.port);
    const auto* const name = reinterpret_cast<const sockaddr*>(&address);
    expect_same([&] { return ::connect(-1, name, sizeof address); }, "connect: no descriptor");
    expect_same([&] { return ::connect(pipe.first, name, sizeof address); }, "connect: no socket");
    expect_same([&] { return ::connect(fresh, name, 3); }, "connect: half an address");
    expect_same([&] { return ::connect(fresh, reinterpret_cast<sockaddr*>(nowhere()), 16); },
                "connect: an address nowhere");
    sockaddr_in unspecific = address;
    unspecific.sin_family = 77;
    expect_same([&] { return ::connect(fresh, reinterpret_cast<sockaddr*>(&unspecific), 16); },
                "connect: an unknown family");
}

TEST(sockets, connect_tells_of_refusal_and_of_being_connected) {
    std::uint16_t dead_port = 0;
    {
        const listener gone;
        dead_port = gone.port;
    }
    expect_same(
        [&] {
            const descriptor fd(::socket(AF_INET, SOCK_STREAM, 0));
            return connect_to(fd, dead_port);
        },
        "refused");
    const listener listening;
    expect_same(
        [&] {
            const descriptor fd(::socket(AF_INET, SOCK_STREAM, 0));
            if (connect_to(fd, listening.port) != 0) return -2;
            return connect_to(fd, listening.port);
        },
        "connected already");
    expect_same(
        [&] {
            const descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
            return connect_to(fd, listening.port);
        },
        "O_NONBLOCK");
}

TEST(sockets, nonblocking_ones_answer_at_once) {
    char room[16];
    const two_ends pair = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    expect_same([&] { return ::recv(pair.first, room, 1, 0); }, "recv");
    expect_same([&] { return ::recv(pair.first, room, 1, MSG_WAITALL); }, "recv MSG_WAITALL");
    listener listening;
    ASSERT_EQ(::fcntl(listening.fd, F_SETFL, O_NONBLOCK), 0);
    expect_same([&] { return ::accept(listening.fd, nullptr, nullptr); }, "accept");
}

TEST(sockets, receive_timeouts_end_the_wait) {
    // On a virtual clock: it jumps, so an hour is no time, and a wait that ignored it never ended.
    const two_ends pair = make_socketpair();
    set_timeout(pair.first, SO_RCVTIMEO, 3600s);
    const listener listening;
    set_timeout(listening.fd, SO_RCVTIMEO, 3600s);
    brio::testing::run([&] {
        char room[16];
        const auto began = brio::clock::now();
        const observed expected = {-1, EAGAIN};
        EXPECT_EQ(observe([&] { return ::recv(pair.first, room, 1, 0); }), expected);
        EXPECT_EQ(observe([&] { return ::read(pair.first, room, 1); }), expected);
        EXPECT_EQ(observe([&] { return ::accept(listening.fd, nullptr, nullptr); }), expected);
        EXPECT_EQ(brio::clock::now() - began, 3h);
    });
}

TEST(sockets, a_timeout_after_a_part_answers_the_part) {
    const two_ends pair = make_socketpair();
    set_timeout(pair.first, SO_RCVTIMEO, 3600s);
    set_timeout(pair.first, SO_SNDTIMEO, 60s);
    ASSERT_EQ(::send(pair.second, "abc", 3, 0), 3);
    brio::testing::run([&] {
        char room[16];
        EXPECT_EQ(::recv(pair.first, room, 16, MSG_WAITALL), 3);
        const string much(4 << 20, 'x');
        const ssize_t sent = ::send(pair.first, much.data(), much.size(), 0);
        EXPECT_GT(sent, 0);
        EXPECT_LT(sent, static_cast<ssize_t>(much.size()));
        EXPECT_EQ(observe([&] { return ::send(pair.first, "x", 1, 0); }), (observed{-1, EAGAIN}));
    });
}

TEST(sockets, timeouts_that_are_set_or_lifted_later_count) {
    const two_ends pair = make_socketpair();
    brio::testing::run([&] {
        char room[16];
        auto first = brio::create_task([&] { return ::recv(pair.first, room, 1, 0); });
        brio::yield();
        EXPECT_EQ(::send(pair.second, "x", 1, 0), 1);
        EXPECT_EQ(first.await(), 1);
        set_timeout(pair.first, SO_RCVTIMEO, 10s);
        EXPECT_EQ(observe([&] { return ::recv(pair.first, room, 1, 0); }), (observed{-1, EAGAIN}));
        set_timeout(pair.first, SO_RCVTIMEO, 0s);
        auto second = brio::create_task([&] { return ::recv(pair.first, room, 1, 0); });
        brio::sleep(1h);
        EXPECT_FALSE(second.done());
        EXPECT_EQ(::send(pair.second, "x", 1, 0), 1);
        EXPECT_EQ(second.await(), 1);
    });
}

TEST(sockets, a_send_timeout_ends_a_connect) {
    // A unix listener with a full backlog lets nobody in.
    const descriptor listening(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
    ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size), 0);
    ASSERT_EQ(::listen(listening, 0), 0);
    const descriptor first(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(first, reinterpret_cast<sockaddr*>(&address), size), 0);
    const descriptor second(::socket(AF_UNIX, SOCK_STREAM, 0));
    set_timeout(second, SO_SNDTIMEO, 1ms);
    const auto call = [&] {
        return ::connect(second, reinterpret_cast<sockaddr*>(&address), size);
    };
    EXPECT_EQ(on_thread(call), (observed{-1, EAGAIN}));  // af_unix says EAGAIN, others EINPROGRESS
    EXPECT_EQ(on_fiber(call), (observed{-1, EAGAIN}));
}

TEST(sockets, waitall_waits_for_all_and_peek_takes_nothing) {
    const two_ends pair = make_socketpair();
    brio::run([&] {
        char room[16] = {};
        auto all = brio::create_task([&] { return ::recv(pair.first, room, 6, MSG_WAITALL); });
        brio::yield();
        for (const char* piece : {"a", "bcd", "efgh"}) {
            EXPECT_FALSE(all.done());
            EXPECT_GT(::send(pair.second, piece, std::strlen(piece), 0), 0);
            let_others_run();
        }
        EXPECT_EQ(all.await(), 6);
        EXPECT_STREQ(room, "abcdef");
        EXPECT_EQ(::recv(pair.first, room, 16, MSG_PEEK), 2);
        auto peek =
            brio::create_task([&] { return ::recv(pair.first, room, 4, MSG_PEEK | MSG_WAITALL); });
        let_others_run();
        EXPECT_FALSE(peek.done());
        EXPECT_EQ(::send(pair.second, "ij", 2, 0), 2);
        EXPECT_EQ(peek.await(), 4);
        EXPECT_EQ(string(room, 4), "ghij");
        EXPECT_EQ(::recv(pair.first, room, 16, 0), 4);
    });
}

TEST(sockets, waitall_answers_what_came_when_the_peer_closes) {
    two_ends pair = make_socketpair();
    brio::run([&] {
        char room[16];
        auto all = brio::create_task([&] { return ::recv(pair.first, room, 16, MSG_WAITALL); });
        brio::yield();
        EXPECT_EQ(::send(pair.second, "abc", 3, 0), 3);
        let_others_run();
        pair.second.close();
        EXPECT_EQ(all.await(), 3);
    });
}

TEST(sockets, a_cancel_in_waitall_answers_what_came) {
    const two_ends pair = make_socketpair();
    brio::run([&] {
        char room[16];
        ssize_t got = -1;
        auto all = brio::create_task([&] { got = ::recv(pair.first, room, 16, MSG_WAITALL); });
        brio::yield();
        EXPECT_EQ(::send(pair.second, "abc", 3, 0), 3);
        let_others_run();
        all.cancel();
        EXPECT_THROW(all.await(), brio::cancelled_error);
        EXPECT_EQ(got, 3);
    });
}

TEST(sockets, datagrams_stay_whole_and_carry_their_sender) {
    const udp_socket here;
    const udp_socket there;
    brio::run([&] {
        char room[16];
        sockaddr_in from = {};
        socklen_t from_size = sizeof from;
        auto received = brio::create_task([&] {
            return ::recvfrom(here.fd, room, 16, MSG_WAITALL, reinterpret_cast<sockaddr*>(&from),
                              &from_size);
        });
        brio::yield();
        EXPECT_EQ(::sendto(there.fd, "abc", 3, 0, here.name(), sizeof here.address), 3);
        EXPECT_EQ(received.await(), 3);
        EXPECT_EQ(from.sin_port, there.address.sin_port);
        EXPECT_EQ(from_size, sizeof from);
        // An empty one is a message, too.
        auto empty = brio::create_task([&] { return ::recv(here.fd, room, 16, 0); });
        brio::yield();
        EXPECT_EQ(::sendto(there.fd, "", 0, 0, here.name(), sizeof here.address), 0);
        EXPECT_EQ(empty.await(), 0);
    });
}

TEST(sockets, a_message_tells_flags_name_and_descriptors_after_a_wait) {
    const two_ends pair = make_socketpair();
    const two_ends pipe = make_pipe();
    brio::run([&] {
        char text[4] = {};
        iovec part = {text, 2};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        msghdr message = {};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        auto received = brio::create_task([&] { return ::recvmsg(pair.first, &message, 0); });
        brio::yield();

        iovec sent_part = {const_cast<char*>("xy"), 2};
        alignas(cmsghdr) char sent_control[CMSG_SPACE(sizeof(int))] = {};
        msghdr sent = {};
        sent.msg_iov = &sent_part;
        sent.msg_iovlen = 1;
        sent.msg_control = sent_control;
        sent.msg_controllen = sizeof sent_control;
        cmsghdr* const header = CMSG_FIRSTHDR(&sent);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        const int given = pipe.second;
        std::memcpy(CMSG_DATA(header), &given, sizeof given);
        EXPECT_EQ(::sendmsg(pair.second, &sent, 0), 2);

        EXPECT_EQ(received.await(), 2);
        EXPECT_STREQ(text, "xy");
        ASSERT_GE(message.msg_controllen, CMSG_LEN(sizeof(int)));
        int got = -1;
        std::memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
        const descriptor duplicate(got);
        EXPECT_EQ(::write(duplicate, "z", 1), 1);
        EXPECT_EQ(::read(pipe.first, text, 1), 1);
    });
}

TEST(sockets, a_large_message_sends_its_descriptor_once) {
    const two_ends pair = make_socketpair();
    brio::run([&] {
        string much(2 << 20, 'x');
        iovec parts[] = {{much.data(), 100}, {much.data() + 100, much.size() - 100}};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        msghdr message = {};
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        const int given = STDIN_FILENO;
        std::memcpy(CMSG_DATA(header), &given, sizeof given);
        auto sender = brio::create_task([&] { return ::sendmsg(pair.second, &message, 0); });

        int descriptors = 0;
        std::size_t bytes = 0;
        while (bytes < much.size()) {
            char room[65536];
            iovec into = {room, sizeof room};
            alignas(cmsghdr) char got_control[CMSG_SPACE(4 * sizeof(int))];
            msghdr got = {};
            got.msg_iov = &into;
            got.msg_iovlen = 1;
            got.msg_control = got_control;
            got.msg_controllen = sizeof got_control;
            const ssize_t count = ::recvmsg(pair.first, &got, 0);
            ASSERT_GT(count, 0);
            bytes += static_cast<std::size_t>(count);
            if (cmsghdr* const c = CMSG_FIRSTHDR(&got)) {
                ++descriptors;
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(c), sizeof fd);
                ::close(fd);
            }
        }
        EXPECT_EQ(sender.await(), static_cast<ssize_t>(much.size()));
        EXPECT_EQ(descriptors, 1);
    });
}

TEST(sockets, nosignal_is_heard_and_otherwise_sigpipe_comes_once) {
    static volatile sig_atomic_t pipes = 0;
    struct sigaction ours = {};
    struct sigaction before = {};
    ours.sa_handler = [](int) { pipes = pipes + 1; };
    ::sigaction(SIGPIPE, &ours, &before);
    for (const int flags : {0, static_cast<int>(MSG_NOSIGNAL)}) {
        for (const bool later : {false, true}) {
            two_ends pair = make_socketpair();
            pipes = 0;
            const observed seen = brio::run([&] {
                if (later)
                    while (::send(pair.second, "x", 1, MSG_DONTWAIT) == 1) {
                    }
                auto sender = brio::create_task([&] {
                    if (!later) pair.first.close();
                    return observe([&] { return ::send(pair.second, "x", 1, flags); });
                });
                brio::yield();
                if (later) {
                    EXPECT_FALSE(sender.done());
                    pair.first.close();
                }
                return sender.await();
            });
            EXPECT_EQ(seen, (observed{-1, EPIPE})) << "flags " << flags << ", later " << later;
            EXPECT_EQ(pipes, flags == 0 ? 1 : 0) << "flags " << flags << ", later " << later;
        }
    }
    ::sigaction(SIGPIPE, &before, nullptr);
}

TEST(sockets, accept_tells_the_peer_and_keeps_its_flags) {
    const listener listening;
    brio::run([&] {
        sockaddr_in peer = {};
        socklen_t size = sizeof peer;
        auto accepted = brio::create_task([&] {
            return ::accept4(listening.fd, reinterpret_cast<sockaddr*>(&peer), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
        });
        brio::yield();
        const descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
        EXPECT_EQ(connect_to(client, listening.port), 0);
        const descriptor server(accepted.await());
        sockaddr_in own = {};
        socklen_t own_size = sizeof own;
        EXPECT_EQ(::getsockname(client, reinterpret_cast<sockaddr*>(&own), &own_size), 0);
        EXPECT_EQ(peer.sin_port, own.sin_port);
        EXPECT_EQ(size, sizeof peer);
        EXPECT_NE(::fcntl(server, F_GETFL) & O_NONBLOCK, 0);
        EXPECT_EQ(::fcntl(server, F_GETFD), FD_CLOEXEC);
        char letter = 0;
        EXPECT_EQ(observe([&] { return ::recv(server, &letter, 1, 0); }), (observed{-1, EAGAIN}));
    });
}

TEST(sockets, shutdown_wakes_a_fiber_that_receives) {
    const two_ends pair = make_socketpair();
    brio::run([&] {
        char room[1];
        auto receiver = brio::create_task([&] { return ::recv(pair.first, room, 1, 0); });
        brio::yield();
        ::shutdown(pair.first, SHUT_RD);
        EXPECT_EQ(receiver.await(), 0);
    });
}

TEST(sockets, a_megabyte_goes_both_ways_over_tcp_between_fibers) {
    const listener listening;
    brio::run([&] {
        const string text(1 << 20, 'x');
        const auto exchange = [&](int fd) {
            auto sender =
                brio::create_task([&] { return ::send(fd, text.data(), text.size(), 0); });
            string got(text.size(), '\0');
            EXPECT_EQ(::recv(fd, got.data(), got.size(), MSG_WAITALL),
                      static_cast<ssize_t>(got.size()));
            EXPECT_TRUE(got == text);
            EXPECT_EQ(sender.await(), static_cast<ssize_t>(text.size()));
        };
        auto server = brio::create_task([&] {
            const descriptor fd(::accept(listening.fd, nullptr, nullptr));
            exchange(fd);
        });
        const descriptor fd(::socket(AF_INET, SOCK_STREAM, 0));
        EXPECT_EQ(connect_to(fd, listening.port), 0);
        exchange(fd);
        server.await();
    });
}
