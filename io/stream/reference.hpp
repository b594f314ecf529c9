#pragma once
// A counted reference to a stream or a server, for what outlives the call that made it.

#include <brio/version.hpp>

#include <utility>

namespace brio::inline v0::detail {

template <class T>
class reference {
public:
    explicit reference(T& object) noexcept : object_(&object) { object.retain(); }
    reference(reference&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    reference& operator=(reference&&) = delete;
    ~reference() {
        if (object_ != nullptr) object_->release();
    }
    [[nodiscard]] T& operator*() const noexcept { return *object_; }
    [[nodiscard]] T* operator->() const noexcept { return object_; }

private:
    T* object_;
};

}  // namespace brio::inline v0::detail
