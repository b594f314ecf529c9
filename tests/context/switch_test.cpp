// What must survive a switch. Builds as part of test_context, and alone (see alone/gtest/gtest.h)
// for the builds that are about the switch itself: link-time optimisation, and aarch64 in an
// emulator.

#include "context/strand.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <gtest/gtest.h>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unwind.h>
#include <vector>

namespace {

using brio_tests::strand;

// Keeps the compiler from knowing a value, so that it has to keep it over the switch.
template <class T>
[[gnu::noinline]] T opaque(T value) {
    volatile T hidden = value;
    return hidden;
}

template <class T>
void keep_many_values_over_a_pause(T seed) {
    const T a = opaque<T>(seed + 1), b = opaque<T>(seed + 2), c = opaque<T>(seed + 3);
    const T d = opaque<T>(seed + 4), e = opaque<T>(seed + 5), f = opaque<T>(seed + 6);
    const T g = opaque<T>(seed + 7), h = opaque<T>(seed + 8), i = opaque<T>(seed + 9);
    const T j = opaque<T>(seed + 10), k = opaque<T>(seed + 11), l = opaque<T>(seed + 12);
    for (int turn = 0; turn < 3; ++turn) {
        strand::pause();
        EXPECT_EQ(a, seed + 1);
        EXPECT_EQ(b, seed + 2);
        EXPECT_EQ(c, seed + 3);
        EXPECT_EQ(d, seed + 4);
        EXPECT_EQ(e, seed + 5);
        EXPECT_EQ(f, seed + 6);
        EXPECT_EQ(g, seed + 7);
        EXPECT_EQ(h, seed + 8);
        EXPECT_EQ(i, seed + 9);
        EXPECT_EQ(j, seed + 10);
        EXPECT_EQ(k, seed + 11);
        EXPECT_EQ(l, seed + 12);
    }
}

void resume_in_turn(std::vector<std::unique_ptr<strand>>& strands) {
    for (bool all_done = false; !all_done;) {
        all_done = true;
        for (const auto& s : strands) {
            if (s->done()) continue;
            s->resume();
            all_done = false;
        }
    }
}

// No inlining: the statics that another strand changes must be read again after the switch, also
// when the optimiser sees the whole program.
int turns_taken = 0;

}  // namespace

TEST(switching, begins_with_the_function_on_the_stack_given) {
    std::uintptr_t inside = 0;
    std::unique_ptr<strand> s;
    int calls = 0;
    s = std::make_unique<strand>([&] {
        alignas(16) char local[16];
        inside = reinterpret_cast<std::uintptr_t>(opaque(static_cast<void*>(local)));
        ++calls;
    });
    int outside = 0;
    s->resume();
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(s->done());
    EXPECT_EQ(inside % 16, 0U);
    const auto own = reinterpret_cast<std::uintptr_t>(opaque(static_cast<void*>(&outside)));
    EXPECT_TRUE(inside > own + strand::default_size || own > inside + strand::default_size);
}

TEST(switching, keeps_general_registers) {
    std::vector<std::unique_ptr<strand>> strands;
    for (long seed = 0; seed < 4; ++seed) {
        strands.push_back(
            std::make_unique<strand>([seed] { keep_many_values_over_a_pause<long>(seed * 1000); }));
    }
    resume_in_turn(strands);
}

TEST(switching, keeps_floating_point_values) {
    std::vector<std::unique_ptr<strand>> strands;
    for (int seed = 0; seed < 4; ++seed) {
        strands.push_back(std::make_unique<strand>(
            [seed] { keep_many_values_over_a_pause<double>(seed * 1000.5); }));
    }
    resume_in_turn(strands);
}

TEST(switching, a_thousand_take_turns) {
    constexpr std::size_t count = 1000;
    constexpr std::size_t turns = 10;
    std::vector<std::size_t> order;
    std::vector<std::unique_ptr<strand>> strands;
    for (std::size_t i = 0; i < count; ++i) {
        strands.push_back(std::make_unique<strand>(
            [&order, i] {
                for (std::size_t turn = 1; turn < turns; ++turn) {
                    order.push_back(i);
                    strand::pause();
                }
                order.push_back(i);
            },
            64 * 1024));
    }
    resume_in_turn(strands);
    EXPECT_EQ(order.size(), count * turns);
    bool in_turn = true;
    for (std::size_t i = 0; i < order.size(); ++i) in_turn = in_turn && order[i] == i % count;
    EXPECT_TRUE(in_turn);
}

TEST(switching, from_deep_inside_a_call_chain) {
    struct deep {
        static int sum(int n) {
            strand::pause();
            if (n == 0) return 0;
            return opaque(n) + sum(n - 1);
        }
    };
    int first = 0;
    int second = 0;
    std::vector<std::unique_ptr<strand>> strands;
    strands.push_back(std::make_unique<strand>([&] { first = deep::sum(200); }));
    strands.push_back(std::make_unique<strand>([&] { second = deep::sum(100); }));
    resume_in_turn(strands);
    EXPECT_EQ(first, 20100);
    EXPECT_EQ(second, 5050);
}

TEST(switching, from_one_strand_straight_to_another) {
    std::string order;
    strand inner([&] {
        order += "b";
        strand::pause();
        order += "d";
    });
    strand outer([&] {
        order += "a";
        inner.resume();
        order += "c";
        inner.resume();
        order += "e";
    });
    outer.resume();
    EXPECT_EQ(order, "abcde");
}

TEST(switching, statics_change_while_paused) {
    turns_taken = 0;
    int seen = -1;
    strand reader([&] {
        turns_taken = 1;
        strand::pause();
        seen = turns_taken;
    });
    strand writer([] { turns_taken = 7; });
    reader.resume();
    writer.resume();
    EXPECT_EQ(turns_taken, 7);
    reader.resume();
    EXPECT_EQ(seen, 7);
}

TEST(switching, one_that_is_never_continued_can_be_dropped) {
    int begun = 0;
    {
        strand never_begun([&] { ++begun; });
        strand paused([&] {
            ++begun;
            strand::pause();
            ++begun;
        });
        paused.resume();
    }
    EXPECT_EQ(begun, 1);
}

TEST(switching, every_thread_has_its_own_cells) {
    const auto here = brio::detail::thread_cells::of_this_thread();
    std::thread([&] {
        const auto there = brio::detail::thread_cells::of_this_thread();
        EXPECT_NE(here.exceptions, there.exceptions);
        EXPECT_NE(here.error_number, there.error_number);
        bool ran = false;
        strand s([&] { ran = true; });
        s.resume();
        EXPECT_TRUE(ran);
    }).join();
}

TEST(switching, errno_belongs_to_the_strand) {
    int first_sees = -1;
    int second_sees = -1;
    strand first([&] {
        errno = ENOENT;
        strand::pause();
        first_sees = errno;
    });
    strand second([&] {
        second_sees = errno;
        errno = EINTR;
    });
    errno = EBADF;
    first.resume();
    EXPECT_EQ(errno, EBADF);
    second.resume();
    first.resume();
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(first_sees, ENOENT);
    EXPECT_EQ(second_sees, 0);
}

namespace {

std::string text_of(std::exception_ptr error) {
    if (error == nullptr) return "none";
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    }
}

std::string text_of_current() {
    return text_of(std::current_exception());
}

// Throws, pauses inside the catch, and then looks at its exception in each way there is.
void pause_inside_catch(const char* text, std::vector<std::string>& seen) {
    try {
        throw std::runtime_error(text);
    } catch (const std::exception& e) {
        strand::pause();
        seen.emplace_back(e.what());
        seen.push_back(text_of_current());
        try {
            throw;
        } catch (const std::exception& again) {
            strand::pause();
            seen.emplace_back(again.what());
        }
        seen.push_back(text_of_current());
    }
    seen.push_back(text_of_current());
}

struct pauses_when_destroyed {
    std::vector<int>& uncaught;
    ~pauses_when_destroyed() {
        uncaught.push_back(std::uncaught_exceptions());
        strand::pause();
        uncaught.push_back(std::uncaught_exceptions());
    }
};

}  // namespace

TEST(exceptions, are_caught_on_a_strand) {
    std::string caught;
    strand s([&] {
        try {
            throw std::runtime_error("A");
        } catch (const std::exception& e) {
            caught = e.what();
        }
    });
    s.resume();
    EXPECT_EQ(caught, "A");
}

TEST(exceptions, unwind_to_the_first_frame_and_no_further) {
    bool destroyed = false;
    struct notes {
        bool& flag;
        ~notes() { flag = true; }
    };
    strand s([&] {
        const notes n{destroyed};
        strand::pause();
        throw std::runtime_error("A");
    });
    s.resume();
    EXPECT_FALSE(destroyed);
    s.resume();
    EXPECT_TRUE(destroyed);
    EXPECT_EQ(text_of(s.escaped()), "A");
    EXPECT_EQ(std::uncaught_exceptions(), 0);
    EXPECT_TRUE(std::current_exception() == nullptr);
}

TEST(exceptions, two_strands_pause_inside_catch) {
    std::vector<std::string> first_seen;
    std::vector<std::string> second_seen;
    std::string bystander_sees;
    std::vector<std::unique_ptr<strand>> strands;
    strands.push_back(std::make_unique<strand>([&] { pause_inside_catch("A", first_seen); }));
    strands.push_back(std::make_unique<strand>([&] { pause_inside_catch("B", second_seen); }));
    strands.push_back(std::make_unique<strand>([&] { bystander_sees = text_of_current(); }));
    resume_in_turn(strands);
    EXPECT_TRUE((first_seen == std::vector<std::string>{"A", "A", "A", "A", "none"}));
    EXPECT_TRUE((second_seen == std::vector<std::string>{"B", "B", "B", "B", "none"}));
    EXPECT_EQ(bystander_sees, "none");
    EXPECT_EQ(text_of_current(), "none");
}

TEST(exceptions, catch_may_be_left_in_any_order) {
    std::vector<std::string> first_seen;
    std::vector<std::string> second_seen;
    strand first([&] { pause_inside_catch("A", first_seen); });
    strand second([&] { pause_inside_catch("B", second_seen); });
    first.resume();
    second.resume();
    while (!first.done()) first.resume();
    while (!second.done()) second.resume();
    EXPECT_TRUE((first_seen == std::vector<std::string>{"A", "A", "A", "A", "none"}));
    EXPECT_TRUE((second_seen == std::vector<std::string>{"B", "B", "B", "B", "none"}));
}

TEST(exceptions, the_resumer_may_be_inside_a_catch) {
    std::string inside;
    strand s([&] {
        inside = text_of_current();
        strand::pause();
        throw std::runtime_error("of the strand");
    });
    try {
        throw std::runtime_error("of the thread");
    } catch (const std::exception&) {
        s.resume();
        EXPECT_EQ(text_of_current(), "of the thread");
        s.resume();
        EXPECT_EQ(text_of_current(), "of the thread");
    }
    EXPECT_EQ(inside, "none");
    EXPECT_EQ(text_of(s.escaped()), "of the strand");
}

TEST(exceptions, rethrown_after_another_strand_threw) {
    strand first([] {
        try {
            throw std::runtime_error("A");
        } catch (...) {
            strand::pause();
            throw;
        }
    });
    strand second([] { throw std::runtime_error("B"); });
    first.resume();
    second.resume();
    first.resume();
    EXPECT_EQ(text_of(first.escaped()), "A");
    EXPECT_EQ(text_of(second.escaped()), "B");
}

TEST(exceptions, a_destructor_pauses_while_unwinding) {
    std::vector<int> first_uncaught;
    std::vector<int> second_uncaught;
    int bystander_uncaught = -1;
    const auto body = [](const char* text, std::vector<int>& uncaught) {
        const pauses_when_destroyed p{uncaught};
        throw std::runtime_error(text);
    };
    std::vector<std::unique_ptr<strand>> strands;
    strands.push_back(std::make_unique<strand>([&] { body("A", first_uncaught); }));
    strands.push_back(std::make_unique<strand>([&] { body("B", second_uncaught); }));
    strands.push_back(
        std::make_unique<strand>([&] { bystander_uncaught = std::uncaught_exceptions(); }));
    for (const auto& s : strands) s->resume();
    EXPECT_EQ(std::uncaught_exceptions(), 0);
    strands[0]->resume();
    strands[1]->resume();
    EXPECT_EQ(text_of(strands[0]->escaped()), "A");
    EXPECT_EQ(text_of(strands[1]->escaped()), "B");
    EXPECT_TRUE((first_uncaught == std::vector<int>{1, 1}));
    EXPECT_TRUE((second_uncaught == std::vector<int>{1, 1}));
    EXPECT_EQ(bystander_uncaught, 0);
}

TEST(exceptions, thrown_and_caught_inside_such_a_destructor) {
    struct works_when_destroyed {
        ~works_when_destroyed() {
            try {
                strand::pause();
                throw std::logic_error("inner");
            } catch (const std::logic_error&) {
                strand::pause();
            }
        }
    };
    strand first([] {
        const works_when_destroyed w;
        throw std::runtime_error("A");
    });
    strand second([] {
        const works_when_destroyed w;
        throw std::runtime_error("B");
    });
    while (!first.done() || !second.done()) {
        if (!first.done()) first.resume();
        if (!second.done()) second.resume();
    }
    EXPECT_EQ(text_of(first.escaped()), "A");
    EXPECT_EQ(text_of(second.escaped()), "B");
}

TEST(exceptions, the_count_in_the_cells_is_that_of_the_running_strand) {
    struct counts_when_destroyed {
        unsigned& count;
        ~counts_when_destroyed() {
            strand::pause();
            count = brio::detail::uncaught_exceptions(strand::cells());
        }
    };
    unsigned inside = 99;
    strand s([&] {
        const counts_when_destroyed c{inside};
        throw std::runtime_error("A");
    });
    s.resume();
    EXPECT_EQ(brio::detail::uncaught_exceptions(strand::cells()), 0U);
    s.resume();
    EXPECT_EQ(inside, 1U);
    EXPECT_EQ(brio::detail::uncaught_exceptions(strand::cells()), 0U);
}

TEST(unwinding, ends_at_the_first_frame) {
    struct walk {
        int frames = 0;
        static _Unwind_Reason_Code step(_Unwind_Context*, void* argument) {
            auto& self = *static_cast<walk*>(argument);
            return ++self.frames < 1000 ? _URC_NO_REASON : _URC_NORMAL_STOP;
        }
    };
    walk w;
    _Unwind_Reason_Code result = _URC_NO_REASON;
    strand s([&] { result = _Unwind_Backtrace(walk::step, &w); });
    s.resume();
    EXPECT_EQ(result, _URC_END_OF_STACK);
    EXPECT_LT(w.frames, 30);
    EXPECT_LT(0, w.frames);
}

namespace {

struct calls {
    std::array<const void*, 64> from_inside = {};
    std::size_t inside = 0;
};

// Each level does something after its call, so that it stays on the stack.
[[gnu::noinline]] int pause_deep_down(int depth, calls& seen) {
    if (depth > 0) return opaque(pause_deep_down(depth - 1, seen)) + 1;
    seen.inside = strand::backtrace_of_running(seen.from_inside);
    strand::pause();
    return opaque(0);
}

}  // namespace

TEST(backtrace, of_a_paused_execution_has_the_calls_that_it_is_in) {
    calls seen;
    int levels = 0;
    strand s([&] { levels = pause_deep_down(9, seen); });
    s.resume();
    std::array<const void*, 64> from_outside = {};
    const std::size_t outside = s.backtrace(from_outside);
#if defined(BRIO_PORTABLE_SWITCH)
    EXPECT_EQ(outside, 0U);
#else
    EXPECT_LT(outside, from_outside.size());
    std::size_t same = 0;
    while (same < outside && same < seen.inside &&
           from_outside[outside - 1 - same] == seen.from_inside[seen.inside - 1 - same])
        ++same;
    EXPECT_LT(9U, same);
    EXPECT_LT(same, outside);
    // It tells how many there are where it has no room for them.
    EXPECT_EQ(s.backtrace(std::span(from_outside).first(2)), outside);
    EXPECT_EQ(s.backtrace({}), outside);
#endif
    s.resume();
    EXPECT_EQ(levels, 9);
    EXPECT_TRUE(s.done());
}

TEST(backtrace, of_an_execution_that_has_not_begun_is_empty) {
    bool begun = false;
    strand s([&] { begun = true; });
    std::array<const void*, 64> none = {};
    EXPECT_EQ(s.backtrace(none), 0U);
    s.resume();
    EXPECT_TRUE(begun);
}
