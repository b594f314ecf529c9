// Streams on pipes.

#include "stream/connections.hpp"

#include <csignal>
#include <fcntl.h>
#include <string>

namespace {

using namespace brio_test;
namespace detail = brio::detail;

struct pipe_ends {
    brio::stream_reader reader;
    brio::stream_writer writer;
};
pipe_ends make_pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    brio::stream_reader reader =
        detail::make_reader(detail::make_pipe_channel(brio::io::descriptor(ends[0])), 1 << 16);
    return {std::move(reader),
            detail::make_writer(detail::make_pipe_channel(brio::io::descriptor(ends[1])), 1 << 16)};
}

TEST(pipe_streams, carry_bytes_and_end_by_close_and_by_write_eof) {
    for (const bool by_eof : {false, true}) {
        brio::run([by_eof] {
            auto [reader, writer] = make_pipe();
            const std::string much(1 << 20, 'p');
            writer.write(much);
            EXPECT_TRUE(writer.can_write_eof());
            by_eof ? writer.write_eof() : writer.close();
            EXPECT_EQ(reader.read(), much);
            writer.wait_closed();
            EXPECT_TRUE(writer.is_closing());
        });
    }
}

TEST(pipe_streams, raise_no_sigpipe_and_tell_that_nobody_reads) {
    brio::run([] {
        struct sigaction before {};
        struct sigaction by_default {};
        by_default.sa_handler = SIG_DFL;
        ::sigaction(SIGPIPE, &by_default, &before);
        {
            auto [reader, writer] = make_pipe();
            { const brio::stream_reader gone = std::move(reader); }
            writer.write("x");
            EXPECT_TRUE(
                contains(text_of<std::system_error>([&w = writer] { w.drain(); }), "Broken pipe"));
        }
        {
            auto [reader, writer] = make_pipe();
            writer.write(std::string(1 << 20, 'x'));
            let_others_run();
            { const brio::stream_reader gone = std::move(reader); }
            EXPECT_THROW(writer.wait_closed(), std::system_error);
        }
        ::sigaction(SIGPIPE, &before, nullptr);
    });
}

TEST(pipe_streams, end_a_write_under_way_by_abort_and_leave_no_descriptor) {
    brio::run([] { brio::sleep(1ms); });
    const std::size_t before = open_descriptors();
    brio::run([] {
        auto [reader, writer] = make_pipe();
        writer.write(std::string(1 << 20, 'x'));
        let_others_run();
        writer.abort();
        writer.wait_closed();
        EXPECT_LT(reader.read().size(), 1u << 20);
    });
    EXPECT_EQ(open_descriptors(), before);
}

TEST(pipe_streams, a_cancelled_read_loses_nothing) {
    brio::run([] {
        auto [reader, writer] = make_pipe();
        for (int round = 0; round < 50; ++round) {
            std::string got;
            auto reading = brio::create_task([&got, &r = reader] { got = r.read(1); });
            brio::yield();
            if (round % 2 == 0) writer.write("x");
            reading.cancel();
            if (round % 2 == 1) writer.write("x");
            try {
                reading.await();
            } catch (const brio::cancelled_error&) {
            }
            if (got.empty()) got = reader.read(1);
            EXPECT_EQ(got, "x");
        }
    });
}

TEST(pipe_streams, are_for_pipes_and_not_for_files) {
    brio::run([] {
        const auto of_a_file = [] {
            (void)detail::make_pipe_channel(
                brio::io::descriptor(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)));
        };
        EXPECT_EQ(text_of<std::invalid_argument>(of_a_file),
                  "a stream needs a pipe, a FIFO or a terminal, not a file");
        EXPECT_THROW((void)detail::make_pipe_channel(brio::io::descriptor()), std::system_error);
    });
}

}  // namespace
