// Text up to the final 0, or all bytes?
// remedy: say std::string_view(b) or std::span(b)
#include <brio/bytes.hpp>

#include <string_view>

auto mistake(char (&line)[80]) {
#ifdef FIXED
    brio::bytes_view bytes = std::string_view(line);
#else
    brio::bytes_view bytes = line;  // error here
#endif
    return bytes.size();
}
