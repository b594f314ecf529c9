#pragma once
// Views of bytes: what is sent, and what is received into. Made from what people have: text, spans,
// vectors, arrays.

#include <brio/version.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace brio::inline v0 {

template <class T>
concept byte_like =
    std::same_as<std::remove_cv_t<T>, std::byte> || std::same_as < std::remove_cv_t<T>,
char > || std::same_as<std::remove_cv_t<T>, unsigned char> ||
    std::same_as<std::remove_cv_t<T>, char8_t>;
template <class T>
concept writable_byte = byte_like<T> && !std::is_const_v<T>;
template <class R>
concept byte_range = requires(R& r) {
    r.data();
    r.size();
}
&&byte_like<std::remove_pointer_t<decltype(std::declval<R&>().data())>>;

/// What is sent: a string literal (without its final 0), strings, spans and vectors of bytes. Borrows:
/// the bytes must live until the call that takes the view returns.
class bytes_view {
public:
    constexpr bytes_view(const char* zero_terminated) noexcept
        : bytes_view(std::string_view(zero_terminated)) {}
    template <byte_range R>
    constexpr bytes_view(const R& r) noexcept : data_(r.data()), size_(r.size()) {}
    template <writable_byte T, std::size_t N>
    bytes_view(T (&)[N]) = delete;  // text or N bytes? say std::string_view(b) or std::span(b)
    [[nodiscard]] constexpr const void* data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }  // bytes

private:
    const void* data_;
    std::size_t size_;
};

/// What is received into: arrays, vectors, strings, spans of bytes. The kernel may write to it until
/// the call that takes the view returns, also when that call is cancelled.
class bytes_out {
public:
    template <writable_byte T, std::size_t N>
    constexpr bytes_out(T (&a)[N]) noexcept : data_(a), size_(N) {}
    template <byte_range R>
    requires(!std::is_const_v<std::remove_pointer_t<
                 decltype(std::declval<R&>().data())>>) constexpr bytes_out(R&& r) noexcept
        : data_(r.data()), size_(r.size()) {}
    [[nodiscard]] constexpr void* data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }  // bytes

private:
    void* data_;
    std::size_t size_;
};

}  // namespace brio
