// stream_reader, over streams in memory: every border between chunks, every limit.

#include "stream/connections.hpp"

#include <array>
#include <vector>

namespace {

using namespace brio_test;
using brio::testing::stream_pair;

/// Calls body(reader) while another task writes `pieces`, each when the one before has been read, and
/// then ends the stream.
template <class F>
void with_pieces(const std::vector<std::string>& pieces, F&& body, std::size_t limit = 64 * 1024) {
    brio::testing::run([&] {
        auto [client, server] = stream_pair(1 << 20, {.limit = limit});
        auto writer = brio::create_task([&, &server = server] {
            for (const std::string& piece : pieces) {
                server.writer.write(piece);
                let_others_run();
            }
            server.writer.write_eof();
        });
        body(client.reader);
        writer.await();
    });
}

/// body(reader) for each way to cut `text` in two.
template <class F>
void at_every_split(const std::string& text, F&& body, std::size_t limit = 64 * 1024) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        SCOPED_TRACE("cut at " + std::to_string(cut));
        with_pieces({text.substr(0, cut), text.substr(cut)}, body, limit);
    }
}

TEST(stream_reader, read_gives_what_there_is_and_then_the_end) {
    with_pieces({"hello", "world"}, [](brio::stream_reader& r) {
        EXPECT_EQ(r.read(0), "");
        EXPECT_EQ(r.read(3), "hel");
        EXPECT_FALSE(r.at_eof());
        EXPECT_EQ(r.read(100), "lo");
        EXPECT_EQ(r.read(100), "world");
        EXPECT_EQ(r.read(100), "");
        EXPECT_TRUE(r.at_eof());
        EXPECT_EQ(r.read(100), "");
    });
}

TEST(stream_reader, read_without_a_number_gives_everything_whatever_the_limit) {
    const std::string much(300'000, 'm');
    with_pieces(
        {"a", much, "z"}, [&](brio::stream_reader& r) { EXPECT_EQ(r.read(), "a" + much + "z"); },
        16);
}

TEST(stream_reader, read_into_fills_the_callers_memory_from_the_buffer_and_from_the_channel) {
    with_pieces({"abcdef", "gh"}, [](brio::stream_reader& r) {
        std::array<char, 4> part{};
        EXPECT_EQ(r.read_into(std::span(part.data(), 0)), 0u);
        EXPECT_EQ(r.readexactly(1), "a");
        EXPECT_EQ(r.read_into(part), 4u);
        EXPECT_EQ(std::string_view(part.data(), 4), "bcde");
        EXPECT_EQ(r.read_into(part), 1u);
        EXPECT_EQ(r.read_into(part), 2u);
        EXPECT_EQ(std::string_view(part.data(), 2), "gh");
        EXPECT_EQ(r.read_into(part), 0u);
    });
}

TEST(stream_reader, readexactly_gives_the_same_at_every_split) {
    at_every_split("abcdefgh", [](brio::stream_reader& r) {
        EXPECT_EQ(r.readexactly(0), "");
        EXPECT_EQ(r.readexactly(3), "abc");
        EXPECT_EQ(r.readexactly(5), "defgh");
        EXPECT_EQ(r.readexactly(0), "");
    });
}

TEST(stream_reader, readexactly_hands_over_what_there_was_when_the_stream_ends) {
    at_every_split("abc", [](brio::stream_reader& r) {
        try {
            (void)r.readexactly(5);
            FAIL();
        } catch (const brio::incomplete_read_error& e) {
            EXPECT_EQ(e.partial(), "abc");
            EXPECT_EQ(e.expected(), 5u);
            EXPECT_STREQ(e.what(), "readexactly: 3 bytes of 5, then the stream ended");
        }
        EXPECT_TRUE(r.at_eof());
    });
}

TEST(stream_reader, readexactly_goes_beyond_the_limit) {
    const std::string much(200'000, 'x');
    with_pieces(
        {much}, [&](brio::stream_reader& r) { EXPECT_EQ(r.readexactly(much.size()), much); }, 10);
}

TEST(stream_reader, readline_gives_lines_and_at_last_what_is_left) {
    at_every_split("one\n\ntwo\nrest", [](brio::stream_reader& r) {
        EXPECT_EQ(r.readline(), "one\n");
        EXPECT_EQ(r.readline(), "\n");
        EXPECT_EQ(r.readline(), "two\n");
        EXPECT_EQ(r.readline(), "rest");
        EXPECT_EQ(r.readline(), "");
    });
}

TEST(stream_reader, is_a_range_of_lines) {
    at_every_split("a\nbb\nccc", [](brio::stream_reader& r) {
        std::vector<std::string> lines;
        for (std::string& line : r) lines.push_back(std::move(line));
        EXPECT_EQ(lines, (std::vector<std::string>{"a\n", "bb\n", "ccc"}));
    });
}

TEST(stream_reader, readuntil_finds_a_separator_across_every_border) {
    at_every_split("head--SEP--body--SEP", [](brio::stream_reader& r) {
        EXPECT_EQ(r.readuntil("--SEP"), "head--SEP");
        EXPECT_EQ(r.readuntil("--SEP"), "--body--SEP");
    });
}

TEST(stream_reader, readuntil_hands_over_what_there_was_when_the_stream_ends) {
    at_every_split("abc--", [](brio::stream_reader& r) {
        try {
            (void)r.readuntil("--SEP");
            FAIL();
        } catch (const brio::incomplete_read_error& e) {
            EXPECT_EQ(e.partial(), "abc--");
            EXPECT_EQ(e.expected(), std::nullopt);
            EXPECT_STREQ(e.what(), "readuntil: 5 bytes without a separator, then the stream ended");
        }
    });
}

TEST(stream_reader, readuntil_takes_the_separator_that_ends_first) {
    at_every_split("one;two\r\nthree", [](brio::stream_reader& r) {
        EXPECT_EQ(r.readuntil({"\r\n", ";"}), "one;");
        EXPECT_EQ(r.readuntil({"\r\n", ";"}), "two\r\n");
        EXPECT_EQ(r.readuntil(std::vector<std::string>{"e", "re"}), "thre");
    });
}

TEST(stream_reader, readuntil_of_separators_that_end_together_counts_the_shortest) {
    // asyncio sorts them by length: with "b" the part before is 3 bytes, with "aab" it were 1.
    with_pieces(
        {"xaab"},
        [](brio::stream_reader& r) {
            EXPECT_THROW((void)r.readuntil({"aab", "b"}), brio::limit_overrun_error);
            EXPECT_EQ(r.readuntil("aab"), "xaab");
        },
        2);
}

TEST(stream_reader, readuntil_refuses_what_separates_nothing) {
    with_pieces({"x"}, [](brio::stream_reader& r) {
        using brio_test::text_of;
        EXPECT_EQ(text_of<std::invalid_argument>([&] { (void)r.readuntil(""); }),
                  "readuntil: a separator is empty");
        EXPECT_EQ(text_of<std::invalid_argument>([&] {
                      (void)r.readuntil({"a", ""});
                  }),
                  "readuntil: a separator is empty");
        EXPECT_EQ(
            text_of<std::invalid_argument>([&] { (void)r.readuntil(std::vector<std::string>()); }),
            "readuntil: there is no separator");
        EXPECT_EQ(r.read(), "x");
    });
}

TEST(stream_reader, a_limit_counts_the_bytes_before_the_separator) {
    at_every_split(
        "abcd--efghi--",
        [](brio::stream_reader& r) {
            EXPECT_EQ(r.readuntil("--"), "abcd--");
            EXPECT_THROW((void)r.readuntil("--"), brio::limit_overrun_error);
            EXPECT_EQ(r.readexactly(5), "efghi") << "it stays in the stream";
            EXPECT_EQ(r.readuntil("--"), "--");
        },
        4);
}

TEST(stream_reader, an_overrun_says_how_many_bytes_belong_to_no_separator) {
    with_pieces(
        {"abcdefg-"},
        [](brio::stream_reader& r) {
            try {
                (void)r.readuntil("--");
                FAIL();
            } catch (const brio::limit_overrun_error& e) {
                EXPECT_EQ(e.consumed(), 7u) << "the last byte may begin a separator";
                EXPECT_STREQ(e.what(), "readuntil: no separator within the limit of the stream");
            }
        },
        4);
    with_pieces(
        {"abcdefg--"},
        [](brio::stream_reader& r) {
            try {
                (void)r.readuntil("--");
                FAIL();
            } catch (const brio::limit_overrun_error& e) {
                EXPECT_EQ(e.consumed(), 7u);
                EXPECT_STREQ(
                    e.what(),
                    "readuntil: what is before the separator is longer than the stream's limit");
            }
        },
        4);
}

TEST(stream_reader, readline_drops_a_line_beyond_the_limit_and_keeps_the_next) {
    with_pieces(
        {"12345\nok\n"},
        [](brio::stream_reader& r) {
            EXPECT_THROW((void)r.readline(), brio::limit_overrun_error);
            EXPECT_EQ(r.readline(), "ok\n");
        },
        4);
    with_pieces(
        {"12345", "678\nok\n"},
        [](brio::stream_reader& r) {
            EXPECT_THROW((void)r.readline(), brio::limit_overrun_error);
            EXPECT_EQ(r.readline(), "678\n");
            EXPECT_EQ(r.readline(), "ok\n");
        },
        4);
    with_pieces(
        {"1234\n"}, [](brio::stream_reader& r) { EXPECT_EQ(r.readline(), "1234\n"); }, 4);
}

TEST(stream_reader, a_limit_of_nothing_is_refused) {
    brio::testing::run([] {
        EXPECT_EQ(text_of<std::invalid_argument>([] { (void)stream_pair(1, {.limit = 0}); }),
                  "a stream's limit is 0");
    });
}

TEST(stream_reader, two_tasks_cannot_read_at_once) {
    brio::testing::run([] {
        auto [client, server] = stream_pair();
        auto first = brio::create_task([&reader = client.reader] { return reader.read(1); });
        brio::yield();
        EXPECT_EQ(
            text_of<brio::usage_error>([&reader = client.reader] { (void)reader.readline(); }),
            "readline: another task reads from this stream already");
        server.writer.write("x");
        EXPECT_EQ(first.await(), "x");
    });
}

TEST(stream_reader, refuses_to_read_where_nobody_can_wait) {
    brio::testing::run([] {
        auto [client, server] = stream_pair();
        std::string text;
        brio::get_running_loop().call_soon([&, &reader = client.reader] {
            text = text_of<brio::usage_error>([&] { (void)reader.read(1); });
        });
        let_others_run();
        EXPECT_TRUE(contains(text, "read suspends, so it must be called in a task")) << text;
        server.writer.write("later");
        EXPECT_EQ(client.reader.read(10), "later");
    });
}

TEST(stream_reader, a_moved_from_stream_says_so) {
    brio::testing::run([] {
        brio::testing::connection_pair ends = stream_pair();
        brio::connection& client = ends.client;
        const brio::connection taken = std::move(client);
        EXPECT_EQ(text_of<brio::usage_error>([&] { (void)client.reader.read(1); }),
                  "the stream that read() is called on was moved from");
        EXPECT_EQ(text_of<brio::usage_error>([&] { client.writer.write("x"); }),
                  "the stream that write() is called on was moved from");
    });
}

TEST(stream_reader, a_cancelled_read_loses_nothing) {
    brio::testing::run([] {
        auto [client, server] = stream_pair();
        server.writer.write("abc");
        EXPECT_THROW(brio::timeout(1s, [&r = client.reader] { (void)r.readexactly(6); }),
                     brio::timeout_error);
        EXPECT_THROW(brio::timeout(1s, [&r = client.reader] { (void)r.readline(); }),
                     brio::timeout_error);
        EXPECT_THROW(brio::timeout(1s, [&r = client.reader] { (void)r.read(); }),
                     brio::timeout_error);
        server.writer.write("def\n");
        EXPECT_EQ(client.reader.readline(), "abcdef\n");
    });
}

TEST(stream_reader, is_cancelled_before_during_and_as_its_bytes_arrive) {
    for (int when = 0; when < 4; ++when) {
        SCOPED_TRACE(when);
        brio::testing::run([when] {
            auto [client, server] = stream_pair();
            std::string got;
            auto reading = brio::create_task([&, &r = client.reader] { got = r.readexactly(2); });
            if (when > 0) brio::yield();
            if (when == 2) server.writer.write("ab");
            reading.cancel();
            if (when == 3) server.writer.write("ab");
            EXPECT_THROW(reading.await(), brio::cancelled_error);
            if (when < 2) server.writer.write("ab");
            server.writer.write("c");
            EXPECT_EQ(got + client.reader.readexactly(3), "abc");
        });
    }
}

TEST(stream_reader, after_close_gives_what_was_buffered_and_the_end) {
    brio::testing::run([] {
        auto [client, server] = stream_pair();
        server.writer.write("abc");
        EXPECT_EQ(client.reader.read(1), "a");
        client.writer.close();
        EXPECT_EQ(client.reader.read(), "bc");
        EXPECT_TRUE(client.reader.at_eof());
        EXPECT_EQ(client.reader.exception(), nullptr);
    });
}

TEST(stream_reader, a_read_under_way_ends_when_its_own_writer_closes_or_aborts) {
    for (const bool abort : {false, true}) {
        for (const bool sockets : {false, true}) {
            brio::run([&] {
                auto [client, server] = sockets ? socket_pair() : stream_pair();
                auto reading = brio::create_task([&r = client.reader] { return r.read(1); });
                let_others_run();
                abort ? client.writer.abort() : client.writer.close();
                EXPECT_EQ(reading.await(), "");
                client.writer.wait_closed();
                EXPECT_EQ(server.reader.read(), "");
            });
        }
    }
}

}  // namespace
