#include "thread/end_notice.hpp"

#include <utility>

namespace brio::inline v0 {
namespace detail {

end_notice* end_notice::order(concurrent_core& core, scheduler& loop, hearer heard, void* who,
                              prospect p) {
    auto* const notice = new end_notice(core, loop, heard, who, p);
    if (core.listen(*notice)) {
        if (p == prospect::certain) loop.expect_post();
        return notice;
    }
    delete notice;
    return nullptr;
}

end_notice::end_notice(concurrent_core& core, scheduler& loop, hearer heard, void* who,
                       prospect p) noexcept
    : ready_node(kind::callback, &arrive),
      core_(core),
      loop_(loop),
      box_(loop.box()),
      heard_(heard),
      who_(who),
      prospect_(p) {
    box_.retain();
}

end_notice::~end_notice() {
    box_.release();
}

/// Null the second time.
void* end_notice::take_who() noexcept {
    void* const who = std::exchange(who_, nullptr);
    if (who != nullptr && prospect_ == prospect::certain) loop_.expected_post_came();
    return who;
}

void end_notice::release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

/// Once it is posted the loop may have deleted it, and have gone.
void end_notice::ended() noexcept {
    mailbox& box = box_;
    box.retain();
    if (!box.post(*this)) release();
    box.release();
}

void end_notice::arrive(ready_node& node, fate what) {
    auto& self = static_cast<end_notice&>(node);
    if (void* const who = self.take_who(); who != nullptr && what == fate::run) self.heard_(who);
    self.release();
}

void end_notice::dismiss() noexcept {
    if (take_who() != nullptr && core_.ignore(*this)) release();
    release();
}

}  // namespace detail
}  // namespace brio::inline v0
