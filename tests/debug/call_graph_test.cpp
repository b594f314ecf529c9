// Who waits for whom, for each way of waiting; and the text that is made of it.

#include "debug/graphs.hpp"
#include "ops/ops.hpp"
#include "task/loop_core.hpp"
#include "testing/scripted_reactor.hpp"

#include <cstdio>
#include <thread>

namespace {

using namespace story;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::MatchesRegex;
using ::testing::Not;

template <class F>
brio::task<void> waiting(const std::string& name, F f) {
    return brio::create_task(std::move(f), {.name = name});
}

// ------------------------------------------------------------------------------- each way of waiting

TEST(call_graph, of_a_task_that_nobody_awaits_has_one_node) {
    run([] {
        auto a = sleeper("a");
        brio::yield();
        EXPECT_THAT(edges(a), ElementsAre("task 'a'"));
    });
}

TEST(call_graph, follows_tasks_that_await_tasks) {
    run([] {
        auto a = sleeper("a");
        auto b = waiting("b", [=] { a.await(); });
        auto c = waiting("c", [=] { b.await(); });
        turns(2);
        EXPECT_THAT(edges(a),
                    ElementsAre("task 'a' <- task 'b'", "task 'b' <- task 'c'", "task 'c'"));
        EXPECT_THAT(edges(b), ElementsAre("task 'b' <- task 'c'", "task 'c'"));
    });
}

TEST(call_graph, has_all_who_await_one_future_in_the_order_in_which_they_came) {
    run([] {
        auto f = brio::create_future<void>();
        auto b = waiting("b", [=] { f.await(); });
        auto a = waiting("a", [=] { f.await(); });
        f.add_done_callback([](const brio::any_future&) {});
        brio::yield();
        EXPECT_THAT(edges(f), ElementsAre("future <- task 'b', task 'a'", "task 'b'", "task 'a'"));
        f.set_result();
    });
}

TEST(call_graph, goes_through_gathers_of_gathers) {
    run([] {
        auto a = sleeper("a");
        auto b = waiting("b", [=] { brio::gather(brio::gather(a, a), [] {}).await(); });
        turns(2);
        EXPECT_THAT(edges(a), ElementsAre("task 'a' <- gather", "gather <- gather",
                                          "gather <- task 'b'", "task 'b'"));
    });
}

TEST(call_graph, of_a_gather_that_nobody_awaits_yet_ends_there) {
    run([] {
        auto a = sleeper("a");
        auto both = brio::gather(a, [] {});
        EXPECT_THAT(edges(a), ElementsAre("task 'a' <- gather", "gather"));
        EXPECT_THAT(edges(both), ElementsAre("gather"));
        a.cancel();
        EXPECT_THROW(both.await(), brio::cancelled_error);
    });
}

TEST(call_graph, goes_through_wait) {
    run([] {
        auto a = sleeper("a");
        auto b = waiting("b", [=] { (void)brio::wait({a}, {.timeout = 2h}); });
        turns(2);
        EXPECT_THAT(edges(a), ElementsAre("task 'a' <- wait", "wait <- task 'b'", "task 'b'"));
    });
}

TEST(call_graph, goes_through_as_completed) {
    run([] {
        auto a = sleeper("a");
        auto b = waiting("b", [=] {
            for (auto& t : brio::as_completed(std::vector{a})) t.await();
        });
        turns(2);
        EXPECT_THAT(edges(a), ElementsAre("task 'a' <- as_completed", "as_completed <- task 'b'",
                                          "task 'b'"));
    });
}

TEST(call_graph, goes_through_shield) {
    run([] {
        auto a = sleeper("a");
        auto b = waiting("b", [=] { brio::shield(a).await(); });
        turns(2);
        EXPECT_THAT(edges(a), ElementsAre("task 'a' <- shield of task 'a'",
                                          "shield of task 'a' <- task 'b'", "task 'b'"));
    });
}

TEST(call_graph, has_who_waits_with_a_limit_as_any_other) {
    run([] {
        auto a = sleeper("a");
        auto b = waiting("b", [=] { brio::wait_for(a, 2h); });
        auto c = waiting("c", [=] { brio::timeout(2h, [&] { a.await(); }); });
        turns(2);
        EXPECT_THAT(edges(a),
                    ElementsAre("task 'a' <- task 'b', task 'c'", "task 'b'", "task 'c'"));
    });
}

TEST(call_graph, goes_from_the_children_of_a_task_group_to_its_task_also_while_the_body_runs) {
    run([] {
        brio::task<void> a;
        auto b = waiting("b", [&] {
            brio::task_group([&](auto& group) {
                a = group.create_task([] { brio::sleep(1h); }, {.name = "a"});
                brio::sleep(1s);
            });
        });
        turns(2);
        EXPECT_THAT(edges(a),
                    ElementsAre("task 'a' <- task group", "task group <- task 'b'", "task 'b'"));
        brio::sleep(2s);
        EXPECT_THAT(edges(a),
                    ElementsAre("task 'a' <- task group", "task group <- task 'b'", "task 'b'"));
        b.cancel();
    });
}

TEST(call_graph, of_a_diamond_has_each_task_once) {
    run([] {
        auto a = sleeper("a");
        auto left = waiting("left", [=] { a.await(); });
        auto right = waiting("right", [=] { a.await(); });
        auto top = waiting("top", [=] { brio::gather(left, right).await(); });
        turns(2);
        EXPECT_THAT(edges(a),
                    ElementsAre("task 'a' <- task 'left', task 'right'", "task 'left' <- gather",
                                "task 'right' <- gather", "gather <- task 'top'", "task 'top'"));
    });
}

TEST(call_graph, of_a_circle_is_a_circle) {
    brio::testing::runner r;
    const leaks allowed;
    r.run([] {
        brio::get_running_loop().set_exception_handler([](const brio::exception_report&) {});
        static brio::task<void> a, b;
        a = waiting("a", [] { b.await(); });
        b = waiting("b", [] { a.await(); });
        turns(2);
        EXPECT_THAT(edges(a), ElementsAre("task 'a' <- task 'b'", "task 'b' <- task 'a'"));
    });
    EXPECT_THROW(r.close(), brio::usage_error);
}

TEST(call_graph, of_a_chain_deeper_than_a_stack_is_captured_and_told) {
    run([] {
        constexpr std::size_t length = 3000;
        const auto first = sleeper("first");
        brio::any_future last = first;
        for (std::size_t i = 1; i < length; ++i) last = brio::create_task([last] { last.await(); });
        turns(2);
        const auto graph = brio::capture_call_graph(first, {.limit = 0});
        EXPECT_EQ(graph.nodes.size(), length);
        EXPECT_EQ(graph.nodes.back().future, last);
        EXPECT_THAT(brio::format_call_graph(graph), HasSubstr("* task 'Task-3000'"));
    });
}

// ----------------------------------------------------------------------------- of what, and from where

TEST(call_graph, of_the_current_task_is_the_default) {
    run([] {
        auto a = waiting("a", [] {
            brio::yield();
            EXPECT_THAT(edges(brio::capture_call_graph()),
                        ElementsAre("task 'a' <- task 'Task-1'", "task 'Task-1'"));
        });
        a.await();
    });
}

TEST(call_graph, in_a_plain_callback_has_no_nodes_but_can_be_asked_for_any_task) {
    run([] {
        const auto self = brio::current_task();
        brio::get_running_loop().call_soon([=] {
            EXPECT_THAT(brio::capture_call_graph().nodes, IsEmpty());
            EXPECT_EQ(brio::format_call_graph(), "");
            EXPECT_THAT(edges(self), ElementsAre("task 'Task-1'"));
        });
        brio::yield();
    });
}

TEST(call_graph, can_be_asked_for_between_two_runs) {
    brio::testing::runner r;
    brio::task<void> a;
    r.run([&] {
        a = sleeper("a");
        brio::create_task([&] { a.await(); });
        turns(2);
    });
    EXPECT_THAT(edges(a), ElementsAre("task 'a' <- task 'Task-3'", "task 'Task-3'"));
    EXPECT_THAT(edges(brio::capture_call_graph(r.get_loop())),
                ElementsAre("task 'a' <- task 'Task-3'", "task 'Task-3'"));
}

TEST(call_graph, of_what_is_done_says_so) {
    brio::task<void> a, b;
    brio::future<int> f;
    run([&] {
        a = waiting("a", [] {});
        b = waiting("b", [] { brio::sleep(1h); });
        f = brio::create_future<int>();
        brio::yield();
        b.cancel();
        f.set_result(1);
        EXPECT_EQ(brio::format_call_graph(a), "* task 'a': finished\n");
        EXPECT_EQ(brio::format_call_graph(brio::capture_call_graph(f)), "* future: finished\n");
    });
    EXPECT_EQ(brio::format_call_graph(brio::capture_call_graph(b)), "* task 'b': cancelled\n");
}

TEST(call_graph, without_a_loop_is_refused) {
    EXPECT_EQ(text_of<brio::usage_error>([] { (void)brio::capture_call_graph(); }),
              "capture_call_graph needs a running loop on this thread: brio::run");
}

TEST(call_graph, of_an_empty_handle_is_refused) {
    EXPECT_THAT(
        text_of<brio::usage_error>([] { (void)brio::capture_call_graph(brio::any_future()); }),
        HasSubstr("the handle is empty"));
}

TEST(call_graph, of_a_closed_loop_is_refused) {
    brio::testing::runner r;
    auto& loop = r.get_loop();
    r.close();
    EXPECT_EQ(text_of<brio::usage_error>([&] { (void)brio::capture_call_graph(loop); }),
              "capture_call_graph: the loop is closed");
}

TEST(call_graph, on_another_thread_is_refused) {
    run([] {
        const auto self = brio::current_task();
        auto& loop = brio::get_running_loop();
        std::string of_task, of_loop, stack, printed;
        std::thread([&] {
            of_task = text_of<brio::usage_error>([&] { (void)brio::capture_call_graph(self); });
            of_loop = text_of<brio::usage_error>([&] { (void)brio::capture_call_graph(loop); });
            stack = text_of<brio::usage_error>([&] { (void)brio::get_stack(self); });
            printed = text_of<brio::usage_error>([&] { brio::print_stack(self); });
        }).join();
        EXPECT_EQ(of_task, "capture_call_graph: the task 'Task-1' belongs to another thread");
        EXPECT_EQ(of_loop, "capture_call_graph: the loop belongs to another thread");
        EXPECT_EQ(stack, "get_stack: the task 'Task-1' belongs to another thread");
        EXPECT_EQ(printed, "print_stack: the task 'Task-1' belongs to another thread");
    });
}

TEST(call_graph, of_a_loop_has_all_its_tasks_and_the_futures_they_await) {
    run([] {
        auto f = brio::create_future<void>();
        auto a = waiting("a", [=] { f.await(); });
        auto b = waiting("b", [=] { f.await(); });
        auto c = sleeper("c");
        brio::yield();
        EXPECT_THAT(edges(brio::capture_call_graph(brio::get_running_loop())),
                    ElementsAre("task 'Task-1'", "future <- task 'a', task 'b'", "task 'a'",
                                "task 'b'", "task 'c'"));
        f.set_result();
        EXPECT_THAT(edges(brio::capture_call_graph(brio::get_running_loop())),
                    ElementsAre("task 'Task-1'", "task 'a'", "task 'b'", "task 'c'"));
    });
}

TEST(call_graph, keeps_what_is_in_it_alive) {
    brio::future_call_graph graph;
    run([&] {
        auto a = sleeper("a");
        auto b = waiting("b", [=] { (void)brio::wait({a}); });
        turns(2);
        graph = brio::capture_call_graph(a);
        a.cancel();
        b.await();
    });
    EXPECT_TRUE(graph.nodes.at(0).future.cancelled());
    EXPECT_FALSE(graph.nodes.at(2).future.cancelled());
    EXPECT_TRUE(graph.nodes.at(2).future.done());
}

// ----------------------------------------------------------------------------------------- the text

TEST(call_graph_text, tells_what_each_task_waits_for_and_who_waits_for_it) {
    run([] {
        auto a = sleeper("a");
        auto b = waiting("b", [=] { brio::gather(a).await(); });
        turns(2);
        EXPECT_THAT(
            brio::format_call_graph(brio::capture_call_graph(a, {.limit = 0})),
            MatchesRegex("\\* task 'a': parked, stack [0-9]+ of [0-9]+ KiB, waits for sleep\n"
                         "  \\+ Awaited by:\n"
                         "    \\* gather\n"
                         "      \\+ Awaited by:\n"
                         "        \\* task 'b': parked, stack [0-9]+ of [0-9]+ KiB, waits for "
                         "gather\n"));
    });
}

TEST(call_graph_text, tells_whoever_waits_in_two_places_once) {
    run([] {
        auto a = sleeper("a");
        auto left = waiting("left", [=] { a.await(); });
        auto right = waiting("right", [=] { a.await(); });
        auto top = waiting("top", [=] { (void)brio::wait({left, right}); });
        turns(2);
        const auto text = brio::format_call_graph(brio::capture_call_graph(a, {.limit = 0}));
        EXPECT_THAT(text, ContainsRegex("\\* task 'right'.*\n"
                                        "      \\+ Awaited by:\n"
                                        "        \\* wait \\(above\\)\n$"));
        EXPECT_EQ(text.find("task 'top'"), text.rfind("task 'top'"));
    });
}

TEST(call_graph_text, of_a_loop_begins_at_what_everybody_waits_for) {
    run([] {
        auto f = brio::create_future<void>();
        auto a = waiting("a", [=] { f.await(); });
        auto b = waiting("b", [=] { a.await(); });
        turns(2);
        const auto graph = brio::capture_call_graph(brio::get_running_loop(), {.limit = 0});
        EXPECT_THAT(brio::format_call_graph(graph),
                    MatchesRegex("\\* task 'Task-1': running, stack .* KiB\n"
                                 "\\* future\n"
                                 "  \\+ Awaited by:\n"
                                 "    \\* task 'a': parked, stack .*, waits for future\n"
                                 "      \\+ Awaited by:\n"
                                 "        \\* task 'b': parked, stack .*, waits for task 'a'\n"));
        f.set_result();
    });
}

TEST(call_graph_text, says_where_a_task_was_made_in_debug_mode) {
    run(
        [] {
            EXPECT_THAT(brio::format_call_graph(brio::capture_call_graph(sleeper("a"))),
                        HasSubstr("task 'a': ready, stack"));
            EXPECT_THAT(brio::format_call_graph(brio::capture_call_graph(sleeper("b"))),
                        ContainsRegex(", made at .*graphs.hpp:[0-9]+\n"));
        },
        {.debug = true});
}

TEST(call_graph_text, says_which_io_a_task_waits_for) {
    brio::testing::runner r;
    brio::detail::use_script(r.get_loop().core());
    r.run([] {
        char byte = 0;
        auto reader = brio::create_task([&] { (void)brio::detail::ops::recv(5, &byte, 1, 0); },
                                        {.name = "reader"});
        brio::yield();
        EXPECT_THAT(
            brio::format_call_graph(brio::capture_call_graph(reader)),
            ContainsRegex("^\\* task 'reader': parked, .*, waits for recv of descriptor 5\n"));
    });
}

TEST(call_graph_text, is_printed_to_the_file_that_is_asked_for) {
    run([] {
        std::FILE* const file = std::tmpfile();
        brio::print_call_graph(brio::current_task(), {.limit = 0}, file);
        brio::print_call_graph(brio::get_running_loop(), {.limit = 0}, file);
        std::rewind(file);
        std::string text(1000, '\0');
        text.resize(std::fread(text.data(), 1, text.size(), file));
        std::fclose(file);
        EXPECT_THAT(text, MatchesRegex("(\\* task 'Task-1': running, stack .* KiB\n){2}"));
    });
}

TEST(call_graph_text, is_printed_to_standard_output_by_default) {
    ::testing::internal::CaptureStdout();
    run([] { brio::print_call_graph(); });
    EXPECT_THAT(::testing::internal::GetCapturedStdout(),
                HasSubstr("* task 'Task-1': running, stack"));
}

}  // namespace
