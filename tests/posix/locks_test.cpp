// Locks of libc and libstdc++ between fibers of a loop, between loops, and with plain threads.

#include "posix/fibers.hpp"

#include <brio/posix.hpp>

#include <barrier>
#include <condition_variable>
#include <functional>
#include <future>
#include <latch>
#include <mutex>
#include <pthread.h>
#include <semaphore.h>
#include <semaphore>
#include <shared_mutex>
#include <threads.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using testing::ElementsAre;

struct mutex_of {
    explicit mutex_of(int type) {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_settype(&attributes, type);
        pthread_mutex_init(&m, &attributes);
        pthread_mutexattr_destroy(&attributes);
    }
    mutex_of(const mutex_of&) = delete;
    mutex_of& operator=(const mutex_of&) = delete;
    ~mutex_of() { EXPECT_EQ(pthread_mutex_destroy(&m), 0); }
    pthread_mutex_t m;
};

timespec long_ago() {
    return {1, 0};
}
timespec later(clockid_t clock, std::chrono::milliseconds length) {
    timespec t = {};
    clock_gettime(clock, &t);
    t.tv_nsec += length.count() * 1'000'000;
    t.tv_sec += t.tv_nsec / 1'000'000'000;
    t.tv_nsec %= 1'000'000'000;
    return t;
}

using group_body = std::function<void(brio::task_group_scope&)>;

/// Runs `body` with a group in a loop, and the children to their end.
void run_group(const group_body& body) {
    brio::run([&] { brio::task_group([&](brio::task_group_scope& group) { body(group); }); });
}
/// The same on a virtual clock, where no other thread takes part.
void run_group_alone(const group_body& body) {
    brio::testing::run(
        [&] { brio::task_group([&](brio::task_group_scope& group) { body(group); }); });
}

class each_kind_of_mutex : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(locks, each_kind_of_mutex,
                         testing::Values(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_DEFAULT,
                                         PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                                         PTHREAD_MUTEX_ADAPTIVE_NP));

TEST_P(each_kind_of_mutex, keeps_fibers_apart_that_suspend_while_they_hold_it) {
    mutex_of lock(GetParam());
    std::vector<int> order;
    run_group_alone([&](brio::task_group_scope& group) {
        for (int i = 0; i < 3; ++i)
            group.create_task([&, i] {
                EXPECT_EQ(pthread_mutex_lock(&lock.m), 0);
                order.push_back(i);
                brio::sleep(1ms);
                order.push_back(i);
                EXPECT_EQ(pthread_mutex_unlock(&lock.m), 0);
            });
    });
    EXPECT_THAT(order, ElementsAre(0, 0, 1, 1, 2, 2));
}

TEST_P(each_kind_of_mutex, is_busy_for_another_fiber_that_only_tries) {
    mutex_of lock(GetParam());
    brio::run([&] {
        EXPECT_EQ(pthread_mutex_lock(&lock.m), 0);
        auto other = brio::create_task([&] {
            const timespec past = long_ago();
            EXPECT_EQ(pthread_mutex_trylock(&lock.m), EBUSY);
            EXPECT_EQ(mtx_trylock(reinterpret_cast<mtx_t*>(&lock.m)), thrd_busy);
            EXPECT_EQ(pthread_mutex_timedlock(&lock.m, &past), ETIMEDOUT);
            const timespec soon = later(CLOCK_MONOTONIC, 5ms);
            EXPECT_EQ(pthread_mutex_clocklock(&lock.m, CLOCK_MONOTONIC, &soon), ETIMEDOUT);
            EXPECT_EQ(pthread_mutex_clocklock(&lock.m, CLOCK_THREAD_CPUTIME_ID, &soon), EINVAL);
            const timespec wrong = {1, -1};
            EXPECT_EQ(pthread_mutex_timedlock(&lock.m, &wrong), EINVAL);
        });
        other.await();
        EXPECT_EQ(pthread_mutex_unlock(&lock.m), 0);
    });
}

TEST_P(each_kind_of_mutex, is_waited_for_while_a_plain_thread_holds_it) {
    mutex_of lock(GetParam());
    std::atomic<int> stage = 0;
    std::thread holder([&] {
        pthread_mutex_lock(&lock.m);
        stage = 1;
        stage.notify_one();
        stage.wait(1);
        pthread_mutex_unlock(&lock.m);
    });
    stage.wait(0);
    brio::run([&] {
        auto waiting = brio::create_task([&] {
            EXPECT_EQ(pthread_mutex_lock(&lock.m), 0);
            EXPECT_EQ(pthread_mutex_unlock(&lock.m), 0);
        });
        let_others_run();
        EXPECT_FALSE(waiting.done());
        stage = 2;
        stage.notify_one();
        waiting.await();
    });
    holder.join();
}

TEST_P(each_kind_of_mutex, keeps_a_plain_thread_out_while_a_fiber_holds_it) {
    mutex_of lock(GetParam());
    std::atomic<bool> inside = false;
    brio::run([&] {
        EXPECT_EQ(pthread_mutex_lock(&lock.m), 0);
        std::thread other([&] {
            pthread_mutex_lock(&lock.m);
            inside = true;
            pthread_mutex_unlock(&lock.m);
        });
        brio::sleep(5ms);
        EXPECT_FALSE(inside);
        EXPECT_EQ(pthread_mutex_unlock(&lock.m), 0);
        other.join();
    });
    EXPECT_TRUE(inside);
}

TEST(recursive_mutex, belongs_to_the_fiber) {
    std::recursive_mutex lock;
    brio::run([&] {
        const std::scoped_lock once(lock);
        const std::scoped_lock twice(lock);
        brio::create_task([&] { EXPECT_FALSE(lock.try_lock()); }).await();
        brio::create_task([&] {
            EXPECT_EQ(pthread_mutex_unlock(lock.native_handle()), EPERM);
        }).await();
    });
    EXPECT_TRUE(lock.try_lock());  // all of it was released
    lock.unlock();
}

TEST(error_checking_mutex, tells_the_fiber_of_its_own_mistakes) {
    mutex_of lock(PTHREAD_MUTEX_ERRORCHECK);
    brio::run([&] {
        EXPECT_EQ(pthread_mutex_unlock(&lock.m), EPERM);
        EXPECT_EQ(pthread_mutex_lock(&lock.m), 0);
        EXPECT_EQ(pthread_mutex_lock(&lock.m), EDEADLK);
        brio::create_task([&] { EXPECT_EQ(pthread_mutex_unlock(&lock.m), EPERM); }).await();
        EXPECT_EQ(pthread_mutex_unlock(&lock.m), 0);
    });
}

TEST(recursive_mutex, is_the_fibers_in_a_passthrough_scope_too) {
    std::recursive_mutex lock;
    brio::run([&] {
        lock.lock();
        {
            const brio::posix::passthrough_scope blocking;
            lock.lock();
            EXPECT_EQ(pthread_mutex_unlock(lock.native_handle()), 0);
            EXPECT_EQ(pthread_mutex_unlock(lock.native_handle()), 0);
            lock.lock();
        }
        brio::create_task([&] { EXPECT_FALSE(lock.try_lock()); }).await();
        EXPECT_EQ(pthread_mutex_unlock(lock.native_handle()), 0);
    });
}

TEST(mutex, that_another_fiber_holds_is_waited_for_in_a_passthrough_scope) {
    std::mutex lock;
    brio::run([&] {
        auto holder = brio::create_task([&] {
            const std::scoped_lock held(lock);
            let_others_run();
        });
        brio::yield();
        const brio::posix::passthrough_scope blocking;
        lock.lock();
        EXPECT_TRUE(holder.done());
        lock.unlock();
        holder.await();
    });
}

TEST(mutex, that_another_thread_holds_blocks_the_thread_in_a_passthrough_scope) {
    for (const bool recursive : {false, true}) {
        mutex_of lock(recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
        std::atomic<bool> is_held = false;
        std::thread holder([&, loop = ::gettid()] {
            pthread_mutex_lock(&lock.m);
            is_held = true;
            while (!is_asleep(loop)) std::this_thread::yield();
            pthread_mutex_unlock(&lock.m);
        });
        while (!is_held) std::this_thread::yield();
        brio::run([&] {
            bool other_ran = false;
            auto other = brio::create_task([&] { other_ran = true; });
            {
                const brio::posix::passthrough_scope blocking;
                EXPECT_EQ(pthread_mutex_lock(&lock.m), 0);
            }
            EXPECT_FALSE(other_ran);
            EXPECT_EQ(pthread_mutex_unlock(&lock.m), 0);
            other.await();
        });
        holder.join();
    }
}

TEST(recursive_mutex, is_the_fibers_after_a_condition_in_a_passthrough_scope) {
    mutex_of lock(PTHREAD_MUTEX_RECURSIVE);
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    bool told = false;
    brio::run([&] {
        const brio::posix::passthrough_scope blocking;
        ASSERT_EQ(pthread_mutex_lock(&lock.m), 0);
        // A fiber of another loop has the mutex meanwhile, and leaves it without an owner.
        std::thread other([&] {
            brio::run([&] {
                pthread_mutex_lock(&lock.m);
                told = true;
                pthread_mutex_unlock(&lock.m);
                pthread_cond_signal(&condition);
            });
        });
        while (!told) ASSERT_EQ(pthread_cond_wait(&condition, &lock.m), 0);
        EXPECT_EQ(pthread_mutex_unlock(&lock.m), 0);
        other.join();
    });
}

TEST(recursive_mutex, of_a_callback_is_not_the_fibers) {
    std::recursive_mutex lock;
    brio::run([&] {
        brio::get_running_loop().call_soon([&] { lock.lock(); });
        brio::yield();
        brio::yield();
        EXPECT_FALSE(lock.try_lock());
        brio::get_running_loop().call_soon([&] { lock.unlock(); });
        lock.lock();
        lock.unlock();
    });
}

TEST(recursive_mutex, that_a_fiber_once_had_is_not_its_own_when_a_callback_has_it) {
    std::recursive_timed_mutex lock;
    brio::run([&] {
        lock.lock();
        lock.lock();
        lock.unlock();
        lock.unlock();
        brio::get_running_loop().call_soon([&] { EXPECT_TRUE(lock.try_lock_for(1h)); });
        brio::yield();
        brio::yield();
        EXPECT_FALSE(lock.try_lock());
        brio::get_running_loop().call_soon([&] { lock.unlock(); });
        lock.lock();
        lock.unlock();
    });
}

TEST(shared_mutex, lets_readers_in_together_and_a_writer_alone) {
    std::shared_mutex lock;
    std::vector<std::string> story;
    run_group_alone([&](brio::task_group_scope& group) {
        for (int i = 0; i < 2; ++i)
            group.create_task([&] {
                const std::shared_lock held(lock);
                story.emplace_back("reads");
                brio::sleep(2ms);
                story.emplace_back("has read");
            });
        group.create_task([&] {
            const std::scoped_lock held(lock);
            story.emplace_back("writes");
            brio::sleep(1ms);
            story.emplace_back("has written");
        });
        brio::yield();
        group.create_task([&] {
            brio::sleep(3ms);
            const std::shared_lock held(lock);
            story.emplace_back("reads late");
        });
    });
    EXPECT_THAT(story, ElementsAre("reads", "reads", "has read", "has read", "writes",
                                   "has written", "reads late"));
}

TEST(rwlock, tells_a_fiber_that_it_would_wait_for_itself) {
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    brio::run([&] {
        EXPECT_EQ(pthread_rwlock_wrlock(&lock), 0);
        EXPECT_EQ(pthread_rwlock_wrlock(&lock), EDEADLK);
        EXPECT_EQ(pthread_rwlock_rdlock(&lock), EDEADLK);
        brio::create_task([&] {
            const timespec past = long_ago();
            EXPECT_EQ(pthread_rwlock_timedrdlock(&lock, &past), ETIMEDOUT);
            EXPECT_EQ(pthread_rwlock_timedwrlock(&lock, &past), ETIMEDOUT);
            EXPECT_EQ(pthread_rwlock_trywrlock(&lock), EBUSY);
        }).await();
        EXPECT_EQ(pthread_rwlock_unlock(&lock), 0);
    });
}

TEST(condition, wakes_fibers_and_threads_alike) {
    std::mutex lock;
    std::condition_variable changed;
    int stage = 0;
    int woken = 0;
    const auto wait_for_change = [&] {
        std::unique_lock held(lock);
        changed.wait(held, [&] { return stage == 1; });
        ++woken;
    };
    std::thread plain(wait_for_change);
    std::thread other_loop([&] { brio::run(wait_for_change); });
    run_group([&](brio::task_group_scope& group) {
        for (int i = 0; i < 3; ++i) group.create_task(wait_for_change);
        group.create_task([&] {
            brio::sleep(5ms);
            const std::scoped_lock held(lock);
            stage = 1;
            changed.notify_all();
        });
    });
    plain.join();
    other_loop.join();
    EXPECT_EQ(woken, 5);
}

TEST(condition, wakes_one_for_each_signal_in_the_order_of_the_waits) {
    std::mutex lock;
    std::condition_variable changed;
    std::vector<int> order;
    run_group_alone([&](brio::task_group_scope& group) {
        for (int i = 0; i < 3; ++i)
            group.create_task([&, i] {
                std::unique_lock held(lock);
                changed.wait(held);
                order.push_back(i);
            });
        let_others_run();
        for (std::size_t i = 0; i < 3; ++i) {
            changed.notify_one();
            let_others_run();
            EXPECT_EQ(order.size(), i + 1);
        }
    });
    EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST(condition, gives_up_in_time_and_holds_the_mutex_again) {
    std::mutex lock;
    std::condition_variable changed;
    brio::run([&] {
        std::unique_lock held(lock);
        EXPECT_EQ(changed.wait_for(held, 2ms), std::cv_status::timeout);
        EXPECT_TRUE(held.owns_lock());
        brio::create_task([&] { EXPECT_FALSE(lock.try_lock()); }).await();
        EXPECT_EQ(changed.wait_until(held, std::chrono::system_clock::now()),
                  std::cv_status::timeout);
        pthread_cond_t* const native = changed.native_handle();
        const timespec wrong = {0, 2'000'000'000};
        EXPECT_EQ(pthread_cond_timedwait(native, lock.native_handle(), &wrong), EINVAL);
    });
}

TEST(semaphore_of_libc, is_posted_by_a_thread_and_by_a_fiber) {
    sem_t semaphore;
    ASSERT_EQ(sem_init(&semaphore, 0, 0), 0);
    int taken = 0;
    run_group([&](brio::task_group_scope& group) {
        for (int i = 0; i < 4; ++i)
            group.create_task([&] {
                EXPECT_EQ(sem_wait(&semaphore), 0);
                ++taken;
            });
        let_others_run();
        EXPECT_EQ(taken, 0);
        sem_post(&semaphore);
        std::thread([&] {
            sem_post(&semaphore);
            sem_post(&semaphore);
            sem_post(&semaphore);
        }).join();
    });
    EXPECT_EQ(taken, 4);
    EXPECT_EQ(on_fiber([&] {
                  const timespec end = later(CLOCK_REALTIME, 2ms);
                  return sem_timedwait(&semaphore, &end);
              }),
              (observed{-1, ETIMEDOUT}));
    EXPECT_EQ(on_fiber([&] {
                  const timespec wrong = {0, -1};
                  return sem_timedwait(&semaphore, &wrong);
              }),
              (observed{-1, EINVAL}));
    // Nobody counts as waiting any more.
    EXPECT_EQ(reinterpret_cast<const unsigned*>(&semaphore)[1], 0U);
    sem_destroy(&semaphore);
}

TEST(once, is_done_by_one_fiber_and_awaited_by_the_others) {
    std::once_flag flag;
    int runs = 0;
    int after = 0;
    run_group_alone([&](brio::task_group_scope& group) {
        for (int i = 0; i < 3; ++i)
            group.create_task([&] {
                std::call_once(flag, [&] {
                    brio::sleep(2ms);
                    ++runs;
                });
                EXPECT_EQ(runs, 1);
                ++after;
            });
    });
    EXPECT_EQ(after, 3);
}

TEST(once, is_begun_again_by_another_fiber_when_the_first_throws) {
    std::once_flag flag;
    int attempts = 0;
    brio::run([&] {
        const auto attempt = [&] {
            std::call_once(flag, [&] {
                brio::sleep(1ms);
                if (++attempts == 1) throw std::runtime_error("not now");
            });
        };
        auto first = brio::create_task(attempt);
        auto second = brio::create_task(attempt);
        EXPECT_THROW(first.await(), std::runtime_error);
        second.await();
    });
    EXPECT_EQ(attempts, 2);
}

struct slowly_made {
    slowly_made() {
        brio::sleep(2ms);
        ++count;
    }
    static inline int count = 0;
};
slowly_made& the_only_one() {
    static slowly_made one;
    return one;
}

TEST(local_static, may_suspend_while_it_is_initialised) {
    run_group_alone([](brio::task_group_scope& group) {
        for (int i = 0; i < 3; ++i)
            group.create_task([] {
                the_only_one();
                EXPECT_EQ(slowly_made::count, 1);
            });
    });
}

TEST(future_of_the_standard_library, suspends_who_gets_it) {
    std::promise<int> promise;
    brio::run([&] {
        auto got = brio::create_task([&] { return promise.get_future().get(); });
        let_others_run();
        EXPECT_FALSE(got.done());
        std::thread([&] { promise.set_value(7); }).join();
        EXPECT_EQ(got.await(), 7);

        std::promise<void> never;
        auto future = never.get_future();
        EXPECT_EQ(future.wait_for(2ms), std::future_status::timeout);
    });
}

TEST(latch, is_counted_down_by_fibers_and_threads) {
    std::latch all(4);
    run_group([&](brio::task_group_scope& group) {
        for (int i = 0; i < 2; ++i) group.create_task([&] { all.arrive_and_wait(); });
        std::thread plain([&] { all.arrive_and_wait(); });
        let_others_run();
        all.count_down();
        all.wait();
        plain.join();
    });
    EXPECT_TRUE(all.try_wait());
}

TEST(barrier_of_libc, has_fibers_and_threads_as_parties_and_one_serial_one) {
    pthread_barrier_t barrier;
    ASSERT_EQ(pthread_barrier_init(&barrier, nullptr, 3), 0);
    std::atomic<int> serial = 0;
    const auto arrive = [&] {
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) ++serial;
    };
    std::thread plain(arrive);
    run_group([&](brio::task_group_scope& group) {
        for (int i = 0; i < 2; ++i) group.create_task(arrive);
    });
    plain.join();
    EXPECT_EQ(serial, 1);
    pthread_barrier_destroy(&barrier);
}

TEST(sched_yield, lets_other_fibers_run) {
    std::vector<int> order;
    run_group_alone([&](brio::task_group_scope& group) {
        for (int i = 0; i < 2; ++i)
            group.create_task([&, i] {
                order.push_back(i);
                std::this_thread::yield();
                order.push_back(i);
            });
    });
    EXPECT_THAT(order, ElementsAre(0, 1, 0, 1));
}

/// Loops and threads that all take the same lock, and suspend or not while they have it.
void contend(int rounds, const std::function<void(const std::function<void()>&)>& locked) {
    constexpr int parties = 4;
    int inside = 0;
    long total = 0;
    const auto section = [&](bool suspends) {
        locked([&] {
            EXPECT_EQ(++inside, 1);
            if (suspends) brio::yield();
            ++total;
            --inside;
        });
    };
    const auto loop = [&] {
        run_group([&](brio::task_group_scope& group) {
            for (int i = 0; i < parties; ++i)
                group.create_task([&, i] {
                    for (int r = 0; r < rounds; ++r) section((r + i) % 3 == 0);
                });
        });
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) threads.emplace_back(loop);
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            for (int r = 0; r < rounds; ++r) section(false);
        });
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(total, rounds * (2L * parties + 2));
}

constexpr int contended_rounds = 300;

TEST(contention, of_a_mutex_between_loops_fibers_and_threads) {
    std::mutex lock;
    contend(contended_rounds, [&](const auto& section) {
        const std::scoped_lock held(lock);
        section();
    });
}
TEST(contention, of_a_recursive_mutex) {
    std::recursive_mutex lock;
    contend(contended_rounds, [&](const auto& section) {
        const std::scoped_lock held(lock);
        const std::scoped_lock again(lock);
        section();
    });
}
TEST(contention, of_a_timed_mutex) {
    std::timed_mutex lock;
    contend(contended_rounds, [&](const auto& section) {
        while (!lock.try_lock_for(1ms)) {
        }
        section();
        lock.unlock();
    });
}
TEST(contention, of_a_shared_mutex) {
    std::shared_mutex lock;
    contend(contended_rounds, [&](const auto& section) {
        { const std::shared_lock read(lock); }
        const std::scoped_lock held(lock);
        section();
    });
}
TEST(contention, of_a_semaphore) {
    sem_t semaphore;
    ASSERT_EQ(sem_init(&semaphore, 0, 1), 0);
    contend(contended_rounds, [&](const auto& section) {
        sem_wait(&semaphore);
        section();
        sem_post(&semaphore);
    });
    sem_destroy(&semaphore);
}
TEST(contention, of_a_standard_semaphore) {
    std::binary_semaphore semaphore(1);
    contend(contended_rounds, [&](const auto& section) {
        semaphore.acquire();
        section();
        semaphore.release();
    });
}
TEST(contention, of_a_condition) {
    std::mutex lock;
    std::condition_variable released;
    bool taken = false;
    contend(contended_rounds, [&](const auto& section) {
        {
            std::unique_lock held(lock);
            released.wait(held, [&] { return !taken; });
            taken = true;
        }
        section();
        {
            const std::scoped_lock held(lock);
            taken = false;
        }
        released.notify_one();
    });
}

}  // namespace
