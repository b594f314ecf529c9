// What a reactor owes its caller, whatever it is made of.

#include "io/reactor_fixture.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace brio::testing_io {
namespace {

INSTANTIATE_TEST_SUITE_P(each, reactor_test, every_backend, backend_name);

TEST_P(reactor_test, completes_a_nop_once) {
    EXPECT_EQ(run({}), 0);
    EXPECT_EQ(io().in_flight(), 0U);
}

TEST_P(reactor_test, reads_what_a_pipe_holds_and_what_comes_later) {
    const two_ends p = make_pipe();
    char buffer[16];
    EXPECT_EQ(run(op_write(p.second.get(), "now")), 3);
    EXPECT_EQ(run(op_read(p.first.get(), buffer, sizeof buffer)), 3);
    EXPECT_EQ(std::string_view(buffer, 3), "now");

    request later(op_read(p.first.get(), buffer, sizeof buffer));
    submit(later);
    settle();
    EXPECT_FALSE(later.done());
    EXPECT_EQ(io().in_flight(), 1U);
    EXPECT_EQ(run(op_write(p.second.get(), "later")), 5);
    EXPECT_EQ(result_of(later), 5);
    EXPECT_EQ(std::string_view(buffer, 5), "later");
}

}  // namespace
}  // namespace brio::testing_io
