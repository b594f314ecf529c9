// Cancelling: before the kernel knows of the operation, while it waits, when it has a result. Each
// operation ends exactly once, and nothing gets lost.

#include "io/situations.hpp"

#include <atomic>
#include <cerrno>
#include <deque>
#include <sys/stat.h>
#include <thread>
#include <tuple>

namespace brio::testing_io {
namespace {

// ---------------------------------------------------------------- each operation, on each reactor

class cancel_test : public reactor_fixture<std::tuple<backend, named_situation>> {
protected:
    void SetUp() override {
        start(std::get<0>(GetParam()));
        situation_ = std::get<1>(GetParam()).make();
    }
    void clean_up() override { situation_.reset(); }
    [[nodiscard]] situation& here() { return *situation_; }

private:
    std::unique_ptr<situation> situation_;
};

INSTANTIATE_TEST_SUITE_P(each, cancel_test,
                         ::testing::Combine(every_backend, ::testing::ValuesIn(every_situation())),
                         [](const auto& info) {
                             return std::string(std::get<1>(info.param).name) + "_on_" +
                                    std::string(name_of(std::get<0>(info.param)));
                         });

TEST_P(cancel_test, goes_on_when_it_can) {
    request r(here().op());
    submit(r);
    settle();
    EXPECT_FALSE(r.done());
    here().allow();
    EXPECT_NE(result_of(r), -ECANCELED);
    here().check(r.result);
}

TEST_P(cancel_test, ends_when_cancelled_while_it_waits) {
    request r(here().op());
    submit(r);
    settle();
    io().cancel(r);
    EXPECT_EQ(result_of(r), -ECANCELED);
    here().allow();
    settle();
    here().check(r.result);
    EXPECT_EQ(io().in_flight(), 0U);
}

TEST_P(cancel_test, ends_when_cancelled_in_the_turn_of_its_submission) {
    request r(here().op());
    submit(r);
    io().cancel(r);
    EXPECT_EQ(result_of(r), -ECANCELED);
    here().allow();
    settle();
    here().check(r.result);
}

TEST_P(cancel_test, a_result_that_came_first_wins_or_nothing_has_happened) {
    for (int i = 0; i < 20; ++i) {
        request r(here().op());
        submit(r);
        settle();
        here().allow();
        io().cancel(r);
        here().check(result_of(r));
    }
}

TEST_P(cancel_test, a_cancel_that_came_first_wins_or_loses_nothing) {
    for (int i = 0; i < 20; ++i) {
        request r(here().op());
        submit(r);
        settle();
        io().cancel(r);
        here().allow();
        here().check(result_of(r));
    }
}

TEST_P(cancel_test, a_result_that_is_there_at_once_wins) {
    here().allow();
    request r(here().op());
    submit(r);
    io().cancel(r);
    EXPECT_NE(result_of(r), -ECANCELED);
    here().check(r.result);
}

TEST_P(cancel_test, further_cancels_change_nothing) {
    request r(here().op());
    submit(r);
    for (int i = 0; i < 5; ++i) io().cancel(r);
    if (!r.done()) turn();
    for (int i = 0; i < 5 && !r.done(); ++i) io().cancel(r);
    EXPECT_EQ(result_of(r), -ECANCELED);
    settle();
    EXPECT_EQ(r.completions, 1);
    here().allow();
    here().check(r.result);
}

/// The stack of a fiber holds its next operation at the same address.
TEST_P(cancel_test, does_not_hit_the_next_operation_at_its_address) {
    for (int i = 0; i < 20; ++i) {
        request r(here().op());
        submit(r);
        settle();
        here().allow();
        io().cancel(r);
        here().check(result_of(r));

        static_cast<operation&>(r) = request(here().op());
        r.completions = 0;
        submit(r);
        settle();
        EXPECT_FALSE(r.done()) << "cancelled by its predecessor's cancel";
        io().cancel(r);
        EXPECT_EQ(result_of(r), -ECANCELED);
        here().allow();
        here().check(r.result);
    }
}

TEST_P(cancel_test, races_against_another_thread) {
    constexpr int rounds = 300;
    std::atomic<int> allowed = 0, started = 0;
    std::thread other([&] {
        for (int i = 0; i < rounds; ++i) {
            while (started.load() <= i) std::this_thread::yield();
            for (int spin = i % 50; spin > 0; --spin) std::this_thread::yield();
            here().allow();
            allowed.store(i + 1);
        }
    });
    int won = 0;
    for (int i = 0; i < rounds; ++i) {
        request r(here().op());
        submit(r);
        started.store(i + 1);
        for (int spin = i / 50; spin > 0; --spin) turn();
        if (!r.done()) io().cancel(r);
        const int result = result_of(r);
        won += result != -ECANCELED ? 1 : 0;
        while (allowed.load() <= i) std::this_thread::yield();
        here().check(result);
    }
    other.join();
    RecordProperty("results_that_won", won);
}

// ---------------------------------------------------------------------------------------- crowds

class cancel_crowd_test : public reactor_test {};
INSTANTIATE_TEST_SUITE_P(each, cancel_crowd_test, every_backend, backend_name);

TEST_P(cancel_crowd_test, thousands_of_cancels_in_a_turn_all_arrive) {
    const two_ends s = make_socket_pair();
    char buffer[8];
    std::deque<request> many;
    for (int i = 0; i < 5000; ++i) submit(many.emplace_back(op_recv(s.first.get(), buffer, 8)));
    settle();
    EXPECT_EQ(io().in_flight(), 5000U);
    for (request& r : many) io().cancel(r);
    wait_for([&] { return io().in_flight() == 0; });
    for (request& r : many) {
        EXPECT_TRUE(r.done());
        EXPECT_EQ(r.result, -ECANCELED);
    }
}

TEST_P(cancel_crowd_test, cancels_among_submissions_that_find_no_place) {
    const two_ends s = make_socket_pair();
    char buffer[8];
    std::deque<request> many;
    for (int i = 0; i < 5000; ++i) {
        submit(many.emplace_back(op_recv(s.first.get(), buffer, 8)));
        if (i % 2 == 0) io().cancel(many.back());
    }
    wait_for([&] { return io().in_flight() == 2500; });
    for (std::size_t i = 0; i < many.size(); ++i) EXPECT_EQ(many[i].done(), i % 2 == 0);
    destroy_reactor();
    for (request& r : many) EXPECT_TRUE(r.done());
}

/// More completions than the queue holds, with cancels behind them.
TEST_P(cancel_crowd_test, cancels_arrive_when_completions_overflow) {
    const two_ends s = make_socket_pair();
    char buffer[8];
    std::deque<request> waiting, quick(20'000);
    for (int i = 0; i < 1000; ++i) submit(waiting.emplace_back(op_recv(s.first.get(), buffer, 8)));
    settle();
    for (request& r : quick) submit(r);
    for (request& r : waiting) io().cancel(r);
    wait_for([&] { return io().in_flight() == 0; });
    for (request& r : waiting) EXPECT_EQ(r.result, -ECANCELED);
    for (request& r : quick) EXPECT_TRUE(r.done());
}

/// What has no way to block still ends once, and does what it says.
TEST_P(cancel_crowd_test, a_cancelled_open_returns_its_descriptor_or_has_not_opened) {
    for (int i = 0; i < 200; ++i) {
        request r({.what = code::openat,
                   .fd = AT_FDCWD,
                   .address = const_cast<char*>("/proc/self/status"),
                   .flags = O_RDONLY | O_CLOEXEC});
        submit(r);
        if (i % 2 == 0) turn();
        if (!r.done()) io().cancel(r);
        const descriptor opened(result_of(r));
        EXPECT_TRUE(r.result >= 0 || r.result == -ECANCELED) << r.result;
    }
}

TEST_P(cancel_crowd_test, a_cancelled_look_at_a_file_writes_only_with_a_result) {
    for (int i = 0; i < 200; ++i) {
        struct statx found, unused;
        std::memset(&unused, 0x5a, sizeof unused);
        found = unused;
        request r({.what = code::statx,
                   .fd = AT_FDCWD,
                   .address = const_cast<char*>("/"),
                   .length = STATX_TYPE,
                   .second = &found});
        submit(r);
        if (i % 2 == 0) turn();
        if (!r.done()) io().cancel(r);
        if (result_of(r) == 0)
            EXPECT_TRUE(S_ISDIR(found.stx_mode));
        else
            EXPECT_EQ(std::memcmp(&found, &unused, sizeof found), 0);
    }
}

TEST_P(cancel_crowd_test, a_cancelled_sync_or_file_read_ends) {
    char name[] = "/tmp/brio-cancel-XXXXXX";
    const descriptor file(::mkstemp(name));
    ::unlink(name);
    ASSERT_EQ(run(op_write(file.get(), "0123456789", 0)), 10);
    for (int i = 0; i < 100; ++i) {
        request sync({.what = code::fsync, .fd = file.get()});
        char buffer[10] = {};
        request read(op_read(file.get(), buffer, 10, 0));
        for (request* r : {&sync, &read}) submit(*r);
        if (i % 2 == 0) turn();
        for (request* r : {&sync, &read})
            if (!r->done()) io().cancel(*r);
        EXPECT_TRUE(result_of(sync) == 0 || sync.result == -ECANCELED) << sync.result;
        EXPECT_TRUE(result_of(read) == 10 || read.result == -ECANCELED) << read.result;
    }
}

TEST_P(cancel_crowd_test, a_cancelled_nop_completes) {
    for (int i = 0; i < 100; ++i) {
        request r;
        submit(r);
        io().cancel(r);
        EXPECT_EQ(result_of(r), 0);
    }
}

/// Half a MSG_WAITALL has arrived: those bytes are a result.
TEST_P(cancel_crowd_test, a_cancelled_receive_of_all_returns_what_has_come) {
    const two_ends s = make_socket_pair();
    char buffer[8];
    request r(op_recv(s.first.get(), buffer, sizeof buffer, MSG_WAITALL));
    submit(r);
    settle();
    ASSERT_EQ(::write(s.second.get(), "abc", 3), 3);
    settle();
    EXPECT_FALSE(r.done());
    io().cancel(r);
    EXPECT_EQ(result_of(r), 3);
}

/// To an address that does not answer: a listener whose queue is full drops what comes.
TEST_P(cancel_crowd_test, a_cancel_ends_a_connect_that_nobody_answers) {
    const tcp_server server(0);
    std::deque<descriptor> clients;
    std::deque<request> connecting;
    for (int i = 0; i < 4; ++i) {
        clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        submit(connecting.emplace_back(server.op_connect(clients.back().get())));
    }
    settle();
    EXPECT_FALSE(connecting.back().done());
    for (request& r : connecting)
        if (!r.done()) io().cancel(r);
    for (request& r : connecting) EXPECT_TRUE(result_of(r) == 0 || r.result == -ECANCELED);
    EXPECT_EQ(connecting.back().result, -ECANCELED);
}

}  // namespace
}  // namespace brio::testing_io
