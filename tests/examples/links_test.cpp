#include "links.hpp"

#include <gmock/gmock.h>
#include <string>
#include <string_view>
#include <vector>

namespace crawler {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> found(std::string_view html) {
    std::vector<std::string> result;
    for (const url& leads_to : links(html, parse_url("http://h/d/page.html").value()))
        result.push_back(leads_to.text());
    return result;
}

TEST(Links, AreFoundInOrderWithRepetitions) {
    EXPECT_THAT(found("<p><a href=\"b\">B</a> <a href=\"a\">A</a> <a href=\"b\">B</a>"),
                ElementsAre("http://h/d/b", "http://h/d/a", "http://h/d/b"));
}

TEST(Links, MayBeWrittenInAnyWayThatBrowsersRead) {
    for (const auto* html :
         {"<a href=\"x\">", "<a href='x'>", "<a href=x>", "<A HREF=x>", "<a\nhref\n=\n\"x\"\n>",
          "<a class=c href=x rel=r>", "<a class=\"a > b\" href=x>", "<a disabled href=x>",
          "<a href=x/>y", "<a/href=x>", "<a href=\" x \">", "<a href=x", "<a href=\"x",
          "<a href=x href=y>", "<a data-href=y href=x>", "<a =href href=x>", "1 < 2 <a href=x>",
          "<<a href=x>"})
        EXPECT_EQ(found(html).size(), 1u) << html;
    EXPECT_THAT(found("<a href=x/>"), ElementsAre("http://h/d/x/"));
    EXPECT_THAT(found("<a href=x href=y>"), ElementsAre("http://h/d/x"));
}

TEST(Links, AreAnchorsAreasAndFrames) {
    EXPECT_THAT(found("<area href=a><iframe src=b></iframe><frame src=c>"),
                ElementsAre("http://h/d/a", "http://h/d/b", "http://h/d/c"));
    EXPECT_THAT(found("<img src=a><link href=b><script src=c></script><abbr href=d><a name=e>"
                      "<a src=f></a href=g><!doctype href=h>"),
                IsEmpty());
}

TEST(Links, AreNotFoundInWhatIsNoMarkup) {
    EXPECT_THAT(found("<!-- <a href=a> > --><a href=x>"), ElementsAre("http://h/d/x"));
    EXPECT_THAT(found("<script>'<a href=a>'</script ><a href=x>"), ElementsAre("http://h/d/x"));
    EXPECT_THAT(found("<STYLE><a href=a></p><a href=b></style><a href=x>"),
                ElementsAre("http://h/d/x"));
    EXPECT_THAT(found("<title><a href=a></title><textarea><a href=b></textarea><a href=x>"),
                ElementsAre("http://h/d/x"));
    EXPECT_THAT(found("<!-- never closed <a href=a>"), IsEmpty());
    EXPECT_THAT(found("<script>never closed <a href=a></scrip"), IsEmpty());
}

TEST(Links, HaveTheirCharacterReferencesReplaced) {
    EXPECT_THAT(found("<a href='?a=1&amp;b=2'>"), ElementsAre("http://h/d/page.html?a=1&b=2"));
    EXPECT_THAT(found("<a href='&#65;&#x42;&#X63;'>"), ElementsAre("http://h/d/ABc"));
    EXPECT_THAT(found("<a href='&quot;&#233;&#x20ac;&#x1F600;'>"),
                ElementsAre("http://h/d/%22%C3%A9%E2%82%AC%F0%9F%98%80"));
    EXPECT_THAT(found("<a href='?a&b&copy;&#xyz;&#1114112;&;&'>"),
                ElementsAre("http://h/d/page.html?a&b&copy;&"));
    EXPECT_THAT(found("<a href='?a&#'>"), ElementsAre("http://h/d/page.html?a&"));
}

TEST(Links, AreRelativeToTheFirstBase) {
    EXPECT_THAT(found("<a href=a><base href=/other/><base href=/no/><a href=b>"),
                ElementsAre("http://h/d/a", "http://h/other/b"));
    EXPECT_THAT(found("<base target=t><base href=mailto:x><a href=b>"),
                ElementsAre("http://h/d/b"));
}

TEST(Links, ThatLeadNowhereAreLeftOut) {
    EXPECT_THAT(found("<a href='mailto:a@b'><a href='javascript:f()'><a href='ftp%3A//x/y'>"),
                IsEmpty());
    EXPECT_THAT(found("<a href='#part'>"), ElementsAre("http://h/d/page.html"));
}

TEST(Links, OfBrokenPagesAreFoundAsFarAsTheyGo) {
    const std::string html =
        "<a href=\"x&amp;y\"><!--c--><script>s</script><base href='/b'><iframe src=z>";
    for (std::size_t size = 0; size <= html.size(); ++size) (void)found(html.substr(0, size));
    EXPECT_THAT(found("<"), IsEmpty());
    EXPECT_THAT(found(""), IsEmpty());
    EXPECT_THAT(found(std::string("<a \0href=x>", 11)), IsEmpty());
}

}  // namespace
}  // namespace crawler
