#include "thread/end_notice.hpp"

#include <utility>

namespace brio::inline v0 {
namespace detail {

end_notice* end_notice::expect(concurrent_core& core, scheduler& loop, hearer heard, void* who) {
    auto* const notice = new end_notice(core, loop, heard, who);
    if (core.listen(*notice)) {
        loop.expect_post();
        return notice;
    }
    delete notice;
    return nullptr;
}

end_notice::end_notice(concurrent_core& core, scheduler& loop, hearer heard, void* who) noexcept
    : ready_node(kind::callback, &arrive),
      core_(core),
      loop_(loop),
      box_(loop.box()),
      heard_(heard),
      who_(who) {
    box_.retain();
}

end_notice::~end_notice() {
    box_.release();
}

void end_notice::release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void end_notice::ended() noexcept {
    if (!box_.post(*this)) release();
}

void end_notice::arrive(ready_node& node, fate what) {
    auto& self = static_cast<end_notice&>(node);
    if (void* const who = std::exchange(self.who_, nullptr); who != nullptr) {
        self.loop_.expected_post_came();
        if (what == fate::run) self.heard_(who);
    }
    self.release();
}

void end_notice::dismiss() noexcept {
    if (std::exchange(who_, nullptr) != nullptr) {
        loop_.expected_post_came();
        if (core_.ignore(*this)) release();
    }
    release();
}

}  // namespace detail
}  // namespace brio::inline v0
