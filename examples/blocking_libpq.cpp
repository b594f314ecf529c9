// libpq's plain, blocking calls, a hundred connections at once on one thread. Neither connected() nor
// sleep_in_server() knows anything of fibers. The argument is a connection string: "host=localhost user=me".

#include "ticking.hpp"

#include <brio/brio.hpp>
#include <brio/posix.hpp>

#include <chrono>
#include <cstdio>
#include <libpq-fe.h>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

using connection = std::shared_ptr<PGconn>;

static connection connected(const char* where) {
    connection made(PQconnectdb(where), PQfinish);
    if (PQstatus(made.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(made.get()));
    return made;
}
static void sleep_in_server(PGconn* connection) {
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
        PQexec(connection, "select pg_sleep(0.1)"), PQclear);
    if (PQntuples(result.get()) != 1) throw std::runtime_error(PQerrorMessage(connection));
}

int main(int, char** argv) {
    brio::posix::require();
    brio::run([where = argv[1]] {
        const ticking ticks;
        brio::semaphore few(2);  // the server starts a process for each, on our processors
        std::vector<brio::task<connection>> connecting;
        connecting.reserve(100);
        for (int i = 0; i < 100; ++i)
            connecting.push_back(brio::create_task([where, &few] {
                const std::scoped_lock one(few);
                return connected(where);
            }));
        const auto connections = brio::gather(connecting).await();

        const auto start = brio::clock::now();
        std::vector<brio::task<void>> sleeping;
        sleeping.reserve(connections.size());
        for (const connection& each : connections)
            sleeping.push_back(brio::create_task([each] {
                for (int i = 0; i < 10; ++i) sleep_in_server(each.get());
            }));
        brio::gather(sleeping).await();
        const std::chrono::duration<double> took = brio::clock::now() - start;
        std::printf(
            "1000 queries of 0.1 s took %.2f s; the largest gap between ticks was %.1f ms\n",
            took.count(), ticks.largest_gap());
    });
}
