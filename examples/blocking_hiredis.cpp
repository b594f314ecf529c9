// hiredis's plain, blocking calls on one thread: pairs of tasks, each with a connection of its own, in which one
// waits in BLPOP for what the other pushes. The argument is the port of a Redis server.

#include "ticking.hpp"

#include <brio/brio.hpp>
#include <brio/posix.hpp>

#include <cstdio>
#include <cstdlib>
#include <hiredis/hiredis.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using redis = std::unique_ptr<redisContext, void (*)(redisContext*)>;
using reply = std::unique_ptr<void, void (*)(void*)>;

static redis connect_to(int port) {
    return {redisConnect("127.0.0.1", port), redisFree};
}
template <class... Arguments>
std::string ask(const redis& server, const char* command, Arguments... arguments) {
    const reply owned(redisCommand(server.get(), command, arguments...), freeReplyObject);
    const auto* answer = static_cast<redisReply*>(owned.get());
    if (answer == nullptr) throw std::runtime_error(server->errstr);
    if (answer->type == REDIS_REPLY_ARRAY) answer = answer->element[answer->elements - 1];
    return answer->str != nullptr ? answer->str : std::to_string(answer->integer);
}
static void expect(const std::string& expected, const std::string& got) {
    if (got != expected) throw std::runtime_error("expected " + expected + ", got " + got);
}
static void wait_for_word(int port, int n) {
    expect("word", ask(connect_to(port), "BLPOP list:%d 30", n));
}
static void send_word(int port, int n) {
    const redis server = connect_to(port);
    expect("OK", ask(server, "SET key:%d %d", n, n));
    for (int i = 0; i < 100; ++i) expect(std::to_string(n), ask(server, "GET key:%d", n));
    expect("1", ask(server, "RPUSH list:%d word", n));
}

int main(int, char** argv) {
    brio::posix::require();
    brio::run([port = std::atoi(argv[1])] {
        const ticking ticks;
        std::vector<brio::task<void>> tasks;
        tasks.reserve(200);
        for (int n = 0; n < 100; ++n)
            tasks.push_back(brio::create_task([=] { wait_for_word(port, n); }));
        for (int n = 0; n < 100; ++n)
            tasks.push_back(brio::create_task([=] { send_word(port, n); }));
        brio::gather(tasks).await();
        std::printf("200 connections, 10300 commands; the largest gap between ticks was %.1f ms\n",
                    ticks.largest_gap());
    });
}
