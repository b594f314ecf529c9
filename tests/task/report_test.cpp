// What nobody catches: never-retrieved exceptions, the exception handler, the default text.

#include "task/story.hpp"

namespace {

using namespace story;

constexpr auto unseen_task = "a task's exception was never retrieved | unseen";
constexpr auto unseen_future = "a future's exception was never retrieved | unseen";

void fail() {
    throw std::runtime_error("unseen");
}

TEST(never_retrieved, is_reported_when_the_last_handle_goes) {
    run([] {
        const reports handler;
        auto t = brio::create_task(fail);
        auto copy = t;
        turns(2);
        t = {};
        EXPECT_THAT(handler.told(), IsEmpty());
        copy = {};
        EXPECT_THAT(handler.told(), ElementsAre(unseen_task));
    });
}

TEST(never_retrieved, of_a_detached_task_is_reported_when_it_ends) {
    run([] {
        const reports handler;
        brio::create_task(fail);
        turns(1);
        EXPECT_THAT(handler.told(), ElementsAre(unseen_task));
    });
}

TEST(never_retrieved, of_a_future_is_reported_as_one) {
    run([] {
        const reports handler;
        brio::create_future<int>().set_exception(std::runtime_error("unseen"));
        EXPECT_THAT(handler.told(), ElementsAre(unseen_future));
    });
}

TEST(never_retrieved, is_not_said_of_what_was_asked_for_in_any_way) {
    run([] {
        const reports handler;
        const auto failed = [] {
            auto t = brio::create_task(fail);
            turns(2);
            return t;
        };
        ending([&] { failed().await(); });
        ending([&] { failed().result(); });
        static_cast<void>(failed().exception());
        EXPECT_FALSE(failed().cancel());  // counts as having looked, as in asyncio
        ending([&] { brio::gather(failed()).await(); });
        ending([&] { static_cast<void>(brio::gather(brio::return_exceptions, failed()).await()); });
        ending([&] { brio::shield(failed()).await(); });
        ending([&] { brio::wait_for(failed(), 1s); });
        turns(3);
        EXPECT_THAT(handler.told(), IsEmpty());
    });
}

TEST(never_retrieved, is_said_of_what_was_only_waited_for) {
    run([] {
        const reports handler;
        {
            auto t = brio::create_task(fail);
            static_cast<void>(brio::wait({t}));
            EXPECT_TRUE(t.done());
        }
        EXPECT_THAT(handler.told(), ElementsAre(unseen_task));
    });
}

TEST(never_retrieved, is_not_said_of_cancelled_tasks) {
    run([] {
        const reports handler;
        brio::create_task([] { brio::sleep(1h); }).cancel();
        brio::create_task([] { throw brio::cancelled_error(); });
        turns(3);
        EXPECT_THAT(handler.told(), IsEmpty());
    });
}

TEST(never_retrieved, is_said_once_though_the_handler_keeps_a_handle) {
    run([] {
        std::vector<brio::any_future> kept;
        brio::get_running_loop().set_exception_handler(
            [&](const brio::exception_report& r) { kept.push_back(r.future); });
        brio::create_task(fail, {.name = "keeper"});
        turns(1);
        ASSERT_EQ(kept.size(), 1U);
        EXPECT_EQ(ending([&] { kept[0].await(); }), "unseen");
        kept.clear();
        EXPECT_THAT(kept, IsEmpty());
    });
}

/// What the handler of a loop is told until it has closed.
template <class F>
lines told_until_closed(F body) {
    auto told = std::make_shared<lines>();
    {
        brio::testing::runner r;
        r.get_loop().set_exception_handler([told](const brio::exception_report& report) {
            told->push_back(std::string(report.message) + " | " +
                            ending([&] { std::rethrow_exception(report.exception); }));
        });
        r.run(body);
    }
    return *told;
}

brio::future<int> failed_future() {
    auto f = brio::create_future<int>();
    f.set_exception(std::runtime_error("unseen"));
    return f;
}

TEST(never_retrieved, is_said_of_what_a_dropped_callback_owned) {
    EXPECT_THAT(told_until_closed([] {
                    auto& loop = brio::get_running_loop();
                    loop.call_later(1h, [f = failed_future()] {});
                    loop.call_soon_threadsafe([f = failed_future()] {});
                    loop.call_soon([&loop] {
                        loop.call_soon([&loop] { loop.call_soon([f = failed_future()] {}); });
                    });
                }),
                ElementsAre(unseen_future, unseen_future));
}

TEST(never_retrieved, is_said_of_what_only_a_future_that_is_never_done_knew) {
    EXPECT_THAT(told_until_closed([] {
                    auto f = brio::create_future<int>();
                    f.add_done_callback([failed = failed_future()](const brio::any_future&) {});
                    auto dropped = brio::gather(f);
                }),
                ElementsAre(unseen_future));
}

TEST(never_retrieved, is_said_of_the_child_of_a_gather_that_is_never_done) {
    EXPECT_THAT(told_until_closed([] {
                    auto f = brio::create_future<int>();
                    auto dropped =
                        brio::gather(brio::return_exceptions, f, brio::create_task(fail));
                    brio::yield();
                }),
                ElementsAre(unseen_task));
}

TEST(never_retrieved, is_said_of_what_the_exception_of_another_owned) {
    struct owns_a_future {
        brio::future<int> failed;
    };
    EXPECT_THAT(told_until_closed([] {
                    auto f = brio::create_future<int>();
                    f.set_exception(std::make_exception_ptr(owns_a_future{failed_future()}));
                    static_cast<void>(f.exception());
                    brio::get_running_loop().call_later(1h, [f] {});
                }),
                ElementsAre(unseen_future));
}

// ---------------------------------------------------------------------------------- the default text

/// Without the line on which a loop in debug mode names its reactor.
std::string default_text(const brio::loop_options& options, auto&& body) {
    ::testing::internal::CaptureStderr();
    story::run(body, options);
    std::string text = ::testing::internal::GetCapturedStderr();
    if (text.starts_with("brio: reactor ")) text.erase(0, text.find('\n') + 1);
    return text;
}

TEST(default_handler, writes_message_task_type_and_text) {
    EXPECT_EQ(default_text({},
                           [] {
                               brio::create_task(fail, {.name = "loader"});
                               turns(1);
                           }),
              "brio: a task's exception was never retrieved\n"
              "  task 'loader'\n"
              "  std::runtime_error: unseen\n");
}

TEST(default_handler, says_in_debug_mode_where_the_task_was_made) {
    const int line = __LINE__ + 2;
    const auto body = [] {
        brio::create_task(fail, {.name = "loader"});
        turns(1);
    };
    EXPECT_EQ(default_text({.debug = true}, body),
              "brio: a task's exception was never retrieved\n"
              "  task 'loader', made at " __FILE__ ":" +
                  std::to_string(line) + "\n  std::runtime_error: unseen\n");
}

TEST(default_handler, knows_the_place_of_a_task_of_a_group_too) {
    const int line = __LINE__ + 3;
    const auto body = [] {
        brio::task_group([](brio::task_group_scope& group) {
            const brio::any_task t = group.create_task([] { brio::sleep(1s); });
            brio::get_running_loop().call_exception_handler({"look", nullptr, t});
        });
    };
    EXPECT_THAT(default_text({.debug = true}, body),
                HasSubstr("made at " __FILE__ ":" + std::to_string(line)));
}

TEST(default_handler, names_no_place_for_tasks_that_brio_made) {
    EXPECT_EQ(default_text({.debug = true},
                           [] {
                               { auto dropped = brio::gather(fail); }
                               turns(3);
                           }),
              "brio: a future's exception was never retrieved\n"
              "  gather\n"
              "  std::runtime_error: unseen\n");
}

TEST(default_handler, names_the_type_of_what_is_not_a_standard_exception) {
    EXPECT_EQ(default_text({},
                           [] {
                               brio::get_running_loop().call_soon([] { throw 5; });
                               brio::yield();
                           }),
              "brio: exception in a callback\n  int\n");
    EXPECT_EQ(default_text({},
                           [] {
                               brio::get_running_loop().call_soon(
                                   [] { throw brio::cancelled_error("why"); });
                               brio::yield();
                           }),
              "brio: exception in a callback\n  brio::cancelled_error: why\n");
}

TEST(default_handler, tells_of_tasks_that_are_pending_when_the_loop_closes) {
    const leaks allowed;
    ::testing::internal::CaptureStderr();
    {
        brio::testing::runner r({.debug = true});
        r.run([] {
            brio::create_task(
                [] {
                    const brio::defer_cancel whole;
                    brio::sleep(std::nullopt);
                },
                {.name = "stubborn"});
            brio::yield();
        });
    }
    const std::string text = ::testing::internal::GetCapturedStderr();
    EXPECT_THAT(text, HasSubstr("brio: the loop closes, and this task is still pending: its stack "
                                "is not unwound\n  task 'stubborn', made at " __FILE__));
}

// ------------------------------------------------------------------------------- the exception handler

TEST(exception_handler, that_throws_is_reported_by_the_default_one) {
    EXPECT_EQ(default_text({},
                           [] {
                               auto& loop = brio::get_running_loop();
                               loop.set_exception_handler([](const brio::exception_report&) {
                                   throw std::logic_error("the handler's own");
                               });
                               loop.call_soon([] { throw std::runtime_error("first"); });
                               brio::yield();
                           }),
              "brio: exception in a callback\n"
              "  std::runtime_error: first\n"
              "brio: the exception handler itself has thrown\n"
              "  std::logic_error: the handler's own\n");
}

TEST(exception_handler, may_replace_itself) {
    run([] {
        auto& loop = brio::get_running_loop();
        lines seen;
        loop.set_exception_handler(
            [&seen, &loop, marker = std::string(100, 'x')](const brio::exception_report&) {
                loop.set_exception_handler(
                    [&seen](const brio::exception_report&) { seen.push_back("second"); });
                seen.push_back("first " + std::to_string(marker.size()));
            });
        for (int i = 0; i < 2; ++i) {
            loop.call_soon([] { throw 1; });
            brio::yield();
        }
        EXPECT_THAT(seen, ElementsAre("first 100", "second"));
    });
}

TEST(exception_handler, is_told_message_error_and_future) {
    run([] {
        brio::any_future told;
        std::string message;
        brio::get_running_loop().set_exception_handler([&](const brio::exception_report& r) {
            told = r.future;
            message = r.message;
            EXPECT_EQ(r.exception, nullptr);
        });
        auto f = brio::create_future<void>();
        brio::get_running_loop().call_exception_handler({"my own", nullptr, f});
        EXPECT_EQ(told, f);
        EXPECT_EQ(message, "my own");
        f.cancel();
    });
}

TEST(exception_handler, can_be_reset_by_a_plain_one) {
    run([] {
        auto& loop = brio::get_running_loop();
        int calls = 0;
        loop.set_exception_handler([&](const brio::exception_report&) { ++calls; });
        loop.set_exception_handler([](const brio::exception_report&) {});
        loop.call_soon([] { throw 1; });
        brio::yield();
        EXPECT_EQ(calls, 0);
    });
}

TEST(debug_mode, can_be_asked_and_set) {
    run([] {
        auto& loop = brio::get_running_loop();
        EXPECT_FALSE(loop.get_debug());
        loop.set_debug(true);
        EXPECT_TRUE(loop.get_debug());
    });
    run([] { EXPECT_TRUE(brio::get_running_loop().get_debug()); }, {.debug = true});
    ::setenv("BRIO_DEBUG", "1", 1);
    run([] { EXPECT_TRUE(brio::get_running_loop().get_debug()); });
    ::setenv("BRIO_DEBUG", "0", 1);
    run([] { EXPECT_FALSE(brio::get_running_loop().get_debug()); });
    ::unsetenv("BRIO_DEBUG");
}

}  // namespace
