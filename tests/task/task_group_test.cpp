// Task groups: joining, failing, cancelling, misuse.

#include "task/story.hpp"

namespace {

using namespace story;

/// The texts of the leaves of the group that f throws; "other: ..." when it throws something else.
template <class F>
lines leaves_of(F&& f) {
    lines leaves;
    try {
        f();
        leaves.emplace_back("no error");
    } catch (const brio::exception_group& group) {
        for (const auto& e : group.exceptions())
            leaves.push_back(ending([&] { std::rethrow_exception(e); }));
    } catch (const brio::cancelled_error& e) {
        leaves.push_back(std::string("cancelled ") + e.what());
    } catch (const std::exception& e) {
        leaves.push_back(std::string("other: ") + e.what());
    }
    return leaves;
}

auto failing(brio::delay d, const char* text) {
    return [=] {
        brio::sleep(d);
        throw std::runtime_error(text);
    };
}

auto noting(lines& seen, const char* name, brio::delay clean_up = 0s) {
    return [&seen, name, clean_up] {
        try {
            brio::sleep(1h);
        } catch (const brio::cancelled_error& e) {
            seen.push_back(name + std::string(" cancelled"));
            if (*clean_up.get() > 0s) brio::sleep(clean_up);
            throw;
        }
    };
}

// ------------------------------------------------------------------------------------------ joining

TEST(task_group, waits_for_its_children_and_returns_the_body_s_result) {
    run([] {
        int sum = 0;
        const int result = brio::task_group([&](brio::task_group_scope& group) {
            for (int i = 1; i <= 3; ++i)
                group.create_task([&sum, i] {
                    brio::sleep(i * 1s);
                    sum += i;
                });
            return 5;
        });
        EXPECT_EQ(result, 5);
        EXPECT_EQ(sum, 6);
        EXPECT_EQ(now(), 3000);
    });
}

TEST(task_group, gives_its_children_s_results_through_their_handles) {
    run([] {
        EXPECT_EQ(brio::task_group([](auto& group) {
                      auto a = group.create_task([] { return 1; });
                      auto b = group.create_task([] { return 2; }, {.name = "b"});
                      EXPECT_EQ(b.get_name(), "b");
                      return a.await() + b.await();
                  }),
                  3);
        EXPECT_EQ(*brio::task_group([](auto&) { return std::make_unique<int>(4); }), 4);
        int number = 0;
        int& same = brio::task_group([&](auto&) -> int& { return number; });
        EXPECT_EQ(&same, &number);
        brio::task_group([] {});
    });
}

TEST(task_group, without_children_ends_at_once_and_otherwise_two_turns_after_the_last) {
    run([] {
        hops since;
        brio::task_group([](auto&) {});
        EXPECT_EQ(since.so_far(), 0);
        brio::task_group([&](auto& group) {
            group.create_task([&] {
                turns(3);
                since.restart();
            });
        });
        EXPECT_EQ(since.so_far(), 2);
        since.restart();
        brio::task_group([&](auto& group) { group.create_task([] {}, {.eager_start = true}); });
        EXPECT_EQ(since.so_far(), 2);
    });
}

TEST(task_group, takes_children_from_its_children_until_the_last_has_ended) {
    run([] {
        lines seen;
        brio::task_group([&](brio::task_group_scope& group) {
            group.create_task([&] {
                brio::sleep(1s);
                group.create_task([&] {
                    brio::sleep(1s);
                    group.create_task([&] {
                        brio::sleep(1s);
                        seen.push_back("grandchild at " + std::to_string(now()));
                    });
                });
            });
        });
        EXPECT_THAT(seen, ElementsAre("grandchild at 3000"));
    });
}

TEST(task_group, lets_children_borrow_from_the_frame_that_runs_it) {
    run([] {
        std::vector<int> squares(5);
        brio::task_group([&](auto& group) {
            for (std::size_t i = 0; i < squares.size(); ++i)
                group.create_task([&squares, i] {
                    brio::sleep((5 - i) * 1ms);
                    squares[i] = static_cast<int>(i * i);
                });
        });
        EXPECT_THAT(squares, ElementsAre(0, 1, 4, 9, 16));
    });
}

// ------------------------------------------------------------------------------------------ failing

TEST(task_group, throws_a_child_s_error_in_a_group_and_cancels_body_and_siblings) {
    run([] {
        lines seen;
        EXPECT_THAT(leaves_of([&] {
                        brio::task_group([&](auto& group) {
                            group.create_task(noting(seen, "first"));
                            group.create_task(failing(1s, "broken"));
                            group.create_task(noting(seen, "last"));
                            noting(seen, "body")();
                        });
                    }),
                    ElementsAre("broken"));
        EXPECT_THAT(seen, ElementsAre("first cancelled", "last cancelled", "body cancelled"));
        EXPECT_EQ(now(), 1000);
        EXPECT_EQ(brio::current_task().cancelling(), 0);
        brio::yield();
    });
}

TEST(task_group, names_the_group_and_its_leaves_in_the_text) {
    run([] {
        EXPECT_EQ(
            text_of<brio::exception_group>([] {
                brio::task_group([](auto& group) { group.create_task(failing(1s, "broken")); });
            }),
            "unhandled errors in a task group\n  std::runtime_error: broken");
    });
}

TEST(task_group, collects_errors_in_the_order_in_which_children_fail_and_the_body_s_last) {
    run([] {
        EXPECT_THAT(leaves_of([&] {
                        brio::task_group([&](auto& group) {
                            const auto fails_in_clean_up = [](brio::delay d, const char* text) {
                                return [=] {
                                    try {
                                        brio::sleep(1h);
                                    } catch (const brio::cancelled_error&) {
                                        brio::sleep(d);
                                        throw std::runtime_error(text);
                                    }
                                };
                            };
                            group.create_task(fails_in_clean_up(3s, "third"));
                            group.create_task(fails_in_clean_up(2s, "second"));
                            group.create_task(failing(1s, "first"));
                            try {
                                brio::sleep(1h);
                            } catch (const brio::cancelled_error&) {
                                throw std::runtime_error("body");
                            }
                        });
                    }),
                    ElementsAre("first", "second", "third", "body"));
        EXPECT_EQ(now(), 4000);
    });
}

TEST(task_group, whose_body_fails_cancels_the_children_and_groups_its_error) {
    run([] {
        lines seen;
        EXPECT_THAT(leaves_of([&] {
                        brio::task_group([&](auto& group) {
                            group.create_task(noting(seen, "child", 2s));
                            brio::sleep(1s);
                            throw std::runtime_error("body");
                        });
                    }),
                    ElementsAre("body"));
        EXPECT_THAT(seen, ElementsAre("child cancelled"));
        EXPECT_EQ(now(), 3000);
    });
}

TEST(task_group, counts_its_turns_as_asyncio_does) {
    run([] {
        hops since;
        lines seen;
        const auto waits = [&](const char* name) {
            return [&, name] {
                try {
                    brio::sleep(1h);
                } catch (const brio::cancelled_error&) {
                    seen.push_back(name + std::string(" ") + std::to_string(since.so_far()));
                    throw;
                }
            };
        };
        const auto fails = [&] {
            brio::sleep(1s);
            since.restart();
            throw std::runtime_error("x");
        };
        const auto ends = [&](auto&& body) {
            leaves_of([&] { brio::task_group(body); });
            seen.push_back("group " + std::to_string(since.so_far()));
        };
        ends([&](auto& group) { group.create_task(fails); });
        EXPECT_THAT(std::exchange(seen, {}), ElementsAre("group 2"));
        ends([&](auto& group) {
            group.create_task(waits("sibling"));
            group.create_task(fails);
        });
        EXPECT_THAT(std::exchange(seen, {}), ElementsAre("sibling 2", "group 4"));
        ends([&](auto& group) {
            group.create_task(waits("sibling"));
            group.create_task(fails);
            waits("body")();
        });
        EXPECT_THAT(std::exchange(seen, {}), ElementsAre("sibling 2", "body 2", "group 4"));
        ends([&](auto& group) {
            group.create_task(waits("sibling"));
            fails();
        });
        EXPECT_THAT(std::exchange(seen, {}), ElementsAre("sibling 1", "group 3"));
    });
}

TEST(task_group, leaves_cancelled_children_out) {
    run([] {
        EXPECT_THAT(leaves_of([&] {
                        brio::task_group([&](auto& group) {
                            auto t = group.create_task([] { brio::sleep(1h); });
                            brio::yield();
                            t.cancel();
                        });
                    }),
                    ElementsAre("no error"));
        EXPECT_THAT(leaves_of([&] {
                        brio::task_group([&](auto& group) {
                            group.create_task([] { throw brio::cancelled_error(); });
                        });
                    }),
                    ElementsAre("no error"));
    });
}

TEST(task_group, does_not_report_the_errors_it_throws) {
    run([] {
        const reports handler;
        EXPECT_THAT(leaves_of([&] {
                        brio::task_group([&](auto& group) {
                            group.create_task(failing(1s, "a"));
                            group.create_task(failing(1s, "b"));
                        });
                    }),
                    ElementsAre("a", "b"));
        turns(3);
        EXPECT_THAT(handler.told(), IsEmpty());
    });
}

TEST(task_group, in_a_task_group_nests_the_groups) {
    run([] {
        try {
            brio::task_group([](auto& outer) {
                outer.create_task([] {
                    brio::task_group([](auto& inner) { inner.create_task(failing(1s, "deep")); });
                });
                outer.create_task(failing(1s, "flat"));
            });
            FAIL();
        } catch (const brio::exception_group& group) {
            ASSERT_EQ(group.exceptions().size(), 2U);
            EXPECT_STREQ(group.what(),
                         "unhandled errors in a task group\n  std::runtime_error: flat\n"
                         "  unhandled errors in a task group\n    std::runtime_error: deep");
        }
    });
}

// --------------------------------------------------------------------------------------- cancelling

TEST(task_group, whose_task_is_cancelled_in_the_body_cancels_the_children_and_passes_it_on) {
    run([] {
        lines seen;
        auto t = brio::create_task([&] {
            brio::task_group([&](auto& group) {
                group.create_task(noting(seen, "child", 2s));
                noting(seen, "body")();
            });
        });
        turns(2);
        t.cancel("outside");
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled(outside)");
        EXPECT_THAT(seen, ElementsAre("body cancelled", "child cancelled"));
        EXPECT_EQ(now(), 2000);
        EXPECT_EQ(t.cancelling(), 1);
    });
}

TEST(task_group, whose_task_is_cancelled_while_it_joins_cancels_the_children_in_two_turns) {
    run([] {
        hops since;
        lines seen;
        auto t = brio::create_task([&] {
            try {
                brio::task_group([&](auto& group) {
                    group.create_task([&] {
                        try {
                            brio::sleep(1h);
                        } catch (const brio::cancelled_error&) {
                            seen.push_back("child " + std::to_string(since.so_far()));
                            throw;
                        }
                    });
                });
            } catch (const brio::cancelled_error&) {
                seen.push_back("group " + std::to_string(since.so_far()));
                throw;
            }
        });
        turns(3);
        since.restart();
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled");
        EXPECT_THAT(seen, ElementsAre("child 2", "group 4"));
    });
}

TEST(task_group, waits_for_its_children_through_repeated_cancels) {
    run([] {
        lines seen;
        auto t = brio::create_task([&] {
            brio::task_group([&](auto& group) { group.create_task(noting(seen, "child", 10s)); });
        });
        for (int i = 0; i < 3; ++i) {
            brio::sleep(1s);
            t.cancel("number " + std::to_string(i));
        }
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled(number 0)");
        EXPECT_THAT(seen, ElementsAre("child cancelled"));
        EXPECT_EQ(now(), 11'000);
        EXPECT_EQ(t.cancelling(), 3);
    });
}

TEST(task_group, that_fails_while_its_task_is_cancelled_delivers_the_cancel_afterwards) {
    run([] {
        lines seen;
        auto t = brio::create_task([&] {
            seen = leaves_of([&] {
                brio::task_group([&](auto& group) {
                    group.create_task([] {
                        try {
                            brio::sleep(1h);
                        } catch (const brio::cancelled_error&) {
                            throw std::runtime_error("clean-up");
                        }
                    });
                });
            });
            seen.push_back(std::to_string(brio::current_task().cancelling()));
            seen.push_back(ending([] { brio::yield(); }));
        });
        turns(3);
        t.cancel();
        t.await();
        EXPECT_THAT(seen, ElementsAre("clean-up", "1", "cancelled"));
    });
}

TEST(task_group, keeps_a_cancel_from_outside_that_comes_with_a_child_s_error) {
    run([] {
        lines seen;
        brio::task<void> t;
        t = brio::create_task([&] {
            seen = leaves_of([&] {
                brio::task_group([&](auto& group) {
                    group.create_task([&] {
                        t.cancel("outside");
                        throw std::runtime_error("child");
                    });
                    brio::sleep(1h);
                });
            });
            seen.push_back(ending([] { brio::yield(); }));
        });
        t.await();
        EXPECT_THAT(seen, ElementsAre("child", "cancelled"));
        EXPECT_EQ(t.cancelling(), 1);
    });
}

TEST(task_group, under_a_timeout_ends_in_the_timeout) {
    run([] {
        lines seen;
        EXPECT_EQ(ending([&] {
                      brio::timeout(5s, [&] {
                          brio::task_group([&](auto& group) {
                              group.create_task(noting(seen, "child", 2s));
                              brio::sleep(1h);
                          });
                      });
                  }),
                  "timeout");
        EXPECT_EQ(now(), 7000);
        EXPECT_THAT(seen, ElementsAre("child cancelled"));
        EXPECT_EQ(brio::current_task().cancelling(), 0);
    });
}

TEST(task_group, that_fails_under_a_timeout_throws_its_group) {
    run([] {
        EXPECT_THAT(leaves_of([&] {
                        brio::timeout(5s, [&] {
                            brio::task_group([&](auto& group) {
                                group.create_task([] {
                                    try {
                                        brio::sleep(1h);
                                    } catch (const brio::cancelled_error&) {
                                        throw std::runtime_error("answer");
                                    }
                                });
                            });
                        });
                    }),
                    ElementsAre("answer"));
        EXPECT_EQ(brio::current_task().cancelling(), 0);
        brio::yield();
    });
}

// --------------------------------------------------------------------------------- cancel() of a group

TEST(task_group_cancel, ends_body_and_children_without_an_error) {
    run([] {
        lines seen;
        EXPECT_THAT(leaves_of([&] {
                        brio::task_group([&](brio::task_group_scope& group) {
                            group.create_task(noting(seen, "child"));
                            brio::sleep(1s);
                            group.cancel();
                            group.cancel();
                            noting(seen, "body")();
                        });
                    }),
                    ElementsAre("no error"));
        EXPECT_THAT(seen, ElementsAre("child cancelled", "body cancelled"));
        EXPECT_EQ(brio::current_task().cancelling(), 0);
        brio::yield();
    });
}

TEST(task_group_cancel, by_a_child_ends_the_body) {
    run([] {
        lines seen;
        brio::task_group([&](brio::task_group_scope& group) {
            group.create_task([&] {
                brio::sleep(1s);
                group.cancel();
                seen.push_back("child goes on");
            });
            noting(seen, "body")();
        });
        EXPECT_THAT(seen, ElementsAre("child goes on", "body cancelled"));
        EXPECT_EQ(now(), 1000);
    });
}

TEST(task_group_cancel, while_the_group_joins_ends_it) {
    run([] {
        lines seen;
        brio::task_group_scope group;
        brio::get_running_loop().call_later(2s, [&] { group.cancel(); });
        group.run([&] { group.create_task(noting(seen, "child")); });
        EXPECT_THAT(seen, ElementsAre("child cancelled"));
        EXPECT_EQ(now(), 2000);
        EXPECT_EQ(brio::current_task().cancelling(), 0);
        group.cancel();
        brio::yield();
    });
}

TEST(task_group_cancel, before_the_run_cancels_it_as_it_begins) {
    run([] {
        lines seen;
        brio::task_group_scope group;
        group.cancel();
        group.run([&] {
            seen.push_back("body begins");
            EXPECT_EQ(text_of<brio::usage_error>([&] { group.create_task([] {}); }),
                      "task_group_scope::create_task: the group is shutting down");
            brio::yield();
            seen.push_back("never");
        });
        EXPECT_THAT(seen, ElementsAre("body begins"));
        EXPECT_EQ(brio::current_task().cancelling(), 0);
    });
}

TEST(task_group_cancel, of_a_body_that_has_its_result_returns_it) {
    run([] {
        EXPECT_EQ(brio::task_group([](brio::task_group_scope& group) {
                      group.create_task([] { brio::sleep(1h); });
                      group.cancel();
                      return 5;
                  }),
                  5);
        EXPECT_EQ(brio::current_task().cancelling(), 0);
        brio::yield();
    });
}

TEST(task_group_cancel, of_a_body_that_owes_a_result_is_a_cancel) {
    run([] {
        EXPECT_EQ(ending([] {
                      return brio::task_group([](brio::task_group_scope& group) {
                          group.cancel();
                          brio::sleep(1h);
                          return 5;
                      });
                  }),
                  "cancelled");
        EXPECT_EQ(brio::current_task().cancelling(), 0);
        brio::yield();
    });
}

TEST(task_group_cancel, does_not_swallow_a_cancel_from_outside) {
    run([] {
        auto t = brio::create_task([] {
            brio::task_group([](brio::task_group_scope& group) {
                group.cancel();
                brio::current_task().cancel("outside");
                brio::sleep(1h);
            });
        });
        EXPECT_THAT(ending([&] { t.await(); }), HasSubstr("cancelled"));
        EXPECT_TRUE(t.cancelled());
    });
}

TEST(task_group_cancel, throws_the_errors_of_children_that_fail_in_their_clean_up) {
    run([] {
        EXPECT_THAT(leaves_of([&] {
                        brio::task_group([&](brio::task_group_scope& group) {
                            group.create_task([] {
                                try {
                                    brio::sleep(1h);
                                } catch (const brio::cancelled_error&) {
                                    throw std::runtime_error("clean-up");
                                }
                            });
                            brio::yield();
                            group.cancel();
                        });
                    }),
                    ElementsAre("clean-up"));
    });
}

TEST(task_group_cancel, by_the_first_step_of_an_eager_child_cancels_that_child) {
    run([] {
        lines seen;
        brio::task_group([&](brio::task_group_scope& group) {
            group.create_task(
                [&] {
                    group.cancel();
                    noting(seen, "eager child")();
                },
                {.eager_start = true});
        });
        EXPECT_THAT(seen, ElementsAre("eager child cancelled"));
        EXPECT_EQ(now(), 0);
    });
}

// ------------------------------------------------------------------------------------------- misuse

TEST(task_group, refuses_children_before_its_run_while_it_shuts_down_and_behind_its_end) {
    run([] {
        const auto text = [](brio::task_group_scope& group) {
            bool called = false;
            const auto t =
                text_of<brio::usage_error>([&] { group.create_task([&] { called = true; }); });
            EXPECT_FALSE(called);
            return t;
        };
        brio::task_group_scope group;
        EXPECT_EQ(text(group), "task_group_scope::create_task: the group's run() has not begun");
        group.run([] {});
        EXPECT_EQ(text(group), "task_group_scope::create_task: the group has ended");

        brio::task_group_scope failing_group;
        EXPECT_THAT(leaves_of([&] {
                        failing_group.run([&] {
                            failing_group.create_task([&] {
                                try {
                                    brio::sleep(1h);
                                } catch (const brio::cancelled_error&) {
                                    EXPECT_EQ(text(failing_group),
                                              "task_group_scope::create_task: the group is "
                                              "shutting down");
                                }
                            });
                            brio::yield();
                            throw std::runtime_error("body");
                        });
                    }),
                    ElementsAre("body"));
        EXPECT_EQ(text(failing_group), "task_group_scope::create_task: the group has ended");
    });
}

TEST(task_group, refuses_a_second_run_and_a_run_outside_a_task) {
    run([] {
        brio::task_group_scope group;
        group.run([&] {
            EXPECT_EQ(text_of<brio::usage_error>([&] { group.run([] {}); }),
                      "task_group_scope::run: it has been entered already");
        });
        EXPECT_EQ(text_of<brio::usage_error>([&] { group.run([] {}); }),
                  "task_group_scope::run: it has been entered already");
        std::string text;
        brio::get_running_loop().call_soon(
            [&] { text = text_of<brio::usage_error>([] { brio::task_group([](auto&) {}); }); });
        brio::yield();
        EXPECT_THAT(text,
                    HasSubstr("task_group_scope::run suspends, so it must be called in a task"));
    });
    EXPECT_EQ(text_of<brio::usage_error>([] { brio::task_group_scope(); }),
              "task_group_scope needs a running loop on this thread: brio::run");
}

TEST(task_group, that_never_ran_does_nothing) {
    run([] { const brio::task_group_scope unused; });
}

TEST(task_group, holds_many_children) {
    run([] {
        int ended = 0;
        EXPECT_THAT(leaves_of([&] {
                        brio::task_group([&](auto& group) {
                            for (int i = 0; i < 2000; ++i)
                                group.create_task([&] {
                                    try {
                                        brio::sleep(1h);
                                    } catch (const brio::cancelled_error&) {
                                        ++ended;
                                        throw;
                                    }
                                });
                            brio::yield();
                            throw std::runtime_error("enough");
                        });
                    }),
                    ElementsAre("enough"));
        EXPECT_EQ(ended, 2000);
    });
}

}  // namespace
