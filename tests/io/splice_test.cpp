// splice, which a thread of the kernel makes and a slow peer holds up: on io_uring alone.

#include "io/reactor_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <thread>

namespace brio::testing_io {
namespace {

constexpr std::string_view text = "WXYZ";

operation op_splice(int from, int to, std::size_t length, std::uint64_t offset = UINT64_MAX) {
    return {.what = code::splice,
            .fd = to,
            .length = static_cast<std::uint32_t>(length),
            .flags = static_cast<std::uint32_t>(from),
            .offset = offset};
}

/// A pipe with `text` in it, and a socket in which there is no room.
struct held_up {
    held_up() {
        EXPECT_EQ(::write(pipe.second.get(), text.data(), text.size()),
                  static_cast<ssize_t>(text.size()));
        while (::send(sockets.second.get(), ".", 1, MSG_DONTWAIT) == 1) ++filling;
    }
    [[nodiscard]] operation op() const {
        return op_splice(pipe.first.get(), sockets.second.get(), text.size());
    }
    [[nodiscard]] int left_in_pipe() const {
        int count = 0;
        EXPECT_EQ(::ioctl(pipe.first.get(), FIONREAD, &count), 0);
        return count;
    }
    /// Reads all that is in the socket; returns what came behind the filling.
    [[nodiscard]] std::string drain() const {
        std::string all;
        char part[4096];
        for (ssize_t n; (n = ::recv(sockets.first.get(), part, sizeof part, MSG_DONTWAIT)) > 0;)
            all.append(part, static_cast<std::size_t>(n));
        return all.substr(std::min(filling, all.size()));
    }

    two_ends pipe = make_pipe();
    two_ends sockets = make_socket_pair();
    std::size_t filling = 0;
};

class splice_test : public reactor_test {};
INSTANTIATE_TEST_SUITE_P(each, splice_test,
                         ::testing::Values(backend::io_uring, backend::bare_io_uring),
                         backend_name);

TEST_P(splice_test, moves_from_a_place_of_a_file_through_a_pipe) {
    char name[] = "/tmp/brio-splice-XXXXXX";
    const descriptor file(::mkstemp(name));
    ::unlink(name);
    ASSERT_EQ(run(op_write(file.get(), "0123456789", 0)), 10);
    const two_ends pipe = make_pipe(), sockets = make_socket_pair();
    EXPECT_EQ(run(op_splice(file.get(), pipe.second.get(), 5, 2)), 5);
    EXPECT_EQ(run(op_splice(pipe.first.get(), sockets.second.get(), 5)), 5);
    char got[8] = {};
    EXPECT_EQ(::read(sockets.first.get(), got, sizeof got), 5);
    EXPECT_STREQ(got, "23456");
    EXPECT_EQ(run(op_splice(file.get(), pipe.second.get(), 5, 10)), 0) << "the end";
}

TEST_P(splice_test, to_a_full_socket_waits_and_moves_nothing_when_cancelled) {
    for (int round = 0; round < 60; ++round) {
        const held_up h;
        request r(h.op());
        submit(r);
        for (int turns = round * round / 4; turns > 0; --turns) turn();
        EXPECT_FALSE(r.done());
        io().cancel(r);
        EXPECT_EQ(result_of(r), -ECANCELED);
        EXPECT_EQ(h.left_in_pipe(), static_cast<int>(text.size()));
        EXPECT_EQ(h.drain(), "");
    }
}

TEST_P(splice_test, moves_what_it_says_when_a_cancel_races_with_the_reader) {
    constexpr int rounds = 100;
    for (int round = 0; round < rounds; ++round) {
        const held_up h;
        std::atomic<bool> started = false;
        std::string got;
        std::thread reader([&] {
            while (!started.load()) std::this_thread::yield();
            got = h.drain();
        });
        request r(h.op());
        submit(r);
        started.store(true);
        for (int turns = round; turns > 0; --turns) turn();
        if (!r.done()) io().cancel(r);
        const int moved = std::max(result_of(r), 0);
        reader.join();
        EXPECT_TRUE(r.result > 0 || r.result == -ECANCELED) << r.result;
        EXPECT_EQ(h.left_in_pipe(), static_cast<int>(text.size()) - moved);
    }
}

}  // namespace
}  // namespace brio::testing_io
