#pragma once
// Which file a program's name stands for, as Python finds it: by the PATH that the child will have,
// from the directory in which it will run. (posix_spawnp would take ours.)

#include <string>
#include <string_view>

namespace brio::inline v0::detail {

/// A name with a slash is a path already. Else the first file in `path`'s directories that may be
/// executed; relative ones begin at `directory`, which may be AT_FDCWD. When there is none, throws
/// std::system_error: EACCES when one was found that may not be executed, else ENOENT.
[[nodiscard]] std::string find_program(const std::string& name, std::string_view path,
                                       int directory);

}  // namespace brio::inline v0::detail
