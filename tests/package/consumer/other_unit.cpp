#include <brio/brio.hpp>

int answer_later() {
    using namespace std::chrono_literals;
    auto answer = brio::create_task([] {
        brio::sleep(1ms);
        return 40;
    });
    return answer.await();
}
