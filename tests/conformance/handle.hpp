#pragma once
// What a `$variable` of a scenario holds, and what the combinators make of it. Python's variables are
// untyped; here the type of the result decides which of brio's handles it is.

#include "conformance/values.hpp"

#include <brio/gather.hpp>
#include <brio/task.hpp>
#include <brio/time.hpp>

#include <concepts>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace conformance {

class interpreter;

/// A call of a proc: what a coroutine object is in Python. Its number was taken when it was made.
struct proc_call {
    interpreter* self;
    std::string proc;
    std::string instance;
    value operator()() const;
};

class handle;
/// gather of handles with unlike results: the outer future has no values, the children keep theirs.
template <class Result>
struct mixed_gather {
    brio::future<Result> outer;
    std::vector<handle> children;
};
using outcomes = std::vector<brio::outcome<value>>;
using mixed_values = mixed_gather<void>;
using mixed_outcomes = mixed_gather<std::vector<brio::outcome<void>>>;

class handle {
public:
    using alternatives = std::variant<brio::task<value>, brio::future<value>, brio::future<list>,
                                      brio::future<outcomes>, mixed_values, mixed_outcomes>;
    template <class Held>
    requires std::constructible_from<alternatives, Held> handle(Held held)
        : held_(std::move(held)) {}

    [[nodiscard]] const alternatives& held() const { return held_; }
    /// For what needs no result: cancel, done, callbacks, wait.
    [[nodiscard]] const brio::any_future& untyped() const;

    [[nodiscard]] value await() const;
    [[nodiscard]] value result() const;
    [[nodiscard]] value wait_for(brio::delay timeout) const;
    [[nodiscard]] value shield() const;

private:
    alternatives held_;
};

/// An argument: a bare proc, or a `$variable`.
using item = std::variant<proc_call, handle>;

/// asyncio.gather(*items, return_exceptions=return_exceptions)
[[nodiscard]] handle gather(const std::vector<item>& items, bool return_exceptions);
/// asyncio.ensure_future of each, for lists with procs and handles: a C++ range has one type.
[[nodiscard]] std::vector<handle> ensure_futures(const std::vector<item>& items);
[[nodiscard]] std::vector<brio::any_future> untyped(const std::vector<handle>& handles);

}  // namespace conformance
