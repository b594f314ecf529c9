#include "url.hpp"

#include <gmock/gmock.h>
#include <string>
#include <string_view>

namespace crawler {
namespace {

std::string parsed(std::string_view text) {
    const auto result = parse_url(text);
    return result ? result->text() : "none";
}
std::string resolved(std::string_view reference, std::string_view base = "http://h/a/b/c?q") {
    const auto result = resolve(parse_url(base).value(), reference);
    return result ? result->text() : "none";
}

TEST(Url, ParsesWholeAddresses) {
    EXPECT_EQ(parsed("http://h"), "http://h/");
    EXPECT_EQ(parsed("http://h?q"), "http://h/?q");
    EXPECT_EQ(parsed("https://h:8080/a/b?x=1&y=2#part"), "https://h:8080/a/b?x=1&y=2");
    EXPECT_EQ(parsed(" http://h/ \n"), "http://h/");
    EXPECT_EQ(parsed("http://[::1]:8080/a"), "http://[::1]:8080/a");
}

TEST(Url, RefusesEverythingElse) {
    for (const auto* text :
         {"", "h/a", "/a", "//h/a", "ftp://h/", "mailto:a@b", "javascript:f()", "http:", "http:/a",
          "http:a", "http://", "http:///a", "http://a b/", "http", "://h/", "1http://h/"})
        EXPECT_EQ(parsed(text), "none") << text;
}

TEST(Url, GivesAllSpellingsOfAnAddressOneForm) {
    EXPECT_EQ(parsed("HTTP://Example.ORG:80/Path"), "http://example.org/Path");
    EXPECT_EQ(parsed("https://h:443/"), "https://h/");
    EXPECT_EQ(parsed("https://h:80/"), "https://h:80/");
    EXPECT_EQ(parsed("http://User:Word@H/"), "http://User:Word@h/");
    EXPECT_EQ(parsed("http://h/%7euser/%41%2d"), "http://h/~user/A-");
    EXPECT_EQ(parsed("http://h/operator%3d.html"), "http://h/operator%3D.html");
    EXPECT_EQ(parsed("http://h/operator=.html"), "http://h/operator=.html");
    EXPECT_EQ(parsed("http://h/a b\"\xc3\xa9"), "http://h/a%20b%22%C3%A9");
    EXPECT_EQ(parsed("http://h/100%/%4/%zz"), "http://h/100%25/%254/%25zz");
    EXPECT_EQ(parsed("http://h/./a/../b/%2e%2e/c/."), "http://h/c/");
    EXPECT_EQ(parsed("http://h/../../a"), "http://h/a");
}

TEST(Url, ResolvesAsRfc3986Does) {
    // Section 5.4, for base http://a/b/c/d;p?q; what is not http stays away.
    const std::pair<const char*, const char*> examples[] = {{"g:h", "none"},
                                                            {"g", "http://a/b/c/g"},
                                                            {"./g", "http://a/b/c/g"},
                                                            {"g/", "http://a/b/c/g/"},
                                                            {"/g", "http://a/g"},
                                                            {"//g", "http://g/"},
                                                            {"?y", "http://a/b/c/d;p?y"},
                                                            {"g?y", "http://a/b/c/g?y"},
                                                            {"#s", "http://a/b/c/d;p?q"},
                                                            {"g#s", "http://a/b/c/g"},
                                                            {"g?y#s", "http://a/b/c/g?y"},
                                                            {";x", "http://a/b/c/;x"},
                                                            {"g;x", "http://a/b/c/g;x"},
                                                            {"", "http://a/b/c/d;p?q"},
                                                            {".", "http://a/b/c/"},
                                                            {"./", "http://a/b/c/"},
                                                            {"..", "http://a/b/"},
                                                            {"../", "http://a/b/"},
                                                            {"../g", "http://a/b/g"},
                                                            {"../..", "http://a/"},
                                                            {"../../", "http://a/"},
                                                            {"../../g", "http://a/g"},
                                                            {"../../../g", "http://a/g"},
                                                            {"/./g", "http://a/g"},
                                                            {"/../g", "http://a/g"},
                                                            {"g.", "http://a/b/c/g."},
                                                            {".g", "http://a/b/c/.g"},
                                                            {"g..", "http://a/b/c/g.."},
                                                            {"..g", "http://a/b/c/..g"},
                                                            {"./../g", "http://a/b/g"},
                                                            {"./g/.", "http://a/b/c/g/"},
                                                            {"g/./h", "http://a/b/c/g/h"},
                                                            {"g/../h", "http://a/b/c/h"},
                                                            {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
                                                            {"g;x=1/../y", "http://a/b/c/y"},
                                                            {"g?y/../x", "http://a/b/c/g?y/../x"},
                                                            {"g#s/../x", "http://a/b/c/g"},
                                                            {"http:g", "none"}};
    for (const auto& [reference, expected] : examples)
        EXPECT_EQ(resolved(reference, "http://a/b/c/d;p?q"), expected) << reference;
}

TEST(Url, KeepsTheSchemeOfThePageForAnotherHost) {
    EXPECT_EQ(resolved("//Other/x", "https://h/"), "https://other/x");
}

TEST(Url, TakesNoColonAfterASlashForAScheme) {
    EXPECT_EQ(resolved("d/e:f"), "http://h/a/b/d/e:f");
    EXPECT_EQ(resolved("./e:f"), "http://h/a/b/e:f");
    EXPECT_EQ(resolved("?e:f"), "http://h/a/b/c?e:f");
}

TEST(Url, KnowsTheForeignSchemesThatWgetLeavesInMirrors) {
    EXPECT_EQ(resolved("ftp%3A//www.example.org/pub/"), "none");
    EXPECT_EQ(resolved("std%3A%3Avector.html"), "http://h/a/b/std%3A%3Avector.html");
}

TEST(Url, ReplacesEscapes) {
    EXPECT_EQ(unescape("/a%20b%2Fc%3d%"), "/a b/c=%");
    EXPECT_EQ(unescape("%00").size(), 1u);
}

}  // namespace
}  // namespace crawler
