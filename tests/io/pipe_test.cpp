// Pipes and FIFOs, on whatever reactor the variant chooses.

#include "io/native.hpp"

#include <brio/io/pipe.hpp>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace brio::testing_native {
namespace {

class native_pipes : public native_test {};

/// Makes it one page large and fills that; returns how many bytes it holds.
std::size_t fill(const io::pipe_writer& writer) {
    const std::string page(4096, '.');
    ::fcntl(writer.native_handle(), F_SETPIPE_SZ, page.size());
    EXPECT_EQ(::write(writer.native_handle(), page.data(), page.size()),
              static_cast<ssize_t>(page.size()));
    return page.size();
}

int bytes_in(const io::pipe_reader& reader) {
    int count = 0;
    EXPECT_EQ(::ioctl(reader.native_handle(), FIONREAD, &count), 0);
    return count;
}

TEST_F(native_pipes, carry_bytes_and_end_when_the_writer_closes) {
    run([] {
        auto [reader, writer] = io::pipe();
        writer.write("hello");
        EXPECT_EQ(writer.write_some(" world"), 6U);
        writer.close();
        EXPECT_EQ(read_to_end(reader), "hello world");
        EXPECT_EQ(read_to_end(reader), "");
    });
}

TEST_F(native_pipes, read_what_is_there_and_take_nothing_for_an_empty_buffer) {
    run([] {
        auto [reader, writer] = io::pipe();
        writer.write("abc");
        EXPECT_EQ(reader.read(std::string()), 0U);
        EXPECT_EQ(writer.write_some(""), 0U);
        std::array<char, 2> two;
        EXPECT_EQ(reader.read(two), 2U);
        EXPECT_EQ(reader.read(two), 1U);
        EXPECT_EQ(two[0], 'c');
    });
}

TEST_F(native_pipes, suspend_a_reader_until_somebody_writes) {
    run([] {
        auto [reader, writer] = io::pipe();
        std::string got;
        auto waiting = create_task([&, &reader = reader] {
            std::array<char, 8> part;
            got.assign(part.data(), reader.read(part));
        });
        yield();
        EXPECT_FALSE(waiting.done());
        writer.write("late");
        waiting.await();
        EXPECT_EQ(got, "late");
    });
}

TEST_F(native_pipes, write_all_of_what_does_not_fit_at_once) {
    run([] {
        auto [reader, writer] = io::pipe();
        std::string much(1 << 20, '\0');
        for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 7 / 5);
        auto writing = create_task([&much, &writer = writer] {
            writer.write(much);
            writer.close();
        });
        EXPECT_EQ(read_to_end(reader), much);
        writing.await();
    });
}

TEST_F(native_pipes, write_as_much_as_fits_and_say_how_much) {
    run([] {
        auto [reader, writer] = io::pipe();
        ::fcntl(writer.native_handle(), F_SETPIPE_SZ, 4096);
        EXPECT_EQ(writer.write_some(std::string(10'000, 'x')), 4096U);
    });
}

TEST_F(native_pipes, without_a_reader_throw_and_raise_no_signal) {
    run([] {
        auto [reader, writer] = io::pipe();
        reader.close();
        const refusal seen = refusal_of([&writer = writer] { writer.write("x"); });
        EXPECT_EQ(seen.code, std::errc::broken_pipe);
        EXPECT_EQ(seen.text, "write to descriptor " + std::to_string(writer.native_handle()) +
                                 ": Broken pipe");
        sigset_t pending;
        ::sigpending(&pending);
        EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
    });
}

TEST_F(native_pipes, wake_a_writer_whose_reader_goes) {
    run([] {
        auto [reader, writer] = io::pipe();
        fill(writer);
        auto writing = create_task([&writer = writer] { writer.write("x"); });
        yield();
        yield();
        reader.close();
        EXPECT_EQ(refusal_of([&] { writing.await(); }).code, std::errc::broken_pipe);
    });
}

TEST_F(native_pipes, leave_a_sigpipe_of_others_and_the_signal_mask_as_they_were) {
    run([] {
        sigset_t pipe_only, before, pending, after;
        ::sigemptyset(&pipe_only);
        ::sigaddset(&pipe_only, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
        ::raise(SIGPIPE);
        auto [reader, writer] = io::pipe();
        reader.close();
        EXPECT_THROW(writer.write("x"), std::system_error);
        ::sigpending(&pending);
        EXPECT_EQ(::sigismember(&pending, SIGPIPE), 1);
        ::pthread_sigmask(SIG_BLOCK, nullptr, &after);
        EXPECT_EQ(::sigismember(&after, SIGPIPE), 1);
        const timespec at_once = {};
        ::sigtimedwait(&pipe_only, nullptr, &at_once);
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    });
}

TEST_F(native_pipes, that_are_closed_say_so) {
    run([] {
        auto [reader, writer] = io::pipe();
        reader.close();
        writer.close();
        EXPECT_EQ(reader.native_handle(), -1);
        std::array<char, 1> byte;
        EXPECT_THROW(static_cast<void>(reader.read(byte)), usage_error);
        EXPECT_THROW(writer.write("x"), usage_error);
    });
}

TEST_F(native_pipes, a_cancelled_read_has_taken_nothing) {
    for (int turns = 0; turns < cancel_turns; ++turns) {
        run([turns] {
            auto [reader, writer] = io::pipe();
            std::array<char, 8> part;
            auto read = [&, &reader = reader] { static_cast<void>(reader.read(part)); };
            EXPECT_TRUE(cancelled_after(turns, read));
            writer.write("x");
            EXPECT_EQ(bytes_in(reader), 1);
        });
    }
}

TEST_F(native_pipes, a_read_that_races_with_a_cancel_loses_no_byte) {
    for (int round = 0; round < 100; ++round) {
        run([round] {
            auto [reader, writer] = io::pipe();
            std::size_t got = 0;
            auto reading = create_task([&got, &reader = reader] {
                std::array<char, 8> part;
                got = reader.read(part);
            });
            yield();
            if (round % 2 == 0) reading.cancel();
            writer.write("b");
            if (round % 2 != 0) reading.cancel();
            try {
                reading.await();
            } catch (const cancelled_error&) {
            }
            EXPECT_EQ(static_cast<int>(got) + bytes_in(reader), 1);
        });
    }
}

TEST_F(native_pipes, a_cancelled_write_has_written_nothing) {
    for (int turns = 0; turns < cancel_turns; ++turns) {
        run([turns] {
            auto [reader, writer] = io::pipe();
            const std::size_t filling = fill(writer);
            auto write = [&writer = writer] { static_cast<void>(writer.write_some("abc")); };
            EXPECT_TRUE(cancelled_after(turns, write));
            writer.close();
            EXPECT_EQ(read_to_end(reader).size(), filling);
        });
    }
}

TEST_F(native_pipes, a_write_that_races_with_a_cancel_says_what_it_did) {
    for (int round = 0; round < 100; ++round) {
        run([round] {
            auto [reader, writer] = io::pipe();
            const std::size_t filling = fill(writer);
            std::size_t written = 0;
            auto writing =
                create_task([&written, &writer = writer] { written = writer.write_some("abc"); });
            yield();
            if (round % 2 == 0) writing.cancel();
            std::string sink(filling, '\0');
            ASSERT_EQ(::read(reader.native_handle(), sink.data(), filling),
                      static_cast<ssize_t>(filling));
            if (round % 2 != 0) writing.cancel();
            try {
                writing.await();
            } catch (const cancelled_error&) {
            }
            EXPECT_EQ(bytes_in(reader), static_cast<int>(written));
        });
    }
}

// ----------------------------------------------------------------------------------------- FIFOs

class native_fifos : public native_test {
protected:
    native_fifos() { EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0); }
    const std::string& path() { return path_; }

private:
    temporary_directory where_;
    std::string path_ = where_.path("fifo");
};

TEST_F(native_fifos, whoever_opens_first_waits_for_the_other) {
    for (const bool reader_first : {true, false}) {
        run([&] {
            std::string got;
            auto read = [&] {
                auto reader = io::pipe_reader::open(path());
                got = read_to_end(reader);
            };
            auto write = [&] { io::pipe_writer::open(path()).write("through a fifo"); };
            auto first = create_task([&] { reader_first ? read() : write(); });
            for (int i = 0; i < 5; ++i) yield();
            EXPECT_FALSE(first.done());
            auto second = create_task([&] { reader_first ? write() : read(); });
            gather(first, second).await();
            EXPECT_EQ(got, "through a fifo");
        });
    }
}

TEST_F(native_fifos, stay_in_blocking_mode) {
    run([&] {
        auto reader = io::pipe_reader::open(path());
        auto writer = io::pipe_writer::open(path());
        EXPECT_EQ(::fcntl(reader.native_handle(), F_GETFL) & O_NONBLOCK, 0);
        EXPECT_EQ(::fcntl(writer.native_handle(), F_GETFL) & O_NONBLOCK, 0);
    });
}

TEST_F(native_fifos, cancelled_while_they_wait_for_the_other_end_leave_nothing) {
    for (int turns = 0; turns < cancel_turns; ++turns) {
        run([&, turns] {
            EXPECT_TRUE(
                cancelled_after(turns, [&] { static_cast<void>(io::pipe_writer::open(path())); }));
            auto reader = io::pipe_reader::open(path());
            std::array<char, 8> part;
            EXPECT_TRUE(cancelled_after(turns, [&] { static_cast<void>(reader.read(part)); }));
        });
    }
}

TEST_F(native_fifos, a_wait_for_a_writer_that_was_cancelled_can_be_taken_up_again) {
    run([&] {
        auto reader = io::pipe_reader::open(path());
        std::array<char, 8> part;
        EXPECT_TRUE(cancelled_after(3, [&] { static_cast<void>(reader.read(part)); }));
        std::string got;
        auto reading = create_task([&] { got = read_to_end(reader); });
        for (int i = 0; i < 5; ++i) yield();
        EXPECT_FALSE(reading.done());
        io::pipe_writer::open(path()).write("later");
        reading.await();
        EXPECT_EQ(got, "later");
    });
}

TEST_F(native_fifos, that_do_not_exist_are_named) {
    run([] {
        const std::string words = "open /no/fifo: No such file or directory";
        EXPECT_EQ(refusal_of([] { static_cast<void>(io::pipe_reader::open("/no/fifo")); }).text,
                  words);
        EXPECT_EQ(refusal_of([] { static_cast<void>(io::pipe_writer::open("/no/fifo")); }).text,
                  words);
    });
}

}  // namespace
}  // namespace brio::testing_native
