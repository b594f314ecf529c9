#pragma once
// gather.
//
// DANGER, by asyncio's rule: the first exception ends the await while the other children still run.
// Python's collector hides what that means: in C++, children that borrow from the caller's frame are
// then left with dangling references. So the children of a plain gather own what they use (capture
// by value, move in). gather(return_exceptions, ...) and task groups end last: their children may
// borrow. Neither helps a caller that is cancelled while it waits: a gather's children are then
// cancelled too, but plain gather does not wait for their clean-up.

#include <brio/detail/watcher.hpp>
#include <brio/outcome.hpp>
#include <brio/task.hpp>

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace brio::inline v0 {

/// What stands in a tuple for a body that returns nothing, so that result i belongs to argument i.
using none = std::monostate;
struct return_exceptions_t {
    explicit return_exceptions_t() = default;
};
/// gather(return_exceptions, ...): errors become results.
inline constexpr return_exceptions_t return_exceptions{};

namespace detail {
/// A range that is given away with its elements: a container, not a view of somebody else's.
template <class R>
concept gives_elements =
    !std::is_lvalue_reference_v<R> &&
    std::is_const_v<std::remove_reference_t<element_t<const std::remove_reference_t<R>>>>;
}  // namespace detail

/// A callable, a handle given away, or a handle whose result can be copied out.
template <class A>
concept gatherable = task_body<A> ||
    (future_like<A> && (!std::is_lvalue_reference_v<A> || !std::is_object_v<awaited_t<A>> ||
                        detail::is_copyable<awaited_t<A>>));
template <class R>
concept gatherable_range = awaitable_range<R> &&
    (detail::gives_elements<R> || gatherable<detail::element_t<R>>);

namespace detail {

template <class T>
using slot_t = std::conditional_t<std::is_void_v<T>, none, T>;
template <class T>
using element_slot_t = std::conditional_t<std::is_reference_v<T>,
                                          std::reference_wrapper<std::remove_reference_t<T>>, T>;
template <class T>
struct vector_of {
    using type = std::vector<element_slot_t<T>>;
};
template <>
struct vector_of<void> {
    using type = void;
};
template <class... T>
struct tuple_of {
    using type = std::conditional_t<(std::is_void_v<T> && ...), void, std::tuple<slot_t<T>...>>;
};

/// asyncio's _GatheringFuture and its done callback. The typed half builds the value when it is
/// first read.
class gather_core : public watcher {
public:
    /// Takes over the references in `children`: one an argument, in order.
    gather_core(loop_core& loop, std::vector<future_core*> children, bool return_exceptions);
    /// Second step, once the object is whole: watches the children; those that are done report now.
    void begin() noexcept;

    bool cancel(std::string_view message) override;
    void forget_children() noexcept override;
    [[nodiscard]] std::string describe() const override;

protected:
    ~gather_core() override;
    void on_done(watch& w) noexcept override { child_done(w.child()); }

    [[nodiscard]] std::size_t size() const noexcept { return children_.size(); }
    [[nodiscard]] future_core& child(std::size_t i) const noexcept { return *children_[i]; }
    /// The result of child i: moved out where nobody else can read it.
    template <class T>
    slot_t<T> result_of(std::size_t i) {
        child(i).require_value();
        if constexpr (std::is_void_v<T>)
            return {};
        else
            return take_value<T>(child(i));
    }
    template <class T>
    outcome<T> outcome_of(std::size_t i) {
        if (std::exception_ptr error = error_of(i)) return outcome<T>(std::move(error));
        if constexpr (std::is_void_v<T>)
            return {};
        else
            return {std::in_place, result_of<T>(i)};
    }

private:
    friend class cancel_walk;
    [[nodiscard]] std::exception_ptr error_of(std::size_t i);
    void child_done(future_core& child) noexcept;
    void finish_all() noexcept;
    void mark_children_retrieved() noexcept;

    std::vector<future_core*> children_;
    std::vector<watch> watches_;  // one for each distinct child
    std::size_t finished_ = 0;
    bool return_exceptions_;
    bool cancel_requested_ = false;
};

/// Build(core) makes the value; it is a friend through these accessors.
template <class Result, class Builder>
class gather_of final : public with_value<Result, gather_core> {
public:
    using with_value<Result, gather_core>::with_value;

private:
    friend Builder;
    void materialize() override {
        if constexpr (std::is_void_v<Result>)
            this->template store<nothing>();
        else
            this->template store_result_of<Result>([this] { return Builder::build(*this); });
    }
};

/// The core of an argument of `call`, one reference owned: a callable is made a task. Throws
/// usage_error when it is a handle of another loop.
template <class A>
future_core* core_of(loop_core& loop, const char* call, A&& a) {
    if constexpr (future_like<A>) {
        future_core& core = a.core();
        core.require_on(loop, call);
        const std::remove_cvref_t<A> handle(std::forward<A>(a));
        core.retain();
        return &core;
    } else {
        auto handle =
            create_task_on(loop, std::forward<A>(a), default_task_options, call_site{"", 0});
        handle.core().retain();
        return &handle.core();
    }
}
/// References to children until the gathering future takes them over.
class child_list {
public:
    child_list() = default;
    child_list(const child_list&) = delete;
    child_list& operator=(const child_list&) = delete;
    ~child_list();
    void add(future_core* owned) { children_.push_back(owned); }
    void reserve(std::size_t n) { children_.reserve(n); }
    [[nodiscard]] std::vector<future_core*> release() noexcept { return std::move(children_); }

private:
    std::vector<future_core*> children_;
};
/// The running loop; usage_error, naming `call`, when there is none.
[[nodiscard]] loop_core& loop_for(const char* call);
/// Likewise; for a range of handles the loop of the first one where none runs.
[[nodiscard]] loop_core& loop_for(const char* call, const any_future& first);
template <class R>
loop_core& loop_for_range(const char* call, R& range) {
    if constexpr (future_like<element_t<R>>)
        if (std::begin(range) != std::end(range)) return loop_for(call, *std::begin(range));
    return loop_for(call);
}

template <class Result, class Builder>
future<Result> start_gather(loop_core& loop, child_list& children, bool return_exceptions) {
    auto* const core = new gather_of<Result, Builder>(loop, children.release(), return_exceptions);
    future<Result> outer(core, adopt_t{});
    core->begin();
    return outer;
}

template <class... T>
struct build_tuple {
    template <class Core>
    static auto build(Core& core) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return std::tuple<slot_t<T>...>{core.template result_of<T>(I)...};
        }
        (std::index_sequence_for<T...>{});
    }
};
template <class... T>
struct build_outcomes {
    template <class Core>
    static auto build(Core& core) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return std::tuple<outcome<T>...>{core.template outcome_of<T>(I)...};
        }
        (std::index_sequence_for<T...>{});
    }
};
template <class T>
struct build_vector {
    template <class Core>
    static auto build(Core& core) {
        std::vector<element_slot_t<T>> all;
        all.reserve(core.size());
        for (std::size_t i = 0; i < core.size(); ++i) all.push_back(core.template result_of<T>(i));
        return all;
    }
};
template <class T>
struct build_outcome_vector {
    template <class Core>
    static auto build(Core& core) {
        std::vector<outcome<T>> all;
        all.reserve(core.size());
        for (std::size_t i = 0; i < core.size(); ++i) all.push_back(core.template outcome_of<T>(i));
        return all;
    }
};
template <class R>
void add_range(loop_core& loop, const char* call, child_list& children, R&& range) {
    if constexpr (requires { range.size(); }) children.reserve(range.size());
    for (auto&& a : range) {
        if constexpr (gives_elements<R>)
            children.add(core_of(loop, call, std::move(a)));
        else
            children.add(core_of(loop, call, std::forward<decltype(a)>(a)));
    }
}
}  // namespace detail

template <class... A>
using gather_result_t = typename detail::tuple_of<awaited_t<A>...>::type;
template <class... A>
using gather_outcomes_t = std::tuple<outcome<awaited_t<A>>...>;
template <class R>
using gather_range_result_t = typename detail::vector_of<awaited_t<detail::element_t<R>>>::type;
template <class R>
using gather_range_outcomes_t = std::vector<outcome<awaited_t<detail::element_t<R>>>>;

/// Makes tasks of the callables now, in argument order, and returns a future of all results; it does
/// not suspend: `.await()` what it returns. The result is a std::tuple in argument order, with
/// brio::none for a child that returns nothing (void when all do). The first exception, or
/// cancellation, of a child is the future's; the other children run on (see DANGER above), and what
/// they throw later is not reported. Cancelling the future cancels every child. A handle given
/// twice is one child. The result of a handle that was moved in is moved out.
/// Throws usage_error without a running loop.
template <gatherable... A>
[[nodiscard("gather does not wait: .await() it")]] future<gather_result_t<A...>> gather(
    A&&... awaitables) {
    using result = gather_result_t<A...>;
    detail::loop_core& loop = detail::loop_for("gather");
    detail::child_list children;
    children.reserve(sizeof...(A));
    (children.add(detail::core_of(loop, "gather", std::forward<A>(awaitables))), ...);
    return detail::start_gather<result, detail::build_tuple<awaited_t<A>...>>(loop, children,
                                                                              false);
}
/// As above, but errors and cancellations become results: a tuple of outcome<T>, which is there when
/// the last child is done.
template <gatherable... A>
[[nodiscard("gather does not wait: .await() it")]] future<gather_outcomes_t<A...>> gather(
    return_exceptions_t, A&&... awaitables) {
    detail::loop_core& loop = detail::loop_for("gather");
    detail::child_list children;
    children.reserve(sizeof...(A));
    (children.add(detail::core_of(loop, "gather", std::forward<A>(awaitables))), ...);
    return detail::start_gather<gather_outcomes_t<A...>, detail::build_outcomes<awaited_t<A>...>>(
        loop, children, true);
}
/// gather(*range): a std::vector of the results, in the range's order (void when they are void;
/// references as std::reference_wrapper). An rvalue container gives its elements away; a view, such as
/// std::span, does not. A range of handles needs no running loop: the future is of the first one's
/// loop.
template <gatherable_range R>
[[nodiscard("gather does not wait: .await() it")]] future<gather_range_result_t<R>> gather(
    R&& awaitables) {
    detail::loop_core& loop = detail::loop_for_range("gather", awaitables);
    detail::child_list children;
    detail::add_range(loop, "gather", children, std::forward<R>(awaitables));
    return detail::start_gather<gather_range_result_t<R>,
                                detail::build_vector<awaited_t<detail::element_t<R>>>>(
        loop, children, false);
}
template <gatherable_range R>
[[nodiscard("gather does not wait: .await() it")]] future<gather_range_outcomes_t<R>> gather(
    return_exceptions_t, R&& awaitables) {
    detail::loop_core& loop = detail::loop_for_range("gather", awaitables);
    detail::child_list children;
    detail::add_range(loop, "gather", children, std::forward<R>(awaitables));
    return detail::start_gather<gather_range_outcomes_t<R>,
                                detail::build_outcome_vector<awaited_t<detail::element_t<R>>>>(
        loop, children, true);
}
namespace detail {
template <class... A>
concept not_gatherable =
    !(gatherable<A> && ...) && !(sizeof...(A) == 1 && (gatherable_range<A> && ...));
template <class... A>
concept flag_among = (std::same_as<std::remove_cvref_t<A>, return_exceptions_t> || ...);
}  // namespace detail
template <class... A>
requires detail::not_gatherable<A...>
void gather(A&&...) = delete;  // [=] { return f(x); }, a task, a future; std::move() if move-only
template <class First, class... A>
requires detail::flag_among<A...>
void gather(First&&, A&&...) = delete;  // gather(return_exceptions, ...): the flag comes first

}  // namespace brio::inline v0

/// For the message of `auto [a, b] = gather(f, g)`: future::get says what is missing.
template <class... T>
struct std::tuple_size<brio::future<std::tuple<T...>>> : std::tuple_size<std::tuple<T...>> {};
template <std::size_t I, class... T>
struct std::tuple_element<I, brio::future<std::tuple<T...>>>
    : std::tuple_element<I, std::tuple<T...>> {};
