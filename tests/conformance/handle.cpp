#include "conformance/handle.hpp"

#include <brio/wait.hpp>

#include <algorithm>

namespace conformance {

namespace {

value value_of(const value& v) {
    return v;
}
value value_of(const list& all) {
    return {all};
}
value value_of(const outcomes& all) {
    list values;
    for (const auto& o : all) values.push_back(o ? *o : value{o.error()});
    return {std::move(values)};
}

/// act(brio's handle), as a scenario's value.
template <class Held, class Act>
value apply(const Held& held, Act act) {
    return value_of(act(held));
}
template <class Act>
value apply(const mixed_values& held, Act act) {
    act(held.outer);
    list values;
    for (const handle& child : held.children) values.push_back(child.result());
    return {std::move(values)};
}
template <class Act>
value apply(const mixed_outcomes& held, Act act) {
    const std::vector<brio::outcome<void>> all = act(held.outer);
    list values;
    for (std::size_t i = 0; i < all.size(); ++i)
        values.push_back(all[i] ? held.children[i].result() : value{all[i].error()});
    return {std::move(values)};
}

template <class T, class Item>
bool all_hold(const std::vector<Item>& items) {
    return std::all_of(items.begin(), items.end(),
                       [](const Item& i) { return std::holds_alternative<T>(i); });
}

std::vector<proc_call> as_calls(const std::vector<item>& items) {
    std::vector<proc_call> calls;
    for (const item& i : items) calls.push_back(std::get<proc_call>(i));
    return calls;
}

bool all_tasks(const std::vector<handle>& handles) {
    return std::all_of(handles.begin(), handles.end(), [](const handle& h) {
        return std::holds_alternative<brio::task<value>>(h.held());
    });
}

std::vector<brio::task<value>> as_tasks(const std::vector<handle>& handles) {
    std::vector<brio::task<value>> tasks;
    for (const handle& h : handles) tasks.push_back(std::get<brio::task<value>>(h.held()));
    return tasks;
}

template <class Range>
handle gather_alike(const Range& range, bool return_exceptions) {
    if (return_exceptions) return brio::gather(brio::return_exceptions, range);
    return brio::gather(range);
}

handle gather_mixed(const std::vector<handle>& children, bool return_exceptions) {
    const auto range = untyped(children);
    if (return_exceptions)
        return mixed_outcomes{brio::gather(brio::return_exceptions, range), children};
    return mixed_values{brio::gather(range), children};
}

}  // namespace

const brio::any_future& handle::untyped() const {
    return std::visit(
        [](const auto& held) -> const brio::any_future& {
            if constexpr (requires { held.outer; })
                return held.outer;
            else
                return held;
        },
        held_);
}

value handle::await() const {
    const auto act = [](const auto& h) -> decltype(auto) { return h.await(); };
    return std::visit([&](const auto& held) { return apply(held, act); }, held_);
}

value handle::result() const {
    const auto act = [](const auto& h) -> decltype(auto) { return h.result(); };
    return std::visit([&](const auto& held) { return apply(held, act); }, held_);
}

value handle::wait_for(brio::delay timeout) const {
    const auto act = [&](const auto& h) -> decltype(auto) { return brio::wait_for(h, timeout); };
    return std::visit([&](const auto& held) { return apply(held, act); }, held_);
}

value handle::shield() const {
    const auto act = [](const auto& h) { return brio::shield(h).await(); };
    return std::visit([&](const auto& held) { return apply(held, act); }, held_);
}

handle gather(const std::vector<item>& items, bool return_exceptions) {
    if (all_hold<proc_call>(items)) return gather_alike(as_calls(items), return_exceptions);
    const std::vector<handle> children = ensure_futures(items);
    if (all_tasks(children)) return gather_alike(as_tasks(children), return_exceptions);
    return gather_mixed(children, return_exceptions);
}

std::vector<handle> ensure_futures(const std::vector<item>& items) {
    std::vector<handle> handles;
    for (const item& i : items) {
        if (const auto* const call = std::get_if<proc_call>(&i))
            handles.emplace_back(brio::create_task(*call));
        else
            handles.push_back(std::get<handle>(i));
    }
    return handles;
}

std::vector<brio::any_future> untyped(const std::vector<handle>& handles) {
    std::vector<brio::any_future> futures;
    for (const handle& h : handles) futures.push_back(h.untyped());
    return futures;
}

}  // namespace conformance
