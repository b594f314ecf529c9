// cpp-httplib's server and its clients, all of them plain and blocking, on one thread: each connection of the
// server is a task, where by default the library has a pool of threads.

#include "ticking.hpp"

#include <brio/brio.hpp>
#include <brio/posix.hpp>

#include <cstdio>
#include <functional>
#include <httplib.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

class task_per_connection : public httplib::TaskQueue {
    std::vector<brio::task<void>> tasks_;
    void enqueue(std::function<void()> serve) override {
        tasks_.push_back(brio::create_task(std::move(serve)));
    }
    void shutdown() override { brio::gather(tasks_).await(); }
};

static void fetch(int port, const std::string& word) {
    httplib::Client client("127.0.0.1", port);
    for (int i = 0; i < 10; ++i) {
        const httplib::Result page = client.Get(("/slow/" + word).c_str());
        if (!page || page->body != "hello " + word)
            throw std::runtime_error("no answer for " + word);
    }
}

int main() {
    brio::posix::require();
    brio::run([] {
        const ticking ticks;
        httplib::Server server;
        server.new_task_queue = [] { return new task_per_connection; };
        int listening = -1;
        server.set_socket_options([&](int socket) { listening = socket; });
        server.Get("/slow/(.*)", [](const httplib::Request& request, httplib::Response& response) {
            usleep(10'000);
            response.set_content("hello " + request.matches[1].str(), "text/plain");
        });
        const int port = server.bind_to_any_port("127.0.0.1");
        listen(listening, 128);  // the library's own queue is of 5: too short for so many at once
        auto serving = brio::create_task([&] { server.listen_after_bind(); });

        std::vector<brio::task<void>> fetching;
        fetching.reserve(100);
        for (int n = 0; n < 100; ++n)
            fetching.push_back(brio::create_task([=] { fetch(port, std::to_string(n)); }));
        brio::gather(fetching).await();
        server.stop();
        serving.await();
        std::printf("1000 pages; the largest gap between ticks was %.1f ms\n", ticks.largest_gap());
    });
}
