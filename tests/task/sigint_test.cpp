// SIGINT as asyncio.run has it; each case in a child process.

#include "context/sanitizers.hpp"
#include "task/story.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <unistd.h>

namespace {

using namespace story;
using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

// ThreadSanitizer hands a signal on at calls that it knows; waiting for an io_uring is none of them.
class sigint : public ::testing::Test {
protected:
    void SetUp() override {
        const char* const reactor = std::getenv("BRIO_REACTOR");
        const bool on_epoll = reactor != nullptr && std::string(reactor) == "epoll";
        if (brio::detail::under_thread_sanitizer && !on_epoll)
            GTEST_SKIP() << "under ThreadSanitizer only with epoll";
    }
};

[[noreturn]] void leave(int code, const std::string& text) {
    std::fputs((text + "\n").c_str(), stderr);
    std::_Exit(code);
}

/// Runs `body` on a loop with the real clock and says how that ended.
template <class F>
[[noreturn]] void run_and_tell(F body, const brio::loop_options& options = {}) {
    try {
        brio::run(body, options);
    } catch (const brio::keyboard_interrupt& e) {
        leave(2, std::string("keyboard_interrupt: ") + e.what());
    } catch (const brio::cancelled_error&) {
        leave(3, "cancelled_error");
    } catch (const std::exception& e) {
        leave(4, e.what());
    }
    leave(0, "returned");
}

TEST_F(sigint, cancels_main_and_run_throws_keyboard_interrupt) {
    EXPECT_EXIT(run_and_tell([] {
                    ::raise(SIGINT);
                    brio::sleep(1h);
                }),
                ExitedWithCode(2), "keyboard_interrupt: interrupted by SIGINT");
}

TEST_F(sigint, from_elsewhere_wakes_a_loop_that_sleeps) {
    EXPECT_EXIT(run_and_tell([] {
                    std::thread([] { ::kill(::getpid(), SIGINT); }).detach();
                    brio::sleep(1h);
                }),
                ExitedWithCode(2), "keyboard_interrupt");
}

TEST_F(sigint, lets_main_clean_up_and_then_cancels_the_rest) {
    EXPECT_EXIT(run_and_tell([] {
                    brio::create_task([] {
                        try {
                            brio::sleep(1h);
                        } catch (const brio::cancelled_error&) {
                            std::fputs("child cleans up\n", stderr);
                            throw;
                        }
                    });
                    try {
                        brio::yield();
                        ::raise(SIGINT);
                        brio::sleep(1h);
                    } catch (const brio::cancelled_error&) {
                        brio::sleep(1ms);
                        std::fputs("main cleans up\n", stderr);
                        throw;
                    }
                }),
                ExitedWithCode(2), "main cleans up\nchild cleans up\nkeyboard_interrupt");
}

TEST_F(sigint, that_main_swallows_lets_run_return) {
    EXPECT_EXIT(run_and_tell([] {
                    ::raise(SIGINT);
                    try {
                        brio::sleep(1h);
                    } catch (const brio::cancelled_error&) {
                    }
                }),
                ExitedWithCode(0), "returned");
}

TEST_F(sigint, that_main_answers_with_an_error_lets_run_throw_that) {
    EXPECT_EXIT(run_and_tell([] {
                    ::raise(SIGINT);
                    try {
                        brio::sleep(1h);
                    } catch (const brio::cancelled_error&) {
                        throw std::runtime_error("own error");
                    }
                }),
                ExitedWithCode(4), "own error");
}

TEST_F(sigint, together_with_a_cancel_by_the_program_is_a_cancel) {
    EXPECT_EXIT(run_and_tell([] {
                    ::raise(SIGINT);
                    brio::current_task().cancel();
                    brio::sleep(1h);
                    brio::sleep(1h);
                }),
                ExitedWithCode(3), "cancelled_error");
}

TEST_F(sigint, a_second_time_ends_the_process_by_the_signal) {
    EXPECT_EXIT(run_and_tell([] {
                    ::raise(SIGINT);
                    try {
                        brio::sleep(1h);
                    } catch (const brio::cancelled_error&) {
                        ::raise(SIGINT);
                    }
                }),
                KilledBySignal(SIGINT), "");
}

TEST_F(sigint, stops_a_main_that_never_suspends_at_the_second_time_only) {
    EXPECT_EXIT(run_and_tell([] {
                    ::raise(SIGINT);
                    ::raise(SIGINT);
                }),
                KilledBySignal(SIGINT), "");
}

TEST_F(sigint, has_its_default_action_again_behind_run) {
    EXPECT_EXIT(
        {
            brio::run([] {});
            ::raise(SIGINT);
            leave(0, "still here");
        },
        KilledBySignal(SIGINT), "");
}

TEST_F(sigint, is_left_alone_where_the_program_asked_for_that) {
    EXPECT_EXIT(run_and_tell([] { ::raise(SIGINT); }, {.handle_sigint = false}),
                KilledBySignal(SIGINT), "");
}

TEST_F(sigint, is_left_alone_where_the_program_has_a_handler) {
    EXPECT_EXIT(
        {
            ::signal(SIGINT, [](int) { ::write(2, "own handler\n", 12); });
            run_and_tell([] {
                ::raise(SIGINT);
                brio::yield();
            });
        },
        ExitedWithCode(0), "own handler\nreturned");
    EXPECT_EXIT(
        {
            ::signal(SIGINT, SIG_IGN);
            run_and_tell([] { ::raise(SIGINT); });
        },
        ExitedWithCode(0), "returned");
}

TEST_F(sigint, is_left_alone_by_a_loop_of_another_thread) {
    EXPECT_EXIT(
        {
            std::thread([] { brio::run([] { ::kill(::getpid(), SIGINT); }); }).join();
            leave(0, "still here");
        },
        KilledBySignal(SIGINT), "");
}

TEST_F(sigint, works_again_in_a_second_run_of_the_same_runner) {
    EXPECT_EXIT(
        {
            brio::runner r;
            for (int i = 0; i < 2; ++i) {
                try {
                    r.run([] {
                        ::raise(SIGINT);
                        brio::sleep(1h);
                    });
                } catch (const brio::keyboard_interrupt&) {
                    std::fputs("interrupted\n", stderr);
                }
            }
            leave(0, "done");
        },
        ExitedWithCode(0), "interrupted\ninterrupted\ndone");
}

TEST_F(sigint, handler_that_main_has_installed_stays) {
    EXPECT_EXIT(
        {
            brio::run([] { std::signal(SIGINT, [](int) { std::_Exit(7); }); });
            ::raise(SIGINT);
            std::_Exit(1);
        },
        ExitedWithCode(7), "");
}

}  // namespace
