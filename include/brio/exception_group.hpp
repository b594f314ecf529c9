#pragma once
// exception_group: several exceptions as one, and Python's `except*` for it.

#include <brio/error.hpp>
#include <brio/outcome.hpp>

#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace brio::inline v0 {

namespace detail {
template <class F>
struct unary_argument;
template <class R, class C, class A>
struct unary_argument<R (C::*)(A)> {
    using type = A;
};
template <class R, class C, class A>
struct unary_argument<R (C::*)(A) const> {
    using type = A;
};
template <class R, class C, class A>
struct unary_argument<R (C::*)(A) noexcept> {
    using type = A;
};
template <class R, class C, class A>
struct unary_argument<R (C::*)(A) const noexcept> {
    using type = A;
};
template <class H>
using handled_type = std::remove_cvref_t<
    typename unary_argument<decltype(&std::remove_cvref_t<H>::operator())>::type>;
}  // namespace detail

/// A lambda with exactly one, spelled-out parameter: [](const parse_error& e) { ... }
template <class H>
concept exception_handler = requires {
    typename detail::handled_type<H>;
};

/// Python's ExceptionGroup: what a task group throws. Never empty, never holds a cancelled_error
/// (std::invalid_argument otherwise). Copies share their contents. Groups in groups stay nested.
class exception_group : public std::exception {
public:
    exception_group(std::string_view message, std::vector<std::exception_ptr> exceptions);
    exception_group(const exception_group& other) noexcept;
    exception_group& operator=(const exception_group& other) noexcept;
    ~exception_group() override;

    /// The message, and one indented line for each leaf with its type and text.
    [[nodiscard]] const char* what() const noexcept override;
    [[nodiscard]] std::string_view message() const noexcept;
    [[nodiscard]] std::span<const std::exception_ptr> exceptions() const noexcept;

    /// The first leaf that is an E, depth first; null if there is none. Lives as long as this group.
    template <class E>
    [[nodiscard]] const E* find() const {
        for (const std::exception_ptr& e : exceptions()) {
            if (const E* const found = detail::exception_as<E>(e)) return found;
            if (const auto* const nested = detail::exception_as<exception_group>(e))
                if (const E* const found = nested->find<E>()) return found;
        }
        return nullptr;
    }
    struct halves;
    /// Python's split: the leaves that are an E, and the others, each with the same nesting.
    template <class E>
    [[nodiscard]] halves split() const;
    /// `except*`: each leaf goes to the first handler whose parameter catches it. Returns those that
    /// none did, with the same nesting: `if (auto rest = g.visit(...)) throw *rest;`. What a handler
    /// throws leaves visit() at once.
    template <exception_handler... H>
    [[nodiscard("rethrow what no handler took")]] std::optional<exception_group> visit(
        H&&... handlers) const {
        return without([&](const std::exception_ptr& leaf) {
            return (call_if_caught<detail::handled_type<H>>(leaf, handlers) || ...);
        });
    }

private:
    struct shared;
    /// The group without the leaves for which taken(leaf) is true; empty when none is left.
    template <class Taken>
    [[nodiscard]] std::optional<exception_group> without(Taken&& taken) const {
        std::vector<std::exception_ptr> left;
        for (const std::exception_ptr& e : exceptions()) {
            if (const auto* const nested = detail::exception_as<exception_group>(e)) {
                if (auto rest = nested->without(taken))
                    left.push_back(std::make_exception_ptr(*rest));
            } else if (!taken(e)) {
                left.push_back(e);
            }
        }
        if (left.empty()) return std::nullopt;
        return exception_group(message(), std::move(left));
    }
    template <class E, class H>
    static bool call_if_caught(const std::exception_ptr& leaf, H& handler) {
        const E* const caught = detail::exception_as<E>(leaf);
        if (caught == nullptr) return false;
        handler(const_cast<E&>(*caught));
        return true;
    }
    shared* shared_;
};

struct exception_group::halves {
    std::optional<exception_group> matched, rest;
};

template <class E>
exception_group::halves exception_group::split() const {
    const auto is_e = [](const std::exception_ptr& leaf) {
        return detail::exception_as<E>(leaf) != nullptr;
    };
    return {without([&](const std::exception_ptr& leaf) { return !is_e(leaf); }), without(is_e)};
}

}  // namespace brio::inline v0
