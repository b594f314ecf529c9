#pragma once
// The links of a page.

#include "url.hpp"

#include <string_view>
#include <vector>

namespace crawler {

/// Where the hyperlinks of a page lead to, in the page's order, repetitions included: <a href>,
/// <area href>, <iframe src>, <frame src>. Images, scripts and style sheets are not links. `page` is
/// where the text came from; a <base href> in it counts.
[[nodiscard]] std::vector<url> links(std::string_view html, const url& page);

}  // namespace crawler
