#pragma once
// Runs one scenario on brio and writes its trace. The oracle's Interpreter, with its statements in
// files by subject (flow, tasks, queues, ...): see statements.hpp.

#include "conformance/handle.hpp"
#include "conformance/objects.hpp"
#include "conformance/scenario.hpp"
#include "conformance/values.hpp"

#include <brio/event_loop.hpp>
#include <brio/run.hpp>
#include <brio/task_group.hpp>
#include <brio/timeout.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

/// One running proc: what it returns, its open timeouts and task groups (innermost last), and the
/// errors being handled.
struct frame {
    value result;
    std::vector<brio::timeout_scope*> timeouts;
    std::vector<brio::task_group_scope*> groups;
    std::vector<std::exception_ptr> handling;
};

/// Makes an item the innermost one of a frame's list for a scope.
template <class T>
class innermost {
public:
    innermost(std::vector<T>& list, T item) : list_(list) { list_.push_back(std::move(item)); }
    innermost(const innermost&) = delete;
    innermost& operator=(const innermost&) = delete;
    ~innermost() { list_.pop_back(); }

private:
    std::vector<T>& list_;
};

struct options {
    bool real_time = false;      // else on a virtual clock
    std::int64_t limit = 60000;  // of main
};

class interpreter {
public:
    explicit interpreter(const scenario& s, const options& o = {}) : scenario_(s), options_(o) {}
    interpreter(const interpreter&) = delete;
    interpreter& operator=(const interpreter&) = delete;

    /// Once. Throws `unsupported` for objects and statements that the runner does not have.
    [[nodiscard]] trace run();
    /// Afterwards: when timers were due, in units from the beginning of the run.
    [[nodiscard]] const std::vector<std::int64_t>& deadlines() const { return deadlines_; }

    // ---- for the statements
    [[nodiscard]] brio::event_loop& loop() const { return *loop_; }
    void log(std::string text);
    /// A scenario's time unit is a millisecond; null is none.
    [[nodiscard]] brio::delay delay_of(const json& units);
    /// A call of a proc in the running task.
    value proc(const std::string& name, const std::string& instance = {});
    /// A new call of a proc, to be made later.
    [[nodiscard]] proc_call coroutine(const std::string& name);
    /// True when a `return` ran.
    bool block(const json& body, frame& f);
    /// In a callback: statements that do not wait.
    void immediate_block(const json& body);

    /// Logs and tells when an item (or one of them) names a variable that nothing has set yet.
    bool missing(const json& item);
    [[nodiscard]] item item_of(const json& name);
    [[nodiscard]] std::vector<item> items_of(const json& names);
    /// Of items that are variables.
    [[nodiscard]] const handle& variable(const json& item) const;
    [[nodiscard]] std::vector<handle> variables(const json& items) const;
    [[nodiscard]] object& object_of(const json& name) { return objects_.at(name); }

    std::map<std::string, handle> vars;
    std::map<std::string, brio::callback_handle> timers;
    std::map<std::string, int> counters;

private:
    [[nodiscard]] trace run_on(brio::runner& runner);
    /// In units from the beginning of the run.
    [[nodiscard]] std::int64_t now() const;
    void make_object(const std::string& name, const json& object);
    bool statement(const json& s, frame& f);
    void immediate(const json& s);
    /// False when the run is deadlocked.
    bool run_main();
    bool run_rest();
    void unwind();
    void push_on();
    void push_on_after(std::int64_t units);
    void look_at_errors();

    const scenario& scenario_;
    const options options_;
    brio::time_point begin_{};
    std::vector<std::int64_t> deadlines_;
    brio::event_loop* loop_ = nullptr;
    std::map<std::string, object> objects_;
    std::map<std::string, int> instances_;
    std::string unsupported_;
    trace trace_;
    brio::callback_handle pushing_;
    bool over_ = false;  // the trace is complete
};

}  // namespace conformance
