#pragma once
// Sets of characters: what string_view::find_first_of does, in one look-up a character.

#include <cstddef>
#include <string_view>

namespace crawler {

class character_set {
public:
    constexpr explicit character_set(std::string_view members) {
        for (const char c : members) add(c);
    }
    /// Likewise, and the ASCII letters and digits.
    [[nodiscard]] static constexpr character_set alphanumerics_and(std::string_view members) {
        character_set result(members);
        for (char c = 'a'; c <= 'z'; ++c) result.add(c);
        for (char c = 'A'; c <= 'Z'; ++c) result.add(c);
        for (char c = '0'; c <= '9'; ++c) result.add(c);
        return result;
    }

    [[nodiscard]] constexpr bool has(char c) const { return has_[static_cast<unsigned char>(c)]; }
    /// Where the first member in `text` is, or its end.
    [[nodiscard]] constexpr std::size_t first_in(std::string_view text) const {
        std::size_t at = 0;
        while (at < text.size() && !has(text[at])) ++at;
        return at;
    }
    /// Where the first other character in `text` is, or its end.
    [[nodiscard]] constexpr std::size_t first_not_in(std::string_view text) const {
        std::size_t at = 0;
        while (at < text.size() && has(text[at])) ++at;
        return at;
    }

private:
    constexpr void add(char c) { has_[static_cast<unsigned char>(c)] = true; }
    bool has_[256] = {};
};

}  // namespace crawler
