// pread, pwrite and their kin: what they answer on a fiber is what they answer on a thread.

#include "posix/fibers.hpp"

#include <string>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <vector>

extern "C" ssize_t __pread_chk(int, void*, size_t, off_t, size_t);

namespace {

using namespace posix_tests;
using std::string;

/// All of `file`, from its beginning.
string content_of(int file) {
    string all(8 << 20, '\0');
    all.resize(static_cast<std::size_t>(::pread(file, all.data(), all.size(), 0)));
    return all;
}

}  // namespace

TEST(positioned, answers_errors_as_libc_does) {
    char room[16] = {};
    const iovec part = {room, 1};
    const descriptor file = make_file("text");
    const two_ends ends = make_pipe();
    const two_ends sockets = make_socketpair();
    const descriptor reader(::open("/dev/zero", O_RDONLY));
    const descriptor writer(::open("/dev/null", O_WRONLY));
    const descriptor directory(::open("/", O_RDONLY | O_DIRECTORY));
    const descriptor events(::eventfd(0, 0));
    const auto everything = [&](int fd, off_t offset, const char* what) {
        const auto both = [&](auto&& call) { expect_same(call, what); };
        both([&] { return ::pread(fd, room, 1, offset); });
        both([&] { return ::pread64(fd, room, 1, offset); });
        both([&] { return ::pread(fd, room, 0, offset); });
        both([&] { return ::pread(fd, nowhere(), 1, offset); });
        both([&] { return ::preadv(fd, &part, 1, offset); });
        both([&] { return ::preadv(fd, &part, 0, offset); });
        both([&] { return ::pwrite(fd, room, 0, offset); });
        both([&] { return ::pwrite(fd, nowhere(), 1, offset); });
        both([&] { return ::pwritev(fd, &part, 1, offset); });
        both([&] { return ::preadv2(fd, &part, 1, offset, RWF_HIPRI); });
        both([&] { return ::pwritev2(fd, &part, 1, offset, RWF_DSYNC); });
        both([&] { return ::preadv2(fd, &part, 1, offset, 1 << 20); });
        both([&] { return ::pwritev2(fd, &part, 1, offset, 1 << 20); });
        both([&] { return ::preadv2(fd, &part, 1, offset, RWF_NOWAIT | RWF_HIPRI); });
    };
    for (const off_t offset : {0L, 2L, 1'000'000L, -2L}) {
        everything(-1, offset, "no descriptor");
        everything(9999, offset, "a free number");
        everything(file, offset, "a file");
        everything(ends.first, offset, "a pipe's reading end");
        everything(ends.second, offset, "a pipe's writing end");
        everything(sockets.first, offset, "a socket");
        everything(reader, offset, "/dev/zero, to be read");
        everything(writer, offset, "/dev/null, to be written");
        everything(directory, offset, "a directory");
        everything(events, offset, "an eventfd");
    }
    expect_same([&] { return ::pread(file, room, 1, -1); }, "offset -1");
    expect_same([&] { return ::preadv(file, &part, 1, -1); }, "offset -1");
    expect_same([&] { return ::preadv(file, &part, unforeseen(-1), 0); }, "a negative count");
    expect_same([&] { return ::preadv(file, &part, IOV_MAX + 1, 0); }, "too many parts");
    expect_same([&] { return ::preadv(file, reinterpret_cast<iovec*>(nowhere()), 1, 0); },
                "parts from nowhere");
    expect_same([&] { return ::pread(file, room, unforeseen(static_cast<std::size_t>(-1)), 0); },
                "all memory");
}

TEST(positioned, moves_at_the_offset_and_leaves_the_position_alone) {
    const string text = numbered(1'000'000);
    const descriptor file = make_file(text);
    brio::run([&] {
        ASSERT_EQ(::lseek(file, 10, SEEK_SET), 10);
        string all(2'000'000, '\0');
        EXPECT_EQ(::pread(file, all.data(), all.size(), 20), 999'980);
        EXPECT_TRUE(all.substr(0, 999'980) == text.substr(20));
        EXPECT_EQ(__pread_chk(file, all.data(), 10, 999'995, 10), 5);
        EXPECT_EQ(::pread(file, all.data(), 1, 1'000'000), 0);
        EXPECT_EQ(::pwrite(file, "abc", 3, 1'000'002), 3);
        char first[2];
        char second[4];
        const iovec parts[] = {{first, 2}, {nullptr, 0}, {second, 4}};
        EXPECT_EQ(::preadv64(file, parts, 3, 1'000'000), 5);
        EXPECT_EQ(string(first, 2) + string(second, 3), string("\0\0abc", 5));
        EXPECT_EQ(::lseek(file, 0, SEEK_CUR), 10);
        // Without an offset it is the position that counts.
        EXPECT_EQ(::preadv2(file, parts, 3, -1, 0), 6);
        EXPECT_EQ(string(first, 2) + string(second, 4), text.substr(10, 6));
        EXPECT_EQ(::lseek(file, 0, SEEK_CUR), 16);
    });
}

TEST(positioned, flags_mean_what_they_say) {
    const descriptor file = make_file("abcdef");
    brio::run([&] {
        char room[6] = {};
        const iovec in = {room, 6};
        const iovec out = {const_cast<char*>("xyz"), 3};
        EXPECT_EQ(observe([&] { return ::pwritev2(file, &out, 1, 1, RWF_DSYNC); }),
                  (observed{3, 0}));
        EXPECT_EQ(observe([&] { return ::pwritev64v2(file, &out, 1, 0, RWF_APPEND); }),
                  (observed{3, 0}));
        EXPECT_EQ(content_of(file), "axyzefxyz");
        EXPECT_EQ(::preadv2(file, &in, 1, 3, RWF_HIPRI), 6);
        EXPECT_EQ(string(room, 6), "zefxyz");
        EXPECT_EQ(::preadv2(file, &in, 1, 8, RWF_NOWAIT), 1);
    });
}

TEST(positioned, a_flagged_call_suspends_only_its_fiber_and_is_not_cut_short) {
    const descriptor file = make_file("");
    brio::run([&] {
        const iovec out = {const_cast<char*>("xyz"), 3};
        observed seen = {};
        auto writer = brio::create_task(
            [&] { seen = observe([&] { return ::pwritev2(file, &out, 1, 0, RWF_DSYNC); }); });
        brio::yield();
        EXPECT_FALSE(writer.done());  // a thread has it
        writer.cancel();
        EXPECT_THROW(writer.await(), brio::cancelled_error);
        EXPECT_EQ(seen, (observed{3, 0}));
        EXPECT_EQ(content_of(file), "xyz");
    });
}

TEST(positioned, data_that_is_not_in_memory_is_read_whole) {
    const string text = numbered(4 << 20);
    const descriptor file = make_file(text);
    ASSERT_EQ(::fsync(file), 0);
    ASSERT_EQ(::posix_fadvise(file, 1 << 20, 2 << 20, POSIX_FADV_DONTNEED), 0);
    brio::run([&] {
        int turns = 0;
        auto other = brio::create_task([&] {
            for (;; ++turns) brio::yield();
        });
        brio::yield();
        string all(text.size() - 4096, '\0');
        const iovec parts[] = {{all.data(), 100}, {all.data() + 100, all.size() - 100}};
        EXPECT_EQ(::preadv(file, parts, 2, 4096), static_cast<ssize_t>(all.size()));
        EXPECT_TRUE(all == text.substr(4096));
        other.cancel();
        EXPECT_THROW(other.await(), brio::cancelled_error);
    });
}

TEST(positioned, two_fibers_write_at_their_own_offsets) {
    const descriptor file = make_file("");
    brio::run([&] {
        const auto write_at = [&](char letter, off_t begin) {
            const string block(4096, letter);
            for (off_t i = 0; i < 50; ++i) {
                EXPECT_EQ(::pwrite64(file, block.data(), 4096, begin + i * 4096), 4096);
                brio::yield();
            }
        };
        auto a = brio::create_task([&] { write_at('a', 0); });
        auto b = brio::create_task([&] { write_at('b', 50 * 4096); });
        brio::gather(a, b).await();
        EXPECT_TRUE(content_of(file) == string(50 * 4096, 'a') + string(50 * 4096, 'b'));
    });
}

TEST(positioned, without_an_offset_streams_are_waited_for_and_flags_are_theirs) {
    const two_ends ends = make_pipe();
    const string sent = numbered(1'000'000);
    const iovec out = {const_cast<char*>(sent.data()), sent.size()};
    brio::run([&] {
        char letter = 0;
        const iovec in = {&letter, 1};
        EXPECT_EQ(observe([&] { return ::preadv2(ends.first, &in, 1, -1, RWF_NOWAIT); }).result,
                  -1);
        auto reader =
            brio::create_task([&] { return ::preadv2(ends.first, &in, 1, -1, RWF_HIPRI); });
        let_others_run();
        EXPECT_FALSE(reader.done());
        EXPECT_EQ(::write(ends.second, "x", 1), 1);
        EXPECT_EQ(reader.await(), 1);
        auto writer =
            brio::create_task([&] { return ::pwritev2(ends.second, &out, 1, -1, RWF_DSYNC); });
        EXPECT_TRUE(read_all(ends.first, sent.size()) == sent);
        EXPECT_EQ(writer.await(), static_cast<ssize_t>(sent.size()));
    });
    const two_ends quick = make_pipe(O_NONBLOCK);
    char letter = 0;
    const iovec in = {&letter, 1};
    expect_same([&] { return ::preadv2(quick.first, &in, 1, -1, 0); }, "an empty pipe, O_NONBLOCK");
    expect_same([&] { return ::preadv2(ends.first, &in, 1, -1, 1 << 20); }, "unknown flags");
}
