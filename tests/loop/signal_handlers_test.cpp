// add_signal_handler.

#include "context/sanitizers.hpp"
#include "task/story.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace story;

// As the tests of SIGINT: ThreadSanitizer hands signals on at calls that it knows.
class signal_handlers : public ::testing::Test {
protected:
    void SetUp() override {
        const char* const reactor = std::getenv("BRIO_REACTOR");
        const bool on_epoll = reactor != nullptr && std::string(reactor) == "epoll";
        if (brio::detail::under_thread_sanitizer && !on_epoll)
            GTEST_SKIP() << "under ThreadSanitizer only with epoll";
    }
    static brio::event_loop& loop() { return brio::get_running_loop(); }
    void until_called(int count) const {
        while (called < count) brio::sleep(1ms);
    }
    int called = 0;
};

using handler = void (*)(int);
handler handler_of(int signal) {
    struct sigaction now {};
    EXPECT_EQ(::sigaction(signal, nullptr, &now), 0);
    return now.sa_handler;
}

TEST_F(signal_handlers, are_called_on_the_loop_s_stack) {
    brio::run([&] {
        loop().add_signal_handler(SIGUSR1, [&] {
            ++called;
            EXPECT_FALSE(brio::current_task().valid());
        });
        ::raise(SIGUSR1);
        EXPECT_EQ(called, 0);
        until_called(1);
    });
}

TEST_F(signal_handlers, wake_a_loop_that_sleeps_whichever_thread_gets_the_signal) {
    brio::run([&] {
        auto came = brio::create_future<void>();
        loop().add_signal_handler(SIGUSR1, [&] { came.set_result(); });
        std::thread other([] { ::raise(SIGUSR1); });
        came.await();
        other.join();
    });
}

TEST_F(signal_handlers,
       are_called_for_a_signal_to_the_process_where_other_threads_do_not_block_it) {
    brio::run([&] {
        loop().add_signal_handler(SIGUSR1, [&] { ++called; });
        std::atomic<bool> end = false;
        std::thread bystander([&] { end.wait(false); });
        ::kill(::getpid(), SIGUSR1);
        until_called(1);
        end = true;
        end.notify_one();
        bystander.join();
    });
}

TEST_F(signal_handlers, of_several_signals_are_apart_and_each_delivery_counts) {
    brio::run([&] {
        int others = 0;
        loop().add_signal_handler(SIGUSR1, [&] { ++called; });
        loop().add_signal_handler(SIGUSR2, [&] { ++others; });
        for (int i = 0; i < 3; ++i) ::raise(SIGUSR1);
        ::raise(SIGUSR2);
        until_called(3);
        while (others < 1) brio::sleep(1ms);
        turns(5);
        EXPECT_EQ(called, 3);
        EXPECT_EQ(others, 1);
    });
}

TEST_F(signal_handlers, that_are_added_again_replace_the_first) {
    brio::run([&] {
        loop().add_signal_handler(SIGUSR1, [] { ADD_FAILURE(); });
        loop().add_signal_handler(SIGUSR1, [&] { ++called; });
        ::raise(SIGUSR1);
        until_called(1);
    });
}

TEST_F(signal_handlers, give_back_what_was_there_when_they_are_removed_and_when_the_loop_closes) {
    ::signal(SIGUSR1, SIG_IGN);
    brio::run([&] {
        loop().add_signal_handler(SIGUSR1, [] {});
        loop().add_signal_handler(SIGUSR2, [] {});
        EXPECT_NE(handler_of(SIGUSR1), SIG_IGN);
        EXPECT_TRUE(loop().remove_signal_handler(SIGUSR1));
        EXPECT_FALSE(loop().remove_signal_handler(SIGUSR1));
        EXPECT_EQ(handler_of(SIGUSR1), SIG_IGN);
    });
    EXPECT_EQ(handler_of(SIGUSR2), SIG_DFL);
    ::signal(SIGUSR1, SIG_DFL);
}

TEST_F(signal_handlers, leave_a_handler_alone_that_the_program_has_put_there_meanwhile) {
    const handler own = [](int) {};
    brio::run([&] {
        loop().add_signal_handler(SIGUSR1, [] {});
        ::signal(SIGUSR1, own);
    });
    EXPECT_EQ(handler_of(SIGUSR1), own);
    ::signal(SIGUSR1, SIG_DFL);
}

TEST_F(signal_handlers, do_not_find_what_an_earlier_loop_has_not_seen) {
    brio::run([&] {
        loop().add_signal_handler(SIGUSR1, [&] { ++called; });
        ::raise(SIGUSR1);
    });
    called = 0;
    brio::run([&] {
        loop().add_signal_handler(SIGUSR1, [&] { ++called; });
        turns(5);
        EXPECT_EQ(called, 0);
        ::raise(SIGUSR1);
        until_called(1);
    });
}

TEST_F(signal_handlers, are_refused_for_what_is_no_signal_or_cannot_be_caught) {
    brio::run([&] {
        for (const int number : {0, -1, 32, 65, 1000}) {
            EXPECT_EQ(text_of<std::invalid_argument>([&] {
                          loop().add_signal_handler(number, [] {});
                          return 0;
                      }),
                      "add_signal_handler: there is no signal " + std::to_string(number));
            EXPECT_EQ(text_of<std::invalid_argument>(
                          [&] { return loop().remove_signal_handler(number); }),
                      "remove_signal_handler: there is no signal " + std::to_string(number));
        }
        EXPECT_EQ(text_of<brio::usage_error>([] {
                      loop().add_signal_handler(SIGKILL, [] {});
                      return 0;
                  }),
                  "add_signal_handler: signal 9 cannot be caught");
        EXPECT_FALSE(loop().remove_signal_handler(SIGKILL));
    });
}

TEST_F(signal_handlers, belong_to_one_loop_at_a_time) {
    brio::run([&] {
        loop().add_signal_handler(SIGUSR1, [] {});
        std::thread([] {
            brio::run([] {
                EXPECT_EQ(text_of<brio::usage_error>([] {
                              loop().add_signal_handler(SIGUSR1, [] {});
                              return 0;
                          }),
                          "add_signal_handler: another loop handles signal 10");
            });
        }).join();
        loop().remove_signal_handler(SIGUSR1);
        std::thread([] { brio::run([] { loop().add_signal_handler(SIGUSR1, [] {}); }); }).join();
    });
}

TEST_F(signal_handlers, do_not_hear_of_a_signal_to_a_child_that_was_forked) {
    brio::run([&] {
        loop().add_signal_handler(SIGUSR1, [&] { ++called; });
        const pid_t child = ::fork();
        if (child == 0) {
            ::raise(SIGUSR1);
            std::_Exit(0);
        }
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
        turns(5);
        EXPECT_EQ(called, 0);
    });
}

// ------------------------------------------------------------------------------- and run()'s SIGINT

TEST_F(signal_handlers, for_sigint_take_the_place_of_run_s_own) {
    brio::run([&] {
        loop().add_signal_handler(SIGINT, [&] { ++called; });
        ::raise(SIGINT);
        until_called(1);
        ::raise(SIGINT);
        until_called(2);
    });
    EXPECT_EQ(handler_of(SIGINT), SIG_DFL);
}

TEST_F(signal_handlers, for_sigint_that_are_removed_let_it_cancel_main_again) {
    EXPECT_THROW(brio::run([&] {
                     loop().add_signal_handler(SIGINT, [&] { ++called; });
                     loop().remove_signal_handler(SIGINT);
                     ::raise(SIGINT);
                     brio::sleep(1h);
                 }),
                 brio::keyboard_interrupt);
    EXPECT_EQ(called, 0);
    EXPECT_EQ(handler_of(SIGINT), SIG_DFL);
}

TEST_F(signal_handlers, for_sigint_last_from_one_run_of_a_runner_to_the_next) {
    brio::runner r;
    r.run([&] { loop().add_signal_handler(SIGINT, [&] { ++called; }); });
    r.run([&] {
        ::raise(SIGINT);
        until_called(1);
        loop().remove_signal_handler(SIGINT);
        EXPECT_EQ(handler_of(SIGINT), SIG_DFL) << "what would come back belonged to the first run";
    });
}

}  // namespace
