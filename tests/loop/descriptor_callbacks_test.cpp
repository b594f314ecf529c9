// add_reader and add_writer.

#include "loop/descriptors.hpp"
#include "task/loop_core.hpp"
#include "task/story.hpp"
#include "testing/scripted_reactor.hpp"

#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <thread>

namespace {

using namespace story;
using brio_tests::two_ends;

class descriptor_callbacks : public ::testing::Test {
protected:
    static brio::event_loop& loop() { return brio::get_running_loop(); }
    /// Until the callback is called for the `count`th time.
    void until_called(int count) const {
        while (called < count) brio::yield();
    }
    two_ends ends;
    int called = 0;
};

TEST_F(descriptor_callbacks, are_called_once_a_turn_while_the_descriptor_is_ready) {
    std::vector<std::uint64_t> when;
    brio::run([&] {
        loop().add_reader(ends.near(), [&] {
            ++called;
            when.push_back(turn());
            if (called == 3) static_cast<void>(ends.take());
        });
        turns(3);
        EXPECT_EQ(called, 0);
        ends.send("text");
        until_called(3);
        turns(3);
        EXPECT_EQ(called, 3) << "it has been read";
        EXPECT_EQ(when[1], when[0] + 1);
        EXPECT_EQ(when[2], when[1] + 1);
        ends.send("more");
        until_called(4);
        loop().remove_reader(ends.near());
    });
}

TEST_F(descriptor_callbacks, wake_a_loop_that_sleeps) {
    brio::run([&] {
        auto came = brio::create_future<std::string>();
        loop().add_reader(ends.near(), [&] {
            loop().remove_reader(ends.near());
            came.set_result(ends.take());
        });
        std::thread sender([&] { ends.send("text"); });
        EXPECT_EQ(came.await(), "text");
        sender.join();
    });
}

TEST_F(descriptor_callbacks, run_on_the_loop_s_stack_in_the_context_in_which_they_were_added) {
    brio::run([&] {
        brio::context_var<int> number("number", 0);
        number.set(5);
        loop().add_writer(ends.near(), [&] {
            ++called;
            EXPECT_FALSE(brio::current_task().valid());
            EXPECT_EQ(number.get(), 5);
            loop().remove_writer(ends.near());
        });
        number.set(6);
        until_called(1);
    });
}

TEST_F(descriptor_callbacks, for_reading_and_for_writing_are_apart) {
    brio::run([&] {
        int written = 0;
        loop().add_reader(ends.near(), [&] { ++called; });
        loop().add_writer(ends.near(), [&] { ++written; });
        while (written < 2) brio::yield();
        EXPECT_EQ(called, 0);
        EXPECT_TRUE(loop().remove_writer(ends.near()));
        EXPECT_FALSE(loop().remove_writer(ends.near()));
        ends.send("text");
        until_called(2);
        EXPECT_TRUE(loop().remove_reader(ends.near()));
    });
}

TEST_F(descriptor_callbacks, that_are_added_again_replace_the_first) {
    brio::run([&] {
        const auto owned = std::make_shared<int>(1);
        loop().add_reader(ends.near(), [owned] { ADD_FAILURE(); });
        loop().add_reader(ends.near(), [&] { ++called; });
        EXPECT_EQ(owned.use_count(), 1);
        ends.send("text");
        until_called(1);
        // Due already in the turn in which it is replaced.
        loop().add_reader(ends.near(), [&] {
            loop().add_reader(ends.near(), [&] {
                ++called;
                static_cast<void>(ends.take());
            });
        });
        const int before = called;
        until_called(before + 1);
        turns(3);
        EXPECT_EQ(called, before + 1);
    });
}

TEST_F(descriptor_callbacks,
       that_are_removed_are_not_called_even_in_the_turn_in_which_they_are_due) {
    brio::run([&] {
        two_ends others;
        const auto remove_both = [&] {
            ++called;
            EXPECT_TRUE(loop().remove_reader(ends.near()));
            EXPECT_TRUE(loop().remove_reader(others.near()));
        };
        loop().add_reader(ends.near(), remove_both);
        loop().add_reader(others.near(), remove_both);
        ends.send("text");
        others.send("text");
        until_called(1);
        turns(5);
        EXPECT_EQ(called, 1);
        EXPECT_FALSE(loop().remove_reader(ends.near()));
    });
}

TEST_F(descriptor_callbacks, let_the_descriptor_be_closed_and_its_number_be_used_again) {
    brio::run([&] {
        for (int round = 0; round < 20; ++round) {
            two_ends fresh;
            loop().add_reader(fresh.near(), [&] { ++called; });
            if (round % 2 == 0) brio::yield();
            if (round % 3 == 0) fresh.send("text");
            EXPECT_TRUE(loop().remove_reader(fresh.near()));
        }
        EXPECT_EQ(called, 0);
    });
}

TEST_F(descriptor_callbacks, hear_of_the_end_of_the_other_side) {
    brio::run([&] {
        loop().add_reader(ends.near(), [&] { ++called; });
        ::shutdown(ends.far(), SHUT_WR);
        until_called(1);
    });
}

TEST_F(descriptor_callbacks, that_throw_are_reported_and_called_again) {
    brio::run([&] {
        const reports seen;
        loop().add_reader(ends.near(), [&] {
            if (++called == 2) loop().remove_reader(ends.near());
            throw std::runtime_error("no luck");
        });
        ends.send("text");
        until_called(2);
        EXPECT_THAT(seen.told(), ElementsAre("exception in a callback | no luck",
                                             "exception in a callback | no luck"));
    });
}

TEST_F(descriptor_callbacks, die_with_the_loop) {
    const auto owned = std::make_shared<int>(1);
    two_ends ready;
    ready.send("text");
    brio::run([&] {
        loop().add_reader(ends.near(), [owned] {});
        loop().add_reader(ready.near(), [owned] {});
        loop().add_writer(ready.near(), [owned] {});
        turns(2);
    });
    EXPECT_EQ(owned.use_count(), 1);
}

TEST_F(descriptor_callbacks, of_what_is_no_descriptor_are_refused) {
    brio::run([&] {
        EXPECT_EQ(text_of<std::system_error>([] {
                      loop().add_reader(-1, [] {});
                      return 0;
                  }),
                  "add_reader of descriptor -1: Bad file descriptor");
        EXPECT_EQ(text_of<std::system_error>([] {
                      loop().add_writer(-1, [] {});
                      return 0;
                  }),
                  "add_writer of descriptor -1: Bad file descriptor");
        EXPECT_FALSE(loop().remove_reader(-1));
    });
}

TEST_F(descriptor_callbacks, whose_descriptor_fails_later_are_removed_and_that_is_reported) {
    brio::testing::runner r;
    auto& script = brio::detail::use_script(r.get_loop().core());
    script.next({.result = 1, .after = 1s});
    script.next({.result = -EBADF, .after = 1s});
    r.run([&] {
        const reports seen;
        loop().add_reader(ends.near(), [&] { ++called; });
        brio::sleep(1h);
        EXPECT_EQ(called, 1);
        EXPECT_THAT(seen.told(),
                    ElementsAre("a descriptor callback has been removed: its descriptor cannot be "
                                "watched | poll of descriptor " +
                                std::to_string(ends.near()) + ": Bad file descriptor"));
        EXPECT_FALSE(loop().remove_reader(ends.near()));
    });
}

TEST_F(descriptor_callbacks, belong_to_the_loop_s_thread_while_it_is_open) {
    brio::runner r;
    r.run([&] {
        brio::event_loop& ours = loop();
        lines seen;
        const auto note = [&](auto&& call) { seen.push_back(text_of<brio::usage_error>(call)); };
        std::thread([&] {
            note([&] {
                ours.add_reader(ends.near(), [] {});
                return 0;
            });
            note([&] {
                ours.add_writer(ends.near(), [] {});
                return 0;
            });
            note([&] { return ours.remove_reader(ends.near()); });
            note([&] { return ours.remove_writer(ends.near()); });
            note([&] {
                ours.add_signal_handler(10, [] {});
                return 0;
            });
            note([&] { return ours.remove_signal_handler(10); });
            note([&] { return ours.fd(); });
            note([&] {
                ours.run_once(0s);
                return 0;
            });
        }).join();
        EXPECT_THAT(seen, ElementsAre("add_reader: the loop belongs to another thread",
                                      "add_writer: the loop belongs to another thread",
                                      "remove_reader: the loop belongs to another thread",
                                      "remove_writer: the loop belongs to another thread",
                                      "add_signal_handler: the loop belongs to another thread",
                                      "remove_signal_handler: the loop belongs to another thread",
                                      "fd: the loop belongs to another thread",
                                      "run_once: the loop belongs to another thread"));
    });
    brio::event_loop& closed = r.get_loop();
    r.close();
    EXPECT_EQ(text_of<brio::usage_error>([&] {
                  closed.add_reader(ends.near(), [] {});
                  return 0;
              }),
              "add_reader: the loop is closed");
    EXPECT_FALSE(closed.remove_reader(ends.near()));
    EXPECT_FALSE(closed.remove_signal_handler(10));
}

}  // namespace
