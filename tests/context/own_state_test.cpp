// What an execution has changed of its thread for itself.

#include "context/strand.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <utility>

namespace {

using brio_tests::strand;

int setting = 0;  // of the "thread"

class own final : public brio::detail::own_state {
public:
    void exchange() noexcept override {
        std::swap(setting, kept_);
        ++exchanges;
    }
    /// The running execution has it, from now on, and sets `value`.
    void begin(int value) {
        kept_ = std::exchange(setting, value);
        strand::set_own(this);
    }
    void end() {
        setting = kept_;
        strand::set_own(nullptr);
    }
    int exchanges = 0;

private:
    int kept_ = 0;
};

class own_state : public testing::Test {
protected:
    own_state() { setting = 0; }
};

TEST_F(own_state, is_there_while_its_execution_runs) {
    own first, second;
    const auto body = [](own& mine, int value) {
        return [&mine, value] {
            EXPECT_EQ(setting, 0);
            mine.begin(value);
            for (int i = 0; i < 3; ++i) {
                strand::pause();
                EXPECT_EQ(setting, value);
            }
            mine.end();
            strand::pause();
            EXPECT_EQ(setting, 0);
        };
    };
    strand one(body(first, 1)), two(body(second, 2)), plain([] {
        while (setting == 0) strand::pause();
        ADD_FAILURE() << setting;
    });
    while (!one.done() || !two.done()) {
        for (strand* s : {&one, &plain, &two}) {
            if (!s->done()) s->resume();
            EXPECT_EQ(setting, 0);
        }
    }
    EXPECT_EQ(first.exchanges, 6);
}

TEST_F(own_state, goes_with_exceptions) {
    own mine;
    strand thrower([&] {
        mine.begin(1);
        try {
            throw 7;
        } catch (int) {
            strand::pause();
            EXPECT_EQ(setting, 1);
        }
        mine.end();
    });
    thrower.resume();
    EXPECT_EQ(setting, 0);
    EXPECT_EQ(std::current_exception(), nullptr);
    thrower.resume();
    EXPECT_TRUE(thrower.done());
}

/// Sets 1, and leaves it in the thread when it pauses.
std::function<void()> leaving(own& mine) {
    return [&mine] {
        mine.begin(1);
        strand::pause_and_leave_own();
        EXPECT_EQ(setting, 1);
        mine.end();
    };
}

TEST_F(own_state, may_be_left_for_who_runs_next) {
    own mine;
    strand one(leaving(mine));
    one.resume();
    EXPECT_EQ(setting, 1);
    one.resume();
    EXPECT_EQ(mine.exchanges, 0);
    EXPECT_EQ(setting, 0);
}

TEST_F(own_state, that_was_left_is_put_aside_for_another_one) {
    own mine;
    strand one(leaving(mine));
    strand other([] { EXPECT_EQ(setting, 0); });
    one.resume();
    other.resume();
    EXPECT_EQ(setting, 0);
    one.resume();
    EXPECT_EQ(setting, 0);
}

}  // namespace
