// read, readv, write, writev: what they answer on a fiber is what they answer on a thread.

#include "base/feature_mask.hpp"
#include "base/system_call.hpp"
#include "posix/fibers.hpp"

#include <pty.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <vector>

namespace {

using namespace posix_tests;
using std::string;

}  // namespace

TEST(read_write, answers_errors_as_libc_does) {
    char room[16];
    expect_same([&] { return ::read(-1, room, 1); }, "no descriptor");
    expect_same([&] { return ::write(-1, room, 1); }, "no descriptor");
    expect_same([&] { return ::read(9999, room, 1); }, "a free number");
    expect_same([&] { return ::read(9999, room, 0); }, "a free number, nothing");
    const descriptor directory(::open("/", O_RDONLY | O_DIRECTORY));
    expect_same([&] { return ::read(directory, room, 1); }, "a directory");
    expect_same([&] { return ::read(directory, room, 0); }, "a directory, nothing");
    expect_same([&] { return ::write(directory, room, 1); }, "writing to a directory");
    const two_ends ends = make_pipe();
    EXPECT_EQ(::write(ends.second, "abc", 3), 3);
    expect_same([&] { return ::read(ends.second, room, 1); }, "the wrong end");
    expect_same([&] { return ::write(ends.first, room, 1); }, "the wrong end");
    expect_same([&] { return ::read(ends.first, nowhere(), 1); }, "into nowhere");
    expect_same([&] { return ::write(ends.second, nowhere(), 1); }, "from nowhere");
    expect_same([&] { return ::read(ends.first, room, unforeseen(static_cast<std::size_t>(-1))); },
                "all memory");
    const iovec part = {room, 1};
    expect_same([&] { return ::readv(ends.first, &part, unforeseen(-1)); }, "a negative count");
    expect_same([&] { return ::readv(ends.first, &part, 0); }, "no parts");
    expect_same([&] { return ::readv(ends.first, &part, IOV_MAX + 1); }, "too many parts");
    // Where the attempt is masked, nobody has checked the list before it is read here.
    if (!brio::detail::masked(brio::detail::feature::pipe_nowait))
        expect_same([&] { return ::readv(ends.first, reinterpret_cast<iovec*>(nowhere()), 1); },
                    "parts from nowhere");
    const descriptor listening(::socket(AF_INET, SOCK_STREAM, 0));
    expect_same([&] { return ::read(listening, room, 1); }, "a socket that is not connected");
    const descriptor timer(::timerfd_create(CLOCK_MONOTONIC, 0));
    expect_same([&] { return ::read(timer, room, 4); }, "too little for a timerfd");
    const descriptor events(::eventfd(0, 0));
    expect_same([&] { return ::read(events, room, 4); }, "too little for an eventfd");
}

TEST(read_write, answers_nothing_wanted_and_the_end_as_libc_does) {
    char room[16];
    const two_ends ends = make_pipe();
    expect_same([&] { return ::read(ends.first, room, 0); }, "nothing from an empty pipe");
    expect_same([&] { return ::write(ends.second, room, 0); }, "nothing into a pipe");
    two_ends closed = make_pipe();
    closed.second.close();
    expect_same([&] { return ::read(closed.first, room, 1); }, "the end of a pipe");
    const descriptor null(::open("/dev/null", O_RDWR));
    expect_same([&] { return ::read(null, room, 1); }, "/dev/null");
    expect_same([&] { return ::write(null, room, 16); }, "into /dev/null");
    const descriptor zero(::open("/dev/zero", O_RDONLY));
    expect_same([&] { return ::read(zero, room, 16); }, "/dev/zero");
    const descriptor status(::open("/proc/self/status", O_RDONLY));
    expect_same([&] { return ::read(status, room, 16); }, "/proc");
    const descriptor full(::open("/dev/full", O_WRONLY));
    expect_same([&] { return ::write(full, room, 16); }, "/dev/full");
}

TEST(read_write, a_nonblocking_descriptor_answers_at_once) {
    const two_ends ends = make_pipe(O_NONBLOCK);
    const string much(1 << 20, 'x');
    char room[16];
    expect_same([&] { return ::read(ends.first, room, 1); }, "an empty pipe");
    const observed part = on_fiber([&] { return ::write(ends.second, much.data(), much.size()); });
    EXPECT_EQ(part, (observed{65536, 0}));
    expect_same([&] { return ::write(ends.second, "x", 1); }, "a full pipe");
    const two_ends sockets = make_socketpair(SOCK_STREAM | SOCK_NONBLOCK);
    expect_same([&] { return ::read(sockets.first, room, 1); }, "an empty socket");
    const descriptor events(::eventfd(0, EFD_NONBLOCK));
    expect_same([&] { return ::read(events, room, 8); }, "an eventfd at 0");
}

TEST(read_write, writes_all_of_it_in_order_through_pipe_and_socket) {
    const string sent = numbered(3'000'001);
    for (const bool through_socket : {false, true}) {
        const two_ends ends = through_socket ? make_socketpair() : make_pipe();
        brio::run([&] {
            auto writer = brio::create_task([&] {
                // Parts of all sizes, an empty one among them; a part begins where no page does.
                char* const all = const_cast<char*>(sent.data());
                const std::vector<iovec> parts = {{all, 1},
                                                  {all, 0},
                                                  {all + 1, 100'000},
                                                  {all + 100'001, 2'000'000},
                                                  {all + 2'100'001, sent.size() - 2'100'001}};
                return ::writev(ends.second, parts.data(), static_cast<int>(parts.size()));
            });
            EXPECT_TRUE(read_all(ends.first, sent.size()) == sent);
            EXPECT_EQ(writer.await(), static_cast<ssize_t>(sent.size()));
        });
    }
}

TEST(read_write, readv_fills_its_parts_in_order) {
    const two_ends ends = make_pipe();
    brio::run([&] {
        char first[3] = {};
        char second[8] = {};
        const iovec parts[] = {{first, 3}, {second, 8}};
        auto reader = brio::create_task([&] { return ::readv(ends.first, parts, 2); });
        brio::yield();
        EXPECT_EQ(::write(ends.second, "abcdef", 6), 6);
        EXPECT_EQ(reader.await(), 6);
        EXPECT_EQ(string(first, 3), "abc");
        EXPECT_STREQ(second, "def");
    });
}

TEST(read_write, small_writes_to_a_pipe_stay_whole) {
    // PIPE_BUF: whatever is written at once by two fibers is not mixed.
    const two_ends ends = make_pipe();
    brio::run([&] {
        const auto write_lines = [&](char letter) {
            const string line(4096, letter);
            for (int i = 0; i < 100; ++i) EXPECT_EQ(::write(ends.second, line.data(), 4096), 4096);
        };
        auto a = brio::create_task([&] { write_lines('a'); });
        auto b = brio::create_task([&] { write_lines('b'); });
        for (int i = 0; i < 200; ++i) {
            const string line = read_all(ends.first, 4096);
            EXPECT_TRUE(line == string(4096, line[0])) << "line " << i << " is mixed";
        }
        brio::gather(a, b).await();
    });
}

TEST(read_write, a_reader_that_leaves_raises_sigpipe_once) {
    const signal_counter counter(SIGPIPE);
    for (const bool socket : {false, true}) {
        for (const bool later : {false, true}) {
            two_ends ends = socket ? make_socketpair() : make_pipe();
            counter.count = 0;
            const string much(1 << 20, 'x');
            const observed seen = brio::run([&] {
                if (!later) {
                    ends.first.close();
                    return observe([&] { return ::write(ends.second, "x", 1); });
                }
                // A full one, so that nothing is taken before it breaks.
                while (::send(ends.second, "x", 1, MSG_DONTWAIT) == 1) {
                }
                const int mode = ::fcntl(ends.second, F_GETFL);
                ::fcntl(ends.second, F_SETFL, mode | O_NONBLOCK);
                while (::write(ends.second, "x", 1) == 1) {
                }
                ::fcntl(ends.second, F_SETFL, mode);
                auto writer = brio::create_task(
                    [&] { return observe([&] { return ::write(ends.second, "x", 1); }); });
                brio::yield();
                EXPECT_FALSE(writer.done());
                ends.first.close();
                return writer.await();
            });
            EXPECT_EQ(seen, (observed{-1, EPIPE})) << "socket: " << socket << ", later: " << later;
            EXPECT_EQ(counter.count, 1) << "socket: " << socket << ", later: " << later;
        }
    }
}

TEST(read_write, a_part_that_was_taken_is_counted_when_the_reader_leaves) {
    const signal_counter counter(SIGPIPE);
    two_ends ends = make_pipe();
    const string much(1 << 20, 'x');
    const observed seen = brio::run([&] {
        auto writer = brio::create_task([&] {
            return observe([&] { return ::write(ends.second, much.data(), much.size()); });
        });
        brio::yield();
        EXPECT_FALSE(writer.done());
        ends.first.close();
        return writer.await();
    });
    EXPECT_EQ(seen, (observed{65536, 0}));
}

TEST(read_write, leaves_errno_alone_when_it_succeeds_after_a_wait) {
    const two_ends ends = make_pipe();
    brio::run([&] {
        auto reader = brio::create_task([&] {
            errno = 4711;
            char letter = 0;
            EXPECT_EQ(::read(ends.first, &letter, 1), 1);
            return errno;
        });
        brio::yield();
        errno = 1;
        EXPECT_EQ(::write(ends.second, "x", 1), 1);
        EXPECT_EQ(reader.await(), 4711);
    });
}

TEST(read_write, files_are_read_and_written_whole_at_their_position) {
    const string text = numbered(1'000'000);
    const descriptor file = make_file(text);
    brio::run([&] {
        ASSERT_EQ(::lseek(file, 10, SEEK_SET), 10);
        string all(2'000'000, '\0');
        EXPECT_EQ(::read(file, all.data(), all.size()), 999'990);
        EXPECT_TRUE(all.substr(0, 999'990) == text.substr(10));
        EXPECT_EQ(::read(file, all.data(), 1), 0);
        EXPECT_EQ(::write(file, "end", 3), 3);
        EXPECT_EQ(::lseek(file, 0, SEEK_CUR), 1'000'003);
    });
    const descriptor log = make_file("first\n", O_APPEND);
    brio::run([&] {
        EXPECT_EQ(::write(log, "second\n", 7), 7);
        EXPECT_EQ(::lseek(log, 0, SEEK_END), 13);
    });
}

TEST(read_write, files_that_are_not_in_memory_are_read_whole) {
    const string text = numbered(4 << 20);
    const descriptor file = make_file(text);
    ASSERT_EQ(::fsync(file), 0);
    ASSERT_EQ(::posix_fadvise(file, 1 << 20, 2 << 20, POSIX_FADV_DONTNEED), 0);
    brio::run([&] {
        string all(text.size(), '\0');
        EXPECT_EQ(::read(file, all.data(), all.size()), static_cast<ssize_t>(all.size()));
        EXPECT_TRUE(all == text);
    });
}

namespace {

/// Of the page at `at`; to ask does not bring it there.
bool is_in_memory(int file, off_t at) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const mapped = ::mmap(nullptr, page, PROT_READ, MAP_SHARED, file, at);
    if (mapped == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
    unsigned char state = 0;
    ::mincore(mapped, page, &state);
    ::munmap(mapped, page);
    return (state & 1) != 0;
}

}  // namespace

TEST(read_write, a_file_that_has_been_written_is_still_read_without_the_thread) {
    constexpr off_t place = 3 << 20;
    constexpr off_t far_from_it = 1 << 20;  // an attempt has the kernel read what follows
    const descriptor file = make_file(numbered(4 << 20));
    brio::run([&] {
        ASSERT_EQ(::pwrite(file, "x", 1, 0), 1);  // ext4 has no attempt that does not block
        ASSERT_EQ(::fsync(file), 0);
        ASSERT_EQ(::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
        char letter = 0;
        const iovec part = {&letter, 1};
        const long attempt = brio::detail::system_call(SYS_preadv2, static_cast<int>(file), &part,
                                                       1, far_from_it, 0, RWF_NOWAIT);
        if (attempt != -EAGAIN || is_in_memory(file, place))
            GTEST_SKIP() << "this file system keeps it in memory, or has no such attempt for reads";
        bool other_ran = false;
        auto reader = brio::create_task([&] {
            EXPECT_EQ(::pread(file, &letter, 1, place), 1);
            EXPECT_TRUE(other_ran);
        });
        auto other = brio::create_task([&] { other_ran = true; });
        reader.await();
        other.await();
    });
}

TEST(read_write, a_cancel_does_not_reach_disk_files) {
    const descriptor file = make_file("text");
    brio::run([&] {
        auto cancelled = brio::create_task([&] {
            brio::current_task().cancel();
            char room[4];
            EXPECT_EQ(::read(file, room, 4), 4);
            EXPECT_EQ(::write(file, room, 4), 4);
        });
        EXPECT_THROW(cancelled.await(), brio::cancelled_error);
    });
}

TEST(read_write, terminals_suspend_though_they_have_no_attempt_that_does_not_block) {
    int master_number = -1;
    int slave_number = -1;
    if (::access("/dev/pts/ptmx", F_OK) != 0) GTEST_SKIP() << "no terminals here: no /dev/pts";
    ASSERT_EQ(::openpty(&master_number, &slave_number, nullptr, nullptr, nullptr), 0);
    const descriptor master(master_number);
    const descriptor slave(slave_number);
    brio::run([&] {
        char room[100];
        auto reader = brio::create_task([&] { return ::read(slave, room, sizeof room); });
        brio::yield();
        EXPECT_FALSE(reader.done());
        EXPECT_EQ(::write(master, "line\n", 5), 5);
        EXPECT_EQ(reader.await(), 5);
    });
}

TEST(read_write, a_number_that_is_closed_while_a_fiber_reads_still_serves_it) {
    // As a blocked thread: the read keeps the open file, and gets what comes.
    two_ends ends = make_pipe();
    brio::run([&] {
        char letter = 0;
        auto reader = brio::create_task([&] { return ::read(ends.first, &letter, 1); });
        brio::yield();
        ends.first.close();
        const two_ends others = make_pipe();  // takes the number
        EXPECT_EQ(::write(ends.second, "x", 1), 1);
        EXPECT_EQ(reader.await(), 1);
        EXPECT_EQ(letter, 'x');
    });
}

TEST(read_write, a_number_that_is_closed_while_a_fiber_writes_still_serves_it) {
    for (const bool socket : {false, true}) {
        two_ends ends = socket ? make_socketpair() : make_pipe();
        const string much(1 << 20, 'x');
        brio::run([&] {
            auto writer =
                brio::create_task([&] { return ::write(ends.second, much.data(), much.size()); });
            let_others_run();
            EXPECT_FALSE(writer.done());
            ends.second.close();
            const two_ends others = make_pipe(O_NONBLOCK);  // takes the number
            EXPECT_EQ(read_all(ends.first, much.size()).size(), much.size());
            EXPECT_EQ(writer.await(), static_cast<ssize_t>(much.size()));
            char letter = 0;
            EXPECT_EQ(observe([&] { return ::read(others.first, &letter, 1); }),
                      (observed{-1, EAGAIN}));
        });
    }
}

TEST(read_write, many_fibers_read_from_one_pipe_and_each_byte_comes_once) {
    const two_ends ends = make_pipe();
    brio::run([&] {
        std::vector<brio::task<char>> readers;
        for (int i = 0; i < 50; ++i) {
            readers.push_back(brio::create_task([&] {
                char letter = 0;
                EXPECT_EQ(::read(ends.first, &letter, 1), 1);
                return letter;
            }));
        }
        brio::yield();
        for (char i = 0; i < 50; ++i) EXPECT_EQ(::write(ends.second, &i, 1), 1);
        std::vector<char> all = brio::gather(readers).await();
        std::sort(all.begin(), all.end());
        for (char i = 0; i < 50; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
    });
}
