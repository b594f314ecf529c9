// Cancels at every turn: before, during and in the race with completion. Nothing is lost, sent twice
// or leaked.

#include "tls/connected.hpp"

#include <filesystem>
#include <iterator>

namespace {

using namespace brio::testing_tls;
using brio::tls_context;

std::ptrdiff_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
}

enum class wire { memory, narrow_memory, sockets };

class tls_cancel : public ::testing::TestWithParam<wire> {
protected:
    static channel_pair make_pair() {
        switch (GetParam()) {
            case wire::memory:
                return memory_pair();
            case wire::narrow_memory:
                return memory_pair(100);
            case wire::sockets:
                return socket_pair();
        }
        return {};
    }
    static channel_pair make_connected() {
        return GetParam() == wire::narrow_memory ? narrowly_connected(100) : connected(make_pair());
    }
    /// Runs body(turn) for each number of turns after which something may be cancelled. body says
    /// whether the cancel came in time.
    template <class Body>
    static void at_each_turn(Body body) {
        const auto before = open_descriptors();
        brio::run([&] {
            int in_time = 0, too_late = 0;
            for (int turn = 0; turn < 400 && too_late < 3; ++turn)
                ++(body(turn) ? in_time : too_late);
            EXPECT_GT(in_time, 0);
            EXPECT_EQ(too_late, 3);
        });
        EXPECT_EQ(open_descriptors(), before);
    }
    /// Whether the task ended by that cancel.
    template <class T>
    static bool cancel_after(int turns, brio::task<T>& task) {
        for (int i = 0; i < turns; ++i) brio::yield();
        task.cancel();
        (void)brio::wait(std::vector{task});
        return task.cancelled();
    }
};

TEST_P(tls_cancel, of_a_handshake_leaves_nothing) {
    const auto client = tls_context::client(client_options());
    const auto server = tls_context::server(server_options());
    for (const bool of_client : {true, false}) {
        at_each_turn([&](int turn) {
            auto below = make_pair();
            const auto outcome = [](auto connect) {
                try {
                    const auto channel = connect();
                    return read_to_end(*channel);
                } catch (const std::exception& e) {
                    return std::string(e.what());
                }
            };
            auto at_server = brio::create_task([&] {
                return of_client
                           ? outcome([&] { return as_server(server, std::move(below.server)); })
                           : (as_server(server, std::move(below.server)), std::string());
            });
            auto at_client = brio::create_task([&] {
                return of_client
                           ? (as_client(client, std::move(below.client)), std::string())
                           : outcome([&] { return as_client(client, std::move(below.client)); });
            });
            const bool in_time = cancel_after(turn, of_client ? at_client : at_server);
            // Where the task never began the channel is still here.
            (of_client ? below.client : below.server).reset();
            (of_client ? at_server : at_client).await();
            return in_time;
        });
    }
}

TEST_P(tls_cancel, that_is_pending_ends_a_handshake_before_it_waits) {
    brio::run([] {
        auto below = make_pair();
        auto task = brio::create_task([&] {
            brio::current_task().cancel();
            as_client(tls_context::client(client_options()), std::move(below.client));
        });
        EXPECT_THROW(task.await(), brio::cancelled_error);
        EXPECT_EQ(below.client, nullptr);
    });
}

TEST_P(tls_cancel, of_reads_and_writes_loses_no_byte) {
    brio::run([] {
        auto ends = make_connected();
        const std::string text = much_text(GetParam() == wire::narrow_memory ? 40'000 : 2 << 20);
        int cancels = 0;
        const auto stubbornly = [&cancels](auto step) {
            return brio::create_task([&cancels, step] {
                for (;;) {
                    try {
                        if (!step()) return;
                    } catch (const brio::cancelled_error&) {
                        ++cancels;
                    }
                }
            });
        };
        std::string got;
        std::string_view rest = text;
        auto writer = stubbornly([&] {
            rest.remove_prefix(ends.client->write(rest));
            return !rest.empty();
        });
        auto reader = stubbornly([&] {
            std::array<char, 3000> part;
            got.append(part.data(), ends.server->read(part));
            return got.size() < text.size();
        });
        for (int i = 0; !reader.done(); ++i) {
            brio::yield();
            if (i % 3 == 0) writer.cancel();
            if (i % 5 == 0) reader.cancel();
        }
        EXPECT_TRUE(got == text);
        EXPECT_GT(cancels, 0);
        writer.await();
    });
}

TEST_P(tls_cancel, of_a_close_leaves_nothing) {
    at_each_turn([](int turn) {
        auto ends = make_connected();
        auto closing = brio::create_task([&] { ends.client->close(); });
        auto other = brio::create_task([&] {
            try {
                (void)read_to_end(*ends.server);
                for (int i = 0; i < 5; ++i) brio::yield();
                ends.server->close();
            } catch (const std::system_error&) {  // the other end was aborted
            }
        });
        const bool in_time = cancel_after(turn, closing);
        if (turn == 0) ends.client.reset();  // it never began
        other.await();
        return in_time;
    });
}

TEST_P(tls_cancel, of_a_close_still_lets_the_goodbye_out) {
    brio::run([] {
        auto client = client_options();
        auto server = server_options();
        server.suppress_ragged_eofs = false;
        auto ends = connected(GetParam() == wire::sockets ? socket_pair() : memory_pair(),
                              tls_context::client(client), tls_context::server(server));
        auto reader = brio::create_task([&] { return read_to_end(*ends.server); });
        auto closing = brio::create_task([&] {
            brio::current_task().cancel();
            ends.client->close();
        });
        EXPECT_THROW(closing.await(), brio::cancelled_error);
        try {
            EXPECT_EQ(reader.await(), "");
        } catch (const std::system_error& e) {  // memory forgets what was in it when it is aborted
            EXPECT_NE(GetParam(), wire::sockets) << e.what();
        }
    });
}

TEST_P(tls_cancel, of_a_close_that_waits_for_a_reader_leaves_the_reader_alone) {
    brio::run([] {
        auto ends = make_connected();
        auto reader = brio::create_task([&] {
            try {
                return read_to_end(*ends.client);
            } catch (const std::system_error&) {
                return std::string("aborted");
            }
        });
        auto closing = brio::create_task([&] { ends.client->close(); });
        EXPECT_EQ(read_to_end(*ends.server), "");
        EXPECT_TRUE(cancel_after(0, closing));
        EXPECT_THAT(reader.await(), ::testing::AnyOf("", "aborted"));
    });
}

std::string name_of(const ::testing::TestParamInfo<wire>& info) {
    constexpr const char* names[] = {"memory", "narrow_memory", "sockets"};
    return names[static_cast<int>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(wires, tls_cancel,
                         ::testing::Values(wire::memory, wire::narrow_memory, wire::sockets),
                         name_of);

}  // namespace
