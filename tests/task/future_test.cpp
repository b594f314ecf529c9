// Futures: states, results of all kinds, handles, awaiting.

#include "task/story.hpp"

#include <map>
#include <set>
#include <thread>
#include <unordered_set>

namespace {

using namespace story;

// ----------------------------------------------------------------------------------------- states

TEST(future, is_pending_until_something_is_set) {
    run([] {
        auto f = brio::create_future<int>();
        EXPECT_FALSE(f.done());
        EXPECT_FALSE(f.cancelled());
        f.set_result(4);
        EXPECT_TRUE(f.done());
        EXPECT_FALSE(f.cancelled());
        EXPECT_EQ(f.result(), 4);
        EXPECT_EQ(f.exception(), nullptr);
    });
}

TEST(future, can_be_set_only_once) {
    run([] {
        auto f = brio::create_future<int>();
        f.set_result(1);
        EXPECT_EQ(text_of<brio::invalid_state_error>([&] { f.set_result(2); }),
                  "set_result: the future is finished already");
        EXPECT_EQ(text_of<brio::invalid_state_error>(
                      [&] { f.set_exception(std::runtime_error("late")); }),
                  "set_exception: the future is finished already");
        EXPECT_EQ(f.result(), 1);
        auto c = brio::create_future<int>();
        c.cancel();
        EXPECT_EQ(text_of<brio::invalid_state_error>([&] { c.set_result(2); }),
                  "set_result: the future is cancelled already");
    });
}

TEST(future, throws_what_was_set) {
    run([] {
        auto f = brio::create_future<int>();
        f.set_exception(std::runtime_error("set"));
        EXPECT_EQ(text_of<std::runtime_error>([&] { f.result(); }), "set");
        EXPECT_EQ(text_of<std::runtime_error>([&] { f.await(); }), "set");
        EXPECT_NE(f.exception(), nullptr);
        auto g = brio::create_future<void>();
        g.set_exception(std::make_exception_ptr(7));
        EXPECT_THROW(g.await(), int);
        EXPECT_EQ(text_of<std::invalid_argument>(
                      [] { brio::create_future<int>().set_exception(nullptr); }),
                  "set_exception: the exception is null");
    });
}

TEST(future, has_no_result_while_it_is_pending) {
    run([] {
        auto f = brio::create_future<int>();
        EXPECT_EQ(text_of<brio::invalid_state_error>([&] { f.result(); }),
                  "result: the future is not done");
        EXPECT_EQ(text_of<brio::invalid_state_error>([&] { static_cast<void>(f.exception()); }),
                  "exception: the future is not done");
        auto t = brio::create_task([] {}, {.name = "worker"});
        EXPECT_EQ(text_of<brio::invalid_state_error>([&] { t.result(); }),
                  "result: the task 'worker' is not done");
    });
}

TEST(future, that_is_a_task_cannot_be_set) {
    run([] {
        auto t = brio::create_task([] { return 1; }, {.name = "worker"});
        brio::future<int> f = t;
        EXPECT_EQ(text_of<brio::usage_error>([&] { f.set_result(2); }),
                  "set_result: the result of the task 'worker' is its own");
        EXPECT_EQ(text_of<brio::usage_error>([&] { f.set_exception(std::runtime_error("x")); }),
                  "set_exception: the result of the task 'worker' is its own");
        EXPECT_EQ(f.await(), 1);
    });
}

TEST(future, whose_value_throws_while_it_is_set_stays_pending) {
    struct refuses_to_be_copied {
        refuses_to_be_copied() = default;
        refuses_to_be_copied(const refuses_to_be_copied&) { throw std::runtime_error("no copy"); }
    };
    run([] {
        auto f = brio::create_future<refuses_to_be_copied>();
        const refuses_to_be_copied original;
        EXPECT_EQ(text_of<std::runtime_error>([&] { f.set_result(original); }), "no copy");
        EXPECT_FALSE(f.done());
        f.cancel();
    });
}

// ----------------------------------------------------------------------------- results of all kinds

TEST(result, of_a_reference_is_the_object_itself) {
    run([] {
        int number = 1;
        auto f = brio::create_future<int&>();
        f.set_result(number);
        EXPECT_EQ(&f.result(), &number);
        EXPECT_EQ(&f.await(), &number);
        EXPECT_EQ(&std::move(f).await(), &number);

        const std::string text = "constant";
        auto t = brio::create_task([&]() -> const std::string& { return text; });
        EXPECT_EQ(&t.await(), &text);
        EXPECT_EQ(&std::move(t).result(), &text);
    });
}

TEST(result, of_void_can_be_awaited_again_and_again) {
    run([] {
        auto f = brio::create_future<void>();
        f.set_result();
        f.await();
        f.result();
        std::move(f).await();
    });
}

TEST(result, of_an_lvalue_handle_is_a_view_of_the_one_result) {
    run([] {
        auto t = brio::create_task([] { return std::string("shared"); });
        const auto copy = t;
        const std::string& a = t.await();
        const std::string& b = copy.await();
        EXPECT_EQ(&a, &b);
        EXPECT_EQ(&a, &t.result());
    });
}

TEST(result, of_the_last_handle_as_an_rvalue_is_moved_out_and_of_another_copied) {
    struct counts_copies {
        int* copies;
        explicit counts_copies(int* c) : copies(c) {}
        counts_copies(const counts_copies& other) : copies(other.copies) { ++*copies; }
        counts_copies(counts_copies&&) = default;
    };
    run([] {
        int copies = 0;
        auto t = brio::create_task([&] { return counts_copies(&copies); });
        t.await();
        auto other = t;
        EXPECT_EQ(std::move(t).await().copies, &copies);
        EXPECT_EQ(copies, 1);
        EXPECT_FALSE(t.valid());
        EXPECT_EQ(std::move(other).result().copies, &copies);
        EXPECT_EQ(copies, 1);
        EXPECT_EQ(brio::create_task([&] { return counts_copies(&copies); }).await().copies,
                  &copies);
        EXPECT_EQ(copies, 1);
    });
}

TEST(result, that_can_only_be_moved_is_taken_by_the_first_rvalue) {
    run([] {
        auto t = brio::create_task([] { return std::make_unique<int>(5); }, {.name = "maker"});
        auto other = t;
        EXPECT_EQ(*t.await(), 5);
        const std::unique_ptr<int> taken = std::move(t).await();
        EXPECT_EQ(*taken, 5);
        EXPECT_EQ(text_of<brio::invalid_state_error>([&] { other.await(); }),
                  "result: the result of the task 'maker' was moved out");
        EXPECT_EQ(text_of<brio::invalid_state_error>([&] { std::move(other).result(); }),
                  "result: the result of the task 'maker' was moved out");
    });
}

TEST(result, may_be_a_container_of_what_can_only_be_moved) {
    run([] {
        auto t = brio::create_task([] {
            std::vector<std::unique_ptr<int>> all;
            all.push_back(std::make_unique<int>(6));
            return all;
        });
        auto kept = t;
        EXPECT_EQ(*std::move(t).await()[0], 6);
        EXPECT_THROW(kept.result(), brio::invalid_state_error);
    });
}

TEST(result, need_not_be_movable) {
    struct immovable {
        explicit immovable(int n) : number(n) {}
        immovable(const immovable&) = delete;
        immovable& operator=(const immovable&) = delete;
        int number;
    };
    run([] {
        auto t = brio::create_task([] { return immovable(8); });
        const immovable& view = t.await();
        EXPECT_EQ(view.number, 8);
        EXPECT_EQ(&view, &t.result());
    });
}

TEST(result, may_need_a_large_alignment) {
    struct alignas(256) wide {
        char bytes[256] = {};
    };
    run([] {
        auto t = brio::create_task([] { return wide(); });
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&t.await()) % 256, 0U);
        auto f = brio::create_future<wide>();
        f.set_result(wide());
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&f.result()) % 256, 0U);
    });
}

TEST(result, is_destroyed_with_the_last_handle) {
    run([] {
        const auto counted = std::make_shared<int>();
        auto f = brio::create_future<std::shared_ptr<int>>();
        f.set_result(counted);
        EXPECT_EQ(counted.use_count(), 2);
        f = {};
        EXPECT_EQ(counted.use_count(), 1);
        brio::create_task([counted] { return counted; }).await();
        EXPECT_EQ(counted.use_count(), 1);
    });
}

// ---------------------------------------------------------------------------------------- awaiting

TEST(await, of_what_is_done_does_not_suspend) {
    run([] {
        auto f = brio::create_future<int>();
        f.set_result(1);
        auto t = brio::create_task([] { return 2; });
        t.await();
        hops since;
        EXPECT_EQ(f.await() + t.await(), 3);
        EXPECT_EQ(since.so_far(), 0);
    });
}

TEST(await, resumes_one_turn_after_the_future_is_set) {
    run([] {
        auto f = brio::create_future<void>();
        hops since;
        brio::create_task([&] {
            brio::yield();
            since.restart();
            f.set_result();
        });
        f.await();
        EXPECT_EQ(since.so_far(), 1);
    });
}

TEST(await, resumes_one_turn_after_the_task_ends) {
    run([] {
        hops since;
        brio::create_task([&] {
            turns(3);
            since.restart();
        }).await();
        EXPECT_EQ(since.so_far(), 1);
    });
}

TEST(await, wakes_waiters_in_the_order_in_which_they_came) {
    run([] {
        auto f = brio::create_future<void>();
        lines seen;
        for (const char* who : {"a", "b", "c"})
            brio::create_task([&, who] {
                f.await();
                seen.push_back(who);
            });
        brio::yield();
        f.set_result();
        EXPECT_THAT(seen, IsEmpty());
        brio::yield();
        EXPECT_THAT(seen, ElementsAre("a", "b", "c"));
    });
}

TEST(await, of_oneself_is_refused) {
    run([] {
        brio::any_task self;
        auto t = brio::create_task(
            [&] { return text_of<brio::usage_error>([&] { self.await(); }); }, {.name = "me"});
        self = t;
        EXPECT_EQ(t.await(), "await: the task 'me' cannot await itself");
    });
}

TEST(await, outside_a_task_is_refused) {
    run([] {
        auto f = brio::create_future<int>();
        std::string text;
        brio::get_running_loop().call_soon(
            [&] { text = text_of<brio::usage_error>([&] { f.await(); }); });
        brio::yield();
        EXPECT_EQ(text,
                  "await suspends, so it must be called in a task: start it with brio::run or "
                  "brio::create_task");
    });
}

TEST(await, on_another_loop_of_the_thread_is_refused) {
    brio::testing::runner first;
    auto f = first.get_loop().create_future<int>();
    brio::testing::run([&] {
        EXPECT_EQ(text_of<brio::usage_error>([&] { f.await(); }),
                  "await: the future belongs to another loop");
    });
}

TEST(await, calls_a_callable_in_the_calling_task) {
    run([] {
        const auto self = brio::current_task();
        hops since;
        EXPECT_EQ(brio::await([&] { return brio::current_task() == self ? 1 : 0; }), 1);
        EXPECT_EQ(since.so_far(), 0);
        auto t = brio::create_task([] { return std::string("task"); });
        const std::string& view = brio::await(t);
        EXPECT_EQ(view, "task");
        static_assert(std::is_same_v<decltype(brio::await(std::move(t))), std::string>);
    });
}

TEST(await, survives_that_the_awaited_handle_goes_meanwhile) {
    run([] {
        std::map<int, brio::future<std::string>> pending;
        pending[1] = brio::create_future<std::string>();
        auto asker = brio::create_task([&] {
            const std::string& answer = pending[1].await();
            brio::yield();
            return "the answer is " + answer;
        });
        brio::yield();
        pending[1].set_result("a text that is too long to lie in the string object itself");
        pending.erase(1);
        EXPECT_EQ(asker.await(),
                  "the answer is a text that is too long to lie in the string object itself");
    });
}

TEST(await, of_a_pending_future_that_everybody_else_drops_can_be_cancelled) {
    run([] {
        auto only = std::make_unique<brio::future<int>>(brio::create_future<int>());
        auto t = brio::create_task([&] { only->await(); });
        brio::yield();
        only.reset();
        EXPECT_TRUE(t.cancel());
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
    });
}

TEST(await, of_a_task_whose_handle_is_dropped_by_another_gives_its_result) {
    run([] {
        std::vector<brio::task<std::string>> tasks;
        tasks.push_back(brio::create_task([] {
            brio::sleep(1s);
            return std::string("still there after the vector was cleared");
        }));
        auto waiter = brio::create_task([&] { return tasks[0].await(); });
        brio::sleep(500ms);
        tasks.clear();
        EXPECT_EQ(waiter.await(), "still there after the vector was cleared");
    });
}

// ----------------------------------------------------------------------------------------- handles

TEST(handle, is_empty_when_default_made_or_moved_from) {
    const std::string text = "the handle is empty: it was default-constructed or moved from";
    brio::task<int> none;
    EXPECT_FALSE(none.valid());
    EXPECT_EQ(text_of<brio::usage_error>([&] { static_cast<void>(none.done()); }), text);
    EXPECT_EQ(text_of<brio::usage_error>([&] { none.await(); }), text);
    EXPECT_EQ(text_of<brio::usage_error>([&] { std::move(none).result(); }), text);
    EXPECT_EQ(text_of<brio::usage_error>([&] { none.cancel(); }), text);
    EXPECT_EQ(text_of<brio::usage_error>([&] { static_cast<void>(none.get_name()); }), text);
    run([&] {
        auto f = brio::create_future<int>();
        const auto g = std::move(f);
        EXPECT_EQ(text_of<brio::usage_error>([&] { f.set_result(1); }), text);
        EXPECT_EQ(text_of<brio::usage_error>([&] { static_cast<void>(brio::gather(f)); }), text);
        EXPECT_EQ(text_of<brio::usage_error>([&] { static_cast<void>(brio::shield(f)); }), text);
        EXPECT_EQ(text_of<brio::usage_error>([&] { static_cast<void>(brio::wait({g, f})); }), text);
        EXPECT_EQ(text_of<brio::usage_error>([&] { brio::wait_for(f, 1s); }), text);
        EXPECT_EQ(text_of<brio::usage_error>([&] { brio::wait_for(f, 0s); }), text);
        g.set_result(1);
        EXPECT_EQ(brio::wait({g}).done.size(), 1U);
    });
}

TEST(handle, compares_and_hashes_by_identity) {
    run([] {
        auto a = brio::create_future<int>();
        auto b = brio::create_future<int>();
        const auto copy = a;
        EXPECT_EQ(a, copy);
        EXPECT_NE(a, b);
        EXPECT_TRUE(brio::any_future(a) == a);
        EXPECT_EQ(std::hash<brio::future<int>>{}(a), std::hash<brio::any_future>{}(copy));
        std::set<brio::future<int>> ordered{a, b, copy};
        EXPECT_EQ(ordered.size(), 2U);
        auto t = brio::create_task([] { return 1; });
        std::unordered_set<brio::task<int>> hashed{t, t};
        EXPECT_EQ(hashed.size(), 1U);
        EXPECT_TRUE(brio::any_future() == brio::any_task());
        a.cancel();
        b.cancel();
    });
}

TEST(handle, of_a_done_task_stays_readable_after_the_loop_closed) {
    brio::task<std::string> done;
    brio::task<int> failed;
    brio::task<void> cancelled;
    run([&] {
        done = brio::create_task([] { return std::string("kept"); });
        failed = brio::create_task([]() -> int { throw std::runtime_error("kept too"); });
        cancelled = brio::create_task([] { brio::sleep(1h); });
        turns(2);
    });
    EXPECT_TRUE(done.done());
    EXPECT_EQ(done.result(), "kept");
    EXPECT_EQ(done.await(), "kept");
    EXPECT_EQ(done.get_name(), "Task-2");
    EXPECT_EQ(text_of<std::runtime_error>([&] { failed.result(); }), "kept too");
    EXPECT_TRUE(cancelled.cancelled());
    EXPECT_FALSE(cancelled.cancel());
    EXPECT_TRUE(done.get_loop().is_closed());
    EXPECT_EQ(std::move(done).result(), "kept");
}

TEST(handle, of_a_future_that_is_pending_when_the_loop_closes_can_still_be_set) {
    brio::future<int> f;
    run([&] { f = brio::create_future<int>(); });
    EXPECT_FALSE(f.done());
    f.set_result(5);
    EXPECT_EQ(f.result(), 5);
}

TEST(handle, on_another_thread_names_the_task_it_refuses) {
    run([] {
        auto t = brio::create_task(
            [] {
                brio::yield();
                return 1;
            },
            {.name = "at home"});
        auto f = brio::create_future<int>();
        lines seen;
        std::thread([&] {
            const auto note = [&](auto&& call) {
                seen.push_back(text_of<brio::usage_error>(call));
            };
            note([&] { t.cancel(); });
            note([&] { t.await(); });
            note([&] { t.result(); });
            note([&] { t.uncancel(); });
            note([&] { t.set_name("x"); });
            note([&] { f.set_result(1); });
            note([&] { f.add_done_callback([](const brio::any_future&) {}); });
            note([&] { static_cast<void>(f.exception()); });
        }).join();
        EXPECT_THAT(seen, ElementsAre("cancel: the task 'at home' belongs to another thread",
                                      "await: the task 'at home' belongs to another thread",
                                      "result: the task 'at home' belongs to another thread",
                                      "uncancel: the task 'at home' belongs to another thread",
                                      "set_name: the task 'at home' belongs to another thread",
                                      "set_result: the future belongs to another thread",
                                      "add_done_callback: the future belongs to another thread",
                                      "exception: the future belongs to another thread"));
        EXPECT_EQ(t.await(), 1);
        f.cancel();
    });
}

TEST(handle, of_a_task_is_a_future_too) {
    run([] {
        auto t = brio::create_task([] { return 3; });
        const brio::future<int> f = t;
        const brio::any_future any = t;
        const brio::any_task any_task = t;
        EXPECT_EQ(f, any);
        EXPECT_EQ(any_task.get_name(), t.get_name());
        EXPECT_EQ(f.await(), 3);
        any.await();
    });
}

}  // namespace
