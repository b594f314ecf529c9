// Locks between fibers of a loop, between loops and with plain threads, all at once: nothing is lost and
// nobody is left waiting. Some thousand rounds in every run, ten minutes with BRIO_LONG=1.

#include "posix/fibers.hpp"

#include <cstdlib>
#include <deque>
#include <pthread.h>
#include <random>
#include <semaphore.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

constexpr int fibers_in_a_loop = 20;
constexpr std::size_t room_in_queue = 4;

/// Whether one of them goes on behind its `round`.
bool goes_on(long round, std::chrono::steady_clock::time_point begin) {
    if (std::getenv("BRIO_LONG") == nullptr) return round < 1000;
    return std::chrono::steady_clock::now() - begin < 10min;
}

/// What all of them share. The members are plain: only the locks keep them whole.
class shared {
public:
    shared() { ::sem_init(&places_, 0, room_in_queue); }
    shared(const shared&) = delete;
    shared& operator=(const shared&) = delete;
    ~shared() { ::sem_destroy(&places_); }

    void count() {
        ::pthread_mutex_lock(&mutex_);
        const long before = counted_;
        maybe_suspend();
        counted_ = before + 1;
        ::pthread_mutex_unlock(&mutex_);
    }
    void give(long value) {
        ::sem_wait(&places_);
        ::pthread_mutex_lock(&mutex_);
        queue_.push_back(value);
        ::pthread_cond_signal(&filled_);
        ::pthread_mutex_unlock(&mutex_);
    }
    long take() {
        ::pthread_mutex_lock(&mutex_);
        while (queue_.empty()) ::pthread_cond_wait(&filled_, &mutex_);
        EXPECT_LE(queue_.size(), room_in_queue);
        const long value = queue_.front();
        queue_.pop_front();
        ::pthread_mutex_unlock(&mutex_);
        ::sem_post(&places_);
        return value;
    }
    void write() {
        ::pthread_rwlock_wrlock(&pair_lock_);
        ++first_;
        maybe_suspend();
        ++second_;
        ::pthread_rwlock_unlock(&pair_lock_);
    }
    void read() {
        ::pthread_rwlock_rdlock(&pair_lock_);
        const long seen = first_;
        maybe_suspend();
        EXPECT_EQ(second_, seen);
        ::pthread_rwlock_unlock(&pair_lock_);
    }
    [[nodiscard]] long counted() const { return counted_; }
    [[nodiscard]] long written() const { return second_; }
    [[nodiscard]] bool queue_is_empty() const { return queue_.empty(); }

private:
    /// With the lock held: others come and have to wait.
    static void maybe_suspend() {
        thread_local unsigned calls = 0;
        if (++calls % 16 == 0) ::sched_yield();
        if (calls % 1024 == 0) ::usleep(1);
    }

    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t filled_ = PTHREAD_COND_INITIALIZER;
    pthread_rwlock_t pair_lock_ = PTHREAD_RWLOCK_INITIALIZER;
    sem_t places_;
    long counted_ = 0;
    long first_ = 0;
    long second_ = 0;
    std::deque<long> queue_;
};

/// What one of them has done.
struct done {
    long counted = 0;
    long written = 0;
    long given = 0;
    long taken = 0;
};

/// Gives as often as it takes, so that the queue is empty in the end and nobody waits for ever.
void work(shared& all, done& mine, unsigned seed, std::chrono::steady_clock::time_point begin) {
    std::minstd_rand random(seed + 1);
    for (long round = 0; goes_on(round, begin); ++round) {
        switch (random() % 4) {
            case 0:
                all.count();
                ++mine.counted;
                break;
            case 1:
                all.write();
                ++mine.written;
                break;
            case 2:
                all.read();
                break;
            case 3: {
                const long value = static_cast<long>(random() % 1000);
                all.give(value);
                mine.given += value;
                mine.taken += all.take();
                break;
            }
        }
    }
}

}  // namespace

TEST(lock_stress, fibers_loops_and_threads) {
    shared all;
    const auto begin = std::chrono::steady_clock::now();
    std::vector<done> told(3 * fibers_in_a_loop);
    const auto loop = [&](std::size_t first) {
        brio::run([&] {
            std::vector<brio::task<void>> tasks;
            for (std::size_t i = first; i < first + fibers_in_a_loop; ++i)
                tasks.push_back(brio::create_task(
                    [&, i] { work(all, told[i], static_cast<unsigned>(i), begin); }));
            for (auto& one : tasks) one.await();
        });
    };
    std::thread other_loop([&] { loop(fibers_in_a_loop); });
    std::vector<std::thread> plain;
    for (std::size_t i = 2 * fibers_in_a_loop; i < 2 * fibers_in_a_loop + 3; ++i)
        plain.emplace_back([&, i] { work(all, told[i], static_cast<unsigned>(i), begin); });
    loop(0);
    other_loop.join();
    for (auto& one : plain) one.join();

    done sum;
    for (const done& one : told) {
        sum.counted += one.counted;
        sum.written += one.written;
        sum.given += one.given;
        sum.taken += one.taken;
    }
    EXPECT_EQ(all.counted(), sum.counted);
    EXPECT_EQ(all.written(), sum.written);
    EXPECT_EQ(sum.given, sum.taken);
    EXPECT_TRUE(all.queue_is_empty());
    EXPECT_GT(sum.counted, 0);
    EXPECT_GT(sum.written, 0);
    EXPECT_GT(sum.given, 0);
}
