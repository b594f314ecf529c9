#include "url.hpp"

#include "character_set.hpp"

#include <algorithm>
#include <cstddef>

namespace crawler {
namespace {

constexpr std::string_view space = " \t\r\n\f";
// RFC 3986, 2.2 and 2.3, and 3.1.
constexpr auto unreserved = character_set::alphanumerics_and("-._~");
constexpr character_set reserved(":/?[]@!$&'()*+,;=");
constexpr auto scheme_characters = character_set::alphanumerics_and("+-.");

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
    return result;
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// The byte that an escape at the beginning of `text` stands for; -1 when there is none.
int escaped_byte(std::string_view text) {
    if (text.size() < 3 || text[0] != '%') return -1;
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void append_escape(std::string& to, unsigned char byte) {
    constexpr char digits[] = "0123456789ABCDEF";
    to += '%';
    to += digits[byte / 16];
    to += digits[byte % 16];
}

/// The one spelling of the escapes in a path or query.
std::string normalised(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int byte = escaped_byte(text.substr(i));
        const char c = byte < 0 ? text[i] : static_cast<char>(byte);
        if (unreserved.has(c) || (byte < 0 && reserved.has(c)))
            result += c;
        else
            append_escape(result, static_cast<unsigned char>(c));
        if (byte >= 0) i += 2;
    }
    return result;
}

/// RFC 3986, 5.2.4. The path begins with a slash.
std::string without_dot_segments(std::string_view path) {
    std::string result;
    result.reserve(path.size());
    while (!path.empty()) {
        const std::string_view segment = path.substr(0, path.find('/', 1));
        path.remove_prefix(segment.size());
        const bool up = segment == "/..";
        if (up) result.erase(std::min(result.rfind('/'), result.size()));
        if (!up && segment != "/.")
            result += segment;
        else if (path.empty())
            result += '/';
    }
    return result;
}

/// From a path, which begins with a slash, and a query, which is empty or begins with "?".
std::string target(std::string_view path, std::string_view query) {
    return without_dot_segments(normalised(path)) + normalised(query);
}

/// The length of what stands before the colon of a scheme; 0 when `text` has none.
std::size_t scheme_length(std::string_view text) {
    const std::size_t length = scheme_characters.first_not_in(text);
    if (length == 0 || !is_letter(text.front())) return 0;
    // wget leaves "ftp%3A//host/" in the mirrors it makes for what it has not followed.
    const std::string_view rest = text.substr(length);
    return rest.starts_with(':') || rest.starts_with("%3A//") ? length : 0;
}

/// "//user@Host:80/path?query" of a scheme in lower case.
std::optional<url> with_authority(const std::string& scheme, std::string_view rest) {
    if (scheme != "http" && scheme != "https") return std::nullopt;
    if (!rest.starts_with("//")) return std::nullopt;
    rest.remove_prefix(2);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    rest.remove_prefix(authority.size());

    const std::size_t host = authority.rfind('@') + 1;  // npos + 1 is 0
    std::string place = std::string(authority.substr(0, host)) + lower(authority.substr(host));
    const std::string_view default_port = scheme == "http" ? ":80" : ":443";
    if (place.ends_with(default_port)) place.erase(place.size() - default_port.size());
    if (place.size() == host || place.find_first_of(space) != std::string::npos)
        return std::nullopt;

    const std::string_view path = rest.substr(0, rest.find('?'));
    rest.remove_prefix(path.size());
    return url{scheme + "://" + place, target(path.empty() ? "/" : path, rest)};
}

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
    text.remove_suffix(text.size() - (text.find_last_not_of(space) + 1));
    return text;
}

std::string_view without_fragment(std::string_view text) {
    return text.substr(0, text.find('#'));
}

}  // namespace

std::optional<url> parse_url(std::string_view text) {
    text = without_fragment(trimmed(text));
    const std::size_t scheme = scheme_length(text);
    if (scheme == 0) return std::nullopt;
    return with_authority(lower(text.substr(0, scheme)), text.substr(scheme + 1));
}

std::optional<url> resolve(const url& base, std::string_view reference) {
    reference = without_fragment(trimmed(reference));
    if (reference.empty()) return base;
    if (scheme_length(reference) != 0) return parse_url(reference);
    if (reference.starts_with("//"))
        return with_authority(base.origin.substr(0, base.origin.find(':')), reference);

    const std::string_view path = reference.substr(0, reference.find('?'));
    const std::string_view query = reference.substr(path.size());
    if (path.starts_with('/')) return url{base.origin, target(path, query)};
    std::string merged = base.target.substr(0, base.target.find('?'));
    if (!path.empty()) merged.erase(merged.rfind('/') + 1).append(path);
    return url{base.origin, target(merged, query)};
}

std::string unescape(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int byte = escaped_byte(text.substr(i));
        result += byte < 0 ? text[i] : static_cast<char>(byte);
        if (byte >= 0) i += 2;
    }
    return result;
}

}  // namespace crawler
