// OpenSSL's queue of errors is each fiber's own.

#include "posix/fibers.hpp"

#include <openssl/err.h>
#include <string>
#include <vector>

namespace {

using namespace posix_tests;

struct told {
    unsigned long code;
    int line;
    std::string file, function, text;
    friend bool operator==(const told&, const told&) = default;
    friend std::ostream& operator<<(std::ostream& out, const told& t) {
        return out << t.file << ':' << t.line << ' ' << t.function << ": " << std::hex << t.code
                   << ' ' << t.text;
    }
};

/// All that are in the queue of the caller, which is empty then.
std::vector<told> errors() {
    std::vector<told> all;
    for (;;) {
        const char *file = nullptr, *function = nullptr, *text = nullptr;
        int line = 0;
        int flags = 0;
        const unsigned long code = ::ERR_get_error_all(&file, &line, &function, &text, &flags);
        if (code == 0) return all;
        all.push_back({code, line, file, function, (flags & ERR_TXT_STRING) != 0 ? text : ""});
    }
}

void fail(int reason, const char* text) {
    ::ERR_new();
    ::ERR_set_debug("somewhere.c", 42, "a_function");
    ::ERR_set_error(ERR_LIB_USER, reason, "%s", text);
}
told failed(int reason, const char* text) {
    return {ERR_PACK(ERR_LIB_USER, 0, reason), 42, "somewhere.c", "a_function", text};
}

/// The thread's, for all who have none of their own.
class openssl_errors : public testing::Test {
protected:
    openssl_errors() { ::ERR_clear_error(); }
    ~openssl_errors() override { ::ERR_clear_error(); }
};

void wait_in_the_layer() {
    auto pipe = make_pipe();
    auto writer = brio::create_task([&] { EXPECT_EQ(::write(pipe.second, "a", 1), 1); });
    char byte = 0;
    EXPECT_EQ(::read(pipe.first, &byte, 1), 1);
    writer.await();
}

}  // namespace

TEST_F(openssl_errors, are_not_seen_by_other_fibers) {
    brio::run([] {
        auto other = brio::create_task([] {
            wait_in_the_layer();
            fail(1, "of the other");
            wait_in_the_layer();
            brio::yield();
            EXPECT_EQ(errors(), (std::vector{failed(1, "of the other")}));
        });
        wait_in_the_layer();
        while (!other.done()) {
            EXPECT_EQ(::ERR_peek_error(), 0U);
            brio::yield();
        }
        other.await();
    });
}

TEST_F(openssl_errors, come_back_whole_and_in_their_order) {
    brio::run([] {
        wait_in_the_layer();
        fail(7, "the first");
        ::ERR_new();
        ::ERR_set_debug("elsewhere.c", 1, "another");
        ::ERR_set_error(ERR_LIB_SYS, ENOENT, nullptr);
        ::ERR_new();
        ::ERR_set_debug("elsewhere.c", 2, "another");
        ::ERR_set_error(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE, nullptr);
        for (int round = 0; round < 3; ++round) wait_in_the_layer();
        const std::vector<told> all = errors();
        ASSERT_EQ(all.size(), 3U);
        EXPECT_EQ(all[0], failed(7, "the first"));
        EXPECT_EQ(ERR_GET_LIB(all[1].code), ERR_LIB_SYS);
        EXPECT_EQ(ERR_GET_REASON(all[1].code), ENOENT);
        EXPECT_EQ(all[1].line, 1);
        EXPECT_EQ(ERR_GET_LIB(all[2].code), ERR_LIB_SSL);
        EXPECT_EQ(ERR_GET_REASON(all[2].code), ERR_R_MALLOC_FAILURE);
        EXPECT_EQ(all[2].function, "another");
    });
}

TEST_F(openssl_errors, that_are_left_behind_end_with_their_fiber) {
    brio::run([] {
        brio::create_task([] {
            wait_in_the_layer();
            fail(1, "left behind");
        }).await();
        EXPECT_EQ(errors(), std::vector<told>());
        brio::create_task([] { EXPECT_EQ(errors(), std::vector<told>()); }).await();
    });
    EXPECT_EQ(errors(), std::vector<told>());
}

TEST_F(openssl_errors, of_before_the_first_wait_are_kept) {
    brio::run([] {
        fail(3, "early");
        auto other = brio::create_task([] { EXPECT_EQ(errors(), std::vector<told>()); });
        wait_in_the_layer();
        other.await();
        EXPECT_EQ(errors(), (std::vector{failed(3, "early")}));
    });
}

TEST_F(openssl_errors, of_two_fibers_do_not_mix) {
    brio::run([] {
        const auto fails = [](int reason, const char* text) {
            wait_in_the_layer();
            for (int round = 0; round < 5; ++round) {
                fail(reason, text);
                fail(reason + 1, text);
                wait_in_the_layer();
                EXPECT_EQ(errors(), (std::vector{failed(reason, text), failed(reason + 1, text)}));
            }
        };
        auto one = brio::create_task([&] { fails(10, "one"); });
        auto two = brio::create_task([&] { fails(20, "two"); });
        one.await();
        two.await();
    });
}

TEST_F(openssl_errors, leave_errno_alone) {
    brio::run([] {
        wait_in_the_layer();
        auto other = brio::create_task([] {
            wait_in_the_layer();
            errno = EDOM;
            brio::yield();
            EXPECT_EQ(errno, EDOM);
        });
        fail(1, "first");
        errno = ESRCH;
        while (!other.done()) {
            brio::yield();
            EXPECT_EQ(errno, ESRCH);
        }
        other.await();
    });
}
