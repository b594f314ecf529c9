// Finds links the way a browser's tokenizer would, and no more: tags, attributes, comments, and the
// elements whose text is not markup. Broken HTML never fails; it has fewer links.

#include "links.hpp"

#include "character_set.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

using namespace std::string_view_literals;

namespace crawler {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr character_set space(" \t\r\n\f");
constexpr character_set space_or_slash(" \t\r\n\f/");
constexpr character_set end_of_element(" \t\r\n\f/>");
constexpr character_set end_of_name(" \t\r\n\f/>=");
constexpr character_set end_of_bare_value(" \t\r\n\f>");

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Tags and attributes have no case; `lower` is given in lower case.
bool is_called(std::string_view name, std::string_view lower) {
    return std::equal(name.begin(), name.end(), lower.begin(), lower.end(),
                      [](char a, char b) { return a == b || (is_letter(a) && (a | 0x20) == b); });
}

/// Takes `size` characters, or as many as there are, from the beginning of `rest`.
std::string_view take(std::string_view& rest, std::size_t size) {
    const std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(taken.size());
    return taken;
}

/// Drops everything up to and with `end`; everything when there is none.
void skip_past(std::string_view& rest, std::string_view end) {
    const std::size_t at = rest.find(end);
    rest.remove_prefix(at == npos ? rest.size() : at + end.size());
}

void skip_any(std::string_view& rest, const character_set& characters) {
    rest.remove_prefix(characters.first_not_in(rest));
}

struct attribute {
    std::string_view name;
    std::string_view value;
};

/// The next attribute of a start tag; none at its end, which is taken too.
std::optional<attribute> next_attribute(std::string_view& rest) {
    skip_any(rest, space_or_slash);
    if (rest.empty()) return std::nullopt;
    if (rest.front() == '>') {
        rest.remove_prefix(1);
        return std::nullopt;
    }
    attribute found;
    // One character is a name at least, even "=".
    found.name = take(rest, 1 + end_of_name.first_in(rest.substr(1)));
    skip_any(rest, space);
    if (!rest.starts_with('=')) return found;
    rest.remove_prefix(1);
    skip_any(rest, space);
    if (rest.starts_with('"') || rest.starts_with('\'')) {
        const char quote = take(rest, 1).front();
        found.value = take(rest, rest.find(quote));
        take(rest, 1);
    } else {
        found.value = take(rest, end_of_bare_value.first_in(rest));
    }
    return found;
}

/// The attribute of an element that holds an address of interest; empty when none does.
std::string_view link_attribute(std::string_view element) {
    for (const std::string_view name : {"a"sv, "area"sv, "base"sv})
        if (is_called(element, name)) return "href"sv;
    for (const std::string_view name : {"iframe"sv, "frame"sv})
        if (is_called(element, name)) return "src"sv;
    return {};
}

/// After the start tag of an element whose text is not markup: drops that text.
void skip_raw_text(std::string_view& rest, std::string_view element) {
    for (const std::string_view name : {"script"sv, "style"sv, "textarea"sv, "title"sv}) {
        if (!is_called(element, name)) continue;
        do {
            skip_past(rest, "</");
        } while (!rest.empty() && !is_called(rest.substr(0, name.size()), name));
    }
}

void append_utf8(std::string& to, std::uint32_t code_point) {
    const auto tail = [&](unsigned shift) {
        to += static_cast<char>(0x80 | ((code_point >> shift) & 0x3f));
    };
    if (code_point < 0x80) {
        to += static_cast<char>(code_point);
    } else if (code_point < 0x800) {
        to += static_cast<char>(0xc0 | (code_point >> 6));
        tail(0);
    } else if (code_point < 0x10000) {
        to += static_cast<char>(0xe0 | (code_point >> 12));
        tail(6), tail(0);
    } else {
        to += static_cast<char>(0xf0 | (code_point >> 18));
        tail(12), tail(6), tail(0);
    }
}

/// What a character reference stands for, between "&" and ";"; none for those that no address needs.
std::optional<std::uint32_t> character(std::string_view reference) {
    constexpr struct {
        std::string_view name;
        char meaning;
    } named[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (const auto& [name, meaning] : named)
        if (reference == name) return meaning;

    if (!reference.starts_with('#')) return std::nullopt;
    reference.remove_prefix(1);
    const bool hex = reference.starts_with('x') || reference.starts_with('X');
    if (hex) reference.remove_prefix(1);
    std::uint32_t number = 0;
    const char* const end = reference.data() + reference.size();
    const auto [stop, error] = std::from_chars(reference.data(), end, number, hex ? 16 : 10);
    if (error != std::errc() || stop != end || number > 0x10ffff) return std::nullopt;
    return number;
}

std::string with_characters(std::string_view value) {
    std::string result;
    while (!value.empty()) {
        result += take(value, value.find('&'));
        const std::size_t end = value.find(';');
        const auto meant = end == npos ? std::nullopt : character(value.substr(1, end - 1));
        if (meant) {
            append_utf8(result, *meant);
            value.remove_prefix(end + 1);
        } else if (!value.empty()) {
            result += take(value, 1);
        }
    }
    return result;
}

}  // namespace

std::vector<url> links(std::string_view html, const url& page) {
    std::vector<url> found;
    url base = page;
    bool base_may_change = true;
    for (skip_past(html, "<"); !html.empty(); skip_past(html, "<")) {
        if (html.starts_with("!--")) {
            skip_past(html, "-->");
            continue;
        }
        if (!is_letter(html.front())) continue;
        const std::string_view element = take(html, end_of_element.first_in(html));
        const std::string_view wanted = link_attribute(element);
        std::optional<std::string_view> value;
        while (const auto attribute = next_attribute(html))
            if (!value && !wanted.empty() && is_called(attribute->name, wanted))
                value = attribute->value;
        skip_raw_text(html, element);
        if (!value) continue;

        auto leads_to = resolve(base, with_characters(*value));
        if (!is_called(element, "base")) {
            if (leads_to) found.push_back(*std::move(leads_to));
        } else if (base_may_change && leads_to) {
            base = *std::move(leads_to);
            base_may_change = false;
        }
    }
    return found;
}

}  // namespace crawler
