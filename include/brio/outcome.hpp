#pragma once
// outcome<T>: a value, or the exception that came instead. What gather(return_exceptions, ...) gives.

#include <brio/error.hpp>
#include <brio/fwd.hpp>

#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace brio::inline v0 {

namespace detail {
/// The exception as an E, as a `catch (const E&)` would see it; null when it is none. Lives as long
/// as the exception.
template <class E>
const E* exception_as(const std::exception_ptr& error) noexcept {
    if (error == nullptr) return nullptr;
    try {
        std::rethrow_exception(error);
    } catch (const E& e) {
        return &e;
    } catch (...) {
        return nullptr;
    }
}
}  // namespace detail

/// std::expected<T, std::exception_ptr>'s interface, except that value() rethrows the exception
/// itself. T may be void or a reference.
template <class T>
class [[nodiscard]] outcome {
    using kept = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>;

public:
    outcome(std::in_place_t, T value) : state_(std::in_place_index<0>, keep(value)) {}
    explicit outcome(std::exception_ptr error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    /// The value; rethrows the exception when there is none.
    const std::remove_reference_t<T>& value() const& {
        require();
        return **this;
    }
    T value() && {
        require();
        if constexpr (std::is_reference_v<T>)
            return *std::get<0>(state_);
        else
            return std::get<0>(std::move(state_));
    }
    /// Precondition: has_value().
    const std::remove_reference_t<T>& operator*() const& noexcept {
        if constexpr (std::is_reference_v<T>)
            return **std::get_if<0>(&state_);
        else
            return *std::get_if<0>(&state_);
    }
    std::remove_reference_t<T>& operator*() & noexcept {
        return const_cast<std::remove_reference_t<T>&>(*std::as_const(*this));
    }
    const std::remove_reference_t<T>* operator->() const noexcept { return &**this; }
    template <class U>
    T value_or(U&& other) const& {
        return has_value() ? **this : static_cast<T>(std::forward<U>(other));
    }
    /// Null when has_value().
    [[nodiscard]] std::exception_ptr error() const noexcept {
        return has_value() ? nullptr : *std::get_if<1>(&state_);
    }
    /// The error, where `catch (const E&)` would catch it; else null. Lives as long as this.
    template <class E>
    [[nodiscard]] const E* error_as() const noexcept {
        return detail::exception_as<E>(error());
    }

private:
    static decltype(auto) keep(T& value) {
        if constexpr (std::is_reference_v<T>)
            return &value;
        else
            return std::move(value);
    }
    void require() const {
        if (!has_value()) std::rethrow_exception(*std::get_if<1>(&state_));
    }
    std::variant<kept, std::exception_ptr> state_;
};

template <>
class [[nodiscard]] outcome<void> {
public:
    outcome() noexcept = default;
    explicit outcome(std::exception_ptr error) noexcept : error_(std::move(error)) {}

    [[nodiscard]] bool has_value() const noexcept { return error_ == nullptr; }
    explicit operator bool() const noexcept { return has_value(); }
    void value() const {
        if (error_ != nullptr) std::rethrow_exception(error_);
    }
    [[nodiscard]] std::exception_ptr error() const noexcept { return error_; }
    template <class E>
    [[nodiscard]] const E* error_as() const noexcept {
        return detail::exception_as<E>(error_);
    }

private:
    std::exception_ptr error_;
};

}  // namespace brio::inline v0
