#include "task/loop_core.hpp"

#include <brio/detail/watcher.hpp>

namespace brio::inline v0::detail {

std::vector<future_core*> without_repeats(const std::vector<future_core*>& cores) {
    std::vector<future_core*> distinct;
    distinct.reserve(cores.size());
    for (future_core* const core : cores)
        if (core->mark()) distinct.push_back(core);
    for (future_core* const core : distinct) core->unmark();
    return distinct;
}

watcher::watch::watch() noexcept : done_callback(&watcher::report) {}

void watcher::report(ready_node& node, ready_node::fate what) {
    auto& w = static_cast<watch&>(node);
    watcher& owner = *w.owner;
    const any_future child = w.leave_queue();
    w.waiting = false;
    if (what == ready_node::fate::run) owner.on_done(w);
    owner.release();
}

watcher* watcher::behind(ready_node& node) noexcept {
    return node.run == &report ? static_cast<watch&>(node).owner : nullptr;
}

listed_core::~listed_core() {
    if (listed_) loop_->remove(*this);
}

void listed_core::be_listed() noexcept {
    if (!listed_) loop_->add(*this);
}

void watcher::observe(watch& w, future_core& child) noexcept {
    if (loop_->closed()) return;
    if (!child.is_task()) be_listed();
    retain();
    w.owner = this;
    w.waiting = true;
    child.add_callback(w);
}

void watcher::forget(watch& w) noexcept {
    if (!w.waiting || !w.child().remove_callback(w)) return;
    w.waiting = false;
    release();
}

}  // namespace brio::inline v0::detail
