// What a reactor owes its caller, whatever it is made of: each operation, errors, crowds, time.

#include "io/reactor_fixture.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <netinet/in.h>
#include <sys/poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

namespace brio::testing_io {
namespace {

INSTANTIATE_TEST_SUITE_P(each, reactor_test, every_backend, backend_name);

// ----------------------------------------------------------------------------- each operation

TEST_P(reactor_test, completes_a_nop_once) {
    EXPECT_EQ(run({}), 0);
    EXPECT_EQ(io().in_flight(), 0U);
}

TEST_P(reactor_test, completes_nothing_before_wait) {
    request r;
    submit(r);
    EXPECT_FALSE(r.done());
    EXPECT_TRUE(io().has_work());
    EXPECT_EQ(io().in_flight(), 1U);
    turn();
    EXPECT_TRUE(r.done());
    EXPECT_FALSE(io().has_work());
}

TEST_P(reactor_test, reads_what_a_pipe_holds_and_what_comes_later) {
    const two_ends p = make_pipe();
    char buffer[16];
    EXPECT_EQ(run(op_write(p.second.get(), "now")), 3);
    EXPECT_EQ(run(op_read(p.first.get(), buffer, sizeof buffer)), 3);
    EXPECT_EQ(std::string_view(buffer, 3), "now");

    request later(op_read(p.first.get(), buffer, sizeof buffer));
    submit(later);
    settle();
    EXPECT_FALSE(later.done());
    EXPECT_EQ(io().in_flight(), 1U);
    EXPECT_EQ(run(op_write(p.second.get(), "later")), 5);
    EXPECT_EQ(result_of(later), 5);
    EXPECT_EQ(std::string_view(buffer, 5), "later");
}

TEST_P(reactor_test, reads_the_end_of_a_pipe) {
    two_ends p = make_pipe();
    char buffer[4];
    request r(op_read(p.first.get(), buffer, sizeof buffer));
    submit(r);
    settle();
    p.second.close();
    EXPECT_EQ(result_of(r), 0);
}

TEST_P(reactor_test, reads_and_writes_vectors) {
    const two_ends p = make_pipe();
    char one[] = "ab", two[] = "cde";
    iovec out[] = {{one, 2}, {two, 3}};
    EXPECT_EQ(run({.what = code::writev, .fd = p.second.get(), .address = out, .length = 2}), 5);
    char left[3] = {}, right[8] = {};
    iovec in[] = {{left, 3}, {right, 8}};
    EXPECT_EQ(run({.what = code::readv, .fd = p.first.get(), .address = in, .length = 2}), 5);
    EXPECT_EQ(std::string_view(left, 3), "abc");
    EXPECT_EQ(std::string_view(right, 2), "de");
}

TEST_P(reactor_test, writes_when_a_full_pipe_has_room_again) {
    const two_ends p = make_pipe();
    ASSERT_EQ(::fcntl(p.second.get(), F_SETPIPE_SZ, 4096), 4096);
    const std::string page(4096, 'x');
    EXPECT_EQ(run(op_write(p.second.get(), page)), 4096);
    request blocked(op_write(p.second.get(), "more"));
    submit(blocked);
    settle();
    EXPECT_FALSE(blocked.done());
    std::string sink(4096, '\0');
    EXPECT_EQ(::read(p.first.get(), sink.data(), sink.size()), 4096);
    EXPECT_EQ(result_of(blocked), 4);
}

TEST_P(reactor_test, reads_and_writes_a_file_at_offsets_and_at_its_position) {
    char name[] = "/tmp/brio-reactor-XXXXXX";
    const descriptor file(::mkstemp(name));
    ::unlink(name);
    EXPECT_EQ(run(op_write(file.get(), "0123456789", 0)), 10);
    char buffer[8] = {};
    EXPECT_EQ(run(op_read(file.get(), buffer, 4, 3)), 4);
    EXPECT_EQ(std::string_view(buffer, 4), "3456");
    EXPECT_EQ(run(op_read(file.get(), buffer, 2)), 2);
    EXPECT_EQ(std::string_view(buffer, 2), "01");
    EXPECT_EQ(run(op_read(file.get(), buffer, 2)), 2);
    EXPECT_EQ(std::string_view(buffer, 2), "23");
    EXPECT_EQ(run(op_read(file.get(), buffer, 8, 8)), 2);
    EXPECT_EQ(run(op_read(file.get(), buffer, 8, 10)), 0);
    EXPECT_EQ(run({.what = code::fsync, .fd = file.get()}), 0);
    EXPECT_EQ(run({.what = code::fsync, .fd = file.get(), .flags = 1}), 0);
}

TEST_P(reactor_test, transfers_whole_files_that_are_not_in_memory) {
    char name[] = "/tmp/brio-reactor-XXXXXX";
    const descriptor file(::mkstemp(name));
    ::unlink(name);
    std::string text(1 << 20, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 >> 8);
    ASSERT_EQ(run(op_write(file.get(), text, 0)), static_cast<int>(text.size()));
    ASSERT_EQ(::fsync(file.get()), 0);
    // Only the second half leaves memory, where the file system lets it go at all.
    ::posix_fadvise(file.get(), 1 << 19, 1 << 19, POSIX_FADV_DONTNEED);
    std::string found(text.size(), '\0');
    ASSERT_EQ(run(op_read(file.get(), found.data(), found.size(), 0)),
              static_cast<int>(text.size()));
    EXPECT_TRUE(found == text);
}

TEST_P(reactor_test, receives_and_sends) {
    const two_ends s = make_socket_pair();
    char buffer[16];
    request r(op_recv(s.first.get(), buffer, sizeof buffer));
    submit(r);
    settle();
    EXPECT_FALSE(r.done());
    EXPECT_EQ(run(op_send(s.second.get(), "hello")), 5);
    EXPECT_EQ(result_of(r), 5);
    EXPECT_EQ(std::string_view(buffer, 5), "hello");
}

TEST_P(reactor_test, receives_all_where_asked_to) {
    const two_ends s = make_socket_pair();
    char buffer[6];
    request r(op_recv(s.first.get(), buffer, sizeof buffer, MSG_WAITALL));
    submit(r);
    settle();
    ASSERT_EQ(run(op_send(s.second.get(), "abc")), 3);
    settle();
    EXPECT_FALSE(r.done());
    ASSERT_EQ(run(op_send(s.second.get(), "defg")), 4);
    EXPECT_EQ(result_of(r), 6);
    EXPECT_EQ(std::string_view(buffer, 6), "abcdef");
}

TEST_P(reactor_test, does_not_wait_where_asked_not_to) {
    const two_ends s = make_socket_pair();
    char buffer[4];
    EXPECT_EQ(run(op_recv(s.first.get(), buffer, sizeof buffer, MSG_DONTWAIT)), -EAGAIN);
}

TEST_P(reactor_test, receives_and_sends_messages_with_descriptors) {
    const two_ends s = make_socket_pair();
    char text[] = "fd";
    iovec part = {text, 2};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    const int sent = s.first.get();
    std::memcpy(CMSG_DATA(head), &sent, sizeof sent);

    char buffer[8];
    iovec room = {buffer, sizeof buffer};
    alignas(cmsghdr) char control_room[CMSG_SPACE(sizeof(int))] = {};
    msghdr arrived = {};
    arrived.msg_iov = &room;
    arrived.msg_iovlen = 1;
    arrived.msg_control = control_room;
    arrived.msg_controllen = sizeof control_room;
    request r({.what = code::recvmsg, .fd = s.second.get(), .address = &arrived});
    submit(r);
    settle();
    EXPECT_EQ(run({.what = code::sendmsg, .fd = s.first.get(), .address = &message}), 2);
    EXPECT_EQ(result_of(r), 2);
    ASSERT_NE(CMSG_FIRSTHDR(&arrived), nullptr);
    int received = -1;
    std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&arrived)), sizeof received);
    EXPECT_GE(received, 0);
    ::close(received);
}

TEST_P(reactor_test, accepts_and_connects_over_tcp) {
    const tcp_server server;
    request accepting({.what = code::accept, .fd = server.socket.get(), .flags = SOCK_CLOEXEC});
    submit(accepting);
    settle();
    EXPECT_FALSE(accepting.done());
    const descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(run(server.op_connect(client.get())), 0);
    const descriptor accepted(result_of(accepting));
    EXPECT_GE(accepted.get(), 0);
    EXPECT_EQ(::fcntl(client.get(), F_GETFL) & O_NONBLOCK, 0) << "the mode has been changed";
    char buffer[4];
    ASSERT_EQ(run(op_send(client.get(), "hi")), 2);
    EXPECT_EQ(run(op_recv(accepted.get(), buffer, sizeof buffer)), 2);
}

TEST_P(reactor_test, accept_reports_the_peer) {
    const tcp_server server;
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    request accepting({.what = code::accept,
                       .fd = server.socket.get(),
                       .address = &peer,
                       .flags = SOCK_CLOEXEC,
                       .second = &size});
    submit(accepting);
    const descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(run(server.op_connect(client.get())), 0);
    const descriptor accepted(result_of(accepting));
    sockaddr_in own{};
    socklen_t own_size = sizeof own;
    ::getsockname(client.get(), reinterpret_cast<sockaddr*>(&own), &own_size);
    EXPECT_EQ(size, sizeof peer);
    EXPECT_EQ(peer.sin_port, own.sin_port);
}

TEST_P(reactor_test, reports_a_refused_connection) {
    sockaddr_in nowhere{};
    {
        const tcp_server gone;
        nowhere = gone.address;
    }
    const descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(run({.what = code::connect,
                   .fd = client.get(),
                   .address = &nowhere,
                   .length = sizeof nowhere}),
              -ECONNREFUSED);
}

TEST_P(reactor_test, connects_to_a_local_server_whose_queue_is_full) {
    const descriptor server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    // Abstract: the kernel picks one.
    ASSERT_EQ(::bind(server.get(), reinterpret_cast<sockaddr*>(&name), sizeof(sa_family_t)), 0);
    socklen_t size = sizeof name;
    ::getsockname(server.get(), reinterpret_cast<sockaddr*>(&name), &size);
    ASSERT_EQ(::listen(server.get(), 0), 0);

    std::deque<descriptor> clients;
    std::deque<request> connecting;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        connecting.emplace_back(operation{
            .what = code::connect, .fd = clients.back().get(), .address = &name, .length = size});
        submit(connecting.back());
    }
    settle();
    EXPECT_TRUE(connecting.front().done());
    EXPECT_FALSE(connecting.back().done());
    for (request& each : connecting) {
        const descriptor accepted(run({.what = code::accept, .fd = server.get()}));
        EXPECT_GE(accepted.get(), 0);
        EXPECT_EQ(result_of(each), 0);
    }
}

TEST_P(reactor_test, polls) {
    two_ends s = make_socket_pair();
    request readable(op_poll(s.first.get(), POLLIN));
    submit(readable);
    EXPECT_EQ(run(op_poll(s.first.get(), POLLIN | POLLOUT)), POLLOUT);
    settle();
    EXPECT_FALSE(readable.done());
    ASSERT_EQ(::write(s.second.get(), "x", 1), 1);
    EXPECT_EQ(result_of(readable), POLLIN);
    s.second.close();
    EXPECT_NE(run(op_poll(s.first.get(), 0)) & POLLHUP, 0);
}

TEST_P(reactor_test, opens_looks_at_and_closes_files) {
    const std::string path = "/tmp/brio-reactor-" + std::to_string(::getpid());
    const int fd = run({.what = code::openat,
                        .fd = AT_FDCWD,
                        .address = const_cast<char*>(path.c_str()),
                        .length = 0640,
                        .flags = O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC});
    ASSERT_GE(fd, 0);
    EXPECT_EQ(run(op_write(fd, "12345", 0)), 5);
    struct statx found = {};
    EXPECT_EQ(run({.what = code::statx,
                   .fd = AT_FDCWD,
                   .address = const_cast<char*>(path.c_str()),
                   .length = STATX_SIZE | STATX_MODE,
                   .second = &found}),
              0);
    EXPECT_EQ(found.stx_size, 5U);
    EXPECT_EQ(found.stx_mode & 0777, 0640);
    EXPECT_EQ(run({.what = code::close, .fd = fd}), 0);
    EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
    ::unlink(path.c_str());
}

TEST_P(reactor_test, closes_sockets) {
    two_ends s = make_socket_pair();
    EXPECT_EQ(run({.what = code::close, .fd = s.first.release()}), 0);
    char buffer[1];
    EXPECT_EQ(run(op_recv(s.second.get(), buffer, 1)), 0);
}

// ------------------------------------------------------------------------------------- errors

TEST_P(reactor_test, reports_what_the_kernel_refuses) {
    char buffer[4];
    EXPECT_EQ(run(op_read(9999, buffer, 4)), -EBADF);
    EXPECT_EQ(run(op_recv(9999, buffer, 4)), -EBADF);
    EXPECT_EQ(run(op_poll(9999, POLLIN)), -EBADF);
    EXPECT_EQ(run({.what = code::accept, .fd = 9999}), -EBADF);
    EXPECT_EQ(run({.what = code::close, .fd = 9999}), -EBADF);
    const two_ends p = make_pipe();
    EXPECT_EQ(run(op_recv(p.first.get(), buffer, 4)), -ENOTSOCK);
    EXPECT_EQ(run(op_read(p.second.get(), buffer, 4)), -EBADF);
    EXPECT_EQ(run({.what = code::openat,
                   .fd = AT_FDCWD,
                   .address = const_cast<char*>("/nonexistent/file")}),
              -ENOENT);
}

TEST_P(reactor_test, sending_to_nobody_raises_no_signal) {
    two_ends s = make_socket_pair();
    s.second.close();
    char text[] = "x";
    iovec part = {text, 1};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    // SIGPIPE's default action would end the test.
    EXPECT_EQ(run(op_send(s.first.get(), "x")), -EPIPE);
    EXPECT_EQ(run({.what = code::sendmsg, .fd = s.first.get(), .address = &message}), -EPIPE);
}

TEST_P(reactor_test, leaves_errno_alone) {
    const two_ends s = make_socket_pair();
    char buffer[4];
    request r(op_recv(s.first.get(), buffer, 4));
    errno = 4711;
    submit(r);
    settle();
    io().cancel(r);
    settle();
    EXPECT_EQ(errno, 4711);
    EXPECT_TRUE(r.done());
}

// ------------------------------------------------------------------------------------- crowds

TEST_P(reactor_test, takes_more_operations_in_a_turn_than_any_queue_holds) {
    std::deque<request> many(10'000);
    for (request& r : many) submit(r);
    wait_for([&] { return io().in_flight() == 0; });
    for (request& r : many) EXPECT_TRUE(r.done());
}

TEST_P(reactor_test, serves_both_directions_and_several_readers_of_one_descriptor) {
    const two_ends s = make_socket_pair();
    const int small = 4096;
    ::setsockopt(s.first.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    char one[1], two[1];
    request first(op_recv(s.first.get(), one, 1));
    request second(op_recv(s.first.get(), two, 1));
    submit(first);
    submit(second);
    std::string text(100'000, 'x');
    std::size_t sent = 0;
    request writing(op_send(s.first.get(), text));
    for (;;) {
        submit(writing);
        settle();
        if (!writing.done()) break;
        sent += static_cast<std::size_t>(writing.result);
        writing.completions = 0;
    }
    EXPECT_FALSE(first.done());

    ASSERT_EQ(::write(s.second.get(), "ab", 2), 2);
    EXPECT_EQ(result_of(first), 1);
    EXPECT_EQ(result_of(second), 1);
    EXPECT_EQ(one[0] + two[0], 'a' + 'b');
    EXPECT_FALSE(writing.done());

    std::string sink(1 << 20, '\0');
    const ssize_t got = ::read(s.second.get(), sink.data(), sink.size());
    EXPECT_EQ(got, static_cast<ssize_t>(sent));
    EXPECT_GT(result_of(writing), 0);
}

// --------------------------------------------------------------------------- time and the bell

/// How often the kernel has put this thread to sleep.
long times_slept() {
    rusage use = {};
    ::getrusage(RUSAGE_THREAD, &use);
    return use.ru_nvcsw;
}

TEST_P(reactor_test, sleeps_no_longer_than_asked) {
    const auto end = std::chrono::steady_clock::now() + 5ms;
    long waits = 0;
    const long slept_before = times_slept();
    for (; std::chrono::steady_clock::now() < end; ++waits)
        io().wait(end - std::chrono::steady_clock::now());
    EXPECT_LT(std::chrono::steady_clock::now(), end + 5s);
    // A sleep may end early: by a signal, or by what the kernel has left to do for a ring before.
    EXPECT_LE(waits - (times_slept() - slept_before), 5) << "not asleep";
}

TEST_P(reactor_test, does_not_sleep_when_something_has_completed) {
    request r;
    submit(r);
    io().wait(duration::max());
    EXPECT_TRUE(r.done());
}

TEST_P(reactor_test, a_ring_before_the_first_wait_is_heard) {
    box().ring();
    io().wait(duration::max());
}

TEST_P(reactor_test, a_ring_between_two_waits_is_heard) {
    for (int i = 0; i < 10; ++i) {
        turn();
        box().ring();
        io().wait(duration::max());
    }
}

TEST_P(reactor_test, a_signal_ends_the_sleep) {
    static volatile std::sig_atomic_t signals;
    signals = 0;
    struct sigaction ours = {}, before = {};
    ours.sa_handler = [](int) { signals = signals + 1; };
    ours.sa_flags = SA_RESTART;
    ::sigaction(SIGALRM, &ours, &before);
    const itimerval soon = {{0, 0}, {0, 2000}};
    ::setitimer(ITIMER_REAL, &soon, nullptr);
    while (signals == 0) io().wait(duration::max());
    ::sigaction(SIGALRM, &before, nullptr);
}

// ------------------------------------------------------------------------------------- the end

TEST_P(reactor_test, ends_what_is_in_flight_when_destroyed) {
    const two_ends p = make_pipe();
    const two_ends s = make_socket_pair();
    const tcp_server server;
    char buffer[2][8];
    request reading(op_read(p.first.get(), buffer[0], 8));
    request receiving(op_recv(s.first.get(), buffer[1], 8));
    request polling(op_poll(s.second.get(), POLLIN));
    request accepting({.what = code::accept, .fd = server.socket.get()});
    request unsubmitted(op_recv(s.first.get(), buffer[1], 8));
    for (request* r : {&reading, &receiving, &polling, &accepting}) submit(*r);
    settle();
    submit(unsubmitted);
    destroy_reactor();
    for (request* r : {&reading, &receiving, &polling, &accepting, &unsubmitted}) {
        EXPECT_EQ(r->completions, 1);
        EXPECT_EQ(r->result, -ECANCELED);
    }
    // Nobody reads any more.
    ASSERT_EQ(::write(p.second.get(), "x", 1), 1);
    EXPECT_EQ(::read(p.first.get(), buffer[0], 8), 1);
}

TEST_P(reactor_test, completes_a_crowd_when_destroyed) {
    const two_ends s = make_socket_pair();
    char buffer[8];
    std::deque<request> many;
    for (int i = 0; i < 1000; ++i) submit(many.emplace_back(op_recv(s.first.get(), buffer, 8)));
    destroy_reactor();
    for (request& r : many) EXPECT_TRUE(r.done());
}

}  // namespace
}  // namespace brio::testing_io
