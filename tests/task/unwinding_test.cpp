// Exceptions and suspensions together: each fiber has its own exceptions in flight and caught, and a
// cancel stays pending while a fiber unwinds.

#include "task/story.hpp"

#include <exception>

namespace {

using namespace story;

/// Suspends in its destructor.
struct sleeps_at_end {
    ~sleeps_at_end() {
        if (before != nullptr) before->push_back("destructor begins");
        brio::sleep(1s);
        if (before != nullptr) before->push_back("destructor ends");
    }
    lines* before = nullptr;
};

TEST(exceptions, are_thrown_and_caught_in_many_fibers_at_once) {
    run([] {
        int right = 0;
        std::vector<std::function<void()>> bodies;
        for (int i = 0; i < 100; ++i)
            bodies.emplace_back([&right, i] {
                for (int k = 0; k < 10; ++k) {
                    try {
                        brio::yield();
                        throw std::runtime_error(std::to_string(i * 10 + k));
                    } catch (const std::runtime_error& e) {
                        brio::yield();
                        if (e.what() == std::to_string(i * 10 + k)) ++right;
                        EXPECT_NE(std::current_exception(), nullptr);
                    }
                    EXPECT_EQ(std::current_exception(), nullptr);
                }
            });
        brio::gather(bodies).await();
        EXPECT_EQ(right, 1000);
    });
}

TEST(exceptions, can_be_rethrown_after_another_fiber_threw_while_this_one_was_suspended) {
    run([] {
        lines seen;
        const auto body = [&](const char* name) {
            return [&seen, name] {
                try {
                    try {
                        throw std::runtime_error(name);
                    } catch (...) {
                        brio::sleep(1s);
                        throw;
                    }
                } catch (const std::runtime_error& e) {
                    seen.push_back(name + std::string(" caught ") + e.what());
                }
            };
        };
        brio::gather(body("a"), body("b"), body("c")).await();
        EXPECT_THAT(seen, ElementsAre("a caught a", "b caught b", "c caught c"));
    });
}

TEST(exceptions, of_nested_catches_stay_apart_across_suspensions) {
    run([] {
        const auto body = [](int depth) {
            return [depth] {
                const std::function<void(int)> nest = [&](int left) {
                    try {
                        throw left;
                    } catch (int caught) {
                        brio::yield();
                        if (left > 0) nest(left - 1);
                        brio::yield();
                        EXPECT_EQ(caught, left);
                        try {
                            throw;
                        } catch (int again) {
                            EXPECT_EQ(again, left);
                        }
                    }
                };
                nest(depth);
                EXPECT_EQ(std::current_exception(), nullptr);
            };
        };
        brio::gather(body(1), body(5), body(9), body(3)).await();
    });
}

TEST(uncaught_exceptions, are_counted_for_each_fiber_alone) {
    struct counts {
        ~counts() {
            inside = std::uncaught_exceptions();
            brio::sleep(1s);
            after = std::uncaught_exceptions();
        }
        int& inside;
        int& after;
    };
    run([] {
        int inside = -1, after = -1;
        auto unwinding = brio::create_task([&] {
            const counts local{inside, after};
            throw std::runtime_error("out");
        });
        auto other = brio::create_task([] {
            for (int i = 0; i < 5; ++i) {
                EXPECT_EQ(std::uncaught_exceptions(), 0);
                brio::sleep(200ms);
            }
        });
        EXPECT_EQ(ending([&] { unwinding.await(); }), "out");
        EXPECT_EQ(inside, 1);
        EXPECT_EQ(after, 1);
        other.await();
        EXPECT_EQ(std::uncaught_exceptions(), 0);
    });
}

TEST(uncaught_exceptions, are_none_in_a_task_that_is_made_during_unwinding) {
    struct makes_a_task {
        ~makes_a_task() {
            brio::create_task([&] { inside = std::uncaught_exceptions(); }, {.eager_start = true})
                .await();
            brio::create_task([&] { later = std::uncaught_exceptions(); }).await();
        }
        int& inside;
        int& later;
    };
    run([] {
        int inside = -1, later = -1;
        EXPECT_EQ(ending([&] {
                      const makes_a_task local{inside, later};
                      throw std::runtime_error("out");
                  }),
                  "out");
        EXPECT_EQ(inside, 0);
        EXPECT_EQ(later, 0);
    });
}

TEST(uncaught_exceptions, are_none_in_callbacks_that_run_while_a_fiber_unwinds) {
    run([] {
        int seen = -1;
        brio::get_running_loop().call_later(500ms, [&] { seen = std::uncaught_exceptions(); });
        EXPECT_EQ(ending([] {
                      const sleeps_at_end local;
                      throw std::runtime_error("out");
                  }),
                  "out");
        EXPECT_EQ(seen, 0);
    });
}

// --------------------------------------------------------------------------- suspending while unwinding

TEST(unwinding, goes_on_behind_a_suspension_in_a_destructor) {
    run([] {
        lines seen;
        EXPECT_EQ(ending([&] {
                      const sleeps_at_end outer{&seen};
                      const sleeps_at_end inner{&seen};
                      throw std::runtime_error("out");
                  }),
                  "out");
        EXPECT_THAT(seen, ElementsAre("destructor begins", "destructor ends", "destructor begins",
                                      "destructor ends"));
        EXPECT_EQ(now(), 2000);
    });
}

TEST(unwinding, of_many_fibers_with_suspending_destructors) {
    run([] {
        std::vector<std::function<void()>> bodies;
        for (int i = 0; i < 50; ++i)
            bodies.emplace_back([i] {
                EXPECT_EQ(ending([i] {
                              const sleeps_at_end a;
                              brio::sleep(i * 1ms);
                              const sleeps_at_end b;
                              throw std::runtime_error(std::to_string(i));
                          }),
                          std::to_string(i));
            });
        brio::gather(bodies).await();
    });
}

TEST(unwinding, by_a_cancel_may_suspend_too) {
    run([] {
        lines seen;
        auto t = brio::create_task([&] {
            const sleeps_at_end local{&seen};
            brio::sleep(1h);
        });
        brio::yield();
        t.cancel("why");
        EXPECT_EQ(ending([&] { t.await(); }), "cancelled(why)");
        EXPECT_THAT(seen, ElementsAre("destructor begins", "destructor ends"));
        EXPECT_EQ(now(), 1000);
    });
}

TEST(unwinding, keeps_a_cancel_pending_until_the_first_suspension_behind_it) {
    run([] {
        lines seen;
        auto t = brio::create_task([&] {
            seen.push_back(ending([&] {
                const sleeps_at_end local{&seen};
                throw std::runtime_error("first");
            }));
            seen.push_back(ending([] { brio::sleep(1h); }));
        });
        brio::sleep(500ms);
        EXPECT_TRUE(t.cancel("meanwhile"));
        t.await();
        EXPECT_THAT(seen, ElementsAre("destructor begins", "destructor ends", "first",
                                      "cancelled(meanwhile)"));
        EXPECT_EQ(now(), 1000);
    });
}

TEST(unwinding, keeps_a_cancel_pending_for_every_kind_of_wait) {
    struct waits_at_end {
        ~waits_at_end() { wait(); }
        std::function<void()> wait;
    };
    run([] {
        auto f = brio::create_future<int>();
        brio::get_running_loop().call_later(1s, [&] { f.set_result(1); });
        const std::vector<std::function<void()>> waits{
            [] { brio::sleep(1s); },
            [] { brio::yield(); },
            [&] { f.await(); },
            [] { brio::create_task([] { brio::sleep(1s); }).await(); },
            [] { brio::gather([] { brio::sleep(1s); }).await(); },
            [] {
                static_cast<void>(
                    brio::wait(std::vector{brio::create_task([] { brio::sleep(1s); })}));
            },
            [] { brio::task_group([](auto& g) { g.create_task([] { brio::sleep(1s); }); }); },
        };
        for (const auto& wait : waits) {
            auto t = brio::create_task([&] {
                EXPECT_EQ(ending([&] {
                              const waits_at_end local{wait};
                              throw std::runtime_error("out");
                          }),
                          "out");
                return ending([] { brio::yield(); });
            });
            brio::yield();
            EXPECT_TRUE(t.cancel());
            EXPECT_EQ(t.await(), "cancelled");
        }
        EXPECT_EQ(f.result(), 1);
    });
}

TEST(unwinding, that_a_cancel_came_during_may_end_the_task_with_its_own_error) {
    run([] {
        auto t = brio::create_task([] {
            const sleeps_at_end local;
            throw std::runtime_error("own");
        });
        brio::sleep(500ms);
        t.cancel();
        EXPECT_EQ(ending([&] { t.await(); }), "own");
    });
}

TEST(unwinding, under_a_timeout_that_runs_out_meanwhile_leaves_the_error) {
    run([] {
        brio::timeout_scope scope(500ms);
        EXPECT_EQ(ending([&] {
                      scope.run([] {
                          const sleeps_at_end local;
                          throw std::runtime_error("own");
                      });
                  }),
                  "own");
        EXPECT_TRUE(scope.expired());
        EXPECT_EQ(brio::current_task().cancelling(), 0);
        brio::sleep(1s);
    });
}

TEST(unwinding, lets_a_destructor_catch_what_it_throws_itself_across_a_suspension) {
    struct throws_and_catches {
        ~throws_and_catches() {
            try {
                brio::yield();
                throw std::logic_error("inner");
            } catch (const std::logic_error& e) {
                brio::yield();
                EXPECT_STREQ(e.what(), "inner");
            }
        }
    };
    run([] {
        const auto body = [](const char* text) {
            return [text] {
                EXPECT_EQ(ending([text] {
                              const throws_and_catches local;
                              throw std::runtime_error(text);
                          }),
                          text);
            };
        };
        brio::gather(body("a"), body("b"), body("c")).await();
    });
}

TEST(unwinding, shares_one_exception_among_fibers_that_rethrow_it_at_once) {
    run([] {
        auto f = brio::create_future<void>();
        int right = 0;
        std::vector<std::function<void()>> bodies(20, [&] {
            try {
                f.await();
            } catch (const std::runtime_error& e) {
                brio::sleep(1s);
                if (std::string(e.what()) == "shared") ++right;
            }
        });
        auto all = brio::gather(bodies);
        brio::yield();
        f.set_exception(std::runtime_error("shared"));
        all.await();
        EXPECT_EQ(right, 20);
    });
}

TEST(errno_of_a_fiber, survives_what_others_do_meanwhile) {
    run([] {
        const auto body = [](int mine) {
            return [mine] {
                for (int i = 0; i < 10; ++i) {
                    errno = mine;
                    brio::yield();
                    EXPECT_EQ(errno, mine);
                }
            };
        };
        brio::gather(body(1), body(2), body(3)).await();
    });
}

}  // namespace
