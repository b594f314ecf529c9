#pragma once
// As much of GoogleTest's interface as switch_test.cpp needs, for building that test alone: under
// link-time optimisation and for another architecture, where GoogleTest's library is not at hand.
// Put this folder first on the include path.

#include <cstdio>
#include <vector>

namespace alone {

struct test {
    const char* suite;
    const char* name;
    void (*run)();
};

inline std::vector<test>& tests() {
    static std::vector<test> all;
    return all;
}

inline int failures = 0;

inline void expect(bool holds, const char* text, const char* file, int line) {
    if (holds) return;
    ++failures;
    std::printf("%s:%d: failed: %s\n", file, line, text);
}

}  // namespace alone

#define TEST(suite, name)                                                  \
    static void suite##_##name();                                          \
    static const bool suite##_##name##_added =                             \
        (alone::tests().push_back({#suite, #name, suite##_##name}), true); \
    static void suite##_##name()
#define EXPECT_TRUE(a) alone::expect((a), #a, __FILE__, __LINE__)
#define EXPECT_FALSE(a) alone::expect(!(a), "not " #a, __FILE__, __LINE__)
#define EXPECT_EQ(a, b) alone::expect((a) == (b), #a " == " #b, __FILE__, __LINE__)
#define EXPECT_NE(a, b) alone::expect((a) != (b), #a " != " #b, __FILE__, __LINE__)
#define EXPECT_LT(a, b) alone::expect((a) < (b), #a " < " #b, __FILE__, __LINE__)
#define EXPECT_STREQ(a, b) \
    alone::expect(std::string_view(a) == (b), #a " is " #b, __FILE__, __LINE__)

int main() {
    for (const alone::test& t : alone::tests()) {
        std::printf("%s.%s\n", t.suite, t.name);
        t.run();
    }
    std::printf("%zu tests, %d failures\n", alone::tests().size(), alone::failures);
    return alone::failures == 0 ? 0 : 1;
}
