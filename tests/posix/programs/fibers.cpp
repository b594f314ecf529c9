// A program of fibers with blocking calls, linked in several ways: says what came of it.
//
//   fibers require     what posix::require() says
//   fibers exchange    two fibers talk through pipes; sleeps, polls
//   fibers exit        ends in the middle of it

#include <brio/brio.hpp>
#include <brio/posix.hpp>

#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <string_view>
#include <unistd.h>

namespace {

void require() {
    try {
        brio::posix::require();
        std::puts("active");
    } catch (const brio::usage_error& e) {
        std::puts(e.what());
    }
    std::printf("active %d, recv %d, close %d\n", brio::posix::active(),
                brio::posix::suspends("recv"), brio::posix::suspends("close"));
}

int exchange() {
    int ask[2];
    int answer[2];
    if (pipe(ask) != 0 || pipe(answer) != 0) return 1;
    return brio::run([&] {
        auto answering = brio::create_task([&] {
            char letter = 0;
            while (read(ask[0], &letter, 1) == 1) {
                ++letter;
                usleep(1);
                if (write(answer[1], &letter, 1) != 1) break;
            }
        });
        char letter = 'a';
        for (int i = 0; i < 5; ++i) {
            if (write(ask[1], &letter, 1) != 1) return 1;
            pollfd item = {answer[0], POLLIN, 0};
            if (poll(&item, 1, -1) != 1 || read(answer[0], &letter, 1) != 1) return 1;
        }
        close(ask[1]);
        answering.await();
        std::printf("exchanged up to %c\n", letter);
        return 0;
    });
}

int pipe_at_exit[2];

struct reads_at_the_end {
    ~reads_at_the_end() {
        // Another fiber would write 'f'; it must not run any more.
        const char own = 'd';
        char letter = 0;
        if (write(pipe_at_exit[1], &own, 1) != 1 || read(pipe_at_exit[0], &letter, 1) != 1) return;
        usleep(1);
        std::printf("destructor read %c\n", letter);
        std::fflush(stdout);
    }
} at_the_end;

int end_inside() {
    if (pipe(pipe_at_exit) != 0) return 1;
    return brio::run([] {
        usleep(1);
        brio::create_task([] { std::puts("the other fiber ran"); });
        std::exit(7);
        return 0;
    });
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view what = count > 1 ? arguments[1] : "";
    if (what == "exchange") return exchange();
    if (what == "exit") return end_inside();
    require();
    return 0;
}
