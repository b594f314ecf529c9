// stream_writer: what goes at once, what is kept, drain and its marks, and how a stream ends. In
// memory, where the window between the two ends has a size that the test chooses.

#include "stream/connections.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace brio_test;
using brio::testing::stream_pair;

TEST(stream_writer, sends_at_once_what_fits_and_the_rest_in_the_background) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(10);
        client.writer.write("0123456");
        EXPECT_EQ(client.writer.get_write_buffer_size(), 0u);
        client.writer.write("789abc");
        EXPECT_EQ(client.writer.get_write_buffer_size(), 3u);
        client.writer.write("def");
        EXPECT_EQ(client.writer.get_write_buffer_size(), 6u);
        EXPECT_EQ(server.reader.readexactly(16), "0123456789abcdef");
        let_others_run();
        EXPECT_EQ(client.writer.get_write_buffer_size(), 0u);
    });
}

TEST(stream_writer, keeps_a_copy_of_what_it_cannot_send) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1);
        std::string text = "abcd";
        client.writer.write(text);
        std::fill(text.begin(), text.end(), '!');
        client.writer.write_eof();
        EXPECT_EQ(server.reader.read(), "abcd");
    });
}

TEST(stream_writer, writelines_writes_each) {
    brio::testing::run([] {
        auto [client, server] = stream_pair();
        client.writer.writelines(std::vector<std::string>{"a\n", "b\n"});
        client.writer.writelines(std::initializer_list<const char*>{"c", "d"});
        client.writer.close();
        EXPECT_EQ(server.reader.read(), "a\nb\ncd");
    });
}

TEST(stream_writer, drain_does_not_suspend_up_to_the_high_mark) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1, {.high_water = 10});
        bool other_ran = false;
        auto other = brio::create_task([&] { other_ran = true; });
        client.writer.write("xyyyyyyyyyy");
        client.writer.drain();
        EXPECT_FALSE(other_ran);
        other.await();
    });
}

TEST(stream_writer, drain_waits_from_above_the_high_mark_down_to_the_low_one) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1);
        client.writer.set_write_buffer_limits(10, 4);
        client.writer.write(std::string(12, 'x'));  // one byte goes, 11 are above 10
        std::vector<int> drained;
        std::vector<brio::task<void>> drainers;
        for (int i = 0; i < 3; ++i)
            drainers.push_back(brio::create_task([&, i, &w = client.writer] {
                w.drain();
                drained.push_back(i);
            }));
        while (client.writer.get_write_buffer_size() > 5) {
            EXPECT_TRUE(drained.empty());
            EXPECT_EQ(server.reader.read(1), "x");
            let_others_run();
        }
        EXPECT_EQ(client.writer.get_write_buffer_size(), 5u);
        EXPECT_TRUE(drained.empty()) << "5 is above 4";
        EXPECT_EQ(server.reader.read(1), "x");
        let_others_run();
        EXPECT_EQ(drained, (std::vector<int>{0, 1, 2}));
    });
}

TEST(stream_writer, the_low_mark_is_a_quarter_of_the_high_one) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1);
        client.writer.set_write_buffer_limits(8);
        client.writer.write(std::string(10, 'x'));
        auto drainer = brio::create_task([&w = client.writer] { w.drain(); });
        let_others_run();
        (void)server.reader.readexactly(6);
        let_others_run();
        EXPECT_FALSE(drainer.done()) << "3 are unsent";
        (void)server.reader.readexactly(1);
        let_others_run();
        EXPECT_TRUE(drainer.done());
        EXPECT_EQ(text_of<std::invalid_argument>(
                      [&w = client.writer] { w.set_write_buffer_limits(1, 2); }),
                  "set_write_buffer_limits: low is above high");
    });
}

TEST(stream_writer, new_marks_count_for_what_is_unsent_already) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1);
        client.writer.write(std::string(10, 'x'));
        client.writer.set_write_buffer_limits(4);
        auto drainer = brio::create_task([&w = client.writer] { w.drain(); });
        let_others_run();
        EXPECT_FALSE(drainer.done());
        client.writer.set_write_buffer_limits(100);
        let_others_run();
        EXPECT_TRUE(drainer.done());
    });
}

TEST(stream_writer, a_cancelled_drain_leaves_the_others_waiting_and_loses_nothing) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1, {.high_water = 2});
        client.writer.write("abcdef");
        auto stays = brio::create_task([&w = client.writer] { w.drain(); });
        auto goes = brio::create_task([&w = client.writer] { w.drain(); });
        auto never = brio::create_task([&w = client.writer] { w.drain(); });
        never.cancel();
        let_others_run();
        goes.cancel();
        EXPECT_THROW(goes.await(), brio::cancelled_error);
        EXPECT_THROW(never.await(), brio::cancelled_error);
        EXPECT_EQ(server.reader.readexactly(6), "abcdef");
        stays.await();
    });
}

TEST(stream_writer, a_drain_cancelled_in_the_turn_in_which_it_may_go_on_is_cancelled) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1, {.high_water = 2});
        client.writer.write("abcdef");
        auto drainer = brio::create_task([&w = client.writer] { w.drain(); });
        let_others_run();
        client.writer.set_write_buffer_limits(100);
        drainer.cancel();
        EXPECT_THROW(drainer.await(), brio::cancelled_error);
    });
}

TEST(stream_writer, close_sends_everything_first) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1);
        client.writer.write("abcdef");
        EXPECT_FALSE(client.writer.is_closing());
        client.writer.close();
        client.writer.close();
        EXPECT_TRUE(client.writer.is_closing());
        client.writer.write("dropped");
        auto waiting = brio::create_task([&w = client.writer] { w.wait_closed(); });
        let_others_run();
        EXPECT_FALSE(waiting.done());
        EXPECT_EQ(server.reader.read(), "abcdef");
        waiting.await();
        client.writer.wait_closed();
    });
}

TEST(stream_writer, a_destroyed_writer_still_sends_what_was_written) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1);
        {
            const brio::connection dies = std::move(client);
            brio::connection gone = {std::move(client.reader), std::move(client.writer)};
        }
        auto pair = stream_pair(1);
        {
            brio::connection dies = std::move(pair.client);
            dies.writer.write("abcdef");
        }
        EXPECT_EQ(pair.server.reader.read(), "abcdef");
    });
}

TEST(stream_writer, flushing_is_no_task_of_the_program) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1);
        client.writer.write("abc");
        EXPECT_EQ(brio::all_tasks().size(), 1u);
        let_others_run();
        EXPECT_EQ(brio::all_tasks().size(), 1u);
        EXPECT_EQ(server.reader.readexactly(3), "abc");
    });
}

TEST(stream_writer, what_is_unsent_when_run_ends_is_dropped_and_does_not_hold_it_up) {
    const std::size_t before = open_descriptors();
    brio::run([] {
        auto [client, server] = socket_pair();
        client.writer.write(std::string(4 << 20, 'x'));
        client.writer.close();
        EXPECT_GT(client.writer.get_write_buffer_size(), 0u);
        brio::create_task([held = std::move(server)] { brio::sleep(1h); });
        brio::yield();
    });
    brio::run([] { brio::yield(); });
    EXPECT_EQ(open_descriptors(), before);
}

TEST(stream_writer, a_task_that_run_cancels_can_still_send_and_wait) {
    std::string got;
    brio::run([&got] {
        auto [client, server] = socket_pair();
        brio::create_task([w = std::move(client.writer)]() mutable {
            try {
                brio::sleep(1h);
            } catch (const brio::cancelled_error&) {
                w.write(std::string(1 << 20, 'x'));
                w.close();
                w.wait_closed();
                throw;
            }
        });
        brio::create_task(
            [&got, r = std::move(server.reader), w = std::move(server.writer)]() mutable {
                brio::shielded([&] { got = r.read(); });
            });
        brio::yield();
    });
    EXPECT_EQ(got.size(), 1u << 20);
}

TEST(stream_writer, streams_may_outlive_their_loop) {
    std::optional<brio::testing::connection_pair> left;
    brio::run([&] {
        left.emplace(socket_pair());
        left->client.writer.write("unread");
    });
    left->client.writer.write("dropped");
    left->client.writer.close();
    EXPECT_TRUE(left->client.writer.is_closing());
    left.reset();
}

TEST(stream_writer, half_close_ends_one_direction) {
    for (const bool sockets : {false, true}) {
        brio::run([&] {
            auto [client, server] = sockets ? socket_pair() : stream_pair(4);
            EXPECT_TRUE(client.writer.can_write_eof());
            client.writer.write("question");
            client.writer.write_eof();
            client.writer.write_eof();
            EXPECT_EQ(text_of<brio::usage_error>([&w = client.writer] { w.write("more"); }),
                      "write: write_eof() was called before");
            EXPECT_EQ(server.reader.read(), "question");
            server.writer.write("answer");
            server.writer.close();
            EXPECT_EQ(client.reader.read(), "answer");
            EXPECT_FALSE(client.writer.is_closing());
        });
    }
}

TEST(stream_writer, a_broken_connection_is_told_by_drain_and_not_by_write) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1);
        server.writer.close();
        server.writer.wait_closed();
        client.writer.write("x");
        client.writer.write("dropped");
        const auto told = [&](auto&& call) {
            return contains(text_of<std::system_error>(call),
                            "write to the other end: Broken pipe");
        };
        EXPECT_TRUE(told([&w = client.writer] { w.drain(); }));
        EXPECT_TRUE(told([&w = client.writer] { w.wait_closed(); }));
        EXPECT_TRUE(told([&r = client.reader] { (void)r.read(1); }));
        EXPECT_NE(client.reader.exception(), nullptr);
        EXPECT_TRUE(client.writer.is_closing());
    });
}

TEST(stream_writer, a_connection_that_breaks_wakes_those_who_drain) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1, {.high_water = 1});
        client.writer.write("abcdef");
        auto first = brio::create_task([&w = client.writer] { w.drain(); });
        auto second = brio::create_task([&w = client.writer] { w.drain(); });
        let_others_run();
        server.writer.abort();
        EXPECT_THROW(first.await(), std::system_error);
        EXPECT_THROW(second.await(), std::system_error);
    });
}

TEST(stream_writer, drain_after_close_lets_others_run_and_says_that_it_is_closed) {
    brio::testing::run([] {
        auto [client, server] = stream_pair();
        client.writer.close();
        bool other_ran = false;
        auto other = brio::create_task([&] { other_ran = true; });
        EXPECT_TRUE(contains(text_of<std::system_error>([&w = client.writer] { w.drain(); }),
                             "drain of a closed connection"));
        EXPECT_TRUE(other_ran);
    });
}

TEST(stream_writer, abort_drops_what_is_unsent_and_ends_the_flusher) {
    for (const bool sockets : {false, true}) {
        brio::run([&] {
            auto [client, server] = sockets ? socket_pair() : stream_pair(4);
            const std::size_t much = 4 << 20;
            client.writer.write(std::string(much, 'x'));
            auto drainer = brio::create_task([&w = client.writer] { w.drain(); });
            let_others_run();
            client.writer.abort();
            client.writer.abort();
            EXPECT_EQ(client.writer.get_write_buffer_size(), 0u);
            drainer.await();
            client.writer.wait_closed();
            EXPECT_LT(server.reader.read().size(), much);
        });
    }
}

TEST(stream_writer, wait_closed_may_be_cancelled_and_called_again) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1);
        client.writer.write("abcdef");
        client.writer.close();
        EXPECT_THROW(brio::timeout(1s, [&w = client.writer] { w.wait_closed(); }),
                     brio::timeout_error);
        auto never = brio::create_task([&w = client.writer] { w.wait_closed(); });
        never.cancel();
        EXPECT_THROW(never.await(), brio::cancelled_error);
        EXPECT_EQ(server.reader.read(), "abcdef");
        client.writer.wait_closed();
    });
}

TEST(stream_writer, knows_its_descriptor_and_has_no_names_in_memory) {
    brio::run([] {
        auto in_memory = stream_pair();
        EXPECT_EQ(in_memory.client.writer.native_handle(), -1);
        EXPECT_EQ(in_memory.client.writer.peername(), "");
        auto [client, server] = socket_pair();
        EXPECT_GE(client.writer.native_handle(), 0);
        EXPECT_EQ(client.writer.peername(), "") << "a socket pair has no names";
        client.writer.abort();
        EXPECT_EQ(client.writer.native_handle(), -1);
    });
}

TEST(stream_writer, much_goes_through_a_small_window) {
    brio::testing::run([] {
        auto [client, server] = stream_pair(1000, {.high_water = 3000});
        constexpr std::size_t total = 4 << 20;
        auto sender = brio::create_task([&w = client.writer] {
            std::string piece(777, '\0');
            for (std::size_t at = 0; at < total; at += piece.size()) {
                for (std::size_t i = 0; i < piece.size(); ++i)
                    piece[i] = static_cast<char>((at + i) % 251);
                w.write(std::string_view(piece).substr(0, total - at));
                EXPECT_LE(w.get_write_buffer_size(), 3777u);
                w.drain();
            }
            w.close();
        });
        std::size_t at = 0;
        for (std::string part; !(part = server.reader.read(513)).empty();)
            for (const char c : part) ASSERT_EQ(c, static_cast<char>(at++ % 251));
        EXPECT_EQ(at, total);
        sender.await();
    });
}

TEST(stream_writer, belongs_to_its_thread) {
    brio::run([] {
        auto [client, server] = stream_pair();
        std::string text;
        std::thread other(
            [&, &w = client.writer] { text = text_of<brio::usage_error>([&] { w.write("x"); }); });
        other.join();
        EXPECT_EQ(text, "the stream that write() is called on belongs to another thread");
    });
}

}  // namespace
