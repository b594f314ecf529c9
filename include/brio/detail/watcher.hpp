#pragma once
// A future that other futures report to: what gather, wait, as_completed, shield and task groups
// make, each with its own rule in on_done().
//
// 1. An entry on a child's list, or in the ready queue after the child is done, holds a reference to
//    the watcher. So a watcher lives until its last child has reported or has been let go.
// 2. on_done() runs on the loop's own stack, one turn after the child is done.
// 3. A watcher and a child that is never done may keep each other alive. The loop ends that when it
//    closes: a task has a list of its own there, and who watches anything else is listed himself.

#include <brio/future.hpp>

#include <vector>

namespace brio::inline v0::detail {

/// Each core once, at its first place: asyncio's `set(fs)` in the order of the arguments.
[[nodiscard]] std::vector<future_core*> without_repeats(const std::vector<future_core*>& cores);

/// A future that what it waits for keeps alive, so that only the loop's end may end it: the loop
/// lists it.
class listed_core : public future_core {
public:
    /// The loop closes. The caller holds a reference. Not called where all children are tasks.
    virtual void forget_children() noexcept {}

protected:
    using future_core::future_core;
    ~listed_core() override;
    void be_listed() noexcept;

private:
    friend class loop_core;
    listed_core* next_ = nullptr;  // in loop_core's list
    listed_core* previous_ = nullptr;
    bool listed_ = false;
};

class watcher : public listed_core {
public:
    /// The watcher to which an entry on a future's list belongs; null when it is somebody else's.
    [[nodiscard]] static watcher* behind(ready_node& node) noexcept;

protected:
    using listed_core::listed_core;

    /// One child's entry. Lies in the watcher, at an address that does not change while it waits.
    struct watch : done_callback {
        watch() noexcept;
        [[nodiscard]] future_core& child() const noexcept { return *future; }
        watcher* owner = nullptr;
        bool waiting = false;  // on the child's list, or in the ready queue
    };
    /// asyncio's child.add_done_callback(on_done): in the next turn when it is done already. On a
    /// closed loop nothing is reported any more.
    void observe(watch& w, future_core& child) noexcept;
    /// asyncio's remove_done_callback: no effect when the child is done. May destroy the watcher
    /// when the caller holds no reference.
    void forget(watch& w) noexcept;

    /// w.child() is done. May destroy `w`.
    virtual void on_done(watch& w) noexcept = 0;

private:
    static void report(ready_node& node, ready_node::fate what);
};

}  // namespace brio::inline v0::detail
