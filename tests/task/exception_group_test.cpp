// exception_group: text, find, split, visit; and outcome.

#include "task/story.hpp"

namespace {

using namespace story;

struct parse_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct deep_parse_error : parse_error {
    using parse_error::parse_error;
};

template <class E>
std::exception_ptr error(E e) {
    return std::make_exception_ptr(std::move(e));
}

/// parse a | { parse deep | { os } } | 7 | logic
brio::exception_group nested() {
    const brio::exception_group innermost(
        "innermost", {error(std::system_error(std::make_error_code(std::errc::io_error)))});
    const brio::exception_group inner("inner", {error(deep_parse_error("deep")), error(innermost)});
    return {"outer",
            {error(parse_error("a")), error(inner), error(7), error(std::logic_error("logic"))}};
}

/// The group's shape: "message(leaf, group(...))".
std::string shape(const brio::exception_group& group) {
    std::string text(group.message());
    text += "(";
    for (const auto& e : group.exceptions()) {
        if (text.back() != '(') text += ", ";
        try {
            std::rethrow_exception(e);
        } catch (const brio::exception_group& g) {
            text += shape(g);
        } catch (const std::exception& x) {
            text += x.what();
        } catch (int n) {
            text += std::to_string(n);
        }
    }
    return text + ")";
}

TEST(exception_group, tells_its_leaves_indented_with_their_types) {
    EXPECT_STREQ(nested().what(),
                 "outer\n"
                 "  (anonymous namespace)::parse_error: a\n"
                 "  inner\n"
                 "    (anonymous namespace)::deep_parse_error: deep\n"
                 "    innermost\n"
                 "      std::system_error: Input/output error\n"
                 "  int\n"
                 "  std::logic_error: logic");
    EXPECT_EQ(nested().message(), "outer");
    EXPECT_EQ(nested().exceptions().size(), 4U);
}

TEST(exception_group, refuses_to_be_empty_or_to_hold_a_null_or_a_cancelled_error) {
    EXPECT_EQ(text_of<std::invalid_argument>([] { brio::exception_group("m", {}); }),
              "exception_group: there are no exceptions");
    EXPECT_EQ(text_of<std::invalid_argument>([] { brio::exception_group("m", {nullptr}); }),
              "exception_group: an exception is null");
    const auto cancelled = std::make_exception_ptr(brio::cancelled_error("why"));
    EXPECT_EQ(text_of<std::invalid_argument>([&] { brio::exception_group("m", {cancelled}); }),
              "exception_group: a cancelled_error cannot be in a group");
}

TEST(exception_group, finds_the_first_leaf_of_a_type_depth_first) {
    const auto group = nested();
    EXPECT_STREQ(group.find<parse_error>()->what(), "a");
    EXPECT_STREQ(group.find<deep_parse_error>()->what(), "deep");
    EXPECT_EQ(group.find<std::system_error>()->code(), std::errc::io_error);
    EXPECT_EQ(*group.find<int>(), 7);
    EXPECT_EQ(group.find<std::bad_alloc>(), nullptr);
    EXPECT_EQ(group.find<brio::exception_group>()->message(), "inner");
}

TEST(exception_group, keeps_what_it_found_alive) {
    const parse_error* found = nullptr;
    const auto group = nested();
    {
        const auto copy = group;
        found = copy.find<parse_error>();
    }
    EXPECT_STREQ(found->what(), "a");
}

TEST(exception_group, splits_into_two_groups_of_the_same_nesting) {
    const auto [parse, others] = nested().split<parse_error>();
    EXPECT_EQ(shape(*parse), "outer(a, inner(deep))");
    EXPECT_EQ(shape(*others), "outer(inner(innermost(Input/output error)), 7, logic)");
    const auto [all, none] =
        brio::exception_group("m", {error(parse_error("x"))}).split<parse_error>();
    EXPECT_TRUE(all.has_value());
    EXPECT_FALSE(none.has_value());
    const auto [nothing, everything] = nested().split<std::bad_alloc>();
    EXPECT_FALSE(nothing.has_value());
    EXPECT_EQ(shape(*everything), shape(nested()));
}

TEST(exception_group, gives_each_leaf_to_the_first_handler_that_catches_it) {
    lines seen;
    const auto rest = nested().visit(
        [&](const deep_parse_error& e) { seen.push_back(std::string("deep: ") + e.what()); },
        [&](const parse_error& e) { seen.push_back(std::string("parse: ") + e.what()); },
        [&](const std::exception& e) { seen.push_back(std::string("any: ") + e.what()); });
    EXPECT_THAT(seen,
                ElementsAre("parse: a", "deep: deep", "any: Input/output error", "any: logic"));
    EXPECT_EQ(shape(*rest), "outer(7)");
}

TEST(exception_group, returns_nothing_when_every_leaf_was_taken) {
    EXPECT_FALSE(nested().visit([](const std::exception&) {}, [](int) {}).has_value());
}

TEST(exception_group, takes_handlers_of_every_shape) {
    int calls = 0;
    const auto named = [&](parse_error& e) {
        ++calls;
        EXPECT_STREQ(e.what(), "a");
    };
    const brio::exception_group group("m", {error(parse_error("a"))});
    EXPECT_FALSE(group.visit(named).has_value());
    EXPECT_FALSE(group.visit([&](parse_error) mutable { ++calls; }).has_value());
    EXPECT_FALSE(group.visit([&](const parse_error&) noexcept { ++calls; }).has_value());
    EXPECT_EQ(calls, 3);
}

TEST(exception_group, lets_out_what_a_handler_throws) {
    lines seen;
    EXPECT_EQ(text_of<std::runtime_error>([&] {
                  static_cast<void>(nested().visit([&](const parse_error& e) {
                      seen.push_back(e.what());
                      throw std::runtime_error("handler");
                  }));
              }),
              "handler");
    EXPECT_THAT(seen, ElementsAre("a"));
}

TEST(exception_group, that_is_left_can_be_thrown_and_caught) {
    try {
        if (auto rest = nested().visit([](const std::exception&) {})) throw *rest;
        FAIL();
    } catch (const std::exception& e) {
        EXPECT_STREQ(e.what(), "outer\n  int");
    }
}

TEST(exception_group, is_copied_and_assigned_by_sharing) {
    auto a = nested();
    const brio::exception_group b("other", {error(1)});
    a = b;
    EXPECT_EQ(a.message(), "other");
    EXPECT_EQ(a.exceptions().data(), b.exceptions().data());
    a = static_cast<const brio::exception_group&>(a);
    EXPECT_EQ(a.message(), "other");
}

TEST(exception_group, can_be_visited_inside_a_catch_and_across_suspensions) {
    run([] {
        lines seen;
        try {
            brio::task_group([](auto& group) {
                group.create_task([] { throw parse_error("x"); });
                group.create_task([] { throw std::logic_error("y"); });
            });
        } catch (const brio::exception_group& group) {
            const auto rest = group.visit([&](const parse_error& e) {
                brio::sleep(1s);
                seen.push_back(e.what());
            });
            EXPECT_EQ(shape(*rest), "unhandled errors in a task group(y)");
        }
        EXPECT_THAT(seen, ElementsAre("x"));
    });
}

// ------------------------------------------------------------------------------------------ outcome

TEST(outcome, holds_a_value) {
    brio::outcome<std::string> o(std::in_place, "text");
    EXPECT_TRUE(o);
    EXPECT_TRUE(o.has_value());
    EXPECT_EQ(*o, "text");
    EXPECT_EQ(o->size(), 4U);
    EXPECT_EQ(o.value(), "text");
    EXPECT_EQ(o.value_or("other"), "text");
    EXPECT_EQ(o.error(), nullptr);
    EXPECT_EQ(o.error_as<std::exception>(), nullptr);
    (*o) += "!";
    EXPECT_EQ(std::move(o).value(), "text!");
}

TEST(outcome, holds_an_error_and_rethrows_it_as_it_is) {
    const brio::outcome<int> o(error(deep_parse_error("deep")));
    EXPECT_FALSE(o);
    EXPECT_EQ(text_of<deep_parse_error>([&] { static_cast<void>(o.value()); }), "deep");
    EXPECT_EQ(o.value_or(3), 3);
    EXPECT_STREQ(o.error_as<parse_error>()->what(), "deep");
    EXPECT_EQ(o.error_as<std::logic_error>(), nullptr);
}

TEST(outcome, of_void_and_of_a_reference) {
    const brio::outcome<void> fine;
    EXPECT_TRUE(fine);
    fine.value();
    const brio::outcome<void> bad(error(parse_error("bad")));
    EXPECT_EQ(text_of<parse_error>([&] { bad.value(); }), "bad");
    int number = 1;
    brio::outcome<int&> reference(std::in_place, number);
    EXPECT_EQ(&*reference, &number);
    EXPECT_EQ(&std::move(reference).value(), &number);
}

}  // namespace
