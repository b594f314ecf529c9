// recvmmsg, sendmmsg.

#include "posix/fibers.hpp"

#include <array>
#include <cstring>
#include <string>
#include <sys/uio.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using std::string;

/// Room for some messages, or some messages.
struct messages {
    explicit messages(std::size_t count, std::size_t size = 16)
        : texts(count, string(size, '\0')), parts(count), headers(count) {
        for (std::size_t i = 0; i < count; ++i) {
            parts[i] = {texts[i].data(), texts[i].size()};
            headers[i].msg_hdr.msg_iov = &parts[i];
            headers[i].msg_hdr.msg_iovlen = 1;
        }
    }
    explicit messages(const std::vector<string>& all) : messages(all.size()) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            texts[i] = all[i];
            parts[i] = {texts[i].data(), texts[i].size()};
        }
    }
    mmsghdr* list() { return headers.data(); }
    [[nodiscard]] string text(std::size_t i) const {
        return texts[i].substr(0, headers[i].msg_len);
    }
    void send_to(const udp_socket& to) {
        for (mmsghdr& m : headers) {
            m.msg_hdr.msg_name = const_cast<sockaddr*>(to.name());
            m.msg_hdr.msg_namelen = sizeof to.address;
        }
    }

    std::vector<string> texts;
    std::vector<iovec> parts;
    std::vector<mmsghdr> headers;
};

void send_text(int fd, const string& text) {
    EXPECT_EQ(::send(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
}

/// A UDP socket that is connected to a port where nobody is.
struct udp_to_nobody {
    udp_to_nobody() {
        const udp_socket gone;
        EXPECT_EQ(::connect(socket.fd, gone.name(), sizeof gone.address), 0);
    }
    /// The kernel's answer comes at once on loopback.
    void provoke() const { (void)!::send(socket.fd, "x", 1, 0); }
    udp_socket socket;
};

}  // namespace

TEST(many_messages, answer_errors_as_libc_does) {
    const two_ends pair = make_socketpair(SOCK_DGRAM);
    const two_ends pipe = make_pipe();
    messages m(3);
    auto* const broken = reinterpret_cast<mmsghdr*>(nowhere());
    timespec wrong = {0, -1};
    timespec time = {1, 0};
    const auto receive = [&](int fd, mmsghdr* list, unsigned count, int flags, timespec* t) {
        return [=] { return ::recvmmsg(fd, list, count, flags, t); };
    };
    expect_same(receive(-1, m.list(), 1, 0, nullptr), "no descriptor");
    expect_same(receive(pipe.first, m.list(), 1, 0, nullptr), "no socket");
    expect_same(receive(pair.first, m.list(), 0, 0, nullptr), "none wanted");
    expect_same(receive(pair.first, broken, 1, 0, nullptr), "messages nowhere");
    expect_same(receive(pair.first, m.list(), 1, 0, &wrong), "a wrong time");
    expect_same(receive(pair.first, m.list(), 1, MSG_WAITALL, &wrong), "a wrong time");
    expect_same(receive(pair.first, m.list(), 1, 0, reinterpret_cast<timespec*>(nowhere())),
                "a time nowhere");
    expect_same(receive(pair.first, m.list(), 1, MSG_DONTWAIT, &time), "MSG_DONTWAIT");
    expect_same(receive(pair.first, m.list(), 3, MSG_ERRQUEUE | MSG_DONTWAIT, nullptr),
                "no errors");
    const two_ends quick = make_socketpair(SOCK_DGRAM | SOCK_NONBLOCK);
    expect_same(receive(quick.first, m.list(), 3, 0, nullptr), "O_NONBLOCK");
    expect_same([&] { return ::sendmmsg(-1, m.list(), 1, 0); }, "no descriptor");
    expect_same([&] { return ::sendmmsg(pipe.second, m.list(), 1, 0); }, "no socket");
    expect_same([&] { return ::sendmmsg(pair.first, m.list(), 0, 0); }, "none to send");
    expect_same([&] { return ::sendmmsg(pair.first, broken, 1, 0); }, "messages nowhere");
    const descriptor fresh(::socket(AF_UNIX, SOCK_DGRAM, 0));
    expect_same([&] { return ::sendmmsg(fresh, m.list(), 2, 0); }, "not connected");
}

TEST(many_messages, a_nonblocking_socket_answers_how_many_there_were) {
    for (const bool on_a_thread : {false, true}) {
        const two_ends pair = make_socketpair(SOCK_DGRAM | SOCK_NONBLOCK);
        messages out(std::vector<string>(20, string(30'000, 'x')));  // more than it takes
        messages in(20, 4);
        const auto play = [&](auto&& call) {
            return on_a_thread ? on_thread(call) : on_fiber(call);
        };
        const observed sent = play([&] { return ::sendmmsg(pair.second, out.list(), 20, 0); });
        EXPECT_GT(sent.result, 1);
        EXPECT_LT(sent.result, 20);
        EXPECT_EQ(play([&] { return ::sendmmsg(pair.second, out.list(), 20, 0); }),
                  (observed{-1, EAGAIN}));
        EXPECT_EQ(play([&] { return ::recvmmsg(pair.first, in.list(), 20, 0, nullptr); }), sent);
        EXPECT_EQ(in.text(0), "xxxx");
    }
}

TEST(many_messages, recvmmsg_waits_for_all_or_for_one) {
    const two_ends pair = make_socketpair(SOCK_DGRAM);
    brio::run([&] {
        messages in(3);
        auto all =
            brio::create_task([&] { return ::recvmmsg(pair.first, in.list(), 3, 0, nullptr); });
        for (const char* text : {"one", "", "three"}) {
            let_others_run();
            EXPECT_FALSE(all.done());
            send_text(pair.second, text);
        }
        EXPECT_EQ(all.await(), 3);
        EXPECT_EQ(in.text(0) + "," + in.text(1) + "," + in.text(2), "one,,three");

        auto some = brio::create_task(
            [&] { return ::recvmmsg(pair.first, in.list(), 3, MSG_WAITFORONE, nullptr); });
        let_others_run();
        EXPECT_FALSE(some.done());
        send_text(pair.second, "four");
        send_text(pair.second, "five");
        EXPECT_EQ(some.await(), 2);
        EXPECT_EQ(in.text(0) + "," + in.text(1), "four,five");
    });
}

TEST(many_messages, the_timeout_is_looked_at_behind_a_message_only) {
    const two_ends pair = make_socketpair(SOCK_DGRAM);
    brio::testing::run([&] {
        messages in(3);
        timespec time = {10, 0};
        auto receiver =
            brio::create_task([&] { return ::recvmmsg(pair.first, in.list(), 3, 0, &time); });
        brio::sleep(4s);
        send_text(pair.second, "in time");
        brio::sleep(100s);  // it is over, and ends nothing
        EXPECT_FALSE(receiver.done());
        EXPECT_EQ(time.tv_sec, 5);  // behind the first
        send_text(pair.second, "too late");
        EXPECT_EQ(receiver.await(), 2);
        EXPECT_EQ(in.text(1), "too late");
        EXPECT_EQ(time.tv_sec, 0);
        EXPECT_EQ(time.tv_nsec, 0);
    });
    // No time at all is one message, though there are more.
    for (int i = 0; i < 4; ++i) ASSERT_EQ(::send(pair.second, "x", 1, 0), 1);
    expect_same(
        [&] {
            messages in(3);
            timespec none = {};
            return ::recvmmsg(pair.first, in.list(), 3, 0, &none);
        },
        "no time");
}

TEST(many_messages, a_receive_timeout_counts_for_each_message) {
    const two_ends pair = make_socketpair(SOCK_DGRAM);
    set_timeout(pair.first, SO_RCVTIMEO, 60s);
    brio::testing::run([&] {
        messages in(3);
        const auto began = brio::clock::now();
        const auto call = [&] { return ::recvmmsg(pair.first, in.list(), 3, 0, nullptr); };
        EXPECT_EQ(observe(call), (observed{-1, EAGAIN}));
        EXPECT_EQ(brio::clock::now() - began, 60s);
        auto receiver = brio::create_task([&] { return observe(call); });
        brio::sleep(50s);
        send_text(pair.second, "one");
        brio::sleep(50s);
        EXPECT_FALSE(receiver.done());
        brio::sleep(20s);
        EXPECT_TRUE(receiver.done());
        EXPECT_EQ(receiver.await(), (observed{1, 0}));
    });
}

TEST(many_messages, a_cancel_answers_those_that_had_come) {
    const two_ends pair = make_socketpair(SOCK_DGRAM);
    brio::run([&] {
        for (const long there : {0L, 2L}) {
            messages in(3);
            std::vector<observed> seen;
            auto receiver = brio::create_task([&] {
                for (int i = 0; i < 2; ++i)
                    seen.push_back(
                        observe([&] { return ::recvmmsg(pair.first, in.list(), 3, 0, nullptr); }));
            });
            let_others_run();
            for (long i = 0; i < there; ++i) send_text(pair.second, "text");
            let_others_run();
            receiver.cancel();
            EXPECT_THROW(receiver.await(), brio::cancelled_error);
            const observed told = {-1, ECANCELED};
            EXPECT_THAT(seen, testing::ElementsAre(there > 0 ? observed{there, 0} : told, told));
        }
    });
}

TEST(many_messages, an_error_behind_a_message_is_for_the_next_call) {
    const auto play = [](bool on_a_fiber) {
        const udp_to_nobody to_nobody;
        const int fd = to_nobody.socket.fd;
        messages in(3);
        const auto call = [&] { return ::recvmmsg(fd, in.list(), 3, 0, nullptr); };
        // From the one it is connected to it would come; so it is connected to itself for a moment.
        sockaddr_in peer = {};
        socklen_t size = sizeof peer;
        EXPECT_EQ(::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size), 0);
        EXPECT_EQ(::connect(fd, to_nobody.socket.name(), sizeof peer), 0);
        EXPECT_EQ(::send(fd, "text", 4, 0), 4);
        EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&peer), sizeof peer), 0);
        std::vector<observed> seen;
        const auto both = [&] {
            seen.push_back(observe(call));
            seen.push_back(observe(call));
        };
        if (on_a_fiber) {
            brio::run([&] {
                auto receiver = brio::create_task(both);
                let_others_run();
                EXPECT_FALSE(receiver.done());  // one is there, and it waits for the second
                to_nobody.provoke();
                receiver.await();
            });
        } else {
            std::thread receiver(both);
            // Until it has taken the one.
            while (::recv(fd, nullptr, 0, MSG_PEEK | MSG_DONTWAIT) == 0) std::this_thread::yield();
            to_nobody.provoke();
            receiver.join();
        }
        return seen;
    };
    const std::vector<observed> expected = {{1, 0}, {-1, ECONNREFUSED}};
    EXPECT_EQ(play(false), expected);
    EXPECT_EQ(play(true), expected);
}

TEST(many_messages, waitall_on_a_stream_fills_each_message) {
    const two_ends pair = make_socketpair();
    brio::run([&] {
        messages in(2, 4);
        auto receiver = brio::create_task(
            [&] { return ::recvmmsg(pair.first, in.list(), 2, MSG_WAITALL, nullptr); });
        for (const char* text : {"abc", "def", "gh"}) {
            let_others_run();
            EXPECT_FALSE(receiver.done());
            send_text(pair.second, text);
        }
        EXPECT_EQ(receiver.await(), 2);
        EXPECT_EQ(in.text(0) + "," + in.text(1), "abcd,efgh");
        auto one = brio::create_task([&] {
            return ::recvmmsg(pair.first, in.list(), 2, MSG_WAITALL | MSG_WAITFORONE, nullptr);
        });
        let_others_run();
        send_text(pair.second, "abcd");
        EXPECT_EQ(one.await(), 1);
    });
}

TEST(many_messages, sendmmsg_sends_all_and_each_whole) {
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        const two_ends pair = make_socketpair(type);
        std::vector<string> texts;
        string all;
        for (int i = 0; i < 40; ++i) {
            texts.push_back(numbered(50'000));
            texts.back()[0] = static_cast<char>('0' + i);
            all += texts.back();
        }
        brio::run([&] {
            messages out(texts);
            auto sender =
                brio::create_task([&] { return ::sendmmsg(pair.second, out.list(), 40, 0); });
            let_others_run();
            EXPECT_FALSE(sender.done());
            EXPECT_TRUE(read_all(pair.first, all.size()) == all);
            EXPECT_EQ(sender.await(), 40);
            for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(out.headers[i].msg_len, texts[i].size());
        });
    }
}

TEST(many_messages, sendmmsg_answers_what_was_taken_before_a_cancel_or_an_error) {
    const two_ends pair = make_socketpair();
    brio::run([&] {
        messages out(std::vector<string>(10, string(1 << 20, 'x')));
        int taken = 0;
        auto sender =
            brio::create_task([&] { taken = ::sendmmsg(pair.second, out.list(), 10, 0); });
        let_others_run();
        sender.cancel();
        EXPECT_THROW(sender.await(), brio::cancelled_error);
        EXPECT_EQ(taken, 1);
        EXPECT_GT(out.headers[0].msg_len, 0U);
        EXPECT_LT(out.headers[0].msg_len, 1U << 20);
        EXPECT_EQ(read_all(pair.first, out.headers[0].msg_len).size(), out.headers[0].msg_len);
        char room[1];
        EXPECT_EQ(::recv(pair.first, room, 1, MSG_DONTWAIT), -1);
    });
    const udp_socket from;
    const udp_socket to;
    const auto with_a_broken_one = [&] {
        messages out({"one", "two", "three"});
        out.send_to(to);
        out.parts[2].iov_base = nowhere();
        return ::sendmmsg(from.fd, out.list(), 3, 0);
    };
    expect_same(with_a_broken_one, "the third cannot be read");
}

TEST(many_messages, descriptors_that_come_with_them_mean_something_new) {
    const two_ends pair = make_socketpair(SOCK_DGRAM);
    const two_ends quick = make_pipe(O_NONBLOCK);
    brio::run([&] {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
        messages out({"x"});
        msghdr& header = out.headers[0].msg_hdr;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        cmsghdr* const c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        const int given = quick.first;
        std::memcpy(CMSG_DATA(c), &given, sizeof given);
        messages in(1);
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> got = {};
        in.headers[0].msg_hdr.msg_control = got.data();
        in.headers[0].msg_hdr.msg_controllen = got.size();
        auto receiver =
            brio::create_task([&] { return ::recvmmsg(pair.first, in.list(), 1, 0, nullptr); });
        brio::yield();
        EXPECT_EQ(::sendmmsg(pair.second, out.list(), 1, 0), 1);
        EXPECT_EQ(receiver.await(), 1);
        int number = -1;
        std::memcpy(&number, CMSG_DATA(CMSG_FIRSTHDR(&in.headers[0].msg_hdr)), sizeof number);
        const descriptor copy(number);
        char letter = 0;
        EXPECT_EQ(observe([&] { return ::read(copy, &letter, 1); }), (observed{-1, EAGAIN}));
    });
}

TEST(many_messages, a_number_that_is_closed_while_a_fiber_waits_still_serves_it) {
    two_ends pair = make_socketpair(SOCK_DGRAM);
    brio::run([&] {
        messages in(2);
        auto receiver =
            brio::create_task([&] { return ::recvmmsg(pair.first, in.list(), 2, 0, nullptr); });
        let_others_run();
        pair.first.close();
        const two_ends others = make_pipe();  // takes the number
        send_text(pair.second, "one");
        let_others_run();
        send_text(pair.second, "two");
        EXPECT_EQ(receiver.await(), 2);
    });
}
