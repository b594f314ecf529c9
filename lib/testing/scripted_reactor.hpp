#pragma once
// A reactor without a kernel. A test says what becomes of each operation: its result, when it comes,
// and what a cancel does to it. With the virtual clock every order of events can be written down,
// also those that a kernel produces once in a million times.
//
// Read this first to see what a reactor is: operations come in by submit(), may be asked to stop by
// cancel(), and each leaves exactly once, by `completed`, from wait().
//
//   testing::runner runner;
//   auto& script = use_script(runner.get_loop().core());
//   script.next({.result = 5, .after = 10ms});
//   runner.run([] { assert(ops::recv(3, buffer, 8) == 5); });
//
// Operations without an answer in the script wait for complete() or for a cancel.

#include "scheduler/reactor.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/time.hpp>

#include <cerrno>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace brio::inline v0 {
namespace detail {

class scripted_reactor final : public reactor {
public:
    struct answer {
        int result = 0;
        duration after = duration::zero();  // on the loop's clock, from the submission
        bool stoppable = true;              // false: a cancel comes too late, whenever it comes
        duration stops_after = duration::zero();  // how long the kernel takes to stop it
        int when_stopped = -ECANCELED;
    };

    explicit scripted_reactor(scheduler& loop) noexcept;
    ~scripted_reactor() override;

    /// What becomes of the next operation for which nothing has been said yet.
    void next(const answer& a) { script_.push_back(a); }
    /// The operation in flight that has been submitted `index` others after the oldest one gets this
    /// result at the next wait.
    void complete(int result, std::size_t index = 0);
    /// "submit recv of descriptor 5", "cancel ...", "complete ...", in order. Reading it empties it.
    [[nodiscard]] std::vector<std::string> take_log() noexcept { return std::move(log_); }

    // ---- reactor
    [[nodiscard]] std::string_view name() const noexcept override { return "scripted"; }
    void submit(operation& op) override;
    void cancel(operation& op) noexcept override;
    [[nodiscard]] bool has_work() const noexcept override { return !done_.empty(); }
    /// Throws std::logic_error, naming what is in flight, when it should sleep for ever: nothing
    /// that the script says can end that.
    void wait(duration timeout) override;

private:
    struct entry;

    void note(const char* what, const operation& op);
    entry& entry_of(const operation& op) noexcept;
    void end_after(entry& e, duration delay, int result);
    void end(entry& e, int result) noexcept;

    scheduler& loop_;
    std::deque<answer> script_;
    std::vector<std::unique_ptr<entry>> in_flight_entries_;  // in the order of submission
    std::vector<entry*> done_;                               // in the order of completion
    std::vector<std::string> log_;
};

/// Gives a loop that has no reactor yet a scripted one, which the loop owns.
scripted_reactor& use_script(scheduler& loop);

}  // namespace detail
}  // namespace brio::inline v0
