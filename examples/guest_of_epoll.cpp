// Tasks inside a program that has an epoll loop already: Brio's loop is one more descriptor there.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace std::chrono_literals;

static void watch(int host, int fd) {
    epoll_event readable{};
    readable.events = EPOLLIN;
    readable.data.fd = fd;
    ::epoll_ctl(host, EPOLL_CTL_ADD, fd, &readable);
}

int main() {
    brio::runner runner;
    brio::event_loop& guest = runner.get_loop();
    const int host = ::epoll_create1(EPOLL_CLOEXEC);
    const int enough = ::eventfd(0, EFD_CLOEXEC);  // one of the host's own
    watch(host, guest.fd());
    watch(host, enough);

    guest.create_task([enough] {
        for (int i = 1; i <= 3; ++i) {
            brio::sleep(10ms);
            std::printf("guest: tick %d\n", i);
        }
        std::printf("guest: %s\n", brio::to_thread([] { return "from a thread"; }));
        ::eventfd_write(enough, 1);
    });

    for (bool ended = false; !ended;) {
        epoll_event ready{};
        if (::epoll_wait(host, &ready, 1, -1) != 1) continue;
        if (ready.data.fd == guest.fd())
            guest.run_once(0s);
        else
            ended = true;
    }
    std::puts("host: enough");
    ::close(enough);
    ::close(host);
}

// Prints:
//   guest: tick 1
//   guest: tick 2
//   guest: tick 3
//   guest: from a thread
//   host: enough
