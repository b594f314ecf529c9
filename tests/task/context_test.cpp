// Context variables and fiber-local storage: who sees what, and when a value dies.

#include "task/story.hpp"

#include <brio/context.hpp>
#include <brio/testing.hpp>

#include <memory>
#include <string>
#include <thread>

namespace {

using namespace story;
using brio::context_var;

context_var<int> number("number", 0);
context_var<std::string> unset("unset");

TEST(context, a_variable_has_its_default_until_it_is_set) {
    EXPECT_EQ(number.get(), 0);
    EXPECT_EQ(number.get(7), 7);
    EXPECT_EQ(unset.get("otherwise"), "otherwise");
    EXPECT_EQ(unset.name(), "unset");
}

TEST(context, a_variable_without_value_and_default_is_a_lookup_error_that_names_it) {
    try {
        (void)unset.get();
        FAIL();
    } catch (const brio::lookup_error& e) {
        EXPECT_STREQ(e.what(),
                     "context_var::get: 'unset' is not set in this context and has no default");
    }
}

TEST(context, a_task_begins_with_a_copy_and_keeps_its_changes_to_itself) {
    brio::testing::run([] {
        number.set(1);
        const auto child = brio::create_task([] {
            const int before = number.get();
            number.set(2);
            brio::yield();
            return std::pair(before, number.get());
        });
        number.set(3);
        brio::yield();
        EXPECT_EQ(number.get(), 3);
        EXPECT_EQ(child.await(), std::pair(1, 2));
        EXPECT_EQ(number.get(), 3);
    });
    EXPECT_EQ(number.get(), 0);
}

TEST(context, an_eager_task_copies_too) {
    brio::testing::run([] {
        number.set(1);
        const auto set_to_two = [] {
            const int before = number.get();
            number.set(2);
            return before;
        };
        const auto child = brio::create_task(set_to_two, {.eager_start = true});
        EXPECT_EQ(child.result(), 1);
        EXPECT_EQ(number.get(), 1);
    });
}

TEST(context, callbacks_run_in_a_copy_of_the_context_in_which_they_were_made) {
    brio::testing::run([] {
        std::vector<int> seen;
        const auto look = [&] {
            seen.push_back(number.get());
            number.set(100);
        };
        brio::event_loop& loop = brio::get_running_loop();
        const auto future = brio::create_future<void>();
        number.set(1);
        loop.call_soon(look);
        number.set(2);
        loop.call_later(1ms, look);
        number.set(3);
        future.add_done_callback([&](const brio::any_future&) { look(); });
        number.set(4);
        loop.call_soon_threadsafe(look);
        number.set(5);
        future.set_result();
        brio::sleep(2ms);
        EXPECT_EQ(seen, (std::vector<int>{1, 4, 3, 2}));
        EXPECT_EQ(number.get(), 5);
    });
}

TEST(context, a_token_takes_its_set_back) {
    brio::testing::run([] {
        const auto first = number.set(1);
        const auto second = number.set(2);
        number.reset(second);
        EXPECT_EQ(number.get(), 1);
        number.reset(first);
        EXPECT_EQ(number.get(5), 5);
        EXPECT_EQ(text_of<brio::usage_error>([&] { number.reset(first); }),
                  "context_var::reset: the token has been used already");
    });
}

TEST(context, a_token_of_another_variable_or_context_is_refused) {
    context_var<int> other("other");
    brio::testing::run([&] {
        const auto token = number.set(1);
        EXPECT_EQ(text_of<std::invalid_argument>([&] { other.reset(token); }),
                  "context_var::reset: the token is another variable's");
        brio::create_task([&] {
            EXPECT_EQ(text_of<std::invalid_argument>([&] { number.reset(token); }),
                      "context_var::reset: the token was made in another context");
        }).await();
        number.reset(token);
    });
}

TEST(context, a_scope_sets_a_variable_while_it_lives) {
    brio::testing::run([] {
        {
            const auto outer = number.scoped(1);
            {
                const auto inner = number.scoped(2);
                brio::yield();
                EXPECT_EQ(number.get(), 2);
            }
            EXPECT_EQ(number.get(), 1);
        }
        EXPECT_EQ(number.get(5), 5);
    });
}

TEST(context, run_keeps_what_is_set_in_the_object_and_out_of_the_caller) {
    brio::testing::run([] {
        number.set(1);
        brio::context snapshot = brio::copy_context();
        number.set(2);
        snapshot.run([] {
            EXPECT_EQ(number.get(), 1);
            brio::yield();
            number.set(3);
        });
        EXPECT_EQ(number.get(), 2);
        EXPECT_EQ(snapshot.run([] { return number.get(); }), 3);
        EXPECT_THROW(snapshot.run([] { throw std::runtime_error("out"); }), std::runtime_error);
        EXPECT_EQ(number.get(), 2);
    });
}

TEST(context, a_task_may_be_given_a_context_and_shows_its_own) {
    brio::testing::run([] {
        number.set(1);
        const brio::context given = brio::copy_context();
        number.set(2);
        const auto task =
            brio::create_task([] { number.set(number.get() * 10); }, {.context = given});
        task.await();
        EXPECT_EQ(task.get_context().run([] { return number.get(); }), 10);
        EXPECT_EQ(brio::context(given).run([] { return number.get(); }), 1);
        const auto empty =
            brio::create_task([] { return number.get(5); }, {.context = brio::context()});
        EXPECT_EQ(empty.await(), 5);
    });
}

TEST(context, a_runner_keeps_its_context_from_run_to_run) {
    brio::testing::runner runner;
    runner.run([] { number.set(1); });
    EXPECT_THROW(runner.run([] {
        EXPECT_EQ(number.get(), 1);
        number.set(2);
        throw std::runtime_error("out");
    }),
                 std::runtime_error);
    EXPECT_EQ(runner.run([] { return number.get(); }), 2);
    EXPECT_EQ(number.get(), 0);
}

TEST(context, a_task_made_before_the_loop_runs_has_the_threads_context) {
    const auto scope = number.scoped(8);
    brio::testing::runner runner;
    const auto early = runner.get_loop().create_task([] { return number.get(); });
    EXPECT_EQ(runner.run([&] { return early.await(); }), 8);
}

TEST(context, values_die_with_the_last_context_that_has_them) {
    static context_var<std::shared_ptr<int>> shared("shared");
    const auto value = std::make_shared<int>(1);
    brio::testing::run([&] {
        shared.set(value);
        const auto child = brio::create_task([] { brio::yield(); });
        shared.set(nullptr);
        EXPECT_EQ(value.use_count(), 2);
        child.await();
        EXPECT_EQ(value.use_count(), 2);  // the done task still shows its context
    });
    EXPECT_EQ(value.use_count(), 1);
}

TEST(context, many_variables_are_each_found) {
    std::vector<std::unique_ptr<context_var<int>>> all;
    for (int i = 0; i < 100; ++i) all.push_back(std::make_unique<context_var<int>>("v"));
    brio::testing::run([&] {
        for (int i = 0; i < 100; i += 2) all[i]->set(i);
        const brio::context before = brio::copy_context();
        for (int i = 99; i >= 0; --i) all[i]->set(-i);
        for (int i = 0; i < 100; ++i) EXPECT_EQ(all[i]->get(), -i);
        brio::context(before).run([&] {
            for (int i = 0; i < 100; ++i) EXPECT_EQ(all[i]->get(1000), i % 2 == 0 ? i : 1000);
        });
    });
}

TEST(context, threads_have_contexts_of_their_own) {
    const auto scope = number.scoped(1);
    brio::context mine = brio::copy_context();
    std::thread([mine]() mutable {
        EXPECT_EQ(number.get(), 0);
        EXPECT_EQ(mine.run([] { return number.get(); }), 1);
        number.set(2);
    }).join();
    EXPECT_EQ(number.get(), 1);
}

struct counted {
    counted() { ++alive; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --alive; }
    int value = 0;
    inline static int alive = 0;
};
brio::fiber_local<counted> local;

TEST(fiber_local, each_task_has_its_own_and_inherits_none) {
    brio::testing::run([] {
        local->value = 1;
        number.set(5);
        const auto child = brio::create_task([] {
            EXPECT_EQ(number.get(), 5);
            EXPECT_EQ(local->value, 0);
            local->value = 2;
            brio::yield();
            return local.get().value;
        });
        EXPECT_EQ(child.await(), 2);
        EXPECT_EQ(local->value, 1);
        EXPECT_EQ((*local).value, 1);
    });
    EXPECT_EQ(counted::alive, 0);
}

TEST(fiber_local, it_ends_with_its_task_though_a_handle_lives) {
    brio::testing::run([] {
        const auto child = brio::create_task([] { local->value = 1; });
        child.await();
        EXPECT_EQ(counted::alive, 0);
        EXPECT_EQ(child.get_context().run([] { return number.get(3); }), 3);
    });
}

TEST(fiber_local, a_callback_has_its_own) {
    brio::testing::run([] {
        local->value = 1;
        brio::get_running_loop().call_soon([] {
            EXPECT_EQ(local->value, 0);
            EXPECT_EQ(counted::alive, 2);
        });
        brio::yield();
        brio::yield();
        EXPECT_EQ(counted::alive, 1);
    });
}

}  // namespace
