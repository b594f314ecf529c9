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

/// `await` of anything, for generic code: calls a callable in the calling task, waits for a handle.
/// Suspends and throws as those do.
template <awaitable A>
await_result_t<A> await(A&& a) {
    if constexpr (future_like<A>)
        return std::forward<A>(a).await();
    else
        return std::forward<A>(a)();
}

}  // namespace brio::inline v0
