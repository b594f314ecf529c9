// From file to socket and from file to file, on whatever reactor the variant chooses.

#include "io/native.hpp"

#include <brio/io/file.hpp>
#include <brio/io/sendfile.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace brio::testing_native {
namespace {

/// No two places in it look alike.
std::string pattern(std::size_t size) {
    std::string text;
    text.reserve(size + 16);
    while (text.size() < size) text += std::to_string(text.size()) + ',';
    text.resize(size);
    return text;
}

class native_sendfile : public native_test {
protected:
    static void SetUpTestSuite() {
        native_test::SetUpTestSuite();
        std::ofstream(large_path()) << large();
    }
    static void TearDownTestSuite() { ::unlink(large_path().c_str()); }

    /// More than the buffers of both ends of a connection hold.
    static const std::string& large() {
        static const std::string text = pattern(10 << 20);
        return text;
    }
    static io::file large_file() { return io::file::open(large_path(), O_RDONLY); }

    io::file file_of(bytes_view content, const std::string& name = "a", int flags = 0) {
        auto f = io::file::open(path(name), O_RDWR | O_CREAT | O_TRUNC | flags);
        f.write(content);
        f.seek(0);
        return f;
    }
    [[nodiscard]] std::string path(const std::string& name) const { return where_.path(name); }

private:
    static std::string large_path() { return "/tmp/brio-sendfile-" + std::to_string(::getpid()); }
    temporary_directory where_;
};

TEST_F(native_sendfile, sends_a_whole_file_and_moves_its_position) {
    run([&] {
        auto [client, server] = connected();
        auto f = file_of("the content");
        EXPECT_EQ(io::sendfile(client, f), 11U);
        EXPECT_EQ(f.position(), 11U);
        client.close();
        EXPECT_EQ(read_to_end(server), "the content");
    });
}

TEST_F(native_sendfile, sends_a_part_and_less_at_the_end_of_the_file) {
    run([&] {
        auto [client, server] = connected();
        auto f = file_of("0123456789");
        f.seek(1);
        EXPECT_EQ(io::sendfile(client, f, 2, 3), 3U);
        EXPECT_EQ(f.position(), 5U);
        EXPECT_EQ(io::sendfile(client, f, 8, 100), 2U);
        EXPECT_EQ(io::sendfile(client, f, 10), 0U);
        EXPECT_EQ(io::sendfile(client, f, 1000, 1), 0U);
        client.close();
        EXPECT_EQ(read_to_end(server), "23489");
    });
}

TEST_F(native_sendfile, sends_between_other_writes_in_order) {
    run([&] {
        auto [client, server] = connected();
        auto f = file_of("body");
        client.write("head ");
        io::sendfile(client, f);
        client.write(" foot");
        client.close();
        EXPECT_EQ(read_to_end(server), "head body foot");
    });
}

TEST_F(native_sendfile, sends_ten_megabytes_to_a_slow_reader) {
    run([&] {
        auto [client, server] = connected();
        auto f = large_file();
        auto sending = create_task([&, &client = client] {
            const std::uint64_t sent = io::sendfile(client, f);
            client.close();
            return sent;
        });
        std::string got;
        std::array<char, 50'000> part;
        for (;;) {
            for (int i = 0; i < 3; ++i) yield();
            const std::size_t n = server.read(part);
            if (n == 0) break;
            got.append(part.data(), n);
        }
        EXPECT_EQ(sending.await(), large().size());
        EXPECT_EQ(f.position(), large().size());
        EXPECT_TRUE(got == large());
    });
}

TEST_F(native_sendfile, goes_on_when_the_numbers_of_file_and_socket_are_given_to_others) {
    run([&] {
        auto [client, server] = connected();
        auto f = large_file();
        auto sending = create_task([&, &client = client] { return io::sendfile(client, f); });
        for (int i = 0; i < 5; ++i) yield();
        auto [other, other_end] = connected();
        auto other_file = file_of("something else");
        ASSERT_GE(::dup2(other.native_handle(), client.native_handle()), 0);
        ASSERT_GE(::dup2(other_file.native_handle(), f.native_handle()), 0);
        auto reading = create_task([&server = server] { return read_to_end(server); });
        EXPECT_EQ(sending.await(), large().size());
        EXPECT_TRUE(reading.await() == large());
        client.close();
        other.close();
        EXPECT_EQ(read_to_end(other_end), "");
    });
}

TEST_F(native_sendfile, sends_over_unix_sockets) {
    run([&] {
        int fds[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        io::unix_stream a{io::descriptor(fds[0])}, b{io::descriptor(fds[1])};
        auto f = large_file();
        auto sending = create_task([&] {
            io::sendfile(a, f);
            a.close();
        });
        EXPECT_TRUE(read_to_end(b) == large());
        sending.await();
    });
}

TEST_F(native_sendfile, reads_and_sends_what_the_kernel_cannot_move) {
    run([&] {
        auto [client, server] = connected();
        auto f = io::file::open("/proc/self/cmdline", O_RDONLY);
        const std::string content = io::file::open("/proc/self/cmdline", O_RDONLY).read_all();
        EXPECT_EQ(io::sendfile(client, f), content.size());
        client.close();
        EXPECT_EQ(read_to_end(server), content);
    });
}

TEST_F(native_sendfile, to_a_peer_that_has_gone_throws_and_raises_no_signal) {
    run([&] {
        auto [client, server] = connected();
        const std::string peer = client.peername().text();
        auto f = large_file();
        auto closing = create_task([&server = server] {
            std::array<char, 1000> part;
            static_cast<void>(server.read(part));
            server.close();
        });
        const refusal seen = refusal_of([&, &client = client] { io::sendfile(client, f); });
        EXPECT_TRUE(seen.code == std::errc::connection_reset || seen.code == std::errc::broken_pipe)
            << seen.text;
        EXPECT_EQ(seen.text.rfind("send to ", 0), 0U) << seen.text;
        EXPECT_LT(f.position(), large().size());
        closing.await();
        EXPECT_EQ(refusal_of([&, &client = client] { io::sendfile(client, f); }).code,
                  std::errc::broken_pipe);
    });
}

TEST_F(native_sendfile, of_what_cannot_be_read_names_the_file) {
    run([&] {
        auto [client, server] = connected();
        static_cast<void>(file_of("x"));
        auto f = io::file::open(path("a"), O_WRONLY);
        EXPECT_EQ(
            refusal_of([&, &client = client] { io::sendfile(client, f); }).text,
            "read from descriptor " + std::to_string(f.native_handle()) + ": Bad file descriptor");
        auto directory = io::file::open("/tmp", O_RDONLY);
        EXPECT_EQ(refusal_of([&, &client = client] { io::sendfile(client, directory); }).code,
                  std::errc::is_a_directory);
    });
}

TEST_F(native_sendfile, refuses_what_makes_no_sense) {
    run([&] {
        auto [client, server] = connected();
        auto f = file_of("x");
        try {
            io::sendfile(client, f, 0, 0);
            ADD_FAILURE();
        } catch (const std::invalid_argument& e) {
            EXPECT_STREQ(e.what(), "sendfile: count must be positive");
        }
        io::file closed{io::descriptor()};
        EXPECT_THROW((io::sendfile(client, closed)), usage_error);
        client.close();
        EXPECT_THROW((io::sendfile(client, f)), usage_error);
    });
}

// ------------------------------------------------------------------------------------------ cancels

TEST_F(native_sendfile, cancelled_half_way_tells_how_much_was_sent) {
    for (int turns = 0; turns < 40; turns += 3) {
        run([&, turns] {
            auto [client, server] = connected();
            auto f = large_file();
            EXPECT_TRUE(cancelled_after(turns, [&, &client = client] { io::sendfile(client, f); }));
            const std::uint64_t sent = f.position();
            client.close();
            EXPECT_TRUE(read_to_end(server) == std::string_view(large()).substr(0, sent));
        });
    }
}

TEST_F(native_sendfile, cancelled_in_a_race_with_a_reader_loses_no_byte) {
    for (int round = 0; round < 20; ++round) {
        run([&, round] {
            auto [client, server] = connected();
            auto f = large_file();
            std::string got;
            auto reading = create_task([&, &server = server] { got = read_to_end(server); });
            cancelled_after(round * 2, [&, &client = client] { io::sendfile(client, f); });
            const std::uint64_t sent = f.position();
            client.close();
            reading.await();
            EXPECT_TRUE(got == std::string_view(large()).substr(0, sent))
                << got.size() << " " << sent;
        });
    }
}

TEST_F(native_sendfile, can_be_gone_on_with_where_it_was_cancelled) {
    run([&] {
        auto [client, server] = connected();
        auto f = large_file();
        EXPECT_TRUE(cancelled_after(20, [&, &client = client] { io::sendfile(client, f); }));
        auto sending = create_task([&, &client = client] {
            io::sendfile(client, f, f.position());
            client.close();
        });
        EXPECT_TRUE(read_to_end(server) == large());
        sending.await();
    });
}

// ------------------------------------------------------------------------------------ file to file

TEST_F(native_sendfile, copies_a_file_from_position_to_position) {
    run([&] {
        auto from = file_of("0123456789"), to = file_of("abcdefghij", "b");
        from.seek(2);
        to.seek(1);
        EXPECT_EQ(io::copy(from, to, 3), 3U);
        EXPECT_EQ(from.position(), 5U);
        EXPECT_EQ(to.position(), 4U);
        EXPECT_EQ(io::copy(from, to), 5U);
        EXPECT_EQ(io::copy(from, to), 0U);
        EXPECT_EQ(io::copy(from, to, 0), 0U);
        to.seek(0);
        EXPECT_EQ(to.read_all(), "a23456789j");
    });
}

TEST_F(native_sendfile, copies_many_megabytes) {
    run([&] {
        auto from = large_file(), to = file_of("");
        EXPECT_EQ(io::copy(from, to), large().size());
        to.seek(0);
        EXPECT_TRUE(to.read_all() == large());
    });
}

TEST_F(native_sendfile, copies_what_the_kernel_cannot) {
    run([&] {
        const std::string content = io::file::open("/proc/self/cmdline", O_RDONLY).read_all();
        auto from = io::file::open("/proc/self/cmdline", O_RDONLY);
        auto to = file_of("before ", "b", O_APPEND);
        EXPECT_EQ(io::copy(from, to), content.size());
        auto from_disk = file_of("after");
        EXPECT_EQ(io::copy(from_disk, to, 2), 2U);
        to.seek(0);
        EXPECT_EQ(to.read_all(), "before " + content + "af");
    });
}

TEST_F(native_sendfile, copy_errors_name_the_file) {
    run([&] {
        auto from = file_of("x"), to = file_of("", "b");
        auto unwritable = io::file::open(path("b"), O_RDONLY);
        EXPECT_EQ(refusal_of([&] { io::copy(from, unwritable); }).text,
                  "write to descriptor " + std::to_string(unwritable.native_handle()) +
                      ": Bad file descriptor");
        io::file closed{io::descriptor()};
        EXPECT_THROW(io::copy(from, closed), usage_error);
        EXPECT_THROW(io::copy(closed, to), usage_error);
    });
}

TEST_F(native_sendfile, a_cancelled_copy_tells_how_much_it_has_copied) {
    run([&] {
        auto from = large_file();
        for (int turns = 0; turns < cancel_turns; ++turns) {
            auto to = file_of("", "b");
            from.seek(0);
            cancelled_after(turns, [&] { io::copy(from, to); });
            const std::uint64_t copied = to.position();
            EXPECT_EQ(to.size(), copied);
            to.seek(0);
            EXPECT_TRUE(to.read_all() == std::string_view(large()).substr(0, copied));
        }
    });
}

}  // namespace
}  // namespace brio::testing_native
