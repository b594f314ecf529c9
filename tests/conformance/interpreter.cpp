#include "conformance/interpreter.hpp"

#include "conformance/statements.hpp"

#include <brio/testing.hpp>

#include <chrono>

namespace conformance {

namespace {

using unit = std::chrono::milliseconds;

vocabulary all_words() {
    vocabulary words;
    add_flow(words);
    add_tasks(words);
    add_callbacks(words);
    add_combinators(words);
    add_scopes(words);
    add_synchronisation(words);
    add_queues(words);
    add_context(words);
    return words;
}

const vocabulary& words() {
    static const vocabulary all = all_words();
    return all;
}

bool is_variable(const json& item) {
    return item.get_ref<const std::string&>().starts_with('$');
}
std::string variable_name(const json& item) {
    return item.get_ref<const std::string&>().substr(1);
}

}  // namespace

// ---- running

trace interpreter::run() {
    if (!options_.real_time) {
        brio::testing::runner on_virtual_clock;
        return run_on(on_virtual_clock);
    }
    brio::runner on_real_clock({.handle_sigint = false});
    return run_on(on_real_clock);
}

trace interpreter::run_on(brio::runner& runner) {
    loop_ = &runner.get_loop();
    begin_ = loop_->time();
    loop_->set_exception_handler([](const brio::exception_report&) {});
    for (const auto& [name, object] : scenario_.objects.items()) make_object(name, object);
    if (options_.real_time) push_on_after(options_.limit + 500);
    if (run_main() && run_rest()) log("end");
    pushing_.cancel();
    unwind();
    look_at_errors();
    if (!unsupported_.empty()) throw unsupported{unsupported_};
    return trace_;
}

bool interpreter::run_main() {
    const auto main = loop_->create_task(
        [this] { return brio::timeout(delay_of(options_.limit), [this] { return proc("main"); }); },
        {.name = "main"});
    try {
        log("main = " + text(loop_->run_until_complete(main)));
    } catch (const brio::testing::deadlock_error&) {
        log("deadlock");
        return false;
    } catch (...) {
        log("main ! " + text(std::current_exception()));
    }
    return true;
}

bool interpreter::run_rest() {
    const std::vector<brio::any_task> rest = brio::all_tasks(*loop_);
    for (const brio::any_task& t : rest) t.cancel();
    if (rest.empty()) return true;
    try {
        (void)loop_->run_until_complete(brio::gather(brio::return_exceptions, rest));
        return true;
    } catch (const brio::testing::deadlock_error&) {
        log("deadlock");
        return false;
    }
}

/// What Python's collector does with the loop: tasks that the rest has made in turn are unwound, and
/// futures that nobody will ever set let go of the gathers that wait for them.
void interpreter::unwind() {
    over_ = true;
    for (const auto& [name, h] : vars) h.untyped().cancel();
    do {
        push_on();
        loop_->run_until_complete([] { brio::sleep(unit(1)); });  // until nothing is ready
    } while (!brio::all_tasks(*loop_).empty());
}

/// Everybody is cancelled, and nobody has to wait for a lock, which no cancel would end in a condition.
void interpreter::push_on() {
    for (const brio::any_task& t : brio::all_tasks(*loop_)) t.cancel();
    for (auto& [name, o] : objects_) release_if_held(o);
}

/// On the real clock a run that is late may wait for ever where the oracle's did not.
void interpreter::push_on_after(std::int64_t units) {
    pushing_ = loop_->call_later(unit(units), [this] {
        push_on();
        push_on_after(10);
    });
}

/// The oracle's loop is told of errors nobody retrieved and says nothing; a closed brio loop has
/// forgotten its handler and would report those that the variables still hold.
void interpreter::look_at_errors() {
    for (const auto& [name, h] : vars)
        if (h.untyped().done() && !h.untyped().cancelled()) (void)h.untyped().exception();
}

void interpreter::make_object(const std::string& name, const json& object) {
    if (object.at("kind") == "future")
        vars.emplace(name, loop_->create_future<value>());
    else
        construct(objects_[name], object);
}

void interpreter::log(std::string line) {
    if (over_) return;
    const bool running = brio::running_loop_or_null() != nullptr;
    const brio::any_task task = running ? brio::current_task() : brio::any_task();
    trace_.push_back({now(), task.valid() ? task.get_name() : "loop", std::move(line)});
}

std::int64_t interpreter::now() const {
    return (loop_->time() - begin_) / unit(1);
}

brio::delay interpreter::delay_of(const json& units) {
    if (units.is_null()) return std::nullopt;
    const auto count = units.get<std::int64_t>();
    if (count > 0) deadlines_.push_back(now() + count);
    return unit(count);
}

// ---- procs and what may be awaited

value proc_call::operator()() const {
    return self->proc(proc, instance);
}

proc_call interpreter::coroutine(const std::string& name) {
    const int k = ++instances_[name];
    return {this, name, name + "#" + std::to_string(k)};
}

value interpreter::proc(const std::string& name, const std::string& instance) {
    const brio::any_task task = brio::current_task();
    if (!instance.empty() && task.get_name().starts_with("Task-")) task.set_name(instance);
    frame f;
    block(scenario_.procs.at(name), f);
    return f.result;
}

bool interpreter::missing(const json& item) {
    if (item.is_array()) {
        for (const json& one : item)
            if (missing(one)) return true;
        return false;
    }
    if (!is_variable(item)) return false;
    const std::string name = variable_name(item);
    if (vars.contains(name) || timers.contains(name)) return false;
    log("? $" + name);
    return true;
}

item interpreter::item_of(const json& name) {
    if (is_variable(name)) return variable(name);
    return coroutine(name);
}

std::vector<item> interpreter::items_of(const json& names) {
    std::vector<item> items;
    for (const json& name : names) items.push_back(item_of(name));
    return items;
}

const handle& interpreter::variable(const json& item) const {
    return vars.at(variable_name(item));
}

std::vector<handle> interpreter::variables(const json& items) const {
    std::vector<handle> handles;
    for (const json& item : items) handles.push_back(variable(item));
    return handles;
}

// ---- statements

bool interpreter::block(const json& body, frame& f) {
    for (const json& s : body)
        if (statement(s, f)) return true;
    return false;
}

bool interpreter::statement(const json& s, frame& f) {
    const auto& known = words().suspending;
    const auto word = known.find(s[0].get_ref<const std::string&>());
    if (word != known.end()) return word->second(*this, f, s);
    immediate(s);
    return false;
}

void interpreter::immediate(const json& s) {
    const auto& known = words().immediate;
    const auto word = known.find(s[0].get_ref<const std::string&>());
    if (word == known.end()) {
        unsupported_ = "statement " + s[0].get<std::string>();
        throw unsupported{unsupported_};
    }
    word->second(*this, s);
}

void interpreter::immediate_block(const json& body) {
    for (const json& s : body) immediate(s);
}

}  // namespace conformance
