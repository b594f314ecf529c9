#include "base/private_descriptor.hpp"

#include "context/file_limit.hpp"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace brio::detail;

int make_eventfd() {
    return ::eventfd(0, EFD_CLOEXEC);
}

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST(private_descriptor, takes_a_high_number_and_gives_the_low_one_back) {
    const int low = make_eventfd();
    const int fd = private_descriptor(low);
    EXPECT_GE(fd, first_private_number());
    EXPECT_FALSE(is_open(low));
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    close_private(fd);
    EXPECT_FALSE(is_open(fd));
}

TEST(private_descriptor, is_known_until_it_is_closed) {
    const int fd = private_descriptor(make_eventfd());
    EXPECT_TRUE(is_private(fd));
    const int copy = private_duplicate(fd);
    EXPECT_GT(copy, fd);
    EXPECT_TRUE(is_private(copy));
    close_private(copy);
    EXPECT_FALSE(is_private(copy));
    EXPECT_TRUE(is_private(fd));
    close_private(fd);
    EXPECT_FALSE(is_private(fd));
    for (const int other : {-1, 0, 2, 1 << 20, INT_MAX}) EXPECT_FALSE(is_private(other)) << other;
}

TEST(private_descriptor, the_next_one_is_found_in_a_range) {
    const int event = make_eventfd();
    const int near = private_duplicate(event);
    std::vector<int> between;
    for (int i = 0; i < 150; ++i) between.push_back(private_duplicate(event));
    const int far = private_duplicate(event);
    for (const int fd : between) close_private(fd);
    const auto from = static_cast<unsigned>(near);
    const auto to = static_cast<unsigned>(far);
    EXPECT_EQ(next_private(from - 1, to), near);
    EXPECT_EQ(next_private(from, from), near);
    EXPECT_EQ(next_private(from + 1, to), far);
    EXPECT_EQ(next_private(from + 1, to - 1), -1);
    EXPECT_EQ(next_private(to, from), -1);
    EXPECT_EQ(next_private(1U << 20, ~0U), -1);
    close_private(near);
    EXPECT_EQ(next_private(from, ~0U), far);
    close_private(far);
    ::close(event);
}

TEST(private_descriptor, keeps_its_number_where_there_is_no_higher_one) {
    const int event = make_eventfd();
    const file_limit limit(static_cast<rlim_t>(event) + 1);
    const int last = ::fcntl(event, F_DUPFD_CLOEXEC, event);  // none left
    EXPECT_EQ(last, -1);
    errno = 0;
    const int fd = private_descriptor(event);
    EXPECT_EQ(fd, event);
    EXPECT_EQ(errno, 0);
    EXPECT_TRUE(is_private(fd));
    close_private(fd);
}

TEST(private_descriptor, an_error_stays_an_error) {
    EXPECT_EQ(private_descriptor(-EMFILE), -EMFILE);
    EXPECT_EQ(private_duplicate(-1), -EBADF);
}

TEST(private_descriptor, goes_lower_when_the_limit_has_been_lowered) {
    const int high = private_descriptor(make_eventfd());
    {
        const file_limit limit(64);
        const int lower = private_descriptor(make_eventfd());
        EXPECT_GE(lower, first_private_number());
        EXPECT_LT(lower, 64);
        close_private(lower);
    }
    close_private(high);
}

TEST(private_descriptor, none_is_left_to_a_child) {
    const int fd = private_descriptor(make_eventfd());
    no_descriptor_is_private();
    EXPECT_EQ(next_private(0, ~0U), -1);
    EXPECT_FALSE(is_private(fd));
    close_private(fd);
    EXPECT_TRUE(is_open(fd)) << "the program may have closed it, and the number be another's";
    ::close(fd);
}
