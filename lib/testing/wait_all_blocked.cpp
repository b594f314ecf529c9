#include "scheduler/park.hpp"

#include <brio/testing.hpp>

#include <string>

namespace brio::inline v0::testing {
namespace {

using namespace detail;

class all_blocked final : public private_wait {
public:
    explicit all_blocked(fiber& self) noexcept : private_wait(self), notice_(*this) {
        self.owner.when_idle().push_back(notice_);
    }
    [[nodiscard]] std::string describe() const override { return "wait_all_blocked"; }

private:
    struct notice final : ready_node {
        explicit notice(all_blocked& w) noexcept
            : ready_node(kind::bookkeeping, &run_it), wait(w) {}
        static void run_it(ready_node& node, fate) { static_cast<notice&>(node).wait.finish(); }
        all_blocked& wait;
    };
    void withdraw() noexcept override { waiter().owner.when_idle().remove(notice_); }
    notice notice_;
};

}  // namespace

void wait_all_blocked() {
    all_blocked(require_fiber("wait_all_blocked")).wait();
}

}  // namespace brio::inline v0::testing
