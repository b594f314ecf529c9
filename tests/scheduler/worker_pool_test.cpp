#include "thread/worker_pool.hpp"

#include "context/sanitizers.hpp"
#include "scheduler/gate.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/threads.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <deque>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <pthread.h>
#include <set>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace brio_tests {
namespace {

using brio::detail::job;
using brio::detail::worker_pool;
using ::testing::ElementsAre;

struct work final : job {
    explicit work(std::function<void()> f) : job(&call), function(std::move(f)) {}
    static void call(job& j) noexcept {
        auto& self = static_cast<work&>(j);
        self.function();
        self.done = true;
        self.done.notify_all();
    }
    void await() const { done.wait(false); }

    std::function<void()> function;
    std::atomic<bool> done = false;
};

/// A pool that a test may end, and checks that no thread of it is left.
class pool : public ::testing::Test {
protected:
    void make(unsigned most_threads) { pool_.emplace("test-workers", most_threads); }
    void end() { pool_.reset(); }
    worker_pool& get() { return *pool_; }

    work& submit(std::function<void()> f) {
        work& w = works_.emplace_back(std::move(f));
        get().submit(w);
        return w;
    }
    /// Notes its number when it runs. Only for pools of one thread, whose end comes before story().
    work& submit_noting(int number) {
        return submit([this, number] { story_.push_back(number); });
    }
    /// What has run, in order; ends the pool.
    std::vector<int> story() {
        end();
        return story_;
    }

    void TearDown() override {
        end();
        EXPECT_TRUE(comes_true([&] { return no_thread_but(threads_before_); }))
            << "a thread is left";
    }

    gate held;  // outlives the threads

private:
    const std::set<std::string> threads_before_ = threads_of_this_process();
    std::deque<work> works_;
    std::vector<int> story_;
    std::optional<worker_pool> pool_;
};

TEST_F(pool, runs_a_job_on_a_thread_of_its_own) {
    make(1);
    const auto here = std::this_thread::get_id();
    bool elsewhere = false;
    bool in_a_loop = true;
    std::array<char, 16> name = {};
    submit([&] {
        elsewhere = std::this_thread::get_id() != here;
        in_a_loop = brio::detail::this_scheduler() != nullptr;
        ::prctl(PR_GET_NAME, name.data());
    }).await();
    EXPECT_TRUE(elsewhere);
    EXPECT_FALSE(in_a_loop);
    EXPECT_EQ(std::string_view(name.data()), "test-workers-0");
}

TEST_F(pool, blocks_all_signals_in_its_threads_and_none_here) {
    sigset_t before;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    make(1);
    sigset_t there;
    submit([&] { ::pthread_sigmask(SIG_SETMASK, nullptr, &there); }).await();
    sigset_t after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    for (const int s : {SIGINT, SIGTERM, SIGCHLD, SIGUSR1, SIGALRM, SIGRTMAX}) {
        EXPECT_TRUE(sigismember(&there, s)) << s;
        EXPECT_EQ(sigismember(&after, s), sigismember(&before, s)) << s;
    }
}

TEST_F(pool, has_no_thread_before_the_first_job) {
    const auto before = threads_of_this_process();
    make(4);
    EXPECT_TRUE(no_thread_but(before));
}

TEST_F(pool, starts_a_thread_for_each_job_that_finds_none_idle) {
    make(3);
    for (int i = 0; i < 3; ++i) submit([&] { held.pass(); });
    held.await_arrivals(3);
    held.open();
}

TEST_F(pool, has_no_more_threads_than_its_limit) {
    make(2);
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    for (int i = 0; i < 8; ++i)
        submit([&] {
            const int now = ++running;
            for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
            }
            held.pass();
            --running;
        });
    held.await_arrivals(2);
    held.open();
    end();
    EXPECT_EQ(most, 2);
    EXPECT_EQ(held.arrived(), 8);
}

TEST_F(pool, gives_a_job_to_a_thread_that_is_idle) {
    make(8);
    thread_id first = 0;
    submit([&] { first = this_thread_id(); }).await();
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(comes_true([&] { return asleep(first); }));
        thread_id next = 0;
        submit([&] { next = this_thread_id(); }).await();
        EXPECT_EQ(next, first);
    }
}

// One idle thread is not enough for two jobs, though each of them finds it idle.
TEST_F(pool, counts_the_jobs_that_idle_threads_have_got_already) {
    make(8);
    thread_id first = 0;
    submit([&] { first = this_thread_id(); }).await();
    ASSERT_TRUE(comes_true([&] { return asleep(first); }));
    for (int i = 0; i < 2; ++i) submit([&] { held.pass(); });
    held.await_arrivals(2);
    held.open();
}

TEST_F(pool, runs_what_waits_in_order) {
    make(1);
    submit([&] { held.pass(); });
    std::vector<int> expected;
    for (int i = 0; i < 100; ++i) {
        submit_noting(i);
        expected.push_back(i);
    }
    held.open();
    EXPECT_EQ(story(), expected);
}

TEST_F(pool, runs_what_is_queued_before_it_ends) {
    make(2);
    std::atomic<int> ran = 0;
    for (int i = 0; i < 2; ++i) submit([&] { held.pass(); });
    for (int i = 0; i < 20; ++i) submit([&] { ++ran; });
    held.await_arrivals(2);
    EXPECT_EQ(ran, 0);
    std::thread opener([&] { held.open(); });
    end();
    opener.join();
    EXPECT_EQ(ran, 20);
}

TEST_F(pool, takes_jobs_from_many_threads) {
    constexpr int threads = 4;
    constexpr int count = 500;
    make(3);
    std::atomic<int> ran = 0;
    std::vector<std::deque<work>> works(threads);
    std::vector<std::thread> submitters;
    for (auto& own : works) {
        for (int i = 0; i < count; ++i) own.emplace_back([&] { ++ran; });
        submitters.emplace_back([&] {
            for (work& w : own) get().submit(w);
        });
    }
    for (std::thread& t : submitters) t.join();
    end();
    EXPECT_EQ(ran, threads * count);
}

TEST_F(pool, lets_a_job_free_itself) {
    struct self_freeing final : job {
        explicit self_freeing(std::atomic<int>& c) : job(&call), count(c) {}
        static void call(job& j) noexcept {
            auto* const self = static_cast<self_freeing*>(&j);
            ++self->count;
            delete self;
        }
        std::atomic<int>& count;
    };
    make(2);
    std::atomic<int> count = 0;
    for (int i = 0; i < 50; ++i) get().submit(*new self_freeing(count));
    end();
    EXPECT_EQ(count, 50);
}

// -------------------------------------------------------------------------------------- withdraw

TEST_F(pool, gives_back_a_job_that_has_not_begun) {
    for (int gone = 0; gone < 3; ++gone) {
        make(1);
        gate of_this_round;
        std::vector<int> ran;
        submit([&] { of_this_round.pass(); });
        of_this_round.await_arrivals(1);
        work* jobs[3];
        for (int i = 0; i < 3; ++i) jobs[i] = &submit([&ran, i] { ran.push_back(i); });
        EXPECT_TRUE(get().withdraw(*jobs[gone]));
        EXPECT_FALSE(get().withdraw(*jobs[gone]));
        submit([&ran] { ran.push_back(3); });
        of_this_round.open();
        end();
        std::vector<int> expected = {0, 1, 2, 3};
        expected.erase(expected.begin() + gone);
        EXPECT_EQ(ran, expected);
        EXPECT_FALSE(jobs[gone]->done);
    }
}

TEST_F(pool, gives_back_the_only_job_that_waits) {
    make(1);
    submit([&] { held.pass(); });
    held.await_arrivals(1);
    work& only = submit_noting(1);
    EXPECT_TRUE(get().withdraw(only));
    submit_noting(2);
    held.open();
    EXPECT_THAT(story(), ElementsAre(2));
}

TEST_F(pool, keeps_a_job_that_runs_or_has_run) {
    make(1);
    work& runs = submit([&] { held.pass(); });
    held.await_arrivals(1);
    EXPECT_FALSE(get().withdraw(runs));
    held.open();
    runs.await();
    EXPECT_FALSE(get().withdraw(runs));
}

// ------------------------------------------------------------------------------- without a thread

/// While one lives no thread can be made: none has room for so large a stack.
class no_threads {
public:
    no_threads() {
        ::pthread_getattr_default_np(&before_);
        pthread_attr_t huge;
        ::pthread_getattr_default_np(&huge);
        ::pthread_attr_setstacksize(&huge, std::size_t{1} << 52);
        EXPECT_EQ(::pthread_setattr_default_np(&huge), 0);
        ::pthread_attr_destroy(&huge);
    }
    no_threads(const no_threads&) = delete;
    no_threads& operator=(const no_threads&) = delete;
    ~no_threads() {
        ::pthread_setattr_default_np(&before_);
        ::pthread_attr_destroy(&before_);
    }

private:
    pthread_attr_t before_;
};

TEST_F(pool, that_can_make_no_thread_at_all_refuses_the_job) {
    make(2);
    bool ran = false;
    work w([&] { ran = true; });
    {
        const no_threads scope;
        EXPECT_THROW(get().submit(w), std::system_error);
    }
    EXPECT_FALSE(get().withdraw(w));
    get().submit(w);
    end();
    EXPECT_TRUE(ran);
}

TEST_F(pool, that_can_make_no_more_threads_uses_those_it_has) {
    make(2);
    submit([&] { held.pass(); });
    held.await_arrivals(1);
    bool ran = false;
    {
        const no_threads scope;
        submit([&] { ran = true; });
    }
    held.open();
    end();
    EXPECT_TRUE(ran);
}

TEST_F(pool, starts_no_thread_for_a_job_that_was_withdrawn) {
    make(2);
    thread_id first = 0;
    work& holding = submit([&] {
        first = this_thread_id();
        held.pass();
    });
    held.await_arrivals(1);
    {
        const no_threads scope;
        EXPECT_TRUE(get().withdraw(submit([] { ADD_FAILURE() << "was withdrawn"; })));
    }
    held.open();
    holding.await();
    ASSERT_TRUE(comes_true([&] { return asleep(first); }));
    thread_id next = 0;
    submit([&] { next = this_thread_id(); }).await();
    EXPECT_EQ(next, first);
}

// ------------------------------------------------------------------------------------------ fork

// ThreadSanitizer starts no thread in the child of a process that has several.
#if !defined(BRIO_THREAD_SANITIZER)
TEST_F(pool, starts_afresh_in_a_child_of_fork) {
    make(1);
    submit([&] { held.pass(); });
    held.await_arrivals(1);
    bool ran_here = false;
    submit([&] { ran_here = true; });
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::alarm(20);
        ran_here = false;
        work w([] {});
        get().submit(w);
        w.await();
        ::_exit(ran_here ? 1 : 0);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    held.open();
    end();
    EXPECT_TRUE(ran_here);
}
#endif

}  // namespace
}  // namespace brio_tests
