// Two producers, three consumers, and a queue that holds two jobs at most between them.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

static void produce(brio::queue<int>& jobs, int from, int to) {
    for (int n = from; n < to; ++n) jobs.put(n);  // waits while the queue is full
}

static void consume(brio::queue<int>& jobs, int& sum) {
    try {
        for (;;) {
            const int n = jobs.get();  // waits while it is empty
            brio::sleep(1ms);
            sum += n;  // one thread: nothing to lock
            jobs.task_done();
        }
    } catch (const brio::queue_shut_down&) {
    }
}

int main() {
    brio::run([] {
        brio::queue<int> jobs{2};  // outlives the group, so its tasks may borrow it
        int sum = 0;
        brio::task_group([&](brio::task_group_scope& group) {
            for (int i = 0; i < 3; ++i) group.create_task([&] { consume(jobs, sum); });
            brio::gather([&] { produce(jobs, 0, 50); }, [&] { produce(jobs, 50, 101); }).await();
            jobs.join();      // until every job is done
            jobs.shutdown();  // and the consumers end
        });
        std::printf("0 + 1 + ... + 100 = %d\n", sum);
    });
}

// Prints:
//   0 + 1 + ... + 100 = 5050
