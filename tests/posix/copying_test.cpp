// sendfile, splice, tee, copy_file_range: what they answer on a fiber is what they answer on a thread.

#include "posix/fibers.hpp"

#include <string>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using std::string;

string content_of(int file) {
    string all(8 << 20, '\0');
    all.resize(static_cast<std::size_t>(::pread(file, all.data(), all.size(), 0)));
    return all;
}

/// Fills a pipe or socket; its mode stays.
void fill(int fd) {
    const int mode = ::fcntl(fd, F_GETFL);
    ::fcntl(fd, F_SETFL, mode | O_NONBLOCK);
    const string page(4096, 'f');
    while (::write(fd, page.data(), page.size()) > 0) {
    }
    while (::write(fd, "f", 1) > 0) {
    }
    ::fcntl(fd, F_SETFL, mode);
}

int unread_in(int fd) {
    int there = -1;
    ::ioctl(fd, FIONREAD, &there);
    return there;
}

two_ends make_tcp_pair() {
    const listener listening;
    descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(connect_to(client, listening.port), 0);
    return {descriptor(::accept(listening.fd, nullptr, nullptr)), std::move(client)};
}

}  // namespace

TEST(sendfile, answers_errors_as_libc_does) {
    const descriptor file = make_file("some text");
    const descriptor log = make_file("", O_APPEND);
    const descriptor unreadable(::open("/dev/null", O_WRONLY));
    const descriptor read_only(::open("/proc/self/status", O_RDONLY));
    const descriptor directory(::open("/", O_RDONLY | O_DIRECTORY));
    const descriptor path(::open("/", O_PATH));
    const two_ends pipe = make_pipe();
    const two_ends full = make_socketpair();
    fill(full.second);
    const two_ends pair = make_socketpair();
    const auto same = [](int to, int from, off_t offset, std::size_t size, const char* what) {
        expect_same(
            [=] {
                off_t at = offset;
                const ssize_t sent = ::sendfile(to, from, offset == -9 ? nullptr : &at, size);
                return sent < 0 ? sent : sent * 1000 + at;
            },
            what);
    };
    constexpr off_t position = -9;
    same(-1, file, 0, 5, "to no descriptor");
    same(pair.second, -1, 0, 5, "from no descriptor");
    same(pair.second, unreadable, 0, 5, "from what cannot be read");
    same(read_only, file, 0, 5, "to what cannot be written");
    same(pipe.first, file, 0, 5, "to a pipe's reading end");
    same(pair.second, pipe.second, 0, 5, "from a pipe's writing end");
    same(pair.second, pipe.first, position, 5, "from a pipe");
    same(full.second, pipe.first, position, 5, "from a pipe to a full socket");
    same(full.second, pipe.first, 0, 5, "from a pipe, with an offset");
    same(full.second, directory, 0, 5, "from a directory");
    same(pair.second, path, 0, 5, "from a path");
    same(pair.second, pair.second, position, 5, "from a socket");
    same(log, file, 0, 5, "to a file that appends");
    same(full.second, file, -2, 5, "from before the beginning");
    same(full.second, file, 0, 0, "nothing, to a full socket");
    same(full.second, file, 100, 5, "behind the end, to a full socket");
    expect_same(
        [&] { return ::sendfile(full.second, file, reinterpret_cast<off_t*>(nowhere()), 5); },
        "an offset nowhere");
    same(pair.second, file, 4, 100, "to the end of the file");
    same(pair.second, file, 100, 5, "behind the end");
    same(pipe.second, file, 4, 100, "to a pipe");
    same(unreadable, file, 4, 100, "to /dev/null");
    const descriptor copy = make_file("");
    same(copy, file, 4, 100, "to a file");
    const two_ends quick = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    fill(quick.second);
    same(quick.second, file, 0, 5, "to a full socket, O_NONBLOCK");
    const two_ends quick_pipe = make_pipe(O_NONBLOCK);
    fill(quick_pipe.second);
    same(quick_pipe.second, file, 0, 5, "to a full pipe, O_NONBLOCK");
}

TEST(sendfile, sends_all_of_it_to_a_socket_and_moves_offset_or_position) {
    const string text = numbered(5'000'001);
    const descriptor file = make_file(text);
    for (const bool tcp : {false, true}) {
        for (const bool by_offset : {false, true}) {
            const two_ends pair = tcp ? make_tcp_pair() : make_socketpair();
            brio::run([&] {
                ASSERT_EQ(::lseek(file, 7, SEEK_SET), 7);
                off_t offset = 7;
                auto sender = brio::create_task([&] {
                    return observe([&] {
                        return ::sendfile(pair.second, file, by_offset ? &offset : nullptr,
                                          text.size());
                    });
                });
                let_others_run();
                EXPECT_FALSE(sender.done());
                EXPECT_TRUE(read_all(pair.first, text.size() - 7) == text.substr(7));
                EXPECT_EQ(sender.await(), (observed{4'999'994, 0}));
                EXPECT_EQ(offset, by_offset ? 5'000'001 : 7);
                EXPECT_EQ(::lseek(file, 0, SEEK_CUR), by_offset ? 7 : 5'000'001);
            });
        }
    }
}

TEST(sendfile, a_full_socket_is_not_waited_for_at_the_end_of_the_file) {
    const string much = numbered(1'000'000);
    const descriptor long_file = make_file(much);
    brio::run([&] {
        const auto send_all_of = [](int file) {
            const two_ends pair = make_socketpair();
            ssize_t sent = 0;
            off_t offset = 0;
            auto sender =
                brio::create_task([&] { sent = ::sendfile(pair.second, file, &offset, 1 << 30); });
            let_others_run();
            if (sender.done()) return sent;
            sender.cancel();
            EXPECT_THROW(sender.await(), brio::cancelled_error);
            return -sent;  // waited for room
        };
        const ssize_t room = -send_all_of(long_file);
        ASSERT_GT(room, 0);
        const descriptor file = make_file(much.substr(0, static_cast<std::size_t>(room)));
        EXPECT_EQ(send_all_of(file), room);
    });
}

TEST(sendfile, a_part_is_counted_after_a_cancel_a_timeout_and_a_reader_that_leaves) {
    const string text = numbered(5'000'000);
    const descriptor file = make_file(text);
    enum { cancel, timeout, leave };
    for (const int end : {cancel, timeout, leave}) {
        const signal_counter sigpipes(SIGPIPE);
        two_ends pair = make_socketpair();
        if (end == timeout) set_timeout(pair.second, SO_SNDTIMEO, 60s);
        brio::testing::run([&] {
            off_t offset = 0;
            observed seen = {};
            auto sender = brio::create_task([&] {
                seen = observe([&] { return ::sendfile(pair.second, file, &offset, text.size()); });
            });
            brio::sleep(1s);
            EXPECT_FALSE(sender.done());
            const int taken = unread_in(pair.first);
            if (end == cancel) sender.cancel();
            if (end == timeout) brio::sleep(100s);
            if (end == leave) pair.first.close();
            try {
                sender.await();
            } catch (const brio::cancelled_error&) {
                EXPECT_EQ(end, cancel);
            }
            EXPECT_EQ(seen, (observed{taken, 0}));
            EXPECT_EQ(offset, taken);
            if (end == timeout) {
                EXPECT_EQ(observe([&] { return ::sendfile(pair.second, file, &offset, 5); }),
                          (observed{-1, EAGAIN}));
            }
        });
    }
}

TEST(sendfile, a_pipe_gets_what_it_has_room_for) {
    const descriptor file = make_file(numbered(1'000'000));
    const auto first = [&] {
        const two_ends pipe = make_pipe();
        return ::sendfile(pipe.second, file, nullptr, 1'000'000);
    };
    ASSERT_EQ(::lseek(file, 0, SEEK_SET), 0);
    const observed expected = on_thread(first);
    ASSERT_EQ(::lseek(file, 0, SEEK_SET), 0);
    EXPECT_EQ(on_fiber(first), expected);
    const two_ends pipe = make_pipe();
    fill(pipe.second);
    brio::run([&] {
        off_t offset = 0;
        auto sender =
            brio::create_task([&] { return ::sendfile(pipe.second, file, &offset, 1'000'000); });
        let_others_run();
        EXPECT_FALSE(sender.done());
        read_all(pipe.first, 8192);
        EXPECT_EQ(sender.await(), 8192);
        EXPECT_EQ(offset, 8192);
    });
}

TEST(sendfile, from_file_to_file_is_made_by_a_thread_and_is_not_cut_short) {
    const string text = numbered(3'000'000);
    const descriptor from = make_file(text);
    const descriptor to = make_file("");
    ASSERT_EQ(::lseek(to, 0, SEEK_SET), 0);
    brio::run([&] {
        observed seen = {};
        off_t offset = 0;
        auto copier = brio::create_task(
            [&] { seen = observe([&] { return ::sendfile(to, from, &offset, text.size()); }); });
        brio::yield();
        EXPECT_FALSE(copier.done());
        copier.cancel();
        EXPECT_THROW(copier.await(), brio::cancelled_error);
        EXPECT_EQ(seen, (observed{3'000'000, 0}));
        EXPECT_EQ(offset, 3'000'000);
        EXPECT_TRUE(content_of(to) == text);
    });
}

TEST(splice, answers_errors_as_libc_does) {
    const descriptor file = make_file("some text");
    const descriptor log = make_file("", O_APPEND);
    const two_ends empty = make_pipe();
    const two_ends full = make_pipe();
    fill(full.second);
    const two_ends ended_ends = make_pipe();
    two_ends ended = make_pipe();
    ended.second.close();
    const two_ends pair = make_socketpair();
    const two_ends full_pair = make_socketpair();
    fill(full_pair.second);
    const auto same = [](int from, off64_t from_at, int to, off64_t to_at, unsigned flags,
                         const char* what) {
        expect_same(
            [=] {
                off64_t a = from_at;
                off64_t b = to_at;
                const ssize_t moved = ::splice(from, from_at == -9 ? nullptr : &a, to,
                                               to_at == -9 ? nullptr : &b, 5, flags);
                return moved < 0 ? moved : moved * 10'000 + a * 100 + b;
            },
            what);
    };
    constexpr off64_t none = -9;
    same(-1, none, empty.second, none, 0, "from no descriptor");
    same(empty.first, none, 9999, none, 0, "to no descriptor");
    same(file, none, log, none, 0, "no pipe");
    same(pair.first, none, full_pair.second, none, 0, "no pipe, but sockets that would wait");
    same(empty.second, none, full.second, none, 0, "from a pipe's writing end");
    same(empty.first, none, empty.first, none, 0, "to a pipe's reading end");
    same(empty.first, none, empty.second, none, 0, "from a pipe to itself");
    same(empty.first, 0, full.second, none, 0, "an offset for a pipe");
    same(empty.first, none, full.second, 0, 0, "an offset for the other pipe");
    same(pair.first, 0, empty.second, none, 0, "an offset for a socket");
    same(empty.first, none, full_pair.second, 0, 0, "an offset for the other socket");
    same(empty.first, none, full.second, none, 1 << 10, "unknown flags");
    same(empty.first, none, log, none, 0, "to a file that appends");
    same(file, 100, full.second, none, SPLICE_F_NONBLOCK, "to a full pipe, SPLICE_F_NONBLOCK");
    same(empty.first, none, full.second, none, SPLICE_F_NONBLOCK, "SPLICE_F_NONBLOCK");
    same(empty.first, none, full_pair.second, none, SPLICE_F_NONBLOCK,
         "from nothing to a full socket, SPLICE_F_NONBLOCK");
    same(ended.first, none, full_pair.second, none, 0, "from the end of a pipe to a full socket");
    same(ended.first, none, ended_ends.second, none, 0, "from the end of a pipe to a pipe");
    same(file, 2, empty.second, none, 0, "from a file");
    same(file, 100, empty.second, none, 0, "from behind the end of a file");
    const descriptor directory(::open("/", O_RDONLY | O_DIRECTORY));
    same(directory, none, empty.second, none, 0, "from a directory");
    const two_ends quick = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    same(quick.first, none, empty.second, none, 0, "from an empty socket, O_NONBLOCK");
    const two_ends quick_pipe = make_pipe(O_NONBLOCK);
    same(quick_pipe.first, none, full_pair.second, none, 0,
         "from an empty pipe, O_NONBLOCK, to a full socket");
    expect_same(
        [&] {
            return ::splice(file, reinterpret_cast<off64_t*>(nowhere()), empty.second, nullptr, 5,
                            0);
        },
        "an offset nowhere");
    expect_same([&] { return ::splice(-1, nullptr, -1, nullptr, 0, 0); }, "nothing");
}

TEST(splice, moves_what_there_is_when_there_is_room) {
    const two_ends from = make_pipe();
    const two_ends to = make_pipe();
    brio::run([&] {
        auto mover = brio::create_task(
            [&] { return ::splice(from.first, nullptr, to.second, nullptr, 100, 0); });
        let_others_run();
        EXPECT_FALSE(mover.done());
        EXPECT_EQ(::write(from.second, "abc", 3), 3);
        EXPECT_EQ(mover.await(), 3);
        EXPECT_EQ(read_all(to.first, 3), "abc");
        fill(to.second);
        EXPECT_EQ(::write(from.second, "def", 3), 3);
        auto waiter = brio::create_task(
            [&] { return ::splice(from.first, nullptr, to.second, nullptr, 100, 0); });
        let_others_run();
        EXPECT_FALSE(waiter.done());
        read_all(to.first, static_cast<std::size_t>(unread_in(to.first)));
        EXPECT_EQ(waiter.await(), 3);
    });
}

TEST(splice, all_that_a_pipe_holds_goes_to_a_socket) {
    for (const bool tcp : {false, true}) {
        const two_ends pair = tcp ? make_tcp_pair() : make_socketpair();
        const int small = 16 * 1024;
        ASSERT_EQ(::setsockopt(pair.second, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
        const two_ends pipe = make_pipe();
        ASSERT_GE(::fcntl(pipe.second, F_SETPIPE_SZ, 1 << 20), 1 << 20);
        const string text = numbered(1'000'000);
        ASSERT_EQ(::write(pipe.second, text.data(), text.size()), 1'000'000);
        brio::run([&] {
            auto mover = brio::create_task([&] {
                return observe([&] {
                    return ::splice(pipe.first, nullptr, pair.second, nullptr, 2 << 20, 0);
                });
            });
            brio::yield();
            EXPECT_TRUE(read_all(pair.first, text.size()) == text);
            EXPECT_EQ(mover.await(), (observed{1'000'000, 0}));
        });
    }
}

TEST(splice, a_part_is_counted_after_a_cancel_and_the_rest_is_still_in_the_pipe) {
    const two_ends pair = make_socketpair();
    const two_ends pipe = make_pipe();
    ASSERT_GE(::fcntl(pipe.second, F_SETPIPE_SZ, 1 << 20), 1 << 20);
    const string text = numbered(1'000'000);
    ASSERT_EQ(::write(pipe.second, text.data(), text.size()), 1'000'000);
    brio::run([&] {
        observed seen = {};
        auto mover = brio::create_task([&] {
            seen = observe(
                [&] { return ::splice(pipe.first, nullptr, pair.second, nullptr, 1 << 20, 0); });
        });
        let_others_run();
        EXPECT_FALSE(mover.done());
        mover.cancel();
        EXPECT_THROW(mover.await(), brio::cancelled_error);
        EXPECT_GT(seen.result, 0);
        EXPECT_EQ(seen.error, 0);
        EXPECT_EQ(seen.result + unread_in(pipe.first), 1'000'000);
        const auto moved = static_cast<std::size_t>(seen.result);
        EXPECT_TRUE(read_all(pair.first, moved) == text.substr(0, moved));
    });
}

TEST(splice, a_blocking_socket_is_waited_for_whatever_the_flags_say) {
    for (const bool tcp : {false, true}) {
        const two_ends pair = tcp ? make_tcp_pair() : make_socketpair();
        const two_ends pipe = make_pipe();
        const unsigned flags = tcp ? SPLICE_F_NONBLOCK : 0;
        brio::run([&] {
            auto mover = brio::create_task(
                [&] { return ::splice(pair.first, nullptr, pipe.second, nullptr, 100, flags); });
            let_others_run();
            EXPECT_FALSE(mover.done());
            EXPECT_EQ(::send(pair.second, "abc", 3, 0), 3);
            EXPECT_EQ(mover.await(), 3);
            EXPECT_EQ(read_all(pipe.first, 3), "abc");
        });
        set_timeout(pair.first, SO_RCVTIMEO, 3600s);
        brio::testing::run([&] {
            const auto began = brio::clock::now();
            EXPECT_EQ(observe([&] {
                          return ::splice(pair.first, nullptr, pipe.second, nullptr, 100, flags);
                      }),
                      (observed{-1, EAGAIN}));
            EXPECT_EQ(brio::clock::now() - began, 1h);
        });
    }
}

TEST(splice, a_reader_that_leaves_raises_sigpipe) {
    const signal_counter sigpipes(SIGPIPE);
    for (const bool socket : {false, true}) {
        const two_ends from = make_pipe();
        two_ends to = socket ? make_socketpair() : make_pipe();
        ASSERT_EQ(::write(from.second, "abc", 3), 3);
        fill(to.second);
        signal_counter::count = 0;
        brio::run([&] {
            auto mover = brio::create_task([&] {
                return observe(
                    [&] { return ::splice(from.first, nullptr, to.second, nullptr, 100, 0); });
            });
            let_others_run();
            EXPECT_FALSE(mover.done());
            to.first.close();
            EXPECT_EQ(mover.await(), (observed{-1, EPIPE}));
            EXPECT_EQ(signal_counter::count, 1);
        });
    }
}

TEST(splice, files_and_pipes_exchange_their_data_at_offsets) {
    const descriptor file = make_file("abcdef");
    const two_ends pipe = make_pipe();
    brio::run([&] {
        off64_t offset = 2;
        EXPECT_EQ(::splice(file, &offset, pipe.second, nullptr, 3, 0), 3);
        EXPECT_EQ(offset, 5);
        offset = 5;
        EXPECT_EQ(::splice(pipe.first, nullptr, file, &offset, 100, 0), 3);
        EXPECT_EQ(offset, 8);
        EXPECT_EQ(content_of(file), "abcdecde");
    });
}

TEST(tee, doubles_what_there_is_when_there_is_room) {
    const two_ends from = make_pipe();
    const two_ends to = make_pipe();
    brio::run([&] {
        auto doubler = brio::create_task([&] { return ::tee(from.first, to.second, 100, 0); });
        let_others_run();
        EXPECT_FALSE(doubler.done());
        EXPECT_EQ(::write(from.second, "abc", 3), 3);
        EXPECT_EQ(doubler.await(), 3);
        EXPECT_EQ(read_all(to.first, 3) + read_all(from.first, 3), "abcabc");
    });
    const two_ends pair = make_socketpair();
    expect_same([&] { return ::tee(from.first, to.second, 0, 0); }, "nothing");
    expect_same([&] { return ::tee(-1, to.second, 5, 0); }, "no descriptor");
    expect_same([&] { return ::tee(from.first, pair.first, 5, 0); }, "no pipe");
    expect_same([&] { return ::tee(from.second, to.second, 5, 0); }, "the wrong end");
    expect_same([&] { return ::tee(from.first, from.second, 5, 0); }, "itself");
    expect_same([&] { return ::tee(from.first, to.second, 5, 1 << 10); }, "unknown flags");
    expect_same([&] { return ::tee(from.first, to.second, 5, SPLICE_F_NONBLOCK); },
                "nothing there");
    const two_ends quick = make_pipe(O_NONBLOCK);
    expect_same([&] { return ::tee(from.first, quick.second, 5, 0); }, "the other O_NONBLOCK");
    const observed at_once = on_fiber([&] { return ::tee(quick.first, to.second, 5, 0); });
    EXPECT_EQ(at_once, (observed{-1, EAGAIN}));
}

TEST(copy_file_range, copies_in_a_thread_and_moves_offsets_or_positions) {
    const string text = numbered(3'000'000);
    const descriptor from = make_file(text);
    brio::run([&] {
        for (const bool by_offset : {false, true}) {
            const descriptor to = make_file("");
            ASSERT_EQ(::lseek(from, 5, SEEK_SET), 5);
            ASSERT_EQ(::lseek(to, 0, SEEK_SET), 0);
            off64_t from_offset = 5;
            off64_t to_offset = 0;
            auto copier = brio::create_task([&] {
                return ::copy_file_range(from, by_offset ? &from_offset : nullptr, to,
                                         by_offset ? &to_offset : nullptr, 4'000'000, 0);
            });
            brio::yield();
            EXPECT_FALSE(copier.done());
            EXPECT_EQ(copier.await(), 2'999'995);
            EXPECT_EQ(from_offset, by_offset ? 3'000'000 : 5);
            EXPECT_EQ(to_offset, by_offset ? 2'999'995 : 0);
            EXPECT_EQ(::lseek(from, 0, SEEK_CUR), by_offset ? 5 : 3'000'000);
            EXPECT_TRUE(content_of(to) == text.substr(5));
        }
    });
}

TEST(copy_file_range, answers_errors_as_libc_does) {
    const descriptor file = make_file("some text");
    const descriptor other = make_file("");
    const descriptor log = make_file("", O_APPEND);
    const descriptor directory(::open("/", O_RDONLY | O_DIRECTORY));
    const two_ends pipe = make_pipe();
    const auto same = [](int from, int to, off64_t at, unsigned flags, const char* what) {
        expect_same(
            [=] {
                off64_t a = at;
                off64_t b = at;
                return ::copy_file_range(from, &a, to, &b, 5, flags);
            },
            what);
    };
    same(file, other, 0, 0, "two files");
    same(file, other, 100, 0, "behind the end");
    same(file, other, -1, 0, "before the beginning");
    same(file, other, 0, 1, "flags");
    same(-1, other, 0, 0, "no descriptor");
    same(file, 9999, 0, 0, "a free number");
    same(pipe.first, other, 0, 0, "from a pipe");
    same(file, pipe.second, 0, 0, "to a pipe");
    same(directory, other, 0, 0, "from a directory");
    same(file, directory, 0, 0, "to a directory");
    same(file, file, 0, 0, "onto itself");
    same(file, log, 0, 0, "to a file that appends");
    expect_same(
        [&] {
            return ::copy_file_range(file, reinterpret_cast<off64_t*>(nowhere()), other, nullptr, 5,
                                     0);
        },
        "an offset nowhere");
    expect_same([&] { return ::copy_file_range(-1, nullptr, -1, nullptr, 0, 0); }, "nothing");
}
