// Borrowed frames: what Python's collector hides.

#include "task/story.hpp"

namespace {

using namespace story;

#if defined(BRIO_ADDRESS_SANITIZER)
/// The mistake that gather.hpp warns of: the child borrows from a frame that the first error of its
/// sibling unwinds.
void borrow_in_a_plain_gather() {
    run([] {
        try {
            std::vector<int> results(100);
            brio::gather(
                [&results] {
                    brio::sleep(1s);
                    results[7] = 1;
                },
                [] { throw std::runtime_error("first"); })
                .await();
        } catch (const std::runtime_error&) {
        }
        brio::sleep(2s);
    });
}

TEST(borrowed_frame, of_a_plain_gather_is_reported_by_the_address_sanitizer) {
    EXPECT_DEATH(borrow_in_a_plain_gather(), "AddressSanitizer: (stack|heap)-use-after");
}
#endif

TEST(borrowed_frame, of_a_gather_of_outcomes_outlives_the_children) {
    run([] {
        int written = 0;
        {
            std::vector<int> results(100);
            const auto all = brio::gather(
                                 brio::return_exceptions,
                                 [&results] {
                                     brio::sleep(1s);
                                     results[7] = 1;
                                 },
                                 [] { throw std::runtime_error("first"); })
                                 .await();
            written = results[7];
        }
        EXPECT_EQ(written, 1);
    });
}

TEST(borrowed_frame, of_a_task_group_outlives_the_children) {
    run([] {
        EXPECT_THROW(
            {
                std::vector<int> results(100);
                brio::task_group([&](auto& group) {
                    group.create_task([&results] {
                        try {
                            brio::sleep(1h);
                        } catch (const brio::cancelled_error&) {
                            brio::sleep(1s);
                            results[7] = 1;
                            throw;
                        }
                    });
                    group.create_task([] { throw std::runtime_error("first"); });
                });
            },
            brio::exception_group);
    });
}

}  // namespace
