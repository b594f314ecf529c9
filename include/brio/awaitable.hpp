#pragma once
// What may be awaited: a handle (task, future), or a callable without arguments, which is what a
// coroutine object is in asyncio.

#include <brio/future.hpp>

#include <concepts>
#include <iterator>
#include <type_traits>

namespace brio::inline v0 {

/// A task or future of a known type (also a reference to one).
template <class A>
concept future_like = std::derived_from<std::remove_cvref_t<A>, any_future> && requires {
    typename std::remove_cvref_t<A>::value_type;
};
/// Callable once, without arguments.
template <class F>
concept callable_without_arguments =
    !std::derived_from<std::remove_cvref_t<F>, any_future> && std::invocable<std::decay_t<F>>;
template <class A>
concept awaitable = future_like<A> || callable_without_arguments<A>;
/// A callable that a task can keep: an rvalue, or an lvalue that can be copied.
template <class F>
concept task_body = callable_without_arguments<F> && std::constructible_from<std::decay_t<F>, F>;
/// What asyncio.ensure_future takes: a handle, or what a task can be made of.
template <class A>
concept schedulable = future_like<A> || task_body<A>;

namespace detail {
template <class T>
using stored_t = std::conditional_t<std::is_reference_v<T>, T, std::remove_cv_t<T>>;
template <class A>
struct awaited;
template <future_like A>
struct awaited<A> {
    using type = typename std::remove_cvref_t<A>::value_type;
};
template <callable_without_arguments A>
struct awaited<A> {
    using type = stored_t<std::invoke_result_t<std::decay_t<A>>>;
};
template <class A>
struct awaits_to {
    using type = typename awaited<A>::type;
};
template <future_like A>
requires std::is_lvalue_reference_v<A>
struct awaits_to<A> {
    using type = shared_result_t<typename awaited<A>::type>;
};
template <class R>
using element_t = decltype(*std::begin(std::declval<R&>()));
}  // namespace detail

/// T of future<T>, task<T>, and of a callable that returns T.
template <awaitable A>
using awaited_t = typename detail::awaited<A>::type;
/// What await(a) returns: a view for an lvalue handle, else the value.
template <awaitable A>
using await_result_t = typename detail::awaits_to<A>::type;

template <class R>
concept awaitable_range = !awaitable<R> && requires(R & r) {
    std::begin(r);
    std::end(r);
}
&&awaitable<detail::element_t<R>>;
template <class R>
concept future_range = !awaitable<R> && requires(R & r) {
    std::begin(r);
    std::end(r);
}
&&std::derived_from<std::remove_cvref_t<detail::element_t<R>>, any_future>;

namespace detail {
// For deleted overloads: what they take is a mistake, and their comment is the remedy. Compilers quote
// the line of a function's name, so the comment stands on that line; tests/messages insists.
template <class A>
concept not_awaitable = !awaitable<A>;
template <class R>
concept not_awaitable_range = !awaitable_range<R>;
template <class R>
concept not_future_range = !future_range<R>;
template <class F>
concept not_task_body = !task_body<F>;
template <class A>
concept not_schedulable = !schedulable<A>;
template <class X, class Options>
concept not_a = !std::same_as<std::remove_cvref_t<X>, Options>;
}  // namespace detail

/// `await` of anything, for generic code: calls a callable in the calling task, waits for a handle.
/// Suspends and throws as those do.
template <awaitable A>
await_result_t<A> await(A&& a) {
    if constexpr (future_like<A>)
        return std::forward<A>(a).await();
    else
        return std::forward<A>(a)();
}
template <detail::not_awaitable A>
void await(A&&) = delete;  // a callable, a task or a future; await(f(x)) is f(x)

}  // namespace brio::inline v0
