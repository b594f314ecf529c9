#include "conformance/real_time.hpp"

#include "conformance/interpreter.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace conformance {

namespace {

/// Timers that are nearer to each other may change places, and a run that is later proves nothing.
constexpr std::int64_t apart = 5;
/// Of main: scenarios that wait for ever take a second, not a minute.
constexpr std::int64_t limit = 1000;
/// Most of them sleep most of the time.
constexpr std::size_t threads = 32;
constexpr int attempts = 20;
constexpr std::chrono::seconds patience{60};

using line = std::pair<std::string, std::string>;  // task, text

bool same_order(const trace& a, const trace& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const event& x, const event& y) {
        return x.task == y.task && x.text == y.text;
    });
}

/// Whether it is certain that the lines come in the expected order on a clock that is late by less
/// than `apart`: no two of the run's timers, and none and its beginning, are nearer than that. What
/// happens in between takes no time.
bool order_is_certain(const scenario& s) {
    interpreter on_virtual_clock(s, {.limit = limit});
    if (!same_order(on_virtual_clock.run(), s.expect)) return false;  // more than the limit matters
    std::vector<std::int64_t> moments = on_virtual_clock.deadlines();
    moments.push_back(0);
    std::sort(moments.begin(), moments.end());
    const auto near = [](std::int64_t a, std::int64_t b) { return b - a < apart; };
    return std::adjacent_find(moments.begin(), moments.end(), near) == moments.end();
}

/// By how much the latest of the expected lines came too late.
std::int64_t lateness(const trace& expected, const trace& actual) {
    std::map<line, std::vector<std::int64_t>> came;
    for (const event& e : actual) came[{e.task, e.text}].push_back(e.time);
    std::map<line, std::size_t> seen;
    std::int64_t latest = 0;
    for (const event& e : expected) {
        const auto& times = came[{e.task, e.text}];
        const std::size_t k = seen[{e.task, e.text}]++;
        if (k < times.size()) latest = std::max(latest, times[k] - e.time);
    }
    return latest;
}

enum class outcome { ended, in_order, late, differs };

outcome run_once(const scenario& s, bool compare) {
    const trace actual = interpreter(s, {.real_time = true, .limit = limit}).run();
    if (!compare) return outcome::ended;
    if (same_order(actual, s.expect)) return outcome::in_order;
    return lateness(s.expect, actual) < apart ? outcome::differs : outcome::late;
}

/// Again while the machine was too late for the order to mean anything.
outcome run_one(const scenario& s, bool compare) {
    for (int i = 1; i < attempts; ++i)
        if (const outcome o = run_once(s, compare); o != outcome::late) return o;
    return run_once(s, compare);
}

struct job {
    const scenario* what;
    bool compare;
};

/// Runs that many threads take on, each with a loop of its own.
class rounds {
public:
    explicit rounds(std::vector<job> work) : work_(std::move(work)) {}

    /// Waits for all. Ends the program when nothing ends for a while.
    void run() {
        std::vector<std::thread> workers;
        for (std::size_t i = 0; i < threads; ++i) workers.emplace_back([this] { take_on(); });
        watch();
        for (std::thread& w : workers) w.join();
    }
    [[nodiscard]] int count(outcome o) const { return counts_.at(static_cast<std::size_t>(o)); }
    [[nodiscard]] const std::set<std::string>& differing() const { return differing_; }

private:
    void take_on() {
        for (;;) {
            job next{};
            {
                const std::lock_guard held(mutex_);
                if (next_ == work_.size()) return;
                next = work_[next_++];
                running_.insert(next.what->name);
            }
            ended(*next.what, run_one(*next.what, next.compare));
        }
    }
    void ended(const scenario& s, outcome o) {
        const std::lock_guard held(mutex_);
        running_.erase(running_.find(s.name));
        ++counts_.at(static_cast<std::size_t>(o));
        if (o == outcome::differs) differing_.insert(s.name);
        ++ended_;
        one_ended_.notify_one();
    }
    void watch() {
        std::unique_lock held(mutex_);
        while (ended_ < work_.size()) {
            const std::size_t before = ended_;
            if (one_ended_.wait_for(held, patience, [&] { return ended_ > before; })) continue;
            for (const std::string& name : running_) std::printf("hangs: %s\n", name.c_str());
            std::fflush(stdout);
            std::_Exit(1);
        }
    }

    const std::vector<job> work_;
    std::mutex mutex_;
    std::condition_variable one_ended_;
    std::size_t next_ = 0;
    std::size_t ended_ = 0;
    std::multiset<std::string> running_;
    std::array<int, 4> counts_{};
    std::set<std::string> differing_;
};

}  // namespace

int run_in_real_time(const std::vector<scenario>& scenarios, const real_time_options& options) {
    std::vector<job> round;
    for (std::size_t i = 0; i < scenarios.size(); i += static_cast<std::size_t>(options.every))
        round.push_back({&scenarios[i], order_is_certain(scenarios[i])});
    std::vector<job> work;
    for (int i = 0; i < options.rounds; ++i) work.insert(work.end(), round.begin(), round.end());
    rounds all(std::move(work));
    all.run();
    for (const std::string& name : all.differing()) std::printf("differs: %s\n", name.c_str());
    std::printf(
        "%d in the expected order, %d only seen to end: their timers are nearer than %d ms\n",
        all.count(outcome::in_order), all.count(outcome::ended), static_cast<int>(apart));
    std::printf("%d could not be compared: the machine was too late %d times\n",
                all.count(outcome::late), attempts);
    return all.count(outcome::differs);
}

}  // namespace conformance
