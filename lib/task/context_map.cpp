#include "task/context_map.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace brio::inline v0::detail {
namespace {

constexpr context_key first_local_key = context_key{1} << 63U;

bool is_local(context_key key) noexcept {
    return key >= first_local_key;
}
std::vector<context_map::entry> retained(std::span<const context_map::entry> entries) {
    std::vector<context_map::entry> copy(entries.begin(), entries.end());
    for (const context_map::entry& e : copy) e.value->retain();
    return copy;
}

}  // namespace

context_key new_context_key() noexcept {
    static std::atomic<context_key> last{0};
    return ++last;
}

context_key new_local_key() noexcept {
    static std::atomic<context_key> last{first_local_key};
    return ++last;
}

context_map::~context_map() {
    for (const entry& e : entries_) e.value->release();
}

std::size_t context_map::place_of(context_key key) const noexcept {
    const auto below = [](const entry& e, context_key k) { return e.key < k; };
    return static_cast<std::size_t>(std::lower_bound(entries_.begin(), entries_.end(), key, below) -
                                    entries_.begin());
}

context_value* context_map::find(context_key key) const noexcept {
    const std::size_t place = place_of(key);
    return place < entries_.size() && entries_[place].key == key ? entries_[place].value : nullptr;
}

bool context_map::has_locals() const noexcept {
    return is_local(entries_.back().key);
}

context_map* context_map::with(std::vector<entry> entries) {
    return entries.empty() ? nullptr : new context_map(std::move(entries));
}

context_map* context_map::inherited(context_map* map) {
    if (map == nullptr) return nullptr;
    if (map->has_locals())
        return with(retained({map->entries_.data(), map->place_of(first_local_key)}));
    map->retain();
    return map;
}

context_value* context_map::exchange(context_map*& slot, context_key key, context_value* value) {
    context_map* const map = slot;
    const std::size_t place = map != nullptr ? map->place_of(key) : 0;
    const bool found = map != nullptr && map->find(key) != nullptr;
    if (found && value != nullptr && map->references_.load(std::memory_order_acquire) == 1)
        return std::exchange(map->entries_[place].value, value);
    if (!found && value == nullptr) return nullptr;

    std::vector<entry> changed = map != nullptr ? retained(map->entries_) : std::vector<entry>();
    const auto at = changed.begin() + static_cast<std::ptrdiff_t>(place);
    context_value* const before = found ? at->value : nullptr;
    if (value == nullptr)
        changed.erase(at);
    else if (found)
        at->value = value;
    else
        changed.insert(at, {key, value});
    slot = with(std::move(changed));
    if (map != nullptr) map->release();
    return before;
}

}  // namespace brio::inline v0::detail
